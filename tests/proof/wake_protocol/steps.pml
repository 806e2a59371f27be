/* The steps of the wake protocol, named after the functions of the headers that make them. Behind #ifdef: the same
 * step, wrong, for the controls in controls.toml. */

/* ---- ThreadSafeFlag --------------------------------------------------------------------------------------------- */

/* set(): the exchange. From here on a resumption is owed; what was written before set() is visible to all. */
inline flag_exchange() {
#ifdef SET_BY_LOAD_AND_STORE
    old = flag[f];
    d_step { flag[f] = SET; unseen[f] = true }
#else
#ifdef SET_LOOKS_FIRST
    /* A plain load lets the store of the data before it wait in the store buffer: so what is to be seen is there only
     * after the look. */
    if
    :: flag[f] == SET -> old = SET; unseen[f] = true
    :: else -> d_step { old = flag[f]; flag[f] = SET; unseen[f] = true }
    fi
#else
    d_step { old = flag[f]; flag[f] = SET; unseen[f] = true }
#endif
#endif
}

/* consume(), in a wait that returns: what was set before has been seen. That the flag is not set is no error. */
inline flag_consume() {
#ifdef CONSUME_BY_STORE
    /* The store of `clear` waits in the store buffer while the task reads its data already. */
    if
    :: atomic { flag[f] == SET -> unseen[f] = false }; flag[f] = CLEAR
    :: atomic { flag[f] != SET -> unseen[f] = false }
    fi
#else
    d_step { unseen[f] = false; if :: flag[f] == SET -> flag[f] = CLEAR :: else fi }
#endif
}

/* clear(), by a foreign context: what was set need not be seen then. */
inline flag_clear() {
    d_step {
        if
        :: flag[f] == SET -> flag[f] = CLEAR; unseen[f] = false
        :: else
        fi;
        f = 0
    }
}

/* await_suspend(): from clear to the waiter; `parked` says whether it was clear. */
inline flag_park() {
#ifdef PARK_BY_STORE
    if
    :: flag[f] == CLEAR -> d_step { flag[f] = WAITER; parked[f] = true }
    :: flag[f] != CLEAR
    fi
#else
    d_step { if :: flag[f] == CLEAR -> flag[f] = WAITER; parked[f] = true :: else fi }
#endif
}

/* retract(): takes the waiter of a parked task back; it stays parked if a setter has it. */
inline flag_retract() {
#ifdef RETRACT_BY_STORE
    if
    :: flag[f] == WAITER -> d_step { flag[f] = CLEAR; parked[f] = false }
    :: flag[f] != WAITER
    fi
#else
    d_step {
        if
        :: flag[f] == WAITER -> flag[f] = CLEAR; parked[f] = false
        :: else ->
#ifdef RETRACT_NEVER_FAILS
            parked[f] = false
#endif
        fi
    }
#endif
}

/* ---- Inbox ------------------------------------------------------------------------------------------------------ */

/* send(): `before` is what the sender has seen last. A weak compare-exchange that fails for no reason leads back to
 * where it began, so it has no step of its own. */
inline inbox_send() {
#ifdef WAKE_BEFORE_PUSH
    if
    :: word == ASLEEP -> port_wake()
    :: else
    fi;
#endif
    MERGED {
        d_step { assert(frame[f] && !ended); before = word };
        inbox_link()
    };
    do
    :: MERGED {
           d_step {
               assert(frame[f] && !ended);
               if
               :: word == before ->
                   word = ITEM + f;
                   assert(!sent[f]);
                   sent[f] = true;
                   order!f;
                   old = CLEAR
               :: else -> before = word
               fi
           };
           if
           :: old == CLEAR -> f = 0; break
           :: old == WAITER
#ifndef LINKED_ONCE
               ; inbox_link()
#endif
           fi
       }
    od;
#ifdef ASLEEP_IN_A_WORD_OF_ITS_OWN
    old = CLEAR;
    d_step { before = (asleep_word -> ASLEEP : EMPTY); asleep_word = false };
#endif
    if
#ifndef WAKE_BEFORE_PUSH
    :: before == ASLEEP -> port_wake()
#endif
    :: else
    fi;
    before = 0
}

inline inbox_link() {
    d_step { assert(frame[f]); next[f] = (before == ASLEEP -> NONE : before) }
}

inline inbox_fall_asleep() {
#ifdef ASLEEP_BY_STORE
    asleep = (word == EMPTY);
    if
    :: asleep -> word = ASLEEP
    :: else
    fi
#else
#ifdef ASLEEP_IN_A_WORD_OF_ITS_OWN
    /* The same as storing it first and looking at the mailbox again without a fence: the store waits in the buffer. */
    asleep = (word == EMPTY);
    if
    :: asleep -> asleep_word = true
    :: else
    fi
#else
    d_step { asleep = (word == EMPTY); if :: asleep -> word = ASLEEP :: else fi }
#endif
#endif
#ifdef WAKES_DRAINED_BEFORE_SLEEP
    d_step { owed = owed - wakes; wakes = 0 }
#endif
}

/* take(): the exchange, and the items in the order of sending. What comes after the exchange is the loop's own affair,
 * so it is one step: nobody else touches an item that was sent and has not arrived. */
inline take_inbox() {
#ifdef TAKE_BY_LOAD_AND_STORE
    taken = word;
    word = EMPTY;
#endif
    d_step {
#ifndef TAKE_BY_LOAD_AND_STORE
        taken = word;
        word = EMPTY;
#endif
        if
#ifdef OWED_COUNTED_WHILE_AWAKE
        :: taken != ASLEEP -> owed++
#else
#ifdef ASLEEP_IN_A_WORD_OF_ITS_OWN
        :: asleep && !asleep_word -> owed++
#else
        :: taken != ASLEEP && asleep -> owed++
#endif
#endif
        :: else -> taken = (taken == ASLEEP -> NONE : taken)
        fi;
#ifdef ASLEEP_IN_A_WORD_OF_ITS_OWN
        asleep_word = false;
#endif
        asleep = false;
        older = NONE;
#ifdef NOT_BROUGHT_INTO_ORDER
        older = taken;
        taken = NONE;
#endif
        do
        :: taken != NONE ->
            item = taken - ITEM;
            taken = next[item];
            next[item] = older;
            older = item + ITEM
        :: else -> break
        od;
        do
        :: older != NONE ->
            item = older - ITEM;
            older = next[item];
            next[item] = NONE;
            assert(sent[item]);                  /* it arrives once */
            assert(frame[item] && parked[item]); /* the waiter still exists */
            assert(order?[eval(item)]);          /* in the order of sending */
            order?eval(item);
            sent[item] = false;
            parked[item] = false;
            ready[item] = true
        :: else -> break
        od;
        item = 0
    }
}

/* ---- EpollPort -------------------------------------------------------------------------------------------------- */

/* wake(): the write to the eventfd. */
inline port_wake() {
#ifdef WAKE_FORGOTTEN
    skip
#else
    d_step {
        assert(!ended && wakes < 255);
#ifdef WAKE_NOT_STICKY
        if :: in_wait -> wakes++ :: else fi
#else
        wakes++
#endif
    }
#endif
}

/* take_wakes(): the read of the eventfd, which gives the count and resets it. */
inline port_take_wakes() {
#ifdef WAKES_COUNTED_AS_ONE
    owed = owed - 1;
#else
    owed = owed - wakes;
#endif
    wakes = 0
}

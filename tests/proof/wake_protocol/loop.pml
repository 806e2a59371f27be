/* The loop and its tasks. What only the loop's thread touches is local to this process. */

/* Loop::interrupt of a parked task. */
inline interrupt() {
    flag_retract();
    if
    :: parked[f]
    :: else -> ready[f] = true
    fi
}

inline cancel_all() {
    f = 0;
    do
    :: MERGED {
           f < FLAGS ->
           if
           :: parked[f] -> interrupt()
           :: else
           fi;
           f++
       }
    :: else -> break
    od;
    f = 0
}

/* Port::wait_until. Whether it returns early is decided before it sleeps, so a lost wake cannot hope for that. */
inline sleep_in_port() {
    if
    :: !calm -> early = true
    :: true
    fi;
    if
    :: d_step { wakes > 0 -> port_take_wakes(); early = false }
    :: early -> early = false
    fi
}

/* The same in a turn of the loop, where main's timer may be due too. Behind poll() it is the host that sleeps, until
 * it sees that the descriptor is readable; the next poll() takes the wakes in. */
inline sleep_in_turn() {
    if
    :: !calm -> early = true
    :: true
    fi;
#ifdef WAKE_NOT_STICKY
    in_wait = true;
#endif
    if
#ifdef POLL
    :: wakes > 0 -> early = false
#else
    :: d_step { wakes > 0 -> port_take_wakes(); early = false }
#endif
    :: early -> early = false
    :: how != SERVED && !ending -> d_step { due = true; early = false }
    :: how == SERVED && !early && wakes == 0 && through == SETTERS ->
        assert(ALL_SEEN); /* nobody is left who could wake it */
        goto served
    fi
#ifdef WAKE_NOT_STICKY
    ; in_wait = false
#endif
}

/* Loop::wait_for_arrival, as ~Loop calls it. */
inline wait_for_arrival() {
    take_inbox();
    do
    :: parked[f] ->
        inbox_fall_asleep();
        if
        :: asleep -> sleep_in_port()
        :: else
        fi;
        take_inbox()
    :: else -> break
    od
}

active proctype Loop() {
    bool parked[FLAGS], ready[FLAGS], late[FLAGS];
    bool asleep; /* asleep_ */
    short owed;  /* wakes_owed_ */
    byte live = FLAGS;
    byte f, item, taken, older;
    bool early, due, stepped;

    atomic {
        /* The tasks are created but have not begun: at their first resumption nothing is consumed. */
        do
        :: f < FLAGS -> frame[f] = true; ready[f] = true; late[f] = true; f++
        :: else -> break
        od;
        f = 0;
        if
#ifndef ENDED_ONLY
        :: how = SERVED
#endif
#ifndef SERVED_ONLY
        :: how = CANCELLED
        :: how = DESTROYED
#endif
        fi
    }

turn:
#ifdef POLL
    if
    :: d_step { wakes > 0 -> port_take_wakes() }
    :: wakes == 0
    fi;
#endif
    if
    :: word != EMPTY -> take_inbox()
    :: word == EMPTY
    fi;

    /* Timers: that of main, at which the loop is to end, or the time limit of a wait. */
    if
    :: how == CANCELLED && !ending -> d_step { due = false; ending = true }; cancel_all()
    :: how == DESTROYED && !POLLED -> goto destroy
    :: MERGED {
           !due && !calm && !ending -> ANY_FLAG;
           if
           :: parked[f] -> interrupt(); late[f] = ready[f]
           :: else
           fi;
           f = 0
       }
    :: !due || (POLLED && how == DESTROYED)
    fi;

step: /* The tasks that are ready, in any order, and not always all of them. */
    MERGED {
        if
        :: ready[0] -> f = 0
#if FLAGS > 1
        :: ready[1] -> f = 1
        :: stepped && ANY_READY -> goto turn_over
#endif
#if FLAGS > 2
        :: ready[2] -> f = 2
#endif
        :: else -> goto turn_over
        fi;
        ready[f] = false;
        stepped = true;
        if
        :: ending ->
#ifdef CANCEL_CONSUMES
            if :: flag[f] == SET -> flag[f] = CLEAR :: else fi;
#endif
            assert(!unseen[f] || flag[f] == SET);
            frame[f] = false;
            live--;
            goto step
        :: !ending && late[f] -> late[f] = false
        :: !ending && !late[f] -> flag_consume()
        fi
    };
    /* The task waits again. */
    do
    :: flag[f] == SET -> flag_consume()
    :: flag[f] != SET ->
        MERGED {
            flag_park();
            if
            :: parked[f] -> break
            :: else
            fi
        };
        flag_consume()
    od;
    goto step;

turn_over:
    MERGED {
        stepped = false;
        f = 0;
        if
        :: live == 0 && !POLLED -> goto destroy
        :: live > 0 && ANY_READY ->
#ifndef POLL
            /* wait_until(at_once): it may take in the wakes. */
            if
            :: d_step { wakes > 0 -> port_take_wakes() }
            :: true
            fi;
#endif
            goto turn
        :: else
        fi
    };
    inbox_fall_asleep();
#ifdef POLL
    if
    :: how == DESTROYED || live == 0 -> goto destroy
    :: live > 0 && !due
    fi;
    if
    :: asleep -> sleep_in_turn()
    :: else
    fi;
#else
    if
    :: asleep -> sleep_in_turn(); take_inbox()
    :: else
    fi;
#endif
    goto turn;

destroy: /* ~Loop: cancels; destroys the frames that it has, then those that arrive, then those it must wait for. */
    ending = true;
    cancel_all();
    d_step {
        due = false;
        do
        :: f < FLAGS -> frame[f] = parked[f]; f++
        :: else -> break
        od;
        f = 0
    };
    take_inbox();
    do
    :: f < FLAGS ->
        if
        :: parked[f] -> wait_for_arrival()
        :: else
        fi;
        frame[f] = false;
        f++
    :: else -> break
    od;
    f = 0;
    take_inbox();
#ifndef WAKES_NOT_AWAITED
    do
    :: owed > 0 -> sleep_in_port()
    :: else -> break
    od;
#endif
    ended = true;
served:
    skip
}

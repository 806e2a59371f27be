/* The wake protocol of rouse: one loop, FLAGS flags with a task each that waits for it again and again, and SETTERS
 * foreign contexts that together make up to CALLS calls of set(), each on any flag. The inbox with its links, the word
 * of a flag, the count of wakes owed and the end of the loop are as in the headers; a step is one atomic access or one
 * system call. Memory is sequentially consistent; weaker memory is for the model checker that runs the headers.
 *
 * How a run ends is chosen at its start:
 *   SERVED     not at all. When all setters are through and the loop sleeps, everything set must have been seen.
 *   CANCELLED  main returns at some moment: the tasks are cancelled, run to their ends, and the loop is destroyed.
 *   DESTROYED  the loop is destroyed at some moment with the tasks in it.
 * At any time a wait may time out, and the port may return early; but no run can count on either.
 *
 * -DSERVED_ONLY, -DENDED_ONLY: only runs of that sort.
 * -DFINE: what only one process touches is a step of its own, too, and not merged with the step before it.
 * -DPOLL: a host with a loop of its own calls poll(), and sleeps itself.
 * -DCLEARED: foreign contexts also call clear().
 * -DCALM_COMES: at some time, nobody knows when, there are no more timeouts and early returns. */
#define SETTERS 3
#ifndef FLAGS
#define FLAGS 1
#endif
#ifndef CALLS
#define CALLS 6
#endif
#ifdef FINE
#define MERGED
#else
#define MERGED atomic
#endif
#ifdef POLL
#define POLLED true
#else
#define POLLED false
#endif

/* A flag's word. */
#define CLEAR 0
#define SET 1
#define WAITER 2

/* The inbox's word, and the links between its items: one item for each flag. */
#define EMPTY 0
#define NONE 0
#define ASLEEP 1
#define ITEM 2

mtype = { SERVED, CANCELLED, DESTROYED };
mtype how = SERVED;

byte flag[FLAGS];
byte word;
byte next[FLAGS];
byte wakes;   /* the eventfd's counter */
bool calm;    /* no timeouts and early returns any more */
byte calls = CALLS;
byte through; /* setters that will set no more */
bool ending;
bool ended; /* the loop and its port are gone */

/* What follows is there to state what is to be shown, and steers nothing. */
bool unseen[FLAGS]; /* set, and no wait has returned since */
bool sent[FLAGS];   /* the waiter is in the inbox */
bool frame[FLAGS];  /* the task's frame exists, and in it the waiter */
chan order = [FLAGS] of { byte };

#ifdef ASLEEP_IN_A_WORD_OF_ITS_OWN
bool asleep_word;
#endif
#ifdef WAKE_NOT_STICKY
bool in_wait;
#endif

#if FLAGS == 1
#define ANY_FLAG f = 0
#define ALL_SEEN !unseen[0]
#define ANY_READY ready[0]
#elif FLAGS == 2
#define ANY_FLAG if :: f = 0 :: f = 1 fi
#define ALL_SEEN (!unseen[0] && !unseen[1])
#define ANY_READY (ready[0] || ready[1])
#else
#define ANY_FLAG if :: f = 0 :: f = 1 :: f = 2 fi
#define ALL_SEEN (!unseen[0] && !unseen[1] && !unseen[2])
#define ANY_READY (ready[0] || ready[1] || ready[2])
#endif

#include "steps.pml"
#include "loop.pml"

/* One of those who call set(). The CALLS calls are shared out in any way, and there may be fewer. */
active [SETTERS] proctype Setter() {
    byte f, old;
    byte before; /* the inbox's word, as last seen */

between:
    if
    :: MERGED {
           d_step { calls > 0 -> calls-- };
           ANY_FLAG;
           flag_exchange();
           if
           :: old == WAITER
           :: old != WAITER -> d_step { f = 0; old = 0 }; goto between
           fi
       }
#ifdef CLEARED
    :: MERGED { d_step { calls > 0 -> calls-- }; ANY_FLAG; flag_clear() }; goto between
#endif
    :: d_step { calls > 0 -> calls = 0 }; goto between
    :: calls == 0 -> goto no_more
    fi;
    inbox_send();
    goto between;

no_more:
    through++
}

#ifdef CALM_COMES
active proctype Weather() { calm = true }
#endif

#ifdef SERVED_ONLY
/* Every set is followed by a return of the wait. */
ltl set_is_seen { [] (unseen[0] -> <> !unseen[0]) }
/* These are false, or the one above would say little. */
ltl nothing_is_set { [] !unseen[0] }
ltl never_asleep { [] (word != ASLEEP) }
ltl never_woken { [] (wakes == 0) }
#endif

#ifdef ENDED_ONLY
/* A loop that is to end does, whatever the setters are doing. */
ltl loop_ends { <> ended }
/* These are false. */
ltl loop_never_ends { [] !ended }
ltl setters_are_through { [] (ended -> through == SETTERS) }
#endif

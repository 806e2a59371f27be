#!/bin/bash
# The simulation must catch what it is there to catch: copies of the headers with one deliberate fault each. Says after
# how many programs each one is caught, and to how many steps the program shrinks.
# usage: controls.sh <compiler> <source root>
set -u
compiler=$1
root=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
missed=0
. "$root/tests/support/copy_with_fault.sh"

# control NAME HEADER SED: the fault, as a change to one header
control() {
    if ! copy_with_fault "$2" "$3" >"$work/log"; then
        echo "$1: $(cat "$work/log")"
        missed=1
    elif ! "$compiler" -std=c++20 -O1 -I "$work/include" "$root/tests/simulation/simulation.cpp" -o "$work/broken" 2>"$work/log"; then
        echo "$1: does not build"
        head -20 "$work/log"
        missed=1
    elif ! timeout 120 "$work/broken" --programs 300000 --expect-failure >"$work/log"; then
        echo "$1: NOT caught: $(cat "$work/log")"
        missed=1
    else
        awk -v name="$1" '
            /^failed:/ { programs = $3 }
            /^shrunk/ { sub(/^shrunk to /, ""); print name ": caught after " programs " programs, shrunk to " $0 }' <<<"$(tr -d , <"$work/log")"
    fi
}

control "cancel does not unlink" core/loop_wake.hpp \
    's/static_cast<core::ListWaiter&>\(waiter\)\.unlink\(\); return true;/return true;/'
control "a timeout does not unlink the wait" core/loop_wake.hpp \
    's/timer\.late = !leaving\(\*timer\.task\) && interrupt\(\*timer\.task\);/if ((timer.late = timer.task->waiting())) ready_.push(*timer.task);/'
control "a wait that ends in time does not unlink its timer" combine/wait_for.hpp \
    's/loop_\.remove_timer\(timer_\);//'
control "a lock that was handed over is not passed on" sync/acquire.hpp \
    's/^        owner_\.pass_on\(\);$//'
control "what was promised to one who waits for a queue is not promised to the next" sync/queue.hpp \
    's/^        queue_\.state_\.settle\(\);$//'
control "the loser of a select is not taken out" combine/race.hpp \
    's/loop_->take_out\(contender\)/true/'
control "a flag is consumed before the cancellation is seen" threadsafe/thread_safe_flag.hpp \
    's/^( +)(Loop::check_cancelled\(\);)$/\1if (flag_ != nullptr) flag_->consume();\n\1\2/'
control "a message that is cleared leaves its waiters to be overtaken" threadsafe/message.hpp \
    's/^( +)changed_\.clear\(\); \/\/ those.*//'
control "a waiter of a message that was cleared waits on" threadsafe/message.hpp \
    's/while \(!is_set\(\) && fetched_ == before\)/while (!is_set())/'
control "next() of a Latest takes an old flag for a new value" threadsafe/latest.hpp \
    's/while \(!fresh\(\)\) co_await/if (!fresh()) co_await/'
control "a reader of a RingIO does not look for a gap" threadsafe/ring_io.hpp \
    's/if \(gap \|\| in_/static_cast<void>(gap); if (in_/'
control "a RingIO tells of a gap before what came before it was read" threadsafe/ring_io.hpp \
    's/if \(!gap \|\| held_count_ > 0 \|\| !in_\.empty\(\)\) return 0;/if (!gap) return 0;/'
control "a writer waits for room with the transmitter idle" threadsafe/ring_io.hpp \
    's/^                if \(some\) start_if_idle\(\);$//'
control "a cancelled read of a RingIO takes what it has fetched" threadsafe/ring_io.hpp \
    's/^( +)hold_what_is_there\(\);$/\1held_count_ = 0; hold_what_is_there();/'
exit $missed

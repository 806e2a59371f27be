#!/bin/bash
# The storms must catch what they are there to catch: copies of the headers with one deliberate fault each. A lost wake
# is a round without end; how many rounds it took is printed.
# usage: controls.sh <source root> <compiler> [<object with Catch2's main, or flags to link it>...]
set -u
root=$1 compiler=$2
shift 2
. "$root/tests/proof/signal_safety/broken.sh"
main=("$@")
if (( $# == 0 )); then
    main=("$work/main.o")
    build_into "$work/main.o" "$compiler" -I "$root/tests" -c "$root/tests/support/main.cpp" || exit 1
fi
export ROUSE_STORM_SECONDS=15 ROUSE_STORM_STALL=1

# control FAULT STORM EXPECTED HEADER SED...: the storm must end with what is EXPECTED of it
control() {
    local fault=$1 storm=$2 expected=$3
    shift 3
    break_header "$@" || return
    build_into "$work/storm" "$compiler" -O1 -I "$work/include" -I "$root/tests" \
        "$root/tests/stress/${storm}_storm_test.cpp" "${main[@]}" || return
    ( ulimit -c 0; timeout 40 "$work/storm" -a >"$work/said" 2>&1 ) 2>/dev/null
    local status=$? found
    if (( status == 0 )); then
        miss "control: $fault: NOT caught by $storm: $(grep '^storm:' "$work/said" | tr '\n' ' ')"
    elif found=$(grep -m1 -aoE "$expected" "$work/said"); then
        pass "control: $fault: caught by $storm: $found"
    else
        miss "control: $fault: $storm ended for another reason, status $status: $(head -c 2000 "$work/said")"
    fi
}

lost='no end of round [0-9]+'
control "the loop falls asleep without a compare-exchange" signals "$lost" core/inbox.hpp \
    's/return word_\.compare_exchange_strong\(expected, asleep, /word_.exchange(asleep, /' \
    's/(word_\.exchange\(asleep, std::memory_order_relaxed), .*/\1);/' \
    's/word_\.exchange\(asleep, .*/&\n        return expected == 0;/'
control "the loop is not woken" loops "$lost" core/inbox.hpp 's/if \(before == asleep\) port_\.wake\(\);//'
control "a thread is not woken" threads "$lost" ports/futex.hpp 's/^ *::syscall\(SYS_futex, word, .*//'
control "a side of a queue falls asleep without a second look" falling_asleep "$lost" \
    threadsafe/thread_safe_queue.hpp \
    's/return !Side::has_something_to_do\(\*this\) \|\| .*/(void)sleeper; return true;/'
control "a thread whose time is up stays in the slot" threads "a second (consumer|producer)" \
    threadsafe/queue_waiting.hpp \
    's/if \(!Side::slot\(\*this\)\.withdraw\(thread\)\) thread\.wait\(\);.*//'
control "closing does not wake the producer" falling_asleep "$lost" threadsafe/thread_safe_queue.hpp \
    '/void close\(\)/,/^    }/s/producer_\.rouse_surely\(\);//'
control "closed and drained, while a put is on its way" falling_asleep \
    "[0-9]+ accepted, [0-9]+ received in round [0-9]+" \
    threadsafe/thread_safe_queue.hpp 's/return !putting_\.load\(std::memory_order_acquire\) && /return /'
control "a loop does not count the wakes that it has got" lifetime "$lost" ports/epoll.hpp \
    's/wakes = take_wakes\(\);/take_wakes();/'
control "the waiter of a message clears its event and does not look again" falling_asleep "$lost" \
    threadsafe/message.hpp 's/if \(is_set\(\)\) changed_\.set\(\);//' \
    's/changed_\.clear\(\);/changed_.clear(); changed_.clear();/'
control "what was published rouses before it is there" falling_asleep "$lost" threadsafe/latest.hpp \
    's/^( +)slots_\[writing_\] = value;/\1published_.set();\n&/' 's/^        published_\.set\(\);$//'
control "a thread of a Context tells nobody that there is room" context "$lost" hosted/context.hpp \
    '/std::shared_ptr<Job> take/,/^    }/s/room_\.set\(\);//'
control "a Context ends without its waiting functions" context "$lost" hosted/context.hpp \
    's/for \(const auto& job : left\) job->refuse\(\);//'
finish

#!/bin/bash
# The storms, and the tests of net under load, must catch what they are there to catch: copies of the headers, or of the
# test, with one deliberate fault each. A lost wake is a round without end; how many rounds it took is printed.
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
# Catch2 as a precompiled header, as they all need it.
echo '#include "support/catch.hpp"' >"$work/catch.hpp"
build_into "$work/catch.hpp.gch" "$compiler" -O1 -I "$root/tests" -x c++-header "$work/catch.hpp" || exit 1
export ROUSE_STORM_SECONDS=15 ROUSE_STORM_STALL=1

# must_fail FAULT TEST EXPECTED SOURCE: the test, built with the headers in $work/include, ends with what is EXPECTED of it
must_fail() {
    local fault=$1 test=$2 expected=$3 source=$4
    build_into "$work/test" "$compiler" -O1 -include "$work/catch.hpp" -I "$work/include" -I "$root/tests" "$source" "${main[@]}" || return
    ( ulimit -c 0; timeout -s KILL 40 "$work/test" -a >"$work/said" 2>&1 ) 2>/dev/null
    local status=$? found
    echo "status $status" >>"$work/said"
    if (( status == 0 )); then
        miss "control: $fault: NOT caught by $test: $(grep -E '^(storm|load):' "$work/said" | tr '\n' ' ')"
    elif found=$(grep -m1 -aoE "$expected" "$work/said"); then
        pass "control: $fault: caught by $test: $found"
    else
        miss "control: $fault: $test ended for another reason, status $status: $(head -c 2000 "$work/said")"
    fi
}

# control FAULT TEST EXPECTED HEADER SED...: with a fault in a header
control() {
    break_header "${@:4}" && must_fail "$1" "$2" "$3" "$root/tests/stress/$2_test.cpp"
}

# control_of_test FAULT TEST EXPECTED SED...: with a fault in the test itself
control_of_test() {
    local source=$root/tests/stress/$2_test.cpp fault
    rm -rf "$work/include"
    cp -r "$root/include" "$work/include"
    cp "$source" "$work/broken_test.cpp"
    for fault in "${@:4}"; do sed -i -E "$fault" "$work/broken_test.cpp"; done
    if cmp -s "$source" "$work/broken_test.cpp"; then miss "the fault does not fit $2 any more"; return; fi
    must_fail "$1" "$2" "$3" "$work/broken_test.cpp"
}

lost='no end of round [0-9]+'
control "the loop falls asleep without a compare-exchange" signals_storm "$lost" core/inbox.hpp \
    's/return word_\.compare_exchange_strong\(expected, asleep, /word_.exchange(asleep, /' \
    's/(word_\.exchange\(asleep, std::memory_order_relaxed), .*/\1);/' \
    's/word_\.exchange\(asleep, .*/&\n        return expected == 0;/'
control "the loop is not woken" loops_storm "$lost" core/inbox.hpp 's/if \(before == asleep\) port_\.wake\(\);//'
control "a thread is not woken" threads_storm "$lost" ports/futex.hpp 's/^ *::syscall\(SYS_futex, word, .*//'
control "a side of a queue falls asleep without a second look" falling_asleep_storm "$lost" \
    threadsafe/thread_safe_queue.hpp \
    's/return !Side::has_something_to_do\(\*this\) \|\| .*/(void)sleeper; return true;/'
control "a thread whose time is up stays in the slot" threads_storm "a second (consumer|producer)" \
    threadsafe/queue_waiting.hpp \
    's/if \(!Side::slot\(\*this\)\.withdraw\(thread\)\) thread\.wait\(\);.*//'
control "closing does not wake the producer" falling_asleep_storm "$lost" threadsafe/thread_safe_queue.hpp \
    '/void close\(\)/,/^    }/s/producer_\.rouse_surely\(\);//'
control "closed and drained, while a put is on its way" falling_asleep_storm \
    "[0-9]+ accepted, [0-9]+ received in round [0-9]+" \
    threadsafe/thread_safe_queue.hpp 's/return !putting_\.load\(std::memory_order_acquire\) && /return /'
control "a loop does not count the wakes that it has got" lifetime_storm "$lost" ports/epoll.hpp \
    's/wakes = take_wakes\(\);/take_wakes();/'
control "the waiter of a message clears its event and does not look again" falling_asleep_storm "$lost" \
    threadsafe/message.hpp 's/if \(is_set\(\)\) changed_\.set\(\);//' \
    's/changed_\.clear\(\);/changed_.clear(); changed_.clear();/'
control "what was published rouses before it is there" falling_asleep_storm "$lost" threadsafe/latest.hpp \
    's/^( +)slots_\[writing_\] = value;/\1published_.set();\n&/' 's/^        published_\.set\(\);$//'
control "a thread of a Context tells nobody that there is room" context_storm "$lost" hosted/context.hpp \
    '/std::shared_ptr<Job> take/,/^    }/s/room_\.set\(\);//'
control "a Context ends without its waiting functions" context_storm "$lost" hosted/context.hpp \
    's/for \(const auto& job : jobs_\) job->refuse\(\);.*//'

# ---- net ------------------------------------------------------------------------------------------------------------
export ROUSE_LOAD_DIVISOR=32 ROUSE_LOAD_SEED=1
control "every 64th descriptor is not closed" net_connections 'descriptors == before|[0-9]+ == [0-9]+' \
    net/socket.hpp 's/^ *::close\(descriptor\);/descriptor % 64 != 0 ? ::close(descriptor) : ::shutdown(descriptor, SHUT_RDWR);/'
control "sixteen bytes are kept of each client" net_connections '[0-9]+ blocks of [0-9]+ bytes' \
    net/server_state.hpp 's/server_->clients_\.erase\(where_\);/::operator new(16); &/'
control "the last byte of a full chunk is lost" net_transfer 'way\.received\.count\(\) == way\.total' \
    net/stream_connection.hpp 's/input_\.append\(\{bytes\.data\(\), count\}\)/input_.append({bytes.data(), count - (count == chunk)})/'
control "two bytes change places where a read finds some already there" net_transfer \
    'way\.received\.value\(\) == way\.sent\.value\(\)' net/stream_reader.hpp \
    's/std::memcpy\(bytes\.data\(\), (from->input\(\)\.view\(\)\.data\(\)), count\);/&\n            if (count > 1) std::swap(bytes[0], bytes[1]);/'
control "a read that is given up loses what had come" net_transfer 'way\.received\.count\(\) == way\.total' \
    net/stream_reader.hpp '/read_exactly\(Connection/a std::string had = from->input().take(count);' \
    '/read_exactly\(Connection/,/^    }/s/from->input\(\)\.size\(\)/had.size() + &/' \
    '/read_exactly\(Connection/,/^    }/s/(throw IncompleteRead\{)(from)/\1had + \2/' \
    '/read_exactly\(Connection/,/^    }/s/co_return (from->input\(\)\.take\()count/co_return had + \1count - had.size()/'
control "our half is ended before all is sent" net_broken_off 'right == count \+ 10|Broken pipe' \
    net/stream_connection.hpp 's/if \(!output_\.empty\(\) \|\| !is_open\(\)\) return;/if (!is_open()) return;/'
control "a reset is taken for an end" net_broken_off 'answers\.broken_off == resets' \
    net/stream_connection.hpp 's/if \(done\.error != 0 \&\& done\.error != EAGAIN\) connection_failed\(done\.error\);//'
control "one client is served at a time" net_neighbours 'rounds > 50|SIGALRM|status 1[0-9]+' \
    net/server.hpp 's/most_clients = 0;/most_clients = 1;/'
control "a server does not try again when it has no descriptors" net_neighbours 'child\.well\(\)' \
    net/server_state.hpp 's/if \(!ok\) co_await sleep\(100ms\);/if (!ok) co_return;/'
control "a server tries again at once when it has no descriptors" net_neighbours 'asked [0-9]{3,} times' \
    net/server_state.hpp 's/if \(!ok\) co_await sleep\(100ms\);/if (!ok) co_await yield();/'
control_of_test "a message is acknowledged before it is counted" net_stopped 'all\.wrong == 0' \
    's/\+\+account\.counted;//' '/Task<> serve/,/^    }/s/(writer\.write\(digits\(account\.counted)(\)\);)/\1 + 1\2/' \
    '/Task<> serve/,/^    }/s/co_await writer\.drain\(\);/co_await yield(); ++account.counted;/'
control_of_test "a handler does not end in good order" net_stopped 'all\.cut_off == 0' \
    's/if \(cancelled\) co_await in_good_order.*//'
finish

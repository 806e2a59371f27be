#!/bin/bash
# The check must catch what it is there to catch: deliberate faults in a copy of the headers. All are in one copy, to be
# built once, and one of them is switched on at a time.
# usage: controls.sh <compiler> <source root>
set -u
compiler=$1
root=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source "$root/tests/proof/faults/build.sh"
include=$work/include
mkdir "$include"
cp -r "$root/include/rouse" "$include"
sed -i 's/largest_class = 2048;/largest_class = 16;/' "$include/rouse/core/frame_pool.hpp"
names=() scenarios=() calls=()
caught=0 missed=0

# control NAME SCENARIO CALL HEADER SED: the fault, as a change to one header, in which BROKEN says whether it is on. It
# is to be found at a call of this name.
control() {
    local header=$include/rouse/$4
    cp "$header" "$work/before"
    sed -i -E "${5//BROKEN/(::faults::broken == ${#names[@]})}" "$header"
    names+=("$1") scenarios+=("$2") calls+=("$3")
    cmp -s "$header" "$work/before" || return
    echo "$1: the fault does not fit $4 any more"
    missed=$((missed + 1))
}

control "an interrupted wait is fatal" contexts epoll_pwait2 ports/epoll.hpp \
    's/if \(count < 0 && errno != EINTR\)/if (count < 0 \&\& (BROKEN || errno != EINTR))/'
control "no way without epoll_pwait2" contexts epoll_pwait2 ports/epoll.hpp \
    's/if \(count >= 0 \|\| \(errno != ENOSYS/if (BROKEN || count >= 0 || (errno != ENOSYS/'
control "no eventfd, and nobody looks" contexts eventfd ports/epoll.hpp \
    's/if \(wake_ < 0\) \{/if (!BROKEN \&\& wake_ < 0) {/'
control "no eventfd, and the other descriptor stays open" contexts eventfd ports/epoll.hpp \
    '/if \(.*wake_ < 0\) \{/,/\}/s/close_keeping_errno\(epoll_\);/if (!BROKEN) &/'
control "an interrupted sleep of a thread is taken for a wake" contexts futex_wait ports/parked_thread.hpp \
    's/^( +)(if \(!futex_wait\(.*)$/\1if (BROKEN) return futex_wait(woken_, 0, deadline);\n\1\2/'
control "a barrier that fails once is not repeated" contexts membarrier ports/asymmetric_barrier.hpp \
    's/if \(barrier::register_membarrier\(\) &&/if (!BROKEN \&\& barrier::register_membarrier() \&\&/'
control "no memory for a frame, and it is used all the same" contexts frame core/frame_pool.hpp \
    's/return block == nullptr \?/return !BROKEN \&\& block == nullptr ?/'
control "an empty Task is awaited" contexts frame core/task.hpp \
    's/if \(!child\) \[\[unlikely\]\]/if (!BROKEN \&\& !child)/'
control "an interrupted system call is an error" streams recv net/socket.hpp \
    's/if \(errno == EINTR\) continue;/if (!BROKEN \&\& errno == EINTR) continue;/'
control "nothing to read is the end" streams recv net/stream_connection.hpp \
    's/ended_ = done\.error == 0;/ended_ = BROKEN || done.error == 0;/'
control "a part that was sent is taken for all" streams send net/stream_connection.hpp \
    's/bytes\.remove_prefix\(done\.bytes\);/bytes.remove_prefix(BROKEN ? bytes.size() : done.bytes);/'
control "a failure is told to nobody" streams recv net/stream_connection.hpp \
    's/if \((connection->)?failure_ != 0\) (return|co_return)/if (!BROKEN \&\& \1failure_ != 0) \2/'
control "what was dropped ends in an orderly close" streams send net/stream_connection.hpp \
    's/if \(lost_\) make_close_a_reset/if (!BROKEN \&\& lost_) make_close_a_reset/'
control "an interrupted connect is an error" streams connect net/open_connection.hpp \
    's/begun != EINTR\) co_return/(BROKEN || begun != EINTR)) co_return/'
control "out of descriptors, a server gives up" streams accept4 net/server_state.hpp \
    's/^( +)if \(!ok\) co_await sleep/\1if (!ok \&\& BROKEN) co_return;\n&/'
control "out of descriptors, a server spins" streams accept4 net/server_state.hpp \
    's/if \(!ok\) co_await sleep\(100ms\);/if (!ok) co_await sleep(BROKEN ? 0ms : 100ms);/'
control "no memory for the task that accepts" streams frame net/server_state.hpp \
    's/if \(!acceptors_\.back\(\)\) return/if (!BROKEN \&\& !acceptors_.back()) return/'
control "no memory for a client, and its descriptor stays open" streams allocation net/descriptor.hpp \
    's/if \(number_ >= 0\) ::close\(number_\);/if (!BROKEN \&\& number_ >= 0) ::close(number_);/'
control "no memory, and the addresses are not given back" streams allocation net/address.hpp \
    's/\{ ::freeaddrinfo\(list\); \}/{ if (!BROKEN || std::uncaught_exceptions() == 0) ::freeaddrinfo(list); }/'
control "a port that is in use is an error, though any would do" streams bind net/listener.hpp \
    's/port == 0 \? 10 : 1/port == 0 \&\& !BROKEN ? 10 : 1/'

for scenario in contexts streams; do
    build "$scenario" "$scenario" "$include" -O0 -w || exit 1
done
for i in "${!names[@]}"; do
    "$work/${scenarios[i]}" --broken "$i" --until-first --hang-after 1500 --only "${calls[i]}" >"$work/log" 2>&1
    if grep -q '^wrong: .* at call' "$work/log"; then
        caught=$((caught + 1))
        echo "${names[i]}: caught: $(grep -m 1 '^wrong: ' "$work/log" | cut -c 8-150)"
    else
        missed=$((missed + 1))
        echo "${names[i]}: NOT caught"
        cat "$work/log"
    fi
done
echo "$caught controls caught, $missed missed"
((missed == 0))

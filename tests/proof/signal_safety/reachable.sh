#!/bin/bash
# Foreign calls reach nothing but the one system call: see reachable.py. Controls: headers in which they reach more.
# usage: reachable.sh <source root> <compiler>...
set -u
root=$1
shift
here=$(dirname "$0")
for tool in python3 objdump c++filt; do
    command -v $tool >/dev/null || { echo "$tool is not installed"; exit 77; }
done
[[ $(uname -m) == x86_64 ]] || { echo "reads the object code of x86-64 only"; exit 77; }
. "$here/broken.sh"

# look INCLUDE COMPILER OPTIMISATION FLAG...: what reachable.py says is in $work/said
look() {
    local include=$1 compiler=$2 optimisation=$3
    shift 3
    build_into "$work/probe.o" "$compiler" "$optimisation" "$@" -ffunction-sections -I "$include" \
        -c "$here/probe.cpp" || return 2
    local unoptimised=
    [[ $optimisation == -O0 ]] && unoptimised=--unoptimised
    python3 "$here/reachable.py" "$work/probe.o" $unoptimised >"$work/said" 2>&1
}

for compiler in "$@"; do
    for flags in "-O2" "-O2 -fno-exceptions -fno-rtti" "-O0" "-O0 -fno-exceptions -fno-rtti"; do
        if look "$root/include" "$compiler" $flags; then
            pass "$(basename "$compiler") $flags: $(tail -1 "$work/said")"
        else
            miss "$(basename "$compiler") $flags: $(cat "$work/said")"
        fi
    done
done

# control WHAT FLAG EXPECTED HEADER SED...
control() {
    local what=$1 flag=$2 expected=$3
    shift 3
    break_header "$@" || return
    if look "$work/include" "$compiler" "$flag"; then
        miss "control: $what: NOT caught"
    elif found=$(grep -m1 -E "$expected" "$work/said"); then
        pass "control: $what: caught: ${found%% <- *}"
    else
        miss "control: $what: caught for another reason: $(head -3 "$work/said")"
    fi
}
compiler=$1
control "a lock in the wake of a loop" -O2 'pthread_mutex_lock' ports/epoll.hpp \
    '0,/^#include/s//#include <mutex>\n&/' \
    's/^( *)const std::uint64_t one = 1;/&\n\1static std::mutex mutex;\n\1const std::lock_guard guard{mutex};/'
control "output in the wake of a thread" -O2 'reaches puts' ports/futex.hpp \
    '0,/^#include/s//#include <cstdio>\n&/' 's/^( *)::syscall\(SYS_futex, word,/\1std::puts("wake");\n&/'
control "an allocation in a set" -O0 'operator new' threadsafe/thread_safe_event.hpp \
    's/^( *)if \(state_\.exchange\(is_set_state/\1delete new int;\n&/'
control "an exception in a put" -O2 '__cxa_throw' threadsafe/thread_safe_queue.hpp \
    's/\|\| !has_room\(next\)\) return false;/|| !has_room(next)) throw QueueClosed{};/'
control "misuse() in a get" -O2 'reaches (__cxa_|vtable|rouse::)' threadsafe/thread_safe_queue.hpp \
    's/if \(!has_item\(head\)\) return std::nullopt;/if (!has_item(head)) misuse("empty");/'
control "write(2) in place of syscall(SYS_write)" -O2 'reaches write' ports/epoll.hpp \
    's/::syscall\(SYS_write, descriptor,/::write(descriptor,/'
control "a call through another pointer" -O0 'through a pointer' core/inbox.hpp \
    's/inline void InboxItem::wake\(\) noexcept \{/&\n    arrive();/'
finish

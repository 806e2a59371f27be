#!/bin/bash
# Foreign calls of a thread that is being cancelled, and what they leave in errno. Controls: headers that write(2),
# which is a cancellation point, and that do not put errno back.
# usage: behaviour.sh <source root> <compiler>...
set -u
root=$1
shift
here=$(dirname "$0")
. "$here/broken.sh"

# run PROGRAM COMPILER INCLUDE SECONDS
run() {
    build_into "$work/$1" "$2" -O2 -I "$3" -I "$root/tests" "$here/$1.cpp" || return 2
    timeout "$4" "$work/$1" >"$work/said" 2>&1
}

for compiler in "$@"; do
    for program in cancel errno; do
        if run $program "$compiler" "$root/include" 60; then
            pass "$(basename "$compiler"): $(tail -1 "$work/said")"
        else
            miss "$(basename "$compiler"): $program: $(cat "$work/said")"
        fi
    done
done

# control WHAT PROGRAM EXPECTED HEADER SED: EXPECTED is what the program says, or 124 for one that hangs
control() {
    local what=$1 program=$2 expected=$3
    shift 3
    break_header "$@" || return
    ( ulimit -c 0; run "$program" "$compiler" "$work/include" 5 ) 2>/dev/null
    local status=$?
    if (( status == 124 )); then echo "hangs: 124" >"$work/said"; fi
    if (( status != 0 )) && grep -qE "$expected" "$work/said"; then
        pass "control: $what: caught: $(head -1 "$work/said")"
    else
        miss "control: $what: NOT caught: exit status $status: $(head -1 "$work/said")"
    fi
}
compiler=$1
control "write(2) in place of syscall(SYS_write)" cancel 'terminate called|FATAL: exception not rethrown' \
    ports/epoll.hpp \
    's/::syscall\(SYS_write, descriptor,/::write(descriptor,/'
control "a loop is not woken" cancel 124 core/inbox.hpp 's/if \(before == asleep\) port_\.wake\(\);//'
control "the wake of a loop does not put errno back" errno 'was spoilt' ports/epoll.hpp \
    '/void wake\(\) noexcept override/,/^    }/s/errno = saved;//'
control "the wake of a thread does not put errno back" errno 'was spoilt' ports/futex.hpp \
    '/futex_wake\(/,/^}/s/errno = saved;//'
finish

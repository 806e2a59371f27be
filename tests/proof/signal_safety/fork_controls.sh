#!/bin/bash
# The tests of fork() and of scenario 14 must fail with headers in which the fault that they are about has been planted.
# usage: fork_controls.sh <source root> <compiler> [<object with Catch2's main, or flags to link it>...]
set -u
root=$1 compiler=$2
shift 2
here=$(dirname "$0")
. "$here/broken.sh"
main=("$@")
if (( $# == 0 )); then
    main=("$work/main.o")
    build_into "$work/main.o" "$compiler" -I "$root/tests" -c "$root/tests/support/main.cpp" || exit 1
fi

# run INCLUDE TEST: in $work/said
run() {
    build_into "$work/test" "$compiler" -O1 -I "$1" -I "$root/tests" "$root/tests/$2.cpp" "${main[@]}" || return 2
    timeout 5 "$work/test" -a >"$work/said" 2>&1
}

# control WHAT TEST EXPECTED HEADER SED...: EXPECTED is in the name of the test case that fails; or "hangs"
control() {
    local what=$1 test=$2 expected=$3
    shift 3
    break_header "$@" || return
    ( ulimit -c 0; run "$work/include" "$test" ) 2>/dev/null
    local status=$?
    if (( status == 124 )); then echo "hangs" >>"$work/said"; fi
    if (( status != 0 )) && tr '\n' ' ' <"$work/said" | tr -s ' ' | grep -q "$expected"; then
        pass "control: $what: caught by $test: $expected"
    else
        miss "control: $what: NOT caught: exit status $status: $(cat "$work/said")"
    fi
}

epoll=ports/epoll.hpp
control "a child's set wakes the parent" ports/fork_test "scenario 9" $epoll \
    '/void wake\(\) noexcept override/,/^    }/s/generation_\.inherited\(\)/false/'
control "an eventfd that is the parent's is read in the child" \
    ports/fork_inherited_test "with a wake that the parent is owed" $epoll \
    '/unsigned wait_until/,/^    }/s/generation_\.inherited\(\)/false/'
control "a child that ends waits for wakes that nobody sends" \
    ports/fork_inherited_test "an inherited loop is destroyed" $epoll \
    's/if \(deadline == forever && .*\) return more_than_are_owed;//'
control "a child takes the parent's watches out of epoll" \
    ports/fork_inherited_test "an inherited loop is destroyed" $epoll \
    's/if \(!generation_\.inherited\(\)\) (::epoll_ctl)/\1/'
control "a child adds to the parent's epoll" ports/fork_inherited_test "to watch a descriptor" $epoll \
    '/int add\(/,/^    }/s/generation_\.inherited\(\)/false/'
control "signals reach a child before it has counted" \
    ports/fork_inherited_test "first moment" ports/fork_generation.hpp \
    's/::pthread_sigmask\(SIG_SETMASK, &all, &mask_before_\);/::pthread_sigmask(SIG_SETMASK, nullptr, \&mask_before_);/'
control "scenario 14: a wake that is taken in is not counted" scenarios/wake_descriptor_test "hangs" $epoll \
    's/wakes = take_wakes\(\);/take_wakes();/'
finish

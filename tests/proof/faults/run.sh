#!/bin/bash
# Fails each system call of the port and of the streams, each allocation, and each frame, in each way and at each call,
# and looks at what comes of it (see driver.cpp). That it would find faults is shown by the controls (controls.toml).
# usage: run.sh <compiler> <source root>
set -u
compiler=$1
root=$2
here=$root/tests/proof/faults
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
build() { # program, scenario, option...
    local program=$1 scenario=$2
    shift 2
    "$here/build.sh" "$work/$program" "$scenario" "$root/include" "$compiler" "$@" || exit 1
}
check() { # what, file of its output, command...
    local what=$1 output=$2
    shift 2
    if "$@" >"$output" 2>&1; then passed=$((passed + 1)); else failed=$((failed + 1)) && what="$what: FAILED"; fi
    printf '\n%s\n' "$what"
    cat "$output"
}

wait_for_it() { # process, its output
    wait "$1"
    local status=$?
    cat "$2"
    return "$status"
}

# Where each frame is a block of its own, each can fail, and AddressSanitizer sees each.
each_frame=-DROUSE_POOL_FRAMES=0
build streams streams -O2
build streams_asan streams $each_frame -O1 -fsanitize=address
build contexts contexts $each_frame -O1 -fsanitize=address
build contexts_without contexts $each_frame -O1 -fno-exceptions -fno-rtti

# These wait more than they compute.
"$work/streams" >"$work/1" 2>&1 &
first=$!
"$work/streams_asan" >"$work/2" 2>&1 &
second=$!
check "tasks and contexts, each frame a block of its own, AddressSanitizer" "$work/3" "$work/contexts"
check "the same without exceptions: an error is a panic that names what failed" "$work/4" "$work/contexts_without"
check "streams, where the kernel has no membarrier" "$work/5" \
    env FAULTS_NO_MEMBARRIER=1 "$work/streams" --only futex_wait
check "streams" "$work/1.done" wait_for_it "$first" "$work/1"
check "streams, each frame a block of its own, AddressSanitizer" "$work/2.done" wait_for_it "$second" "$work/2"
echo
echo "$passed passed, $failed failed"
((failed == 0))

#!/bin/bash
# Fails each system call of the port and of the streams, each allocation, and each frame, in each way and at each call,
# and looks at what comes of it (see driver.cpp). Then the same must find the faults that controls.sh puts in.
# usage: run.sh <compiler> <source root>
set -u
compiler=$1
root=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source "$root/tests/proof/faults/build.sh"
passed=0 failed=0
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

# Headers with one change: each frame is a block of its own, not cut from a slab. So each of them can fail, and
# AddressSanitizer sees each.
each=$work/each_frame
mkdir "$each"
cp -r "$root/include/rouse" "$each"
sed -i 's/largest_class = 2048;/largest_class = 16;/' "$each/rouse/core/frame_pool.hpp"
if cmp -s "$root/include/rouse/core/frame_pool.hpp" "$each/rouse/core/frame_pool.hpp"; then
    echo "frame_pool.hpp has changed, and run.sh must"
    exit 1
fi

build streams streams "$root/include" -O2 || exit 1
build streams_asan streams "$each" -O1 -fsanitize=address || exit 1
build contexts contexts "$each" -O1 -fsanitize=address || exit 1
build contexts_without contexts "$each" -O1 -fno-exceptions -fno-rtti || exit 1

# These wait more than they compute.
"$work/streams" >"$work/1" 2>&1 &
first=$!
"$work/streams_asan" >"$work/2" 2>&1 &
second=$!
check "tasks and contexts, each frame a block of its own, AddressSanitizer" "$work/3" "$work/contexts"
check "the same without exceptions: an error is a panic that names what failed" "$work/4" "$work/contexts_without"
check "streams, where the kernel has no membarrier" "$work/5" \
    env FAULTS_NO_MEMBARRIER=1 "$work/streams" --only futex_wait
check "controls" "$work/6" "$root/tests/proof/faults/controls.sh" "$compiler" "$root"
check "streams" "$work/1.done" wait_for_it "$first" "$work/1"
check "streams, each frame a block of its own, AddressSanitizer" "$work/2.done" wait_for_it "$second" "$work/2"
echo
echo "$passed passed, $failed failed"
((failed == 0))

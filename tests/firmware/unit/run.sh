#!/bin/bash
# run.sh: the unit tests that need no operating system, from the sources that the host's own test programs are built of,
# for a Cortex-M in the emulator. Builds an image for each file, with catch.hpp and its like out of support/ in place of
# those of tests/support, runs it, and prints its counts of cases and of checks, and the sums.
# usage: run.sh CPU [FILE...]   CPU: cortex-m3 or cortex-m0; FILE as in core/task_test.cpp, else all but those below
# Code for a Cortex-M0 is run on the board of the Cortex-M3, whose instructions include the M0's: no M0 in the emulator
# has the memory for the tests. INCLUDE, if set, is a folder of headers that go before rouse's own of the same names.
# Exits with 77 where there is no compiler or emulator for it.
#
# Single cases that need threads, descriptors or several loops are left out by `#if ROUSE_HOSTED` where they stand.
set -u
here=$(cd "$(dirname "$0")" && pwd)
tests=$here/../..
firmware=$here/../../../examples/firmware
cpu=$1
shift

# Left out as a whole, and why.
declare -A left_out=(
    [core/busy_poll_test.cpp]="on one core nobody could do anything meanwhile, and so there is none"
    [core/deadline_test.cpp]="thousands of durations in floating point; what tasks do with them is in clock_start_test.cpp"
    [threadsafe/block_test.cpp]="only threads block"
    [debug/fail_when_stuck_test.cpp]="for tests on the machine that develops: its text is a std::string"
    [core/timer_wheel_test.cpp]="firmware has the heap alone, which is in timer_heap_test.cpp"
    [core/frame_pool_test.cpp]="the pool of a hosted loop, on a heap; firmware's is in static_frame_pool_test.cpp"
    [core/port_test.cpp]="a port made of std::mutex and std::condition_variable, woken by threads"
)

. "$here/../environment.sh"
require_tools mps2-an385
. "$firmware/board/mps2-an385/board.conf"

cd "$tests" || exit 1
files=("$@")
[ $# != 0 ] || files=(core/*_test.cpp sync/*_test.cpp threadsafe/*_test.cpp combine/*_test.cpp debug/*_test.cpp
    scenarios/faults_of_others_test.cpp firmware/unit/runner_test.cpp)

# The pool is sized for the largest test, of ten thousand tasks. A file may have a size of its own; one with a
# configuration of its own does not take the precompiled header, which has been compiled without it.
options=(-std=c++20 -Os -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-use-cxa-atexit -ffunction-sections
    -fdata-sections -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -mthumb "-mcpu=$cpu"
    -I "$here" -I "$tests" ${INCLUDE:+-I "$INCLUDE"} -I "$root/include" -I "$firmware/board")
pool=(-DROUSE_FRAME_BYTES=2097152) first=(-include support/panic.hpp)
if [ ${#files[@]} -gt 10 ]; then
    printf '#include %s\n' '"support/panic.hpp"' '"support/catch.hpp"' '"support/misuse.hpp"' '<rouse/rouse.hpp>' '<algorithm>' '<array>' \
        '<atomic>' '<memory>' '<string>' '<vector>' >"$work/precompiled.hpp"
    "$compiler" "${options[@]}" "${pool[@]}" -c "$work/precompiled.hpp" -o "$work/precompiled.hpp.gch" || exit 1
    first=(-Winvalid-pch -include "$work/precompiled.hpp")
fi
compile() { # compile SOURCE OBJECT
    local settings=("${first[@]}")
    ! grep -q '^#define ROUSE_' "$1" || settings=(-include support/panic.hpp)
    grep -q '^#define ROUSE_FRAME_BYTES' "$1" || settings+=("${pool[@]}")
    "$compiler" "${options[@]}" "${settings[@]}" -c "$1" -o "$2"
}

objects=()
for source in "$here/runner.cpp" $(printf "$firmware/board/%s " $sources); do
    object=$work/$(basename "$source" .cpp).o
    compile "$source" "$object" || exit 1
    objects+=("$object")
done

failed=0 images=0 cases=0 checks=0
for file in "${files[@]}"; do
    if [ -n "${left_out[$file]:-}" ]; then
        echo "$file: left out: ${left_out[$file]}"
        continue
    fi
    if ! compile "$file" "$work/test.o" ||
        ! "$compiler" -mthumb "-mcpu=$cpu" "$work/test.o" "${objects[@]}" -nostartfiles $link \
            -L "$firmware/board/$scripts" -T "$here/memory.ld" -Wl,--gc-sections -o "$work/test.elf"; then
        echo "$file: FAILED: does not build"
        failed=1
        continue
    fi
    run_program mps2-an385 "$work/test.elf" >"$work/log"
    status=$?
    read -r -a counts < <(grep -E '^[0-9]+ cases, [0-9]+ checks, [0-9]+ failed$' "$work/log" | tail -1)
    if [ $status != 0 ] || [ ${#counts[@]} = 0 ] || [ "${counts[4]}" != 0 ]; then
        echo "$file: FAILED, status $status"
        sed 's/^/    /' "$work/log"
        failed=1
        continue
    fi
    echo "$file: ${counts[0]} cases, ${counts[2]} checks"
    images=$((images + 1)) cases=$((cases + counts[0])) checks=$((checks + counts[2]))
done
echo "$cpu: $cases cases, $checks checks in $images files passed"
[ $images != 0 ] || failed=1
exit $failed

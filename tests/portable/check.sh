#!/bin/bash
# check.sh: the same headers for bare metal. Compiles and links bare_metal.cpp for a Cortex-M0 and a Cortex-M3 as
# firmware is built, checks that it needs no heap, no exceptions, no atomics library, no streams and no 64-bit division,
# and that a frame that can never fit does not link; prints the bytes of text that it adds to an empty program.
# Exits with 77 where there is no arm-none-eabi-g++.
set -u

compiler=arm-none-eabi-g++
if ! command -v $compiler >/dev/null; then
    echo "skipped: no $compiler"
    exit 77
fi
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

flags=(-mthumb -std=c++20 -Os -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-use-cxa-atexit
    -ffunction-sections -fdata-sections -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -I "$here/../../include")
link=(--specs=nano.specs --specs=nosys.specs -Wl,--gc-sections)

. "$here/../../examples/firmware/forbidden_names.sh"

fail() {
    failed=1
    echo "FAILED: $1"
    [ -s "${2:-}" ] && head -20 "$2" | sed 's/^/    /'
}

compile() { # compile CPU NAME SOURCE FLAGS...: an object and an image
    "$compiler" "-mcpu=$1" "${flags[@]}" "${@:4}" -c "$3" -o "$work/$2.o" 2>"$work/log" &&
        "$compiler" "-mcpu=$1" "${flags[@]}" "${link[@]}" "$work/$2.o" -o "$work/$2.elf" 2>"$work/log"
}
names() { # names NM-FLAGS FILE
    arm-none-eabi-nm $1 "$2" | awk '{ print $NF }' | sort -u
}
text() {
    arm-none-eabi-size "$work/$1.elf" | awk 'NR == 2 { print $1 }'
}

echo 'int main() {}' >"$work/empty.cpp"
cat >"$work/too_large.cpp" <<'END'
#include <rouse/rouse.hpp>
volatile int sink;
rouse::Task<> task() {
    volatile char room[ROOM];
    room[0] = 1;
    co_await rouse::yield();
    sink = room[0];
}
rouse::Task<> other() { co_await rouse::yield(); } // as with a single coroutine the compiler inlines more
int main() {
    rouse::create_task(task());
    rouse::create_task(other());
}
END

for cpu in cortex-m0 cortex-m3; do
    if ! compile $cpu empty "$work/empty.cpp"; then
        fail "$cpu: an empty program does not link" "$work/log"
        continue
    fi
    names "" "$work/empty.elf" >"$work/empty.names"
    line="$cpu: text over an empty program ($(text empty) bytes):"
    for build in small full objects; do
        define=$(case $build in small) echo -DSMALL ;; objects) echo -DOBJECTS ;; esac)
        if ! compile $cpu $build "$here/bare_metal.cpp" $define; then
            fail "$cpu, $build: bare_metal.cpp does not build" "$work/log"
            continue
        fi
        names -u "$work/$build.o" | grep -E "$forbidden" >"$work/found"
        [ -s "$work/found" ] && fail "$cpu, $build: the object needs what firmware does not have" "$work/found"
        names "" "$work/$build.elf" | comm -23 - "$work/empty.names" | grep -E "$forbidden" >"$work/found"
        [ -s "$work/found" ] && fail "$cpu, $build: the image has what an empty one does not" "$work/found"
        line+=" $build $(($(text $build) - $(text empty)))"
    done
    echo "$line"

    # That the list finds what it is for.
    printf '%s\n' '#include <vector>' 'int main() { return std::vector<int>(3).size() == 3; }' >"$work/heap.cpp"
    compile $cpu heap "$work/heap.cpp" -O0 && names "" "$work/heap.elf" | comm -23 - "$work/empty.names" | grep -Eq "$forbidden" ||
        fail "$cpu: a program that uses the heap passes"

    for optimisation in -O1 -O2 -Os; do
        compile $cpu fits "$work/too_large.cpp" $optimisation -DROOM=1500 ||
            fail "$cpu $optimisation: a frame of 1500 bytes does not fit into a pool of 2048" "$work/log"
        if compile $cpu too_large "$work/too_large.cpp" $optimisation -DROOM=2048 -Wno-array-bounds; then
            fail "$cpu $optimisation: a frame larger than the pool links"
        elif ! grep -q rouse_frame_is_larger_than_ROUSE_FRAME_BYTES "$work/log"; then
            fail "$cpu $optimisation: the error for a frame larger than the pool does not say so" "$work/log"
        fi
    done
done

# Its word is atomic on one core only.
if compile cortex-m0plus two_cores "$here/bare_metal.cpp" -DROUSE_CORES=2; then
    fail "ARMv6-M with two cores compiles, though it has no atomics between them"
elif ! grep -q "rouse: Atomic: ARMv6-M has no read-modify-write between cores" "$work/log"; then
    fail "the error for ARMv6-M with two cores does not say so" "$work/log"
fi

[ $failed = 0 ] && echo "bare metal: all right"
exit $failed

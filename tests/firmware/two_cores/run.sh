#!/bin/bash
# A loop on one core and plain code on another, on boards of two cores: see items_and_flags.cpp and values.cpp. And that the
# asymmetric barrier is a full fence there. The faults that the programs must catch are in controls.toml.
# Exits with 77 where there is no compiler or no emulator.
# usage: run.sh
set -u
. "$(dirname "$0")/../environment.sh"
here=$root/tests/firmware/two_cores
require_tools mps2-an521 virt-rv32 virt-rv64
failed=0

options=(-O2 -DROUSE_CORES=2 -DROUSE_FRAME_BYTES=4096)
build() { # BOARD PART ITEMS
    local program=values
    [[ $2 =~ ^(TO_LOOP|FROM_LOOP|FLAGS)$ ]] && program=items_and_flags
    "$root/examples/firmware/build" "$1" "$work/$2.elf" "$here/$program.cpp" "${options[@]}" "${precompiled[@]}" "-DPART_$2" "-DITEMS=$3" \
        >"$work/$2.log" 2>&1
}
check() { # BOARD PART: runs one part, which has been built
    local several=()
    [[ $1 == virt-* ]] && several=(-smp 2)
    [ -e "$work/$2.elf" ] && ICOUNT=off CPU_SECONDS=600 run_program "$1" "$work/$2.elf" "${several[@]}" >"$work/$2.log" 2>&1 ||
        { failed=1 && echo "FAILED: $1, $2:"; }
    cat "$work/$2.log"
    rm -f "$work/$2.elf"
}

# expect BOARD CORES FENCES: the fences in light_barrier() and in heavy_barrier(), as instructions
cat >"$work/barrier.cpp" <<'CODE'
#include <rouse/ports/detail/asymmetric_barrier.hpp>
extern "C" void light() { rouse::detail::light_barrier(); }
extern "C" void heavy() { rouse::detail::heavy_barrier(); }
CODE
expect() {
    local found="does not compile" compiler flags
    . "$root/examples/firmware/board/$1/board.conf"
    # shellcheck disable=SC2086
    $compiler $flags -std=c++20 -Os -fno-exceptions "-DROUSE_CORES=$2" -I "$root/include" -S -o "$work/barrier.s" "$work/barrier.cpp" &&
        found=$(awk '/^(light|heavy):/ { printf "%s ", $1 } /^\t(dmb|fence)/ { printf "%s ", $1 }' "$work/barrier.s")
    [[ $found == "$3 " ]] && echo "$1, barriers with $2 cores: $found" && return
    failed=1
    echo "FAILED: $1, barriers with $2 cores: found '$found' in place of '$3'"
}
expect mps2-an521 2 "light: dmb heavy: dmb"
expect mps2-an521 1 "light: heavy:"
for board in virt-rv32 virt-rv64; do
    expect $board 2 "light: fence heavy: fence"
    expect $board 1 "light: heavy:"
done

for board in mps2-an521 virt-rv32 virt-rv64; do
    printf '#include %s\n' '<rouse/rouse.hpp>' '"port.hpp"' | precompile $board "${options[@]}" -I "$here" || exit 1
    items=100000
    [ $board = mps2-an521 ] && items=1000000
    # The compiler takes one core, so two at a time; the emulator takes both.
    for part in TO_LOOP FROM_LOOP FLAGS EVENT MESSAGE LATEST RECEIVED SENT; do
        while (( $(jobs -rp | wc -l) >= 2 )); do wait -n; done
        [[ $part == *_LOOP ]] || items=100000
        build $board $part $items &
    done
    wait
    for part in TO_LOOP FROM_LOOP FLAGS EVENT MESSAGE LATEST RECEIVED SENT; do check $board $part; done
done

[ $failed = 0 ] && echo "two cores: all right"
exit $failed

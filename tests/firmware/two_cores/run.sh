#!/bin/bash
# A loop on one core and plain code on another, on boards of two cores (see items_and_flags.cpp and values.cpp); then the same with a
# deliberate fault in a copy of the headers, which must be caught; and that the asymmetric barrier is a full fence there.
# Exits with 77 where there is no compiler or no emulator.
# usage: run.sh
set -u
. "$(dirname "$0")/../environment.sh"
here=$root/tests/firmware/two_cores
require_tools mps2-an521 virt-rv32 virt-rv64
. "$root/tests/support/copy_with_fault.sh"
failed=0

# one BOARD PART ITEMS SECONDS: builds and runs one part; the output is in $work/log
one() {
    local several=() program=values
    [[ $2 =~ ^(TO_LOOP|FROM_LOOP|FLAGS)$ ]] && program=items_and_flags
    [[ $1 == virt-* ]] && several=(-smp 2)
    "$root/examples/firmware/build" "$1" "$work/program.elf" "$here/$program.cpp" -O2 -DROUSE_CORES=2 -DROUSE_FRAME_BYTES=4096 "-DPART_$2" "-DITEMS=$3" \
        >"$work/log" 2>&1 || return 2
    ICOUNT=off timeout "$4" "$root/examples/firmware/run" "$1" "$work/program.elf" "${several[@]}" >"$work/log" 2>&1
}

check() { # BOARD PART ITEMS
    one "$1" "$2" "$3" 240 || { failed=1 && echo "FAILED: $1, $2:"; }
    cat "$work/log"
}

# control NAME BOARD PART HEADER SED...: several runs, as it is not said when the cores meet
control() {
    local name=$1 board=$2 part=$3
    if ! copy_with_fault "${@:4}" >"$work/log"; then
        failed=1
        echo "$name: $(cat "$work/log")"
        return
    fi
    for run in 1 2 3; do
        INCLUDE=$work/include one "$board" "$part" 300000 120
        case $? in
        0) ;;
        2) failed=1 && echo "$name: does not build: $(head -5 "$work/log")" && return ;;
        *) grep -m1 -E 'FAILED|stopped by a fault' "$work/log" >"$work/caught" &&
            echo "$name: caught by run $run: $(cat "$work/caught")" && return ;;
        esac
    done
    failed=1
    echo "$name: NOT caught: $(cat "$work/log")"
}

# expect BOARD CORES FENCES: the fences in light_barrier() and in heavy_barrier(), as instructions
cat >"$work/barrier.cpp" <<'CODE'
#include <rouse/ports/asymmetric_barrier.hpp>
extern "C" void light() { rouse::light_barrier(); }
extern "C" void heavy() { rouse::heavy_barrier(); }
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

check mps2-an521 TO_LOOP 1000000
check mps2-an521 FROM_LOOP 1000000
check mps2-an521 FLAGS 100000
for board in virt-rv32 virt-rv64; do
    check $board TO_LOOP 100000
    check $board FROM_LOOP 100000
    check $board FLAGS 100000
done
for board in mps2-an521 virt-rv32 virt-rv64; do
    for part in EVENT MESSAGE LATEST RECEIVED SENT; do check $board $part 100000; done
done

queue=threadsafe/thread_safe_queue.hpp
published_first=(
    's/^        ring_\.put\(tail, std::forward<U>\(value\)\);$/        tail_.store(next, std::memory_order_release);/'
    's/^        tail_\.store\(next, std::memory_order_release\); \/\/.*$/        ring_.put(tail, std::forward<U>(value));/')
for board in mps2-an521 virt-rv32; do
    control "$board: an item is published before it is written" $board TO_LOOP $queue "${published_first[@]}"
    control "$board: a full ring is filled all the same" $board TO_LOOP $queue \
        's/^        return next != head_seen_;$/        return true;/'
    control "$board: the same, read by the second core" $board FROM_LOOP $queue \
        's/^        return next != head_seen_;$/        return true;/'
    control "$board: a flag is cleared at the start of the wait" $board FLAGS threadsafe/thread_safe_flag.hpp \
        's/return flag_->is_set\(\); .*/flag_->clear(); return false;/'
    control "$board: an event is armed without a look" $board EVENT threadsafe/thread_safe_event.hpp \
        's/armed_ = change\(clear_state, armed_state\);/armed_ = true, state_.store(armed_state, std::memory_order_release);/'
    control "$board: a message's slot is given back before it is read" $board MESSAGE threadsafe/message.hpp \
        's/^        if \(mine == none\) return false;/        free_.fetch_add(1U << mine, std::memory_order_release);/'
    control "$board: the writer keeps its slot" $board LATEST threadsafe/latest.hpp \
        's/^        writing_ = (between_\.exchange\(filled, .*\)) & ~fresh_bit;/        static_cast<void>(\1);/'
    control "$board: bytes are accepted behind a gap" $board RECEIVED threadsafe/ring_io.hpp \
        's/^        if \(counted_as_lost\(\)\) return false;//'
    control "$board: the transmitter goes idle and tells nobody" $board SENT threadsafe/ring_io.hpp 's/^        idle_\.set\(\);$//'
done
control "virt-rv32: wake() raises no interrupt" virt-rv32 FLAGS ports/riscv.hpp \
    's/^        software_interrupt\(msip\) = 1;$/        static_cast<void>(msip);/'
control "virt-rv32: the interrupt is lowered after the look" virt-rv32 FLAGS ports/riscv.hpp \
    's/^        software_interrupt\(msip_\) = 0;$//' \
    's/(if \(wakes_\..* == 0\)) (asm volatile\("wfi" ::: "memory"\);)/\1 { software_interrupt(msip_) = 0; \2 }/'

[ $failed = 0 ] && echo "two cores: all right"
exit $failed

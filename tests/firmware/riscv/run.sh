#!/bin/bash
# The port of RISC-V, on QEMU's board "virt" with 32 and with 64 bits: see the sources of this folder. Then with a
# deliberate fault in a copy of the headers, which must be caught. Exits with 77 where there is no compiler or no emulator.
# usage: run.sh
set -u
. "$(dirname "$0")/../environment.sh"
here=$root/tests/firmware/riscv
require_tools virt-rv32 virt-rv64
. "$root/tests/support/copy_with_fault.sh"
failed=0

# one BOARD PROGRAM: builds and runs it; the output is in $work/log
one() {
    "$root/examples/firmware/build" "$1" "$work/program.elf" "$here/$2.cpp" -Os -DROUSE_FRAME_BYTES=4096 >"$work/log" 2>&1 || return 2
    timeout 60 "$root/examples/firmware/run" "$1" "$work/program.elf" >"$work/log" 2>&1
}

for board in virt-rv32 virt-rv64; do
    for program in machine_timer lost_wake interrupt_storm; do
        one $board $program || { failed=1 && echo "FAILED: $board, $program:"; }
        cat "$work/log"
    done
done

# control NAME BOARD PROGRAM HEADER SED...
control() {
    if ! copy_with_fault "${@:4}" >"$work/log"; then
        failed=1
        echo "$1: $(cat "$work/log")"
        return
    fi
    INCLUDE=$work/include one "$2" "$3"
    case $? in
    0 | 2) failed=1 && echo "$1: NOT caught, or does not build: $(head -5 "$work/log")" ;;
    *) grep -q FAILED "$work/log" && echo "$1: caught: $(cat "$work/log")" | tr '\n' ' ' && echo && return
        failed=1 && echo "$1: ended without saying what is wrong: $(cat "$work/log")" ;;
    esac
}

port=ports/riscv.hpp
for board in virt-rv32 virt-rv64; do
    control "$board: the look is before interrupts are masked" $board lost_wake $port \
        's/if \(wakes_\.load\(std::memory_order_relaxed\) == 0\) (asm volatile\("wfi")/\1/'
    control "$board: nothing is masked" $board lost_wake $port 's/^        const core::InterruptsMasked masked;$//'
    control "$board: a flag is cleared at the start of the wait" $board lost_wake threadsafe/thread_safe_flag.hpp \
        's/return flag_->is_set\(\); .*/flag_->clear(); return false;/'
    control "$board: a full ring is filled all the same" $board interrupt_storm threadsafe/thread_safe_queue.hpp \
        's/^        return next != head_seen_;$/        return true;/'
    control "$board: a tick in place of the deadline" $board machine_timer $port \
        's/at \+ scaled\(.*\) \+ 1\);$/at + 10000);/'
done
control "virt-rv32: mtime is not read again" virt-rv32 machine_timer $port 's/if \(at\(mtime_ \+ 4\) == high\)//'

[ $failed = 0 ] && echo "RISC-V: all right"
exit $failed

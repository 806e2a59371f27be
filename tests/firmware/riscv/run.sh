#!/bin/bash
# The port of RISC-V, on QEMU's board "virt" with 32 and with 64 bits: see the sources of this folder. The faults that they
# must catch are in controls.toml. Exits with 77 where there is no compiler or no emulator.
# usage: run.sh
set -u
. "$(dirname "$0")/../environment.sh"
here=$root/tests/firmware/riscv
require_tools virt-rv32 virt-rv64
failed=0

for board in virt-rv32 virt-rv64; do
    for program in machine_timer lost_wake interrupt_storm; do
        { "$root/examples/firmware/build" $board "$work/program.elf" "$here/$program.cpp" -Os -DROUSE_FRAME_BYTES=4096 &&
            run_program $board "$work/program.elf"; } >"$work/log" 2>&1 || { failed=1 && echo "FAILED: $board, $program:"; }
        cat "$work/log"
    done
done

[ $failed = 0 ] && echo "RISC-V: all right"
exit $failed

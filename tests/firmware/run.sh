#!/bin/bash
# Builds the programs beside this script for a board and runs them under the emulator; each prints a line about what it
# covered. Exits with 77 where the compiler or the emulator is missing.
# usage: run.sh BOARD [-Os]
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/environment.sh"
board=$1 optimisation=${2:--Os}
require_tools "$board"

failed=0
for source in "$here"/*.cpp; do
    program=$(basename "$source" .cpp)
    if ! build_program "$board" "$work/$program.elf" "$program" "$optimisation" >"$work/log" 2>&1; then
        echo "$program: does not build"
        head -20 "$work/log"
        failed=1
    elif ! run_program "$board" "$work/$program.elf" >"$work/log" 2>&1; then
        cat "$work/log"
        echo "$program: FAILED"
        failed=1
    else
        grep "^$program:" "$work/log"
    fi
done
exit $failed

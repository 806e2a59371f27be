#!/bin/bash
# Builds the programs beside this script for a processor and runs them under the emulator, on each of the boards given;
# each prints a line about what it covered. Exits with 77 where the compiler or the emulator is missing.
# usage: run.sh -Os BOARD...   the boards have the same processor: a program is compiled once, and linked for each
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/environment.sh"
options=("$1" -DROUSE_FRAME_BYTES=4096)
shift
boards=("$@")
require_tools "${boards[@]}"

flags_of() ( . "$root/examples/firmware/board/$1/board.conf" && echo "$flags" )
for board in "${boards[@]}"; do
    [[ $(flags_of "$board") == "$(flags_of "${boards[0]}")" ]] || { echo "$board has another processor than ${boards[0]}"; exit 1; }
done

precompile "${boards[0]}" "${options[@]}" -I "$here" <<<'#include "support.hpp"' || exit 1
failed=0
for source in "$here"/*.cpp; do
    program=$(basename "$source" .cpp)
    if ! "$here/compile" "${boards[0]}" "$work/$program.o" "$source" "${options[@]}" "${precompiled[@]}" >"$work/log" 2>&1; then
        echo "$program: does not build"
        head -20 "$work/log"
        failed=1
        continue
    fi
    for board in "${boards[@]}"; do
        if ! "$root/examples/firmware/build" "$board" "$work/$program.elf" "$work/$program.o" "${options[@]}" >"$work/log" 2>&1; then
            echo "$board: $program: does not link"
            head -20 "$work/log"
            failed=1
        elif ! run_program "$board" "$work/$program.elf" >"$work/log" 2>&1; then
            cat "$work/log"
            echo "$board: $program: FAILED"
            failed=1
        else
            grep "^$program:" "$work/log" | sed "s/^/$board: /"
        fi
    done
done
exit $failed

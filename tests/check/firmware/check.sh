#!/bin/bash
# An interrupt at every instruction of an image: a driver that takes a count in two steps loses an interrupt's at some of
# them, which must be found; the same with the interrupt masked must pass, to its first sleep.
# usage: check.sh [BOARD...]
set -u
here=$(cd "$(dirname "$0")" && pwd)
firmware=$here/../../../examples/firmware
for tool in arm-none-eabi-g++ qemu-system-arm python3; do
    command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
[ $# -gt 0 ] || set -- mps2-an385 microbit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
check() { # name, expected status, expected text, command...
    local name=$1 expected=$2 text=$3 status
    shift 3
    "$@" >"$work/log" 2>&1
    status=$?
    if [ $status = "$expected" ] && grep -q "$text" "$work/log"; then
        passed=$((passed + 1))
        echo "ok    $name: $(tail -1 "$work/log")"
    else
        failed=$((failed + 1))
        echo "BAD   $name: ends with $status"
        cat "$work/log"
    fi
}
for board; do
    "$firmware/build" "$board" "$work/sound.elf" "$here/counter.cpp" -Os -I "$firmware" &&
        "$firmware/build" "$board" "$work/faulty.elf" "$here/counter.cpp" -Os -I "$firmware" -DFAULTY || exit 1
    check "$board, a count that is taken in two steps" 1 "the second byte is lost" \
        "$firmware/interrupt-everywhere" "$board" "$work/faulty.elf" --irq 8 --to has_taken
    check "$board, masked" 0 " 0 failed" "$firmware/interrupt-everywhere" "$board" "$work/sound.elf" --irq 8 --to has_taken
    check "$board, masked, to its first sleep, at every seventh instruction" 0 " 0 failed" \
        "$firmware/interrupt-everywhere" "$board" "$work/sound.elf" --irq 8 --every 7
    check "$board, a symbol that there is not" 1 "has no symbol nowhere" \
        "$firmware/interrupt-everywhere" "$board" "$work/sound.elf" --irq 8 --to nowhere
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]

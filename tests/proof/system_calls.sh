#!/bin/bash
# While the loop is busy, set() makes no system call; while it sleeps, the first one does, and the rest none until it has
# slept again. Counted by strace: a wake is a write of eight bytes, the number one.
# usage: system_calls.sh path/to/system_calls
set -eu
program=$1
command -v strace >/dev/null || { echo "strace is not installed"; exit 77; }
wakes() {
    local trace
    trace=$(mktemp)
    strace -f -e trace=write -o "$trace" "$program" "$1"
    grep -c 'write([0-9]*, "\\1\\0\\0\\0\\0\\0\\0\\0", 8)' "$trace" || true
    rm -f "$trace"
}
passed=0 failed=0
check() { # what, found, least, most
    if (( $2 >= $3 && $2 <= $4 )); then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    echo "$1: $2 wakes (expected $3 to $4)"
}
check "busy: 1000 sets" "$(wakes busy)" 0 0
# In each of the hundred rounds the loop sleeps twice, for the flag and for a millisecond, in which late sets may fall
# that find nobody waiting, and so wake nobody.
check "asleep: 1000 sets in 100 sleeps" "$(wakes asleep)" 100 100
echo "$passed passed, $failed failed"
(( failed == 0 ))

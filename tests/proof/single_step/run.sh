#!/bin/bash
# An interrupt at every instruction: builds single_step with both compilers, optimised, and with one of them unoptimised, and
# runs it. That it would find faults is shown by the controls (controls.toml).
# An interrupt takes some milliseconds, so only every second instruction is interrupted, in the other builds fewer; with 1
# every one in each build, which takes several times as long. Unoptimised code has the steps of the source, whichever compiler it is. It has
# five times the instructions, and several between any two that matter; and no pairs of interrupts, of which so few would be
# tried that they find nothing.
# usage: run.sh <source root> [1]
set -u
root=$1
few=(101 2 20 15)
[[ ${2:-} == 1 ]] && few=(1 1 1 1)
here=$(cd "$(dirname "$0")" && pwd)
[[ $(uname -sm) == "Linux x86_64" ]] || { echo "needs the trap flag of x86-64, and Linux; this is $(uname -sm)"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# check NAME EVERY PAIRS COMPILER...
check() {
    local name=$1 every=$2 pairs=$3
    shift 3
    command -v "$1" >/dev/null || { echo "== $name: skipped, $1 is not installed"; return; }
    echo "== $name"
    : >"$work/log"
    if "$here/build.sh" "$work/single_step" "$root/include" "$@" && "$work/single_step" --every "$every" --pairs "$pairs" >"$work/log"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
    cat "$work/log"
    # The instructions that failed, by their place in the source.
    grep -o '0x[0-9a-f]*:' "$work/log" | tr -d : | sort -u | head -5 | while read -r address; do
        command -v addr2line >/dev/null && addr2line -Cfpie "$work/single_step" "$address"
    done
}
unoptimised=g++
command -v g++ >/dev/null || unoptimised=clang++-19
check "$unoptimised -O0, every ${few[0]}" "${few[0]}" 0 "$unoptimised" -O0
check "g++ -O2, every ${few[1]}" "${few[1]}" 12 g++ -O2
check "g++ -O2, without exceptions, every ${few[2]}" "${few[2]}" 6 g++ -O2 -fno-exceptions -fno-rtti
check "clang++-19 -O2, every ${few[3]}" "${few[3]}" 6 clang++-19 -O2
(( passed + failed > 0 )) || { echo "there is no compiler"; exit 77; }
echo "$passed passed, $failed failed"
(( failed == 0 ))

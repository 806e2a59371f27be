#!/bin/bash
# An interrupt at every instruction: builds single_step with both compilers, unoptimised and optimised, runs it, and shows by
# deliberate faults that it would find them (controls.sh).
# Unoptimised code has five times the instructions, and several between any two that matter: every thirty-first of them, or every
# N-th if N is given.
# usage: run.sh <source root> [N]
set -u
root=$1
every=${2:-31}
here=$(cd "$(dirname "$0")" && pwd)
[[ $(uname -sm) == "Linux x86_64" ]] || { echo "needs the trap flag of x86-64, and Linux; this is $(uname -sm)"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$here/build.sh"
passed=0 failed=0

# check NAME EVERY COMPILER...
check() {
    local name=$1 every=$2
    shift 2
    command -v "$1" >/dev/null || { echo "== $name: skipped, $1 is not installed"; return; }
    echo "== $name"
    : >"$work/log"
    if build "$work/single_step" "$root/include" "$@" && timeout 300 "$work/single_step" --every "$every" >"$work/log"; then
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
check "g++ -O0, every $every" "$every" g++ -O0
check "g++ -O2" 1 g++ -O2
check "g++ -O2, without exceptions, every 5" 5 g++ -O2 -fno-exceptions -fno-rtti
check "clang++-19 -O0, every $every" "$every" clang++-19 -O0
check "clang++-19 -O2, every 3" 3 clang++-19 -O2
(( passed + failed > 0 )) || { echo "there is no compiler"; exit 77; }

compiler=g++
command -v g++ >/dev/null || compiler=clang++-19
. "$here/controls.sh"
echo "$passed passed, $failed failed"
(( failed == 0 ))

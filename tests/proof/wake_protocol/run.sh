#!/bin/bash
# Runs spin over the model of the wake protocol: every state that three setters can bring about, the properties that
# must hold, and those that must not. The wrong variants are those of controls.toml.
# To see how one of them goes wrong, in a copy of this directory:
#   D="-DFINE -DWAKE_FORGOTTEN"; spin $D -a model.pml; gcc -DSAFETY -o pan pan.c; ./pan; spin $D -t -p -g model.pml
set -u
here=$(cd "$(dirname "$0")" && pwd)
for tool in spin gcc; do
    command -v $tool >/dev/null || { echo "$tool is not installed"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here"/*.pml "$work"
cd "$work" || exit 1
passed=0 failed=0
pass() { passed=$((passed + 1)); echo "ok    $1"; }
fail() { failed=$((failed + 1)); echo "WRONG $1"; tail -n 40 log; }

# build DEFINES-FOR-THE-MODEL DEFINES-FOR-THE-VERIFIER
build() {
    rm -f pan pan.* ./*.trail log
    # shellcheck disable=SC2086
    { spin $1 -a model.pml && gcc -w -O1 -DMEMLIM=1900 $2 -o pan pan.c; } >log 2>&1 && return
    fail "does not build: $1"
    return 1
}
search() { timeout 300 ./pan -m100000 -w23 "$@" >log 2>&1; }

# A search counts only if it was a full one, of states and not of hashes, and not cut off anywhere.
complete() {
    grep -q '^Full statespace search' log && grep -q 'errors: 0' log &&
        ! grep -qE 'not completed|too small|out of memory|aborted|Bit statespace|hash-compact' log
}
covered() {
    awk '/depth reached/ { depth = $6 + 0 } /states, stored/ { states = $1 } / transitions / { transitions = $1 }
         /elapsed time/ { time = $4 }
         END { printf "%d states, %d transitions, depth %d, %.1f s", states, transitions, depth, time }' log
}
# Every statement of the loop and the setters must have been executed, or the model does not do what it seems to.
all_reached() { [[ $(grep -A1 -E '^unreached in proctype (Loop|Setter)' log | grep -c '(0 of ') == 2 ]]; }
fault() {
    grep -m1 -oE '(assertion violated.*|invalid end state|acceptance cycle) \(at depth [0-9]+\)' log | tr -s ' \t' ' '
}

# safe NAME DEFINES: no assertion fails and nothing hangs
safe() {
    build "$2" -DSAFETY || return
    search
    if complete && all_reached; then pass "$1: complete, every statement reached: $(covered)"; else fail "$1"; fi
}
# live NAME DEFINES PROPERTY: the property holds in every fair run
live() {
    build "$2" -DNFAIR=3 || return
    search -a -f -N "$3"
    if complete; then pass "$1: $3 holds: complete: $(covered)"; else fail "$1: $3"; fi
}
# untrue NAME PROPERTY OPTION...: in the model as last built there is a run without it
untrue() {
    local name=$1 property=$2
    shift 2
    search -a -N "$property" "$@"
    if grep -q 'errors: 1' log && [[ -n $(fault) ]]; then pass "$name: $property does not hold: $(fault)"
    else fail "$name: $property should not hold"; fi
}

echo "The protocol as it is, with three setters that make six calls in all, on any flag:"
safe "one flag, every step for itself" -DFINE
safe "two flags" -DFLAGS=2
safe "three flags, three calls" "-DFLAGS=3 -DCALLS=3"
safe "one flag, which is cleared as well" -DCLEARED
safe "one flag, poll(), every step for itself" "-DPOLL -DFINE"
safe "two flags, poll()" "-DPOLL -DFLAGS=2"

echo "Liveness, with weak fairness:"
live "two flags" "-DFLAGS=2 -DSERVED_ONLY -DCALM_COMES" set_is_seen
untrue "without fairness, when anybody may stop anywhere" set_is_seen
for property in nothing_is_set never_asleep never_woken; do untrue "not vacuous" $property -f; done
live "one flag, poll()" "-DPOLL -DSERVED_ONLY -DCALM_COMES" set_is_seen
live "one flag" "-DENDED_ONLY -DCALM_COMES" loop_ends
untrue "without fairness, when anybody may stop anywhere" loop_ends
for property in loop_never_ends setters_are_through; do untrue "not vacuous" $property -f; done
live "two flags, three calls" "-DFLAGS=2 -DCALLS=3 -DENDED_ONLY -DCALM_COMES" loop_ends
live "one flag, poll()" "-DPOLL -DENDED_ONLY -DCALM_COMES" loop_ends
build -DSERVED_ONLY -DNFAIR=3 &&
    untrue "early returns for ever, each between a sender's look and its push" set_is_seen -f

echo "$passed passed, $failed failed"
((failed == 0))

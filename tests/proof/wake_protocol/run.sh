#!/bin/bash
# Runs spin over the model of the wake protocol: every state that three setters can bring about, the properties that
# must hold, those that must not, and the wrong variants, each of which spin must find fault with.
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
    { spin $1 -a model.pml && gcc -w -O${optimise-1} -DMEMLIM=1900 $2 -o pan pan.c; } >log 2>&1 && return
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
# wrong NAME DEFINE [DEFINES]: a variant with one fault
wrong() {
    optimise=0 build "-D$2 ${3--DFINE}" -DSAFETY || return
    search
    if grep -q 'errors: 1' log && [[ -n $(fault) ]]; then pass "caught: $1: $(fault)"; else fail "NOT caught: $1"; fi
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

echo "Controls:"
wrong "asleep in a word of its own, and no second look into the mailbox" ASLEEP_IN_A_WORD_OF_ITS_OWN
wrong "asleep written by a plain store" ASLEEP_BY_STORE
wrong "the inbox taken by a load and a store" TAKE_BY_LOAD_AND_STORE
wrong "a failed push tried again without linking anew" LINKED_ONCE -DFLAGS=2
wrong "what was taken not brought into the order of sending" NOT_BROUGHT_INTO_ORDER -DFLAGS=2
wrong "no wake after the push" WAKE_FORGOTTEN
wrong "the wake before the push" WAKE_BEFORE_PUSH
wrong "a wake that comes before the wait is forgotten by the port" WAKE_NOT_STICKY
wrong "old wakes taken out between falling asleep and the wait" WAKES_DRAINED_BEFORE_SLEEP
wrong "several wakes counted as one" WAKES_COUNTED_AS_ONE
wrong "a wake counted as owed by a loop that was awake" OWED_COUNTED_WHILE_AWAKE
wrong "wakes that are owed not awaited at the end" WAKES_NOT_AWAITED
wrong "set: a load and a store" SET_BY_LOAD_AND_STORE
wrong "set: a look before the exchange" SET_LOOKS_FIRST
wrong "consume: reset by a plain store" CONSUME_BY_STORE
wrong "wait: the waiter written by a plain store" PARK_BY_STORE
wrong "retract: by a plain store" RETRACT_BY_STORE
wrong "retract: a waiter that a setter has is taken for free" RETRACT_NEVER_FAILS
wrong "a cancelled wait consumes the flag" CANCEL_CONSUMES
build "-DWAKE_FORGOTTEN -DSERVED_ONLY -DCALM_COMES" -DNFAIR=3 &&
    untrue "caught: no wake after the push" set_is_seen -f -A
build "-DWAKES_COUNTED_AS_ONE -DENDED_ONLY -DCALM_COMES" -DNFAIR=3 &&
    untrue "caught: several wakes counted as one" loop_ends -f -A

echo "$passed passed, $failed failed"
((failed == 0))

#!/bin/bash
# bad_tests.sh: run.sh must fail for tests that fail, give up, panic, never end, or are none, and say so. Faults in the
# headers are in controls.toml.
# usage: bad_tests.sh
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
missed=0 files=() names=() patterns=()

bad_test() { # bad_test NAME PATTERN: the source on stdin; run.sh must print FAILED for it, and a line like PATTERN
    names+=("$1") patterns+=("$2") files+=("$work/bad${#files[@]}_test.cpp")
    cat >"${files[-1]}"
}
run() { # all those up to here, each with an image of its own; and each must make run.sh fail
    local status each
    "$here/run.sh" cortex-m3 "${files[@]}" >"$work/log" 2>&1
    status=$?
    [ $status != 77 ] || { cat "$work/log"; exit 77; }
    [ $status != 0 ] || { missed=1 && echo "MISSED: run.sh ends with 0"; }
    for each in "${!files[@]}"; do
        # From its line to the next file's.
        awk -v file="${files[each]}: " 'index($0, "_test.cpp: ") && !/^ / { on = index($0, file) == 1 } on' "$work/log" >"$work/said"
        if grep -q "_test.cpp: FAILED" "$work/said" && grep -qE "${patterns[each]}" "$work/said"; then
            echo "caught: ${names[each]}: $(grep -E -m1 "${patterns[each]}" "$work/said" | sed 's/^ *//; s/.*FAILED: //; s/.*FAILED, //')"
        else
            echo "MISSED: ${names[each]}"
            sed 's/^/    /' "$work/said"
            missed=1
        fi
    done
    files=() names=() patterns=()
}

bad_test "a file without a test" '^ +0 cases, 0 checks' <<'TEST'
#include "support/catch.hpp"
TEST
bad_test "a test that checks nothing" '1 cases, 0 checks' <<'TEST'
#include "support/catch.hpp"
TEST_CASE("nothing") {}
TEST
bad_test "a check that fails in a loop of many" 'bad[0-9]_test.cpp:2: FAILED: i != 7$' <<'TEST'
#include "support/catch.hpp"
TEST_CASE("one of ten") { for (int i = 0; i < 10; ++i) CHECK(i != 7); }
TEST
bad_test "a requirement that fails, and a failure after it" '1 cases, 2 checks, 1 failed' <<'TEST'
#include "support/catch.hpp"
TEST_CASE("first") { CHECK(true); REQUIRE(!true); CHECK(false); }
TEST_CASE("second") { CHECK(false); }
TEST
bad_test "a misuse that no test expects" 'FAILED: rouse: there is no loop on this thread' <<'TEST'
#include "support/catch.hpp"
#include <rouse/rouse.hpp>
TEST_CASE("misuse") { rouse::Loop::current(); }
TEST
bad_test "a fault of the processor" 'stopped by a fault at ' <<'TEST'
#include "support/catch.hpp"
TEST_CASE("fault") { CHECK(true); __builtin_trap(); }
TEST
run
bad_test "a test that never ends" 'FAILED, status 1(24|37|52)' <<'TEST'
#include "support/catch.hpp"
TEST_CASE("endless") { for (;;) asm volatile(""); }
TEST
CPU_SECONDS=3 run
exit $missed

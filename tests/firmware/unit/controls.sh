#!/bin/bash
# controls.sh: run.sh must fail for copies of the headers with one deliberate fault each, and for tests that fail, give
# up, panic, or are none.
# usage: controls.sh
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$root/tests/support/copy_with_fault.sh"
missed=0

caught() { # caught NAME PATTERN CPU FILE...: run.sh fails, and prints a line like PATTERN
    "$here/run.sh" "${@:3}" >"$work/log" 2>&1
    local status=$?
    [ $status != 77 ] || { cat "$work/log"; exit 77; }
    if [ $status != 0 ] && grep -qE "$2" "$work/log"; then
        echo "caught: $1: $(grep -E -m1 "$2" "$work/log" | sed 's/^ *//; s/.*FAILED: //')"
    else
        echo "MISSED: $1"
        sed 's/^/    /' "$work/log"
        missed=1
    fi
}
fault() { # fault NAME HEADER SED CPU FILE
    copy_with_fault "$2" "$3" || { missed=1; return; }
    INCLUDE=$work/include caught "$1" "_test.cpp:[0-9]+: FAILED: " "$4" "$5"
}
bad_test() { # bad_test NAME PATTERN: the source on stdin
    cat >"$work/bad_test.cpp"
    caught "$1" "$2" cortex-m3 "$work/bad_test.cpp"
}

fault "a block of the pool is used for larger frames" core/static_frame_pool.hpp \
    's/head.bytes == whole/head.bytes <= whole/' cortex-m3 core/static_frame_pool_test.cpp
fault "the timers go off in the wrong order" core/timer_heap.hpp \
    's/a\.deadline < b\.deadline/b.deadline < a.deadline/' cortex-m3 core/timer_heap_test.cpp
fault "a compare-exchange of ARMv6-M stores what it should not" core/atomic.hpp \
    's/before == expected \? desired : before/before == expected ? desired : desired/' \
    cortex-m0 core/atomic_test.cpp

bad_test "a file without a test" '^ +0 cases, 0 checks' <<'TEST'
#include "support/catch.hpp"
TEST
bad_test "a test that checks nothing" '1 cases, 0 checks' <<'TEST'
#include "support/catch.hpp"
TEST_CASE("nothing") {}
TEST
bad_test "a check that fails in a loop of many" 'bad_test.cpp:2: FAILED: i != 7$' <<'TEST'
#include "support/catch.hpp"
TEST_CASE("one of ten") { for (int i = 0; i < 10; ++i) CHECK(i != 7); }
TEST
bad_test "a requirement that fails, and a failure after it" '1 cases, 2 checks, 1 failed' <<'TEST'
#include "support/catch.hpp"
TEST_CASE("first") { CHECK(true); REQUIRE(!true); CHECK(false); }
TEST_CASE("second") { CHECK(false); }
TEST
bad_test "a misuse that nobody expects" 'FAILED: rouse: there is no loop on this thread' <<'TEST'
#include "support/catch.hpp"
#include <rouse/rouse.hpp>
TEST_CASE("misuse") { rouse::Loop::current(); }
TEST
bad_test "a fault of the processor" 'stopped by a fault at ' <<'TEST'
#include "support/catch.hpp"
TEST_CASE("fault") { CHECK(true); __builtin_trap(); }
TEST
LIMIT=3 bad_test "a test that never ends" 'FAILED, status 124' <<'TEST'
#include "support/catch.hpp"
TEST_CASE("endless") { for (;;) asm volatile(""); }
TEST
exit $missed

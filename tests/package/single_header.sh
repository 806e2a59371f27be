#!/bin/bash
# single_header.sh COMPILER SOURCE_DIR TEST_MAIN... [-- TEST.cpp...]: the single header, made and tested as the headers
# are. The unit tests are compiled with it and run, by headers of the usual names that include the one file, so that
# nothing else can be found: those named after `--`; else one of each folder. Of threadsafe the others are compiled only,
# as what they do is the same.
# Also: two files that include it link, it compiles without exceptions, and for Cortex-M and RISC-V, if there are
# compilers.
# TEST_MAIN is what the tests are linked with, as in compile_fail/check.sh.
set -u
if [ $# -lt 3 ] || [ ! -f "$2/include/rouse/rouse.hpp" ]; then
    echo "usage: single_header.sh COMPILER SOURCE_DIR TEST_MAIN... [-- TEST.cpp...]" >&2
    exit 2
fi
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
compiler=$1
source=$(cd "$2" && pwd)
shift 2
main=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do main+=("$1") && shift; done
tests=("${@:2}")
compiled=()
if [ ${#tests[@]} = 0 ]; then
    tests=(core/cancel sync/queue combine/select threads/context threads/unblock io/stream threadsafe/thread_safe_queue)
    mapfile -t compiled < <(cd "$source/tests" && ls threadsafe/*_test.cpp | grep -v thread_safe_queue_test)
fi
tests=("${tests[@]#tests/}")
# shellcheck source=tests/support/checks.sh
. "$source/tests/support/checks.sh"
warnings=(-std=c++20 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
firmware=("${warnings[@]}" -fno-exceptions -fno-rtti -Os)

make_it() { "$source/tests/package/single_header.py" "$source" 0 "$work/include/rouse.hpp"; }
check "it is made" make_it
forward() { "$source/tests/package/single_header.py" "$source" --forward "$work/include"; }
check "headers of the usual names that include it" forward
begins_with_the_licence() { sed -n '3,23s|^// \{0,1\}||p' "$work/include/rouse.hpp" | cmp - "$source/LICENSE"; }
check "it begins with the licence" begins_with_the_licence
needs_no_other() { ! grep -n '#include.*rouse/' "$work/include/rouse.hpp"; }
check "it includes no other header of rouse" needs_no_other

# Compiled once for all the tests, which takes off a third of the time: Catch2, and the header itself.
printf '#include "%s"\n' support/catch.hpp rouse.hpp >"$work/first.hpp"
first() { "$compiler" "${warnings[@]}" -I "$work/include" -I "$source/tests" -x c++-header "$work/first.hpp" -o "$work/first.hpp.gch"; }
check "it can be precompiled" first
compile() { # compile NAME FLAG...
    "$compiler" "${warnings[@]}" -include "$work/first.hpp" -I "$work/include" -I "$source/tests" "$source/tests/$1_test.cpp" "${@:2}"
}
unit_test() { compile "$1" "${main[@]}" -o "$work/test" -pthread && timeout 120 "$work/test"; }
for each in "${tests[@]}"; do check "$each" unit_test "${each%_test.cpp}"; done
for each in "${compiled[@]}"; do check "$each compiles" compile "${each%_test.cpp}" -fsyntax-only; done

cat >"$work/main.cpp" <<'CPP'
#include "rouse.hpp"
rouse::Task<int> answer();
int main() { return rouse::run(answer()) == 42 ? 0 : 1; }
CPP
cat >"$work/other.cpp" <<'CPP'
#include "rouse.hpp"
rouse::Task<int> answer() {
    co_await rouse::yield();
    co_return 42;
}
CPP
two_files() { # two_files FLAGS...
    "$compiler" "${warnings[@]}" "$@" -I "$work/include" "$work/main.cpp" "$work/other.cpp" -o "$work/two" -pthread &&
        "$work/two"
}
check "two files that include it link, and run" two_files
check "the same without exceptions" two_files -fno-exceptions -fno-rtti

cat >"$work/firmware.cpp" <<'CPP'
#include "rouse.hpp"
constinit rouse::ThreadSafeFlag received;
extern "C" void UART_IRQHandler() { received.set(); }
rouse::Task<> uart() { co_await received.wait(); }
#if defined(__arm__)
using Clock = rouse::SysTickClock;
using Port = rouse::CortexMPort<Clock>;
#else
using Clock = rouse::MachineTimer;
using Port = rouse::RiscvPort<Clock>;
#endif
void serve(Clock& clock) {
    Port port{clock};
    rouse::Loop loop{port};
    loop.run(uart());
}
CPP
for_board() { # for_board BOARD: with its compiler and flags
    local compiler flags
    # shellcheck disable=SC1090
    . "$source/examples/firmware/board/$1/board.conf"
    command -v "$compiler" >/dev/null || { echo "not checked: $compiler is not installed" >&3 && return; }
    # shellcheck disable=SC2086
    "$compiler" "${firmware[@]}" $flags -I "$work/include" -c "$work/firmware.cpp" -o "$work/firmware.o"
}
exec 3>&1
for board in microbit mps2-an385 virt-rv32 virt-rv64; do check "firmware: $board" for_board "$board"; done

count_checks

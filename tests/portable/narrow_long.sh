#!/bin/bash
# narrow_long.sh: Linux where `long` has 32 bits, with time_t of 32 and of 64 bits. Compiles narrow_long.cpp for i386 and
# ARM, and runs it, here or under qemu-user. What there is no compiler for is left out; exits with 77 if there is none.
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags=(-std=c++20 -O1 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -static -pthread -I "$here/../../include")
checked=0
failed=0
check() { # check COMPILER RUN FLAGS...
    local compiler=$1 run=$2
    shift 2
    checked=$((checked + 1))
    if "$compiler" "${flags[@]}" "$@" "$here/narrow_long.cpp" -o "$work/program" 2>"$work/log" &&
        timeout 60 $run "$work/program" >"$work/log" 2>&1; then
        echo "$compiler $*: $(tail -1 "$work/log")"
    else
        echo "FAILED: $compiler $*: $(head -20 "$work/log")"
        failed=1
    fi
}
for time in "" "-D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64"; do
    # shellcheck disable=SC2086
    if command -v i686-linux-gnu-g++ >/dev/null; then check i686-linux-gnu-g++ "" $time; fi
    # shellcheck disable=SC2086
    if command -v arm-linux-gnueabihf-g++ >/dev/null && command -v qemu-arm >/dev/null; then
        check arm-linux-gnueabihf-g++ qemu-arm $time
    fi
done
if ((checked == 0)); then
    echo "skipped: no i686-linux-gnu-g++, and no arm-linux-gnueabihf-g++ with qemu-arm"
    exit 77
fi
exit $failed

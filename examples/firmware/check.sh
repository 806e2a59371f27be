#!/bin/bash
# Builds the examples for each board with CMake, runs them in QEMU, and checks that the images have no heap, no exceptions,
# no RTTI, no streams and no atomics library. Exits with 77 where a tool is missing. The time limits are for what hangs; on a
# busy machine what does not may take long.
# usage: check.sh [BOARD...]; the default is mps2-an385
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

. "$here/forbidden_names.sh"

fail() {
    failed=1
    echo "FAILED: $1"
    [ -s "${2:-}" ] && tail -20 "$2" | sed 's/^/    /'
}

names() { "${compiler%g++}nm" "$1" | awk '{ print $NF }' | sort -u; }

# What an image has, or takes out of a library by its map, and one with an empty main() does not.
needless() {
    names "$1" | comm -23 - "$work/empty.names" | grep -E "$forbidden"
    awk '/^Discarded input sections|^Memory Configuration/ { exit } /^[^ ].*\.a\(/ { print $1 }' "${1%.elf}.map" |
        grep -E '(stdc\+\+|supc\+\+|libatomic)[^/]*\.a\(|unwind|malloc|freer|sbrkr'
}

# 10,000 bytes and an end through the UART and back, by two pipes. The emulator's UART knows no baud rate and would hand
# over bytes as fast as the interrupt takes them; so no more are on their way than the program has room for.
run_uart_echo() {
    local at_once=48 at status emulator
    mkfifo "$work/uart.in" "$work/uart.out"
    { head -c 20000 /dev/urandom | tr -d '\004' | head -c 10000; } >"$work/sent"
    : >"$work/back"
    UART=pipe:$work/uart timeout 600 "$here/run" "$1" "$2" &
    emulator=$!
    exec 3<>"$work/uart.in" 4<>"$work/uart.out"
    for ((at = 0; at < 10000; at += at_once)); do
        tail -c +$((at + 1)) "$work/sent" | head -c $at_once >&3
        timeout 120 head -c $((10000 - at < at_once ? 10000 - at : at_once)) <&4 >>"$work/back" || break
    done
    printf '\004' >&3
    wait $emulator
    status=$?
    exec 3>&- 4>&-
    rm "$work/uart.in" "$work/uart.out"
    cmp "$work/sent" "$work/back" && return $status
}

check_board() {
    local board=$1 build=$work/$1 elf name has=""
    . "$here/board/$board/board.conf"
    if ! command -v "$compiler" >/dev/null || ! command -v "${machine%% *}" >/dev/null; then
        echo "$board: skipped: no $compiler or no ${machine%% *}"
        [ $failed = 0 ] && exit 77
        return
    fi
    if ! { cmake -S "$here" -B "$build" --toolchain "$here/${compiler%-g++}.cmake" -DBOARD="$board" &&
        cmake --build "$build"; } >"$work/log" 2>&1; then
        fail "$board: does not build" "$work/log"
        return
    fi
    echo 'int main() {}' >"$work/empty.cpp"
    # A control: that what is looked for is found where it is.
    printf '%s\n' '#include <new>' 'int* volatile p;' 'extern "C" { char end[64]; }' 'int main() { p = new int; delete p; }' >"$work/heap.cpp"
    for name in empty heap; do
        "$here/build" "$board" "$work/$name.elf" "$work/$name.cpp" -Os >"$work/log" 2>&1 || break
    done
    names "$work/empty.elf" >"$work/empty.names"
    if [ -e "$work/heap.elf" ]; then
        needless "$work/heap.elf" >"$work/found" || fail "$board: a program that uses the heap passes"
    elif ! grep -q 'undefined reference.*operator new' "$work/log"; then # there is none that it could link
        fail "$board: the control does not build" "$work/log"
    fi

    for elf in "$build"/*.elf; do
        name=$(basename "$elf" .elf)
        needless "$elf" >"$work/found" && fail "$board: $name has what firmware is not to have" "$work/found"
        if [ "$name" = uart_echo ]; then
            run_uart_echo "$board" "$elf" >"$work/log" 2>&1
        else
            timeout 600 "$here/run" "$board" "$elf" >"$work/log" 2>&1
        fi
        local status=$?
        [ $status = 0 ] || fail "$board: $name ends with $status" "$work/log"
        echo "$board: $name: $("${compiler%g++}size" "$elf" | awk 'NR == 2 { print $1 + $2 " bytes of flash, " $2 + $3 " of RAM" }'): $(tail -1 "$work/log")"
    done
    rm -f "$work"/{empty,heap}.*
}

export ICOUNT=${ICOUNT:-shift=6}
for each in "${@:-mps2-an385}"; do check_board "$each"; done
[ $failed = 0 ] && echo "firmware examples: all right"
exit $failed

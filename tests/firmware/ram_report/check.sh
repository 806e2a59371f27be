#!/bin/bash
# check.sh: examples/firmware/ram-report lists the coroutines of frames.cpp, each where it begins and with the bytes that
# the program itself measures when it allocates them: with g++ for a Cortex-M3, a Cortex-M0 and the host, and with clang
# for a Cortex-M3. And what a pool does that is too small (pool.cpp). Exits with 77 where there is no compiler or emulator.
# usage: check.sh [FUNCTION ARGUMENT]   e.g. frames -Os: only that part, as controls.toml has it with faults in the headers
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../environment.sh"
firmware=$root/examples/firmware
report=$firmware/ram-report
require_tools mps2-an385
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
failed=0
fail() {
    failed=1
    echo "FAILED: $1"
    [ -z "${2:-}" ] || sed 's/^/    /' "$2"
}
on_board() { run_program mps2-an385 "$work/$1.elf" >"$work/$1.out" 2>&1; }
source=$here/frames.cpp

# Of each line "number bytes" that the program printed: "bytes line", as the report should have them.
expected() {
    while read -r number bytes; do
        echo "$bytes frames.cpp:$(grep -nE "// coroutine (.*, )?$number(,|$)" "$source" | cut -d: -f1)"
    done <"$work/$1.out" | sort
}
# Of each coroutine of frames.cpp that is in the report: the same.
reported() { awk '$NF ~ /frames\.cpp:/ { sub(/.*\//, "", $NF); print $1, $NF }' "$work/$1.report" | sort; }

agrees() { # agrees NAME: the program has run, and its report has been made
    expected "$1" >"$work/expected"
    reported "$1" >"$work/reported"
    [ "$(wc -l <"$work/expected")" = 9 ] && diff "$work/expected" "$work/reported" >"$work/difference"
}
check() { # check NAME [REMARKS]: NAME.out is there
    if ! "$report" "$work/$1.elf" "${@:2}" >"$work/$1.report" 2>&1; then
        fail "$1: no report" "$work/$1.report"
    elif ! agrees "$1"; then
        fail "$1: the report (>) is not what the program measures (<)" "$work/difference"
    else
        echo "$1: $(grep -c frames.cpp: "$work/$1.report") coroutines as measured; $(grep '^pool:' "$work/$1.report")"
    fi
}

frames() { # frames LEVEL
    "$firmware/build" mps2-an385 "$work/m3$1.elf" "$source" "$1" -DROUSE_FRAME_BYTES=6000 &&
        on_board "m3$1" && check "m3$1" || fail "m3 $1" "$work/m3$1.out"
    grep -q '^pool: 6000 bytes' "$work/m3$1.report" || fail "m3 $1: the pool" "$work/m3$1.report"
}

never_fits_panic() { # never_fits_panic ROOM: at -O0, where the linker cannot say it
    if "$firmware/build" mps2-an385 "$work/large.elf" "$here/pool.cpp" -O0 -DROOM="$1"; then
        on_board large && fail "a frame that can never fit runs, at -O0" "$work/large.out"
        block=$("$report" "$work/large.elf" | awk '/ task\(\)/ { print $1 }')
        grep -Fqx "panic: rouse: a coroutine frame takes $block bytes of the frame pool, and ROUSE_FRAME_BYTES is 2048" \
            "$work/large.out" || fail "the panic of a frame that can never fit does not say $block and 2048" "$work/large.out"
        echo "never fits, -O0: $(cat "$work/large.out")"
    else
        fail "a frame that can never fit does not build at -O0"
    fi
}

if [ $# != 0 ]; then
    "$@"
    exit $failed
fi

for level in -O0 -Og -Os -O2; do frames $level; done
"$firmware/build" mps2-an385 "$work/m0.elf" "$source" -Os -mcpu=cortex-m0 -DROUSE_FRAME_BYTES=4096 && on_board m0 && check m0 ||
    fail m0 "$work/m0.out"
on_host() { # on_host NAME COMPILER FLAG...
    "${@:2}" -std=c++20 -g -ffunction-sections -Wl,--gc-sections -I "$root/include" "$source" -o "$work/$1.elf" &&
        "$work/$1.elf" >"$work/$1.out" && check "$1" || fail "$1: does not run"
}
on_host host-O0 g++ -O0
on_host host-O2 g++ -O2

if command -v clang++-19 >/dev/null; then
    . "$firmware/board/mps2-an385/board.conf"
    library=$(echo /usr/include/newlib/c++/*)
    clang() { # clang NAME FLAG...: with the board's sources, as its uint32_t is another type than GCC's
        local each objects=()
        for each in "$source" $(printf "$firmware/board/%s " $sources); do
            objects+=("$work/$(basename "$each").o")
            clang++-19 --target=arm-none-eabi $flags -mfloat-abi=soft -fshort-enums -nostdinc++ -fno-unwind-tables \
                -fno-asynchronous-unwind-tables -isystem "$library" -isystem "$library/arm-none-eabi/thumb/v7-m/nofp" \
                -isystem /usr/include/newlib -std=c++20 -g "${@:2}" -fno-exceptions -fno-rtti -fno-threadsafe-statics \
                -ffunction-sections -DROUSE_FRAME_BYTES=4096 -I "$root/include" -I "$firmware/board" \
                -Rpass=coro-split -c "$each" -o "${objects[-1]}" 2>>"$work/$1.remarks" || return
        done
        arm-none-eabi-g++ $flags "${objects[@]}" -nostartfiles $link -L "$firmware/board/$scripts" \
            -T "$firmware/board/mps2-an385/memory.ld" -Wl,--gc-sections -Wl,--no-warn-execstack -o "$work/$1.elf"
    }
    clang clang-Os -Os && on_board clang-Os && check clang-Os "$work/clang-Os.remarks" || fail clang "$work/clang-Os.remarks"
    on_host clang-host-O0 clang++-19 -O0
    "$report" "$work/clang-Os.elf" >"$work/log" 2>&1 && fail "clang without remarks: sizes that nobody knows" "$work/log"
    grep -q 'Rpass=coro-split' "$work/log" || fail "clang without remarks: it is not said what to do" "$work/log"
fi

# Controls: sizes of another image; an image that tells nothing.
cp "$work/host-O2.report" "$work/m0.report"
agrees m0 && fail "control: a report of another image goes unnoticed" "$work/m0.report"
arm-none-eabi-strip -g "$work/m0.elf"
"$report" "$work/m0.elf" >"$work/log" 2>&1 && fail "control: a report without debugging information" "$work/log"

# Its arguments, and those of the scripts beside it.
for each in ram-report run build; do
    "$firmware/$each" --help >"$work/log" 2>&1 && grep -q "^usage: $each " "$work/log" || fail "$each --help" "$work/log"
    "$firmware/$each" >"$work/log" 2>"$work/errors"
    [[ $? == 2 && ! -s $work/log ]] && grep -q "^usage: $each " "$work/errors" || fail "$each without arguments" "$work/errors"
done

# A pool that is too small.
for level in -O0 -Os; do
    if "$firmware/build" mps2-an385 "$work/pool.elf" "$here/pool.cpp" $level && on_board pool; then
        block=$("$report" "$work/pool.elf" | awk '/ task\(\)/ { print $1 }')
        read -r count _ <"$work/pool.out"
        [ "$count" = $((2048 / block)) ] || fail "pool used up, $level: $count frames of $block bytes in 2048"
        echo "pool used up, $level: $count frames of $block bytes, then an empty handle"
    else
        fail "pool used up, $level" "$work/pool.out"
    fi
done
for room in 2048 3000; do
    never_fits_panic $room
    for level in -Og -Os -O2; do
        "$firmware/build" mps2-an385 "$work/large.elf" "$here/pool.cpp" $level -Wno-array-bounds -DROOM=$room 2>"$work/log" &&
            fail "a frame that can never fit links, $level"
        grep -q 'undefined reference to .rouse_frame_is_larger_than_ROUSE_FRAME_BYTES' "$work/log" ||
            fail "a frame that can never fit: the error does not say so, $level" "$work/log"
    done
done

[ $failed = 0 ] && echo "RAM report: all right"
exit $failed

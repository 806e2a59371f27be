#!/bin/bash
# The size of rouse in a firmware: builds the programs beside this script at -Os, prints how many bytes of text each has
# over an empty one, the bytes of RAM of the objects, and the instructions of a wake.
#
#   measure.sh           compares with the figures in docs/footprint.md, and fails if one has grown by more than 5 %
#   measure.sh --record  writes them there
# Exits with 77 where there is no compiler for it.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../..
firmware=$root/examples/firmware
page=$root/docs/footprint.md
command -v arm-none-eabi-g++ >/dev/null && command -v qemu-system-arm >/dev/null || { echo "skipped: no arm-none-eabi-g++ or no qemu-system-arm"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
programs=(empty task_and_flag two_tasks three_tasks sleep queue event cancel time_limit gather everything)
failed=0

# build BOARD g++|clang++-19 PROGRAM
build() ( # in a process of its own, as the board's file has variables of these names
    if [[ $2 == g++ ]]; then
        precompiled=()
        [[ $3 == empty ]] || precompiled=(-Winvalid-pch -include "$work/$1.hpp")
        "$firmware/build" "$1" "$work/$1.$2.$3.elf" "$here/$3.cpp" -Os "${precompiled[@]}"
        exit
    fi
    # clang has no C++ library for it: with the headers of the other, and linked by it.
    . "$firmware/board/$1/board.conf"
    local part parts=() library=/usr/include/newlib/c++/12.2.1 variant=v7-m/nofp
    [[ $1 == microbit ]] && variant=v6-m/nofp
    for part in "$here/$3.cpp" $(printf "$firmware/board/%s " $sources); do
        parts+=("$work/$(basename "$part" .cpp).o")
        # shellcheck disable=SC2086
        clang++-19 --target=arm-none-eabi $(grep -v distribute "$firmware/board/compile.flags") $flags -Os -fno-c++-static-destructors -mfloat-abi=soft -fshort-enums \
            -fno-unwind-tables -fno-asynchronous-unwind-tables -nostdinc++ -isystem $library \
            -isystem $library/arm-none-eabi/thumb/$variant -isystem /usr/include/newlib -I "$root/include" -I "$firmware/board" \
            -c "$part" -o "${parts[-1]}" || exit 1
    done
    # shellcheck disable=SC2086
    arm-none-eabi-g++ $flags "${parts[@]}" -nostartfiles $link -L "$firmware/board/$scripts" \
        -T "$firmware/board/$1/memory.ld" -Wl,--gc-sections -o "$work/$1.$2.$3.elf"
)
text() { # BOARD.COMPILER.PROGRAM: with what data takes in flash
    local size=arm-none-eabi-size
    [[ $1 == virt-* ]] && size=riscv64-unknown-elf-size
    $size "$work/$1.elf" | awk 'NR == 2 { print $1 + $2 }'
}

# What is compared are the first three, as the others hardly differ from them; for the page there are all.
columns=("mps2-an385 g++" "microbit g++" "mps2-an385 clang++-19" "mps2-an386 g++" "mps2-an505 g++" "virt-rv32 g++" "virt-rv64 g++"
    "microbit clang++-19")
[[ ${1:-} == --record ]] || columns=("${columns[@]:0:3}")
command -v clang++-19 >/dev/null || columns=("${columns[@]:0:2}")
# What all programs but the empty one include, once for each board.
for column in "${columns[@]}"; do
    read -r board compiler <<<"$column"
    [[ $compiler == g++ ]] || continue
    echo '#include <rouse/rouse.hpp>' >"$work/$board.hpp"
    "$root/tests/firmware/compile" "$board" "$work/$board.hpp.gch" "$work/$board.hpp" -Os || exit 1
done
{
    echo "| program | M3 | M0 | M3, clang | M4F | M33 | RV32 | RV64 | M0, clang |"
    echo "|---|---|---|---|---|---|---|---|---|"
    for program in "${programs[@]}"; do
        row="| $program |"
        for column in "${columns[@]}"; do
            read -r board compiler <<<"$column"
            if ! build "$board" "$compiler" "$program" >"$work/log" 2>&1; then
                echo "$program does not build for $board with $compiler:" >&2
                head -20 "$work/log" >&2
                row+=" ? |"
                continue
            fi
            bytes=$(text "$board.$compiler.$program")
            [[ $program == empty ]] || bytes=$((bytes - $(text "$board.$compiler.empty")))
            row+=" $bytes |"
        done
        echo "$row"
    done
    echo
    echo "| what | M3 | M0 |"
    echo "|---|---|---|"
    for name in loop flag port ticks queue event; do
        row="| RAM of \`$name\` |"
        for board in mps2-an385 microbit; do
            image=$work/$board.g++.task_and_flag.elf
            [[ -e $work/$board.g++.$name.elf ]] && image=$work/$board.g++.$name.elf
            row+=" $(arm-none-eabi-nm -CS "$image" | awk -v name="$name" '{ last = $NF; sub(/\[abi:.*/, "", last); sub(/.*::/, "", last) } last == name && NF > 3 { print "0x" $2 }' |
                head -1 | xargs -r printf '%d') |"
        done
        echo "$row"
    done
    for what in "set() in an interrupt" "from set() to the task"; do
        row="| instructions: $what |"
        for board in mps2-an385 microbit; do
            [[ -e $work/$board.cost ]] || { "$firmware/build" $board "$work/cost.elf" "$here/wake_cost.cpp" -Os && timeout 600 "$firmware/run" $board "$work/cost.elf"; } >"$work/$board.cost" 2>&1
            read -r _ in_set _ to_task <"$work/$board.cost"
            [[ $what == set* ]] && row+=" $in_set |" || row+=" $to_task |"
        done
        echo "$row"
    done
} >"$work/figures"
cat "$work/figures"
grep -q '?' "$work/figures" && failed=1

. "$root/tests/support/recorded_figures.sh"
if [[ ${1:-} == --record ]]; then
    record_figures "$page" figures "$work/figures"
else
    check_figures "$page" figures "$work/figures" 2 20 || failed=1
fi
exit $failed

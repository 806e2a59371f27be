# How the firmware programs are built and run, for the scripts of this folder and below; sourced. Sets $root and $work, a folder.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# require_tools BOARD...: ends the script with 77 if the compiler or the emulator of one of them is not installed.
require_tools() {
    local board compiler machine tool
    for board in "$@"; do
        . "$root/examples/firmware/board/$board/board.conf"
        for tool in "$compiler" "${machine%% *}"; do
            command -v "$tool" >/dev/null || { echo "skipped: no $tool"; exit 77; }
        done
    done
}

# precompile BOARD FLAG...: the header on stdin. Sets `precompiled`, the flags of the programs that take it.
precompile() {
    local header=$work/precompiled.hpp
    cat >"$header"
    precompiled=(-Winvalid-pch -include "$header")
    "$root/tests/firmware/compile" "$1" "$header.gch" "$header" "${@:2}"
}

# run_program BOARD PROGRAM.elf [OPTION OF QEMU...]: a program that computes for a minute, or has not ended after ten,
# hangs. On a busy machine only the second takes long. 124 or 137: it hung.
run_program() (
    ulimit -c 0 -t "${CPU_SECONDS:-60}"
    exec timeout 600 "$root/examples/firmware/run" "$@"
)

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

# build_program BOARD PROGRAM.elf NAME FLAG...; INCLUDE: see examples/firmware/build
build_program() {
    "$root/examples/firmware/build" "$1" "$2" "$root/tests/firmware/$3.cpp" -DROUSE_FRAME_BYTES=4096 "${@:4}"
}

# run_program BOARD PROGRAM.elf: within a minute, or it hangs. 124: it hung.
run_program() {
    timeout 60 "$root/examples/firmware/run" "$@"
}

#!/bin/bash
# Builds single_step, or a part of it: the states of the objects named in `parts`. Static, so that no call goes through a
# linker at run time.
# usage: build.sh OUTPUT INCLUDE COMPILER [OPTION...]     the headers are those in the folder INCLUDE
#
# What does not depend on INCLUDE stays beside OUTPUT for the next call: main.o, of which only the engine is in the headers,
# and the standard library as a precompiled header.
set -u
output=$1 include=$2
shift 2
parts=${parts:-event flag get latest message mpsc one_shot put ring_io slot_queue}
here=$(cd "$(dirname "$0")" && pwd)
compile=("$@" -static -std=c++20 -g1 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
command="$*"
kept=$(dirname "$output")/kept.${command//[^A-Za-z0-9]/_}
objects=$output.objects
mkdir -p "$kept" "$objects"

# Two compilers at a time.
compile_all() { # folder of the objects, options... -- source...
    local folder=$1 options=()
    shift
    while [[ $1 != -- ]]; do options+=("$1"); shift; done
    shift
    printf '%s\n' "$@" | xargs -P 2 -I {} sh -c 'source=$1 folder=$2; shift 2
        exec "$@" -c "$source" -o "$folder/$(basename "$source" .cpp).o"' sh {} "$folder" "${compile[@]}" "${options[@]}"
}
if [[ ! -e $kept/main.o ]]; then
    printf '#include <%s>\n' algorithm array atomic chrono coroutine exception limits memory optional span string_view \
        tuple utility variant vector >"$kept/standard.hpp"
    "${compile[@]}" -x c++-header "$kept/standard.hpp" -o "$kept/standard.hpp.gch" || exit
    compile_all "$kept" -I "$here/../../../include" -- "$here/main.cpp" || exit
fi
sources=()
for part in $parts; do sources+=("$here/$part.cpp"); done
compile_all "$objects" -include "$kept/standard.hpp" -I "$include" -- "${sources[@]}" || exit
"$1" -static "$objects"/*.o "$kept/main.o" -o "$output"

# Sourced by run.sh and controls.sh. build OUTPUT INCLUDE COMPILER... : the parts named in $parts, against the headers in
# INCLUDE, with that compiler and its options. Static, so that no call goes through a linker at run time.
#
# What does not depend on INCLUDE is kept in $work for the next call: the objects without rouse, and the standard library as
# a precompiled header.
parts="event flag get latest message put ring_io"
build() {
    local output=$1 include=$2 part
    shift 2
    local compile=("$@" -static -std=c++20 -g1 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
    local kept=$work/kept.${*//[^a-z0-9]/_}
    if [[ ! -e $kept/main.o ]]; then
        mkdir -p "$kept"
        printf '#include <%s>\n' algorithm array atomic chrono coroutine exception limits memory optional span string_view \
            tuple utility variant vector >"$kept/standard.hpp"
        "${compile[@]}" -x c++-header "$kept/standard.hpp" -o "$kept/standard.hpp.gch" || return
        "${compile[@]}" -c "$here/trace.cpp" -o "$kept/trace.o" || return
        "${compile[@]}" -c "$here/main.cpp" -o "$kept/main.o" || return
    fi
    local sources=()
    for part in $parts; do sources+=("$here/$part.cpp"); done
    "${compile[@]}" -include "$kept/standard.hpp" -I "$include" "${sources[@]}" "$kept"/{trace,main}.o \
        -Wl,--wrap=__cxa_throw -o "$output"
}

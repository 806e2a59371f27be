# Sourced by run.sh and controls.sh. build OUTPUT INCLUDE COMPILER... : the parts named in $parts, against the headers in
# INCLUDE, with that compiler and its options. Static, so that no call goes through a linker at run time.
parts="event flag get latest message put ring_io"
build() {
    local output=$1 include=$2 part
    shift 2
    local sources=("$here/trace.cpp" "$here/main.cpp")
    for part in $parts; do sources+=("$here/$part.cpp"); done
    "$@" -std=c++20 -g1 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -I "$include" "${sources[@]}" \
        -static -Wl,--wrap=__cxa_throw -o "$output"
}

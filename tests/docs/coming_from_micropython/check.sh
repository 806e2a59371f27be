#!/bin/bash
# Runs pairs of programs, name.py under CPython and name.cpp, with virtual time, and compares what they print line by
# line. If there is a file name.diff, they have to differ in just that way. Of docs/coming-from-micropython.md a block
# that begins with "# name.py" is that program, and one that begins with "// name.py" replaces the line of name.cpp that
# includes it.
# usage: check.sh compiler root
set -u
compiler=${1:-g++}
root=$(realpath "${2:-$(dirname "$0")/../../..}")
here=$root/tests/docs/coming_from_micropython
command -v python3 >/dev/null || { echo "python3 is missing"; exit 77; }
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "python3 is older than 3.11"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$here"/*.py "$here"/*.cpp "$here"/*.diff "$work"
awk -v work="$work" '
    /^```(cpp|python)$/ { suffix = $0 == "```python" ? "py" : "page.hpp"; first = 1; next }
    /^```/ { file = "" }
    first && /^(\/\/|#) [a-z_]+\.py$/ { file = work "/" substr($2, 1, length($2) - 2) suffix }
    { first = 0 }
    file { print > file }' "$root/docs/coming-from-micropython.md"

build() { "$compiler" -std=c++20 -Wall -Wextra -Werror -I"$here/virtual_time" -I"$root/include" "$@"; }
one() { # name: prints what is wrong with this pair
    # Put in its place, not included: g++ would warn of what it has local.
    awk -v page="$1.page.hpp" 'index($0, "#include \"" page "\"") == 1 { while ((getline line < page) > 0) print line; next }
        { print }' "$1.cpp" >"$1.whole"
    build -include all.hpp -o "$1" -x c++ "$1.whole" || return
    timeout 20 python3 virtual_time.py "$1.py" >"$1.expected" 2>&1 || echo "$1.py fails"
    # Not what is reported on stderr at once, such as a misuse that the program catches.
    timeout 20 "./$1" >"$1.printed" 2>"$1.reported" || { echo "$1.cpp fails"; cat "$1.reported"; }
    diff -U 100 --label CPython --label rouse "$1.expected" "$1.printed" >"$1.difference"
    touch "$1.diff"
    if cmp -s "$1.diff" "$1.difference"; then
        touch "$1.passed"
    else
        echo "$1: the programs do not print what they should:"
        cat "$1.difference"
    fi
}
export -f build one
export compiler root here
cd "$work" || exit 1
echo '#include <rouse/rouse.hpp>' >all.hpp # compiled once, which halves the time
build -x c++-header all.hpp -o all.hpp.gch
passed=0 failed=0
printf '%s\n' *.cpp | sed 's/\.cpp$//' | xargs -P 2 -I {} bash -c 'one {} >{}.log 2>&1'
for source in *.cpp; do
    name=${source%.cpp}
    if [[ -e $name.passed ]]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        cat "$name.log"
    fi
done
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))

#!/bin/bash
# check.sh COMPILER ROOT: docs/linking-contexts.md says what is so.
#
# - Each program beside this file is built and run, and prints the ```text block that follows its "`NAME.cpp` prints" in the
#   page. A ```cpp block that begins with "// from NAME.cpp" consists of lines of that program.
# - Each cell of the table "Every class in every context" names a test, or begins with "no"; and each test that it names
#   exists: "the name of a TEST_CASE", "a program of the model checker", or `a test of ctest`.
# - The drawings exist, and are well-formed.
#
# In the end it takes pages with faults in them, each of which it has to notice.
set -u
compiler=${1:-g++}
root=$(realpath "${2:-$(dirname "$0")/../../..}")
here=$root/tests/docs/linking_contexts
# shellcheck source=tests/support/checks.sh
. "$root/tests/support/checks.sh"
cd "$root" || exit 2

# ---- the programs ----
text_of() { # text_of NAME PAGE
    awk -v what="\`$1\` prints" '
        index($0, what) { due = 1 }
        /^```/ && on { exit }
        on
        due && /^```text$/ { on = 1 }' "$2"
}
prints_what_it_says() { # prints_what_it_says NAME PAGE
    text_of "$1" "$2" >"$work/expected"
    [ -s "$work/expected" ] || { echo "the page does not say what $1 prints"; return 1; }
    diff -U 100 --label page "$work/expected" --label program "$work/$1.printed"
}
flags=(-std=c++20 -O1 -Wall -Wextra -Werror -I"$root/include" -I"$root/examples" -pthread)
echo '#include <rouse/rouse.hpp>' >"$work/all.hpp" # which each of them includes: compiled once
precompile() { "$compiler" "${flags[@]}" -x c++-header "$work/all.hpp" -o "$work/all.hpp.gch"; }
build_and_run() { # build_and_run NAME
    grep -q '^#include <rouse/rouse.hpp>' "$here/$1" &&
        "$compiler" "${flags[@]}" -include "$work/all.hpp" "$here/$1" -o "$work/program" &&
        timeout 60 "$work/program" >"$work/$1.printed"
}

# ---- what is quoted ----
quotes_are_right() { # quotes_are_right PAGE
    awk -v here="$here/" '
        /^```cpp$/ { first = 1; next }
        /^```/ { file = ""; next }
        first { first = 0; if (/^\/\/ from [a-z_]+\.cpp$/) { file = here $3; load(file); next } }
        file && !/^$/ && !((file, bare($0)) in has) { print "not in " file ": " $0; bad = 1 }
        function bare(line) { gsub(/^ +| *\/\/.*$/, "", line); return line }
        function load(file,  line, status) {
            while ((status = (getline line < file)) > 0) has[file, bare(line)]
            if (status < 0) { print "there is no " file; bad = 1 }
        }
        END { exit bad }' "$1"
}

# ---- the table ----
cells() { # cells PAGE: each on a line, with its class in front
    awk '
        /^## / { on = /^## Every class in every context$/ }
        on && /^\| `/ {
            n = split($0, cell, / *\| */)
            if (n != 8) { print "?: " cell[2] " has not five cells"; next }
            for (i = 3; i <= 7; ++i) print cell[2] ": " cell[i]
        }' "$1"
}
exists() { # exists NAME: of a test
    case $1 in
    \"*) grep -rqF --include='*_test.cpp' "TEST_CASE($1)" "$root/tests" || grep -qF "{$1" "$root"/tests/proof/model/*_programs.cpp ;;
    *) [ -e "$root/tests/$1_test.cpp" ] || [ -e "$root/tests/$1.cpp" ] || grep -rqE --include=CMakeLists.txt "rouse_script\($1 |^ *set\(name $1\)" "$root/tests" ;;
    esac
}
table_is_right() { # table_is_right PAGE
    local cell name names bad=0 count=0
    while IFS= read -r cell; do
        count=$((count + 1))
        names=$(grep -oE '"[^"]+"|`[a-z_]+(/[a-z_0-9]+)+`' <<<"${cell#*: }" | tr -d '`')
        if [ -z "$names" ]; then
            [[ ${cell#*: } == no* ]] || { echo "a cell without the name of a test: $cell"; bad=1; }
            continue
        fi
        while IFS= read -r name; do
            exists "$name" || { echo "there is no test $name: $cell"; bad=1; }
        done <<<"$names"
    done < <(cells "$1")
    [ $count -ge 40 ] || { echo "only $count cells"; bad=1; }
    return $bad
}

# ---- the drawings ----
drawings_are_right() { # drawings_are_right PAGE
    local file bad=0 count=0
    for file in $(grep -oE '\]\([a-z/_-]+\.svg\)' "$1" | tr -d '])('); do
        count=$((count + 1))
        [ -e "$root/docs/$file" ] || { echo "there is no $file"; bad=1; continue; }
        python3 -c 'import sys, xml.dom.minidom as dom; dom.parse(sys.argv[1])' "$root/docs/$file" || bad=1
    done
    [ $count -gt 0 ] || { echo "no drawings"; bad=1; }
    return $bad
}

page=$root/docs/linking-contexts.md
check "the header" precompile
for program in "$here"/*.cpp; do
    name=${program##*/}
    check "$name builds and runs" build_and_run "$name"
    check "$name prints what the page says" prints_what_it_says "$name" "$page"
done
check "what is quoted from the programs" quotes_are_right "$page"
check "the table" table_is_right "$page"
check "the drawings" drawings_are_right "$page"

# ---- controls ----
control() { # control WHAT SED-COMMAND CHECK...: the page, changed, must not pass
    local what=$1
    sed -E "$2" "$page" >"$work/changed.md"
    shift 2
    check "control: $what" differs
    if "$@" "$work/changed.md" >/dev/null 2>&1; then
        failed=$((failed + 1))
        echo "FAILED: control: not noticed: $what"
    else
        passed=$((passed + 1))
    fi
}
differs() { ! cmp -s "$page" "$work/changed.md"; }
control "a test that does not exist" '/^## Every class/,$ s/a flag set by a signal handler/a flag sot by a signal handler/' table_is_right
control "a test of ctest that does not exist" '/^## Every class/,$ s#`firmware/two_cores`#`firmware/nine_cores`#' table_is_right
control "a cell without a test" '/^## Every class/,$ s/^(\| `Latest.*\|)[^|]*\|$/\1 surely |/' table_is_right
control "a cell that is missing" '/^## Every class/,$ s/^(\| `Latest.*\|)[^|]*\|$/\1/' table_is_right
control "a line that is not quoted" 's/temperature = n;/temperature = m;/' quotes_are_right
control "another output" 's/^three variables: torn$/three variables: whole/' prints_what_it_says torn_read.cpp
control "a drawing that does not exist" 's/\.svg\)/x.svg)/' drawings_are_right

count_checks

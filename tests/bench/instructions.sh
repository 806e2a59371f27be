#!/bin/bash
# How many instructions each piece of work in instructions.cpp and ends.cpp takes, counted by valgrind: the same on every machine and at
# any load, for one compiler. Each is run n and 2n times, so what surrounds it cancels out.
#
#   instructions.sh           compares with docs/benchmarks.md, and fails if one has grown by more than 5 %
#   instructions.sh --record  writes them there
# Exits with 77 without valgrind, or with another compiler than the one whose figures are recorded.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
page=$root/docs/benchmarks.md
command -v valgrind >/dev/null || { echo "skipped: no valgrind"; exit 77; }
[[ $(g++ -dumpversion 2>/dev/null) == 12* && $(uname -m) == x86_64 ]] || { echo "skipped: the figures are of g++ 12 on x86-64"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for program in instructions ends; do
    g++ -std=c++20 -O2 -DNDEBUG -I "$root/include" "$here/$program.cpp" -o "$work/$program" || exit 1
done

count() { # PROGRAM WORK TIMES
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$work/$1" "$2" "$3" 2>&1 |
        awk '/Collected/ { print $NF }'
}
times=5000
{
    echo "| work | instructions |"
    echo "|---|---|"
    for program in instructions ends; do
        "$work/$program" | while IFS= read -r name; do
            echo "| $name | $((($(count "$program" "$name" $((2 * times))) - $(count "$program" "$name" $times) + times / 2) / times)) |"
        done
    done
} >"$work/figures"
cat "$work/figures"

. "$root/tests/support/recorded_figures.sh"
if [[ ${1:-} == --record ]]; then
    record_figures "$page" instructions "$work/figures"
else
    check_figures "$page" instructions "$work/figures" 0 5
fi

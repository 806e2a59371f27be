#!/bin/bash
# How many instructions each piece of work in instructions.cpp takes, counted by valgrind: the same on every machine and at
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
g++ -std=c++20 -O2 -I "$root/include" "$here/instructions.cpp" -o "$work/instructions" || exit 1

count() { # WORK TIMES
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$work/instructions" "$1" "$2" 2>&1 |
        awk '/Collected/ { print $NF }'
}
times=5000
{
    echo "| work | instructions |"
    echo "|---|---|"
    "$work/instructions" | while IFS= read -r name; do
        echo "| $name | $((($(count "$name" $((2 * times))) - $(count "$name" $times) + times / 2) / times)) |"
    done
} >"$work/figures"
cat "$work/figures"

if [[ ${1:-} == --record ]]; then
    awk -v figures="$work/figures" '
        /^<!-- instructions -->/ { print; print ""; while ((getline line < figures) > 0) print line; print ""; skip = 1; next }
        /^<!-- end -->/ { skip = 0 }
        !skip' "$page" >"$work/page" && cp "$work/page" "$page"
    exit
fi

# usage: compare PERCENT
compare() {
    awk -F' *[|] *' -v limit="$1" '
        FNR == NR { if (/^<!-- instructions -->/) on = 1; if (/^<!-- end -->/) on = 0; if (on && $3 + 0 > 0) recorded[$2] = $3; next }
        $3 + 0 > 0 {
            if (!($2 in recorded)) { print "not recorded in docs/benchmarks.md: " $2; bad = 1; next }
            ++compared
            if ($3 > recorded[$2] * (1 + limit / 100)) { printf "grown: %s, from %d to %d\n", $2, recorded[$2], $3; bad = 1 }
        }
        END { printf "%d figures compared with docs/benchmarks.md\n", compared; exit bad || compared < 5 }' "$page" "$work/figures"
}
failed=0
compare 5 || failed=1
compare -20 >/dev/null && { echo "control: figures that have grown by a quarter are not noticed"; failed=1; }
exit $failed

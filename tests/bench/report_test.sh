#!/bin/bash
# That report.py counts right, says what is wrong with a file, and notices a changed ratio: with made-up figures.
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0
report() { "$here/report.py" "$@"; }
check() { # WHAT, then a command
    "${@:2}" >out 2>&1 && return
    echo "FAILED: $1"
    cat out
    failed=1
}
says() { # TEXT STATUS, then the arguments of report.py
    local text=$1 status=$2
    report "${@:3}" >said 2>&1
    [[ $? == "$status" ]] && grep -qF -- "$text" said || { cat said; return 1; }
}
side() { # ROW WHAT GOAL SIDE VALUES...
    local round=0 value
    for value in "${@:5}"; do
        printf '%s\t%s\tns\t%s\tus late\t%s\t%d\t%s\t60\n' "$1" "$2" "$3" "$4" "$((round++))" "$value"
    done
}
placement() { printf 'placement\tround trip of a cache line\tns\t0\t\t%s\t0\t%s\tnan\n' "$1" "$2"; }

# Ratios of P1: 1.5 1.0 1.2 1.3 1.1, so the median is not that of the times, 26 / 20.
figures() { # the last ratio of P2
    printf '# kernel\tmade up\n'
    placement before 110
    side P1 "make a task" 1.2 floor 20 40 20 20 20
    side P1 "make a task" 1.2 rouse 30 40 24 26 22
    side P1 "make a task" 1.2 asio 60 120 60 60 60
    side P1 "make a task" 1.2 libuv 50 100 50 50 50
    placement after 680
    side P2 "await" 1.2 floor 10 10 10
    side P2 "await" 1.2 rouse 13 14 "$1"
    for n in 10 1000; do side scale "tasks, n=$n" 0 floor $n $n $n; side scale "tasks, n=$n" 0 rouse 7 8 9; done
}
figures 12 >run.tsv
echo 'P1 make a task | rouse: 17 allocations' >allocations
printf 'above\n<!-- times -->\nold\n<!-- end -->\nbelow\n' >page.md

check "the ratio is the median of those of the rounds, its spread their extremes, and the goal is met" \
    says '| P1 | make a task | 20.0 ns | 26.0 ns | 1.20 (1.00 to 1.50) | 1.20 | met | libuv: 2.50 |' 0 run.tsv
check "a goal is missed" says '| P2 | await | 10.0 ns | 13.0 ns | 1.30 (1.20 to 1.40) | 1.20 | missed | - |' 0 run.tsv
check "quartiles, and the figure beside" says '|  | rouse | 26.0 ns | 24.0 to 30.0 | 1.20 (1.00 to 1.50) | 60.0 us late |' 0 run.tsv
check "placement" says '| P1 | 110 ns | 680 ns |' 0 run.tsv
check "the machine" says '| kernel | made up |' 0 run.tsv
check "scale" says '| 1 000 | 1000 | 8.00 |' 0 run.tsv
check "allocations" says '| P1 | make a task | rouse 17 |' 0 run.tsv --allocations allocations
cat run.tsv run.tsv >twice.tsv
check "two starts in one file are one" says '1.20 (1.00 to 1.50)' 0 twice.tsv
check "two starts in one file have a placement each" says '| P1 | 110, 110 ns | 680, 680 ns |' 0 twice.tsv

check "the page takes the tables" says '| P2 |' 0 run.tsv --page page.md
check "the page keeps its other text" test "$(sed -n '1p;$p' page.md | paste -sd' ')" == "above below"
check "the page no longer has what stood there" bash -c '! grep -qx old page.md'
cp page.md once.md
report run.tsv --page page.md >out
check "a page that is written again is the same" cmp page.md once.md
echo nothing >plain.md
check "a page without the lines" says 'plain.md: no lines <!-- times -->' 1 run.tsv --page plain.md

: >empty.tsv
check "an empty file" says 'empty.tsv: there are no measurements' 1 empty.tsv
check "no file" says 'none.tsv: cannot be read' 1 none.tsv
side P1 "make a task" 1.2 rouse 30 40 >floorless.tsv
check "no floor" says "floorless.tsv: P1 make a task: no floor, as the first side is 'rouse'" 1 floorless.tsv
{ side P1 t 1.2 floor 20; side P1 t 1.2 rouse 30 40; } >uneven.tsv
check "a floor with fewer rounds" says "uneven.tsv: P1 t: 2 rounds of 'rouse', but 1 of the floor" 1 uneven.tsv
{ side P1 t 1.2 floor 0; side P1 t 1.2 rouse 30; } >zero.tsv
check "a floor of nothing" says "zero.tsv: P1 t: the floor has a figure that is not above zero" 1 zero.tsv
printf 'P1\tcut sho' >short.tsv
check "a line that is cut short" says "short.tsv: line 1 is not a measurement" 1 short.tsv

check "the same run again" says '2 of 2 ratios lie within the spread' 0 --compare run.tsv run.tsv
check "the page stands for its run" says '2 of 2 ratios lie within the spread' 0 --compare page.md run.tsv
sed 's/rouse\t\(.\)\t13/rouse\t\1\t15/; s/rouse\t\(.\)\t14/rouse\t\1\t15/' run.tsv >slower.tsv
check "control: a changed ratio is noticed" says 'P2 await: 1.50, was 1.30 (1.20 to 1.40)' 1 --compare run.tsv slower.tsv
check "control: and beside the page" says 'P2 await: 1.50, was 1.30 (1.20 to 1.40)' 1 --compare page.md slower.tsv
sed '/^P2/s/rouse\t\(.\)\t1./rouse\t\1\t11/' run.tsv >faster.tsv
check "control: so is one that is smaller" says 'P2 await: 1.10, was 1.30 (1.20 to 1.40)' 1 --compare run.tsv faster.tsv
grep -v '^P2' run.tsv >fewer.tsv
check "a row that is gone" says 'P2 await: not in fewer.tsv' 1 --compare run.tsv fewer.tsv
more() { for i in {1..8}; do side P3 "more $i" 0 floor 5 5; side P3 "more $i" 0 rouse 6 7; done; }
{ cat run.tsv; more; } >run10.tsv
{ cat slower.tsv; more; } >slower10.tsv
check "a tenth of them may differ" says '9 of 10 ratios' 0 --compare run10.tsv slower10.tsv
grep -v '^P3.more 8' slower10.tsv >slower9.tsv
check "more than a tenth may not" says '8 of 10 ratios' 1 --compare run10.tsv slower9.tsv

# The sections of the rows that have their own.
served() { # CPU of rouse with 10 connections
    side connections "CPU, n=10" 0 floor 5 5 5
    side connections "CPU, n=10" 0 rouse 6 "$1" 8
    side connections "own memory, n=10" 0 rouse 2000 2100 2200 | sed 's/us late/resident/'
}
{ figures 12; served 7; side io_uring "echo, 64 connections" 0 floor 5 5; side io_uring "echo, 64 connections" 0 ring 4 4; } >all.tsv
for section in times connections io_uring; do printf '<!-- %s -->\nold %s\n<!-- end -->\n' $section $section; done >sections.md
section() { sed -n "/<!-- $1 -->/,/<!-- end -->/p" sections.md; } # NAME
check "connections: requests, CPU and memory in one line" \
    says '|  | rouse | 60 000 | 7.00 ns | 1.40 (1.20 to 1.60) | 2100 | 60 |' 0 all.tsv --page sections.md
check "connections: no figure of memory" grep -qF '| 10 | floor | 60 000 | 5.00 ns | 1.00 (1.00 to 1.00) | - | - |' said
check "each row stands in its section" bash -c "$(declare -f section); section times | grep -q '| P2 |' &&
    section connections | grep -q '60 000' && section io_uring | grep -q '| echo, 64 connections | floor | 5.00 ns |'"
check "and in no other" bash -c "$(declare -f section); ! section times | grep -qE '60 000|echo, 64'"
served 9 >served.tsv
check "a section is recorded by itself" says '|  | rouse | 60 000 | 8.00 ns |' 0 served.tsv --page sections.md
check "then the others stay" bash -c "$(declare -f section); section times | grep -q '| P2 |' &&
    section io_uring | grep -q '| ring |' && section connections | grep -q '8.00 ns'"

if command -v gnuplot >/dev/null; then
    report run.tsv --plots plots >out 2>&1
    check "a plot a row" test -s plots/P1.svg -a -s plots/P2.svg -a -s plots/scale-tasks.svg
    check "the plot has the figures" grep -q '26.0 (1.20 x)' plots/P1.svg
fi
mkdir bare && ln -s "$(python3 -c "import sys; print(sys.executable)")" bare/python3
PATH=$work/bare "$work/bare/python3" "$here/report.py" run.tsv --plots none >said 2>&1
check "without gnuplot the tables are still printed" grep -q '^| P2 |' said
check "without gnuplot it says so" grep -q 'no plots: gnuplot is missing' said

((failed == 0)) && echo "report.py: all as it should be"
exit $failed

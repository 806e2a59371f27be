#!/bin/bash
# Runs the benchmarks, a program after the other, and prints what report.py makes of them. In a checkout:
#
#   run.sh                     configures and builds build/bench (the preset bench), then runs
#   run.sh --record [...]      also writes the tables into docs/benchmarks.md
#   run.sh [--record] FOLDER   only runs: the programs in FOLDER
#   ONLY="connections uring" run.sh [...]   only these; uring is not run otherwise. Both have sections of their own in the
#                                           page, so they can be recorded without the others
#   JOBS=2 run.sh                           two programs at a time: to see that they run, not how fast
# Every program is run three times with five rounds each, as some figures change from one start to the next. The figures
# are in FOLDER/figures.tsv, the plots in FOLDER/plots, what the programs printed in FOLDER/figures.log.
# A program that fails makes this fail, but the others still run.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
passes=${PASSES:-3} rounds=${ROUNDS:-5} jobs=${JOBS:-1}
record=
[[ ${1:-} == --record ]] && { record=1; shift; }
for name in ${record:+${ONLY:-}}; do
    [[ $name == connections || $name == uring ]] && continue
    echo "run.sh: ONLY=$name cannot be recorded: its tables stand in one section with those of all others" >&2
    exit 2
done
if [[ $# == 0 ]]; then
    (cd "$root" && cmake --preset bench >/dev/null && cmake --build build/bench) || exit 1
    set -- "$root/build/bench/tests/bench"
fi
cd "$1" || exit 1
figures=$PWD/figures.tsv allocations=$PWD/allocations.txt log=$PWD/figures.log
start=$SECONDS failed=()

programs=()
for name in ${ONLY:-tasks timers wakes queues links echo connections scale memory}; do [[ -x $name ]] && programs+=("./$name"); done
((${#programs[@]})) || { echo "$PWD: no benchmarks here" >&2; exit 1; }
compiler=$(readelf -p .comment "${programs[0]}" | sed -n 's/^ *\[ *[0-9a-f]*\] *//p' | sort -u | paste -sd' ')
[[ -z ${ONLY:-} && -x $here/compile_time.sh ]] && programs+=("$here/compile_time.sh")

# machine: what the figures depend on, for report.py.
version() { dpkg-query -W -f '${Version}' "$1" 2>/dev/null | sed -E 's/^[0-9]+://; s/[-+].*//' | grep . || echo "not installed, or not known"; }
machine() {
    printf '# CPU\t%s x%s\n' "$(nproc)" "$(sed -n 's/^model name\s*://p' /proc/cpuinfo | head -1)"
    printf '# compiler\t%s, -O2\n' "$compiler"
    printf '# kernel\t%s\n' "$(uname -sr)"
    printf '# asio\t%s\n# libuv\t%s\n# Boost\t%s\n# moodycamel\t%s\n' "$(version libasio-dev)" "$(version libuv1-dev)" \
        "$(version libboost-dev)" "$(version libconcurrentqueue-dev)"
    printf '# rounds\t%s starts of %s rounds\n' "$passes" "$rounds"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
measure() { # NUMBER WHAT PROGRAM ARGUMENTS...
    local before=$SECONDS status
    echo "== $2" >"$work/$1.log"
    timeout --foreground 600 "${@:3}" >>"$work/$1.log" 2>&1
    status=$?
    if [[ $status == 0 ]]; then
        echo "$2: $((SECONDS - before)) s"
    else
        echo "$2" >"$work/$1.failed"
        echo "$2: FAILED with $status"
        tail -5 "$work/$1.log"
    fi
}
run() { # WHAT PROGRAM ARGUMENTS...: when fewer than $jobs run; `figures` as an argument is a file of its own
    while (($(jobs -rp | wc -l) >= jobs)); do wait -n; done
    started=$((started + 1))
    measure "$started" "${@/#figures/$work/$started.figures}" &
}
collect() { # what has been run: into the log and the figures, in the order in which it was started
    local each
    wait
    for ((each = 1; each <= started; ++each)); do
        cat "$work/$each.log" >>"$log"
        [[ ! -e $work/$each.figures ]] || cat "$work/$each.figures" >>"$figures"
        [[ ! -e $work/$each.failed ]] || failed+=("$(<"$work/$each.failed")")
    done
    started=0
    rm -rf "${work:?}"/*
}
started=0

machine >"$figures"
: >"$log"
for ((pass = 1; pass <= passes; ++pass)); do
    for program in "${programs[@]}"; do
        [[ $program == *.sh && $pass != 1 ]] && continue # a compiler is started anew in each round as it is
        run "${program##*/}, start $pass" "$program" --out figures --rounds "$rounds"
    done
    collect
done

# What the programs print themselves is for the log; of the allocations only the lines that say them.
for program in "${programs[@]}"; do
    [[ $program == *.sh ]] && continue # no sides in turn in one process
    run "${program#./}, allocations" env LD_PRELOAD="$PWD/liballocations.so" "$program" --allocations
done
collect
grep -aE ' \| .*: -?[0-9]+ allocations$' "$log" >"$allocations"

echo
report=("$here/report.py" "$figures" --plots "$PWD/plots")
[[ -n $record ]] && report+=(--page "$root/docs/benchmarks.md")
[[ -s $allocations ]] && report+=(--allocations "$allocations")
"${report[@]}" || failed+=("report.py")
[[ -n $record || -n ${ONLY:-} ]] || { echo && "$here/report.py" --compare "$root/docs/benchmarks.md" "$figures"; }

echo
echo "took $((SECONDS - start)) s; figures and plots are in $PWD"
((${#failed[@]} == 0)) && exit
printf 'FAILED: %s\n' "${failed[@]}"
exit 1

#!/bin/bash
# Runs the benchmarks, a program after the other, and prints what report.py makes of them. In a checkout:
#
#   run.sh                     configures and builds build/bench (the preset bench), then runs
#   run.sh --record [...]      also writes the tables into docs/benchmarks.md
#   run.sh [--record] FOLDER   only runs: the programs in FOLDER
#   ONLY="connections uring" run.sh [...]   only these; uring is not run otherwise. Both have sections of their own in the
#                                           page, so they can be recorded without the others
# Every program is run three times with five rounds each, as some figures change from one start to the next. The figures
# are in FOLDER/figures.tsv, the plots in FOLDER/plots, what the programs printed in FOLDER/figures.log.
# A program that fails makes this fail, but the others still run.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
passes=${PASSES:-3} rounds=${ROUNDS:-5}
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

run() { # WHAT PROGRAM ARGUMENTS...
    local before=$SECONDS status
    timeout --foreground 600 "${@:2}" >"$log.last" 2>&1
    status=$?
    { echo "== $1" && cat "$log.last"; } >>"$log"
    if [[ $status == 0 ]]; then
        echo "$1: $((SECONDS - before)) s"
    else
        echo "$1: FAILED with $status"
        tail -5 "$log.last"
        failed+=("$1")
    fi
    rm "$log.last"
}

machine >"$figures"
: >"$log"
for ((pass = 1; pass <= passes; ++pass)); do
    for program in "${programs[@]}"; do
        [[ $program == *.sh && $pass != 1 ]] && continue # a compiler is started anew in each round as it is
        run "${program##*/}, start $pass" "$program" --out "$figures" --rounds "$rounds"
    done
done

# What the programs print themselves is for the log; of the allocations only the lines that say them.
for program in "${programs[@]}"; do
    [[ $program == *.sh ]] && continue # no sides in turn in one process
    run "${program#./}, allocations" env LD_PRELOAD="$PWD/liballocations.so" "$program" --allocations
done
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

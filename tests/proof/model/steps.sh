#!/bin/bash
# What the mutants of proof/model cannot try, as they change only atomic operations: the steps around them. Each step in
# steps/*.steps is left out, or done wrongly, in a copy of its header; the programs of one file must then fail. Says by
# which program, and after how many executions.
#
# Controls: with the headers as they are nothing may fail; a change that fits no more, or in two places, is an error.
# usage: steps.sh <compiler> <source root> [regex: only the steps whose names match it]
set -u
compiler=$1
root=$2
only=${3:-}
limit=${STEP_SECONDS:-60} # for the programs, with one step left out; most need less than one
here=$root/tests/proof/model
command -v perl >/dev/null || { echo "perl is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
options=(-std=c++20 -I "$here" '-DROUSE_ATOMIC_HEADER="policy.hpp"')
# As in CMakeLists.txt, but not optimised: most of the time is the compiler's. So is the precompiled header.
instrumented=(-O0 -fsanitize=thread -U__SANITIZE_THREAD__ -D__SANITIZE_ADDRESS__ -include "$work/standard.hpp")

# ---- two jobs at a time, told of in the order in which they were started
jobs_begun=0 jobs_told=0 passed=0 failed=0
begin() { # command: writes what is to be told, and ends with 0 if all is well
    local job=$((++jobs_begun))
    while (( $(jobs -rp | wc -l) >= 2 )); do wait -n; done
    tell
    { if "$@" >"$work/$job.told" 2>&1; then touch "$work/$job.passed"; else touch "$work/$job.failed"; fi; } &
}
tell() { # of those that have ended, up to the first that has not
    local job
    while job=$((jobs_told + 1)); true; do
        if [[ -e $work/$job.passed ]]; then passed=$((passed + 1))
        elif [[ -e $work/$job.failed ]]; then failed=$((failed + 1))
        else return; fi
        cat "$work/$job.told"
        jobs_told=$job
    done
}
finish() {
    wait
    tell
    failed=$((failed + jobs_begun - jobs_told)) # none, if nothing has gone wrong with the script itself
}

# ---- the parts that are not changed, compiled once
checker=(arena execution fiber memory mutants operations port pthreads races)
compile_checker() {
    for part in "${checker[@]}"; do
        "$compiler" "${options[@]}" -O2 -I "$root/include" -c "$here/$part.cpp" -o "$work/$part.o" || return 1
    done
}
compile_mains() {
    for programs in "$here"/*_programs.cpp; do
        programs=$(basename "$programs" .cpp)
        "$compiler" "${options[@]}" "${instrumented[@]}" -I "$root/include" "-DPROGRAMS=$programs" \
            -c "$here/step_left_out.cpp" -o "$work/main.$programs.o" || return 1
    done
}
precompile() { # what the programs and the headers include of the standard library
    printf '#include <%s>\n' algorithm array atomic chrono coroutine exception functional limits memory optional span string \
        string_view tuple utility variant vector >"$work/standard.hpp"
    "$compiler" "${options[@]}" "${instrumented[@]:0:4}" -x c++-header "$work/standard.hpp" -o "$work/standard.hpp.gch"
}
compile_checker & precompile && compile_mains && wait $! || { echo "the checker does not build"; exit 1; }
parts=("${checker[@]/#/$work/}")
parts=("${parts[@]/%/.o}")

build() { # programs, folder whose headers come first
    "$compiler" "${options[@]}" "${instrumented[@]}" -I "$2" -I "$root/include" -c "$here/$1.cpp" -o "$2/programs.o" &&
        "$compiler" "$2/programs.o" "$work/main.$1.o" "${parts[@]}" -o "$2/run" && rm "$2/programs.o"
}

# Replaces each text by the next. White space stands for any white space; the text must be there once.
replace() { # file, text, by what, ...
    perl -0777 - "$@" <<'END'
        my $file = shift;
        open(my $in, "<", $file) or die; my $text = <$in>; close $in;
        while (my ($from, $to) = splice(@ARGV, 0, 2)) {
            my $pattern = join '\s+', map { quotemeta } split ' ', $from;
            my $found = () = $text =~ /$pattern/g;
            exit 3 if $found != 1;
            $text =~ s/$pattern/$to/;
        }
        open(my $out, ">", $file) or die; print $out $text;
END
}

try_step() { # folder, programs, header, name, text, by what, ...
    local folder=$1 programs=$2 header=$3 name=$4
    shift 4
    mkdir -p "$folder/rouse/$(dirname "$header")"
    cp "$root/include/rouse/$header" "$folder/rouse/$header"
    if ! replace "$folder/rouse/$header" "$@"; then
        echo "BAD $name: the change does not fit $header any more"
        return 1
    fi
    if ! build "$programs" "$folder" 2>"$folder/log"; then
        echo "BAD $name: does not build"
        head -20 "$folder/log"
        return 1
    fi
    { timeout "$limit" "$folder/run" >"$folder/log"; } 2>/dev/null
    local status=$? last
    last=$(tail -n 1 "$folder/log")
    rm "$folder/run"
    case $status in
    0) echo "ok  $name: caught by $last" ;;
    132 | 134 | 135 | 136 | 139) echo "ok  $name: caught, crashes ${last/running/in}" ;;
    124) echo "BAD $name: NOT caught in time" && return 1 ;;
    *) echo "BAD $name: NOT caught ($last)" && return 1 ;;
    esac
}

# ---- for steps/*.steps
programs= header=
section() { programs=$1 header=$2; } # the programs and the header of the steps that follow
step() {                             # name, text in the header, what stands there instead, ...
    [[ "$header: $1" =~ $only ]] || return 0
    begin try_step "$work/step.$((jobs_begun + 1))" "$programs" "$header" "$header: $1" "${@:2}"
}

# ---- the controls
nothing_fails() { # programs: a few thousand executions of each, with the headers as they are
    mkdir "$work/control.$1"
    build "$1" "$work/control.$1" || return 1
    local last
    last=$("$work/control.$1/run" 2000 | tail -n 1)
    echo "control, $1 with the headers as they are: $last"
    [[ $last == "nothing fails" ]]
}
refuses() { # what, text: there is no such place, or there are several
    cp "$root/include/rouse/core/inbox.hpp" "$work/refused.hpp"
    if replace "$work/refused.hpp" "$2" ""; then echo "control, $1: NOT refused" && return 1; fi
    echo "control, $1: refused"
}
if [[ -z $only ]]; then
    for each in "$here"/*_programs.cpp; do begin nothing_fails "$(basename "$each" .cpp)"; done
    begin refuses "a change that fits nowhere" "there is no such text"
    begin refuses "a change that fits in two places" "return"
fi

for each in "$here"/steps/*.steps; do source "$each"; done
finish
echo "$passed passed, $failed failed"
(( failed == 0 && passed > 0 ))

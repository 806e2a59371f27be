#!/bin/bash
# pipes.sh PROGRAM: the example pipe_filter (PROGRAM) in pipelines of the shell: pipes, files, a FIFO, a terminal, and a
# reader that has seen enough.
set -u

if [ $# -ne 1 ]; then
    echo "usage: pipes.sh PROGRAM" >&2
    exit 2
fi
filter=$1
# shellcheck source=tests/support/checks.sh
. "$(dirname "$0")/../support/checks.sh"
export filter work
shell() { # shell NAME SCRIPT: a script in a shell of its own, which fails where any part of a pipeline does
    check "$1" timeout 30 bash -o pipefail -c "$2"
}

seq 50000 >"$work/lines"
cat -n "$work/lines" | tr '\t' ' ' >"$work/numbered"

shell "a pipe into a pipe" 'cat "$work/lines" | "$filter" | cmp - "$work/numbered"'
shell "a file" '"$filter" <"$work/lines" | cmp - "$work/numbered"'
shell "a file into a file" '"$filter" <"$work/lines" >"$work/out" && cmp "$work/out" "$work/numbered"'
shell "a file to which more is added" 'echo first >"$work/more"; echo second | "$filter" upper >>"$work/more"
    [ "$(cat "$work/more")" = $'"'first\\nSECOND'"' ]'
shell "nothing" '[ -z "$("$filter" </dev/null)" ]'
shell "an empty pipe" '[ -z "$(true | "$filter")" ]'
shell "three in a row" '[ "$(printf "a\nb" | "$filter" upper | "$filter" | "$filter" upper)" = $'"'     1 A\\n     2 B'"' ]'
# The second line is sent when the first has come out: a filter that keeps lines back would never end.
shell "one line at a time" 'mkfifo "$work/come"; { echo a; read -r <"$work/come"; echo b; } | "$filter" upper | {
    read -r first; echo >"$work/come"; read -r second; [ "$first$second" = AB ]; }'
shell "a reader that is slow" 'cat "$work/lines" | "$filter" | { sleep 0.5; cmp - "$work/numbered"; }'
shell "a reader that has seen enough: no signal, no error" 'yes | "$filter" | head -1; codes=("${PIPESTATUS[@]}")
    [ "${codes[1]}" = 0 ]'
shell "the same where SIGPIPE is ignored" 'trap "" PIPE; "$filter" <"$work/lines" | head -1 >/dev/null
    [ "${PIPESTATUS[0]}" = 0 ]'
shell "a full disk is an error" '"$filter" <"$work/lines" >/dev/full 2>"$work/error"; [ $? = 1 ] &&
    grep -q "cannot write to standard output: No space left on device" "$work/error"'
shell "no standard input is an error" '"$filter" <&- 2>"$work/error"; [ $? = 1 ] &&
    grep -q "cannot read from standard input: " "$work/error"'
shell "a FIFO" 'mkfifo "$work/fifo" && { cat "$work/lines" >"$work/fifo" & } &&
    "$filter" <"$work/fifo" | cmp - "$work/numbered" && wait'
shell "whoever shares the pipe still blocks in it" '{ sleep 0.3; echo a; sleep 0.3; echo b; } | {
    "$filter" </dev/null; read -r first; read -r second; [ "$first$second" = ab ]; }'
shell "two filters share standard output with a program that blocks" '{ "$filter" <"$work/lines" >&1; cat "$work/lines"; } |
    { sleep 0.3; cat; } | cmp - <(cat "$work/numbered" "$work/lines")'
if script -qec true /dev/null >/dev/null 2>&1; then # there is one, and it can have a pseudo-terminal
    shell "a terminal, whose flags are as before" 'printf "abc\n\004" | script -qec "
        before=\$(grep flags /proc/self/fdinfo/0); $filter upper; [ \"\$before\" = \"\$(grep flags /proc/self/fdinfo/0)\" ]
        " /dev/null | grep -q ABC'
else
    echo "skipped, no script or no pseudo-terminals: a terminal"
fi

count_checks

# For the scripts beside this one: counts checks, and breaks headers for the controls. Needs $root.
. "$root/tests/support/copy_with_fault.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
pass() { passed=$((passed + 1)); echo "$1"; }
miss() { failed=$((failed + 1)); echo "FAILED: $1"; }
finish() { echo "$passed passed, $failed failed"; (( failed == 0 )); }

# break_header HEADER SED...: a copy of the headers, in $work/include, with one fault in it
break_header() { copy_with_fault "$@" >"$work/log" || { miss "$(cat "$work/log")"; return 1; }; }

# build_into FILE COMPILER FLAG...: with the log in $work/log
build_into() {
    local to=$1 compiler=$2
    shift 2
    "$compiler" -std=c++20 "$@" -o "$to" -pthread >"$work/log" 2>&1 && return
    miss "$to does not build: $(head -5 "$work/log")"
    return 1
}

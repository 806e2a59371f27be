# For scripts of checks; sourced. Makes a folder $work, which is removed at the end. check NAME COMMAND... runs a check,
# and says of one that fails what it printed; count_checks says how many passed, and whether all did.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
check() {
    if "${@:2}" >"$work/output" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $1"
        tail -40 "$work/output" | sed 's/^/    /'
    fi
}
count_checks() {
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
}

# For the scripts beside it, which have a directory $work: check NAME COMMAND... runs a check, and says of one that fails
# what it printed; count_checks says how many passed, and whether all did.
passed=0
failed=0
check() {
    if "${@:2}" >"$work/output" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $1"
        tail -30 "$work/output" | sed 's/^/    /'
    fi
}
count_checks() {
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
}

#!/bin/bash
# count_cases.sh BUILD_DIR: how many test cases CTest runs there, for each folder, with exceptions and without.
set -eu
ctest --test-dir "$1" -N 2>/dev/null | grep -v ': NOT BUILT$' |
    sed -nE 's|^ *Test +#[0-9]+: ([a-z_]+)/[a-z_0-9]+(/without_exceptions)?: .*|\1\2|p' | sort | uniq -c

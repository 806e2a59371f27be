#!/bin/bash
# Foreign calls of a thread that is being cancelled, and what they leave in errno. The faults that this must find are in
# controls/behaviour.toml.
# usage: behaviour.sh <source root> <compiler>...
set -u
root=$1
shift
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
for compiler in "$@"; do
    for program in cancel errno; do
        if "$compiler" -std=c++20 -O2 -I "$root/include" -I "$root/tests" "$here/$program.cpp" -o "$work/$program" \
            -pthread >"$work/said" 2>&1 && timeout 60 "$work/$program" >"$work/said" 2>&1; then
            echo "$(basename "$compiler"): $(tail -1 "$work/said")"
        else
            echo "FAILED: $(basename "$compiler"): $program: $(head -20 "$work/said")"
            failed=1
        fi
    done
done
exit $failed

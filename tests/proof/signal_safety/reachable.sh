#!/bin/bash
# Foreign calls reach nothing but the one system call: see reachable.py. The faults that it must find are in
# controls/reachable.toml.
# usage: reachable.sh <source root> <compiler>...
set -u
root=$1
shift
here=$(dirname "$0")
for tool in python3 objdump c++filt; do
    command -v $tool >/dev/null || { echo "$tool is not installed"; exit 77; }
done
[[ $(uname -m) == x86_64 ]] || { echo "reads the object code of x86-64 only"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
for compiler in "$@"; do
    # As a release: ROUSE_CHECKED adds checks to put_sync() and get_sync(), and what one of them finds is thrown.
    for flags in "-O2" "-O2 -fno-exceptions -fno-rtti" "-O0" "-O0 -fno-exceptions -fno-rtti"; do
        unoptimised=
        [[ $flags == -O0* ]] && unoptimised=--unoptimised
        if "$compiler" -std=c++20 -DNDEBUG $flags -ffunction-sections -I "$root/include" -c "$here/probe.cpp" \
            -o "$work/probe.o" >"$work/said" 2>&1 &&
            python3 "$here/reachable.py" "$work/probe.o" $unoptimised >"$work/said" 2>&1; then
            echo "$(basename "$compiler") $flags: $(tail -1 "$work/said")"
        else
            echo "FAILED: $(basename "$compiler") $flags: $(head -20 "$work/said")"
            failed=1
        fi
    done
done
exit $failed

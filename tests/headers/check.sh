#!/bin/bash
# Every header compiles by itself, also without exceptions; the portable ones without naming what only a hosted platform
# has.
# usage: check.sh <compiler> <source root>
set -u
compiler=$1
cd "$2" || exit 1
export compiler
one() { # HEADER FLAGS...
    printf '#include <%s>\nint main() {}\n' "${1#include/}" |
        "$compiler" -std=c++20 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror "${@:2}" -Iinclude -fsyntax-only -x c++ - ||
        { echo "FAILED: $1 ${*:2}" && return 1; }
}
export -f one
mapfile -t all < <(find include -name '*.hpp' | sort)
mapfile -t portable < <(find include/rouse/{core,sync,threadsafe,combine} -name '*.hpp' | sort)
failed=0
for flags in "" "-fno-exceptions -fno-rtti"; do
    printf '%s\n' "${all[@]}" | grep -v 'static_frame_pool' | xargs -P2 -I{} bash -c "one {} $flags" || failed=1
done
if grep -nE '#include <(thread|mutex|functional|iostream|string|condition_variable|future|sys/.*|unistd.h|pthread.h)>' "${portable[@]}"; then
    echo "FAILED: a portable header includes what only a hosted platform has"
    failed=1
fi
echo "${#all[@]} headers, each with and without exceptions: $([ $failed = 0 ] && echo all right || echo failed)"
exit $failed

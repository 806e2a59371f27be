#!/bin/bash
# snippets.sh [COMPILER [PAGE...]]: compiles every ```cpp block of README.md and docs/*.md, or of the pages that are
# named; a warning is an error. A block that includes nothing gets rouse, and MyPort as a stand-in for a user's own port.
#
# A program, that is a block with a main(), whose next block is ```text or ```console (with no heading in between), is
# built and run as well; what it prints has to be that block. A line `...` in it stands for any lines. A program that
# runs for longer than 20 seconds, or does not return 0, has failed. An output that is not the same each time is to be
# marked otherwise.
#
# <rouse/rouse.hpp> is precompiled, and put in front of every block that includes it anyway, or includes nothing; so a block
# still needs each of its includes.
#
# Without pages named it then makes pages with faults in them, each of which it has to notice.
set -u
cd "$(dirname "$0")/../.."
compiler=${1:-g++}
[ $# -gt 0 ] && shift
export compiler root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export work
flags=(-std=c++20 -Wall -Wextra -Werror -I"$root/include" -pthread)

controls=0
if [ $# -eq 0 ]; then
    controls=1
    set -- README.md docs/*.md
fi

# page.N.cpp is the Nth block of a page, in the same lines; page.N.text what it prints.
for page in "$@"; do
    awk -v out="$work/$(basename "$page" .md)" '
        function begin(suffix) { file = out "." n "." suffix; printf "" > file }
        file && /^```/ { close(file); file = ""; next }
        file { print > file; if (/(^| )main\(/) program = 1; next }
        /^```cpp$/ { n++; program = 0; begin("cpp"); for (i = 0; i < NR; i++) print "" > file; next }
        /^```(text|console)$/ && program { begin("text"); program = 0; next }
        /^```/ { file = "/dev/null"; program = 0 }
        /^#/ { program = 0 }' "$page"
done

echo '#include <rouse/rouse.hpp>' >"$work/all.hpp"
cat >"$work/before.hpp" <<'CPP'
#include <rouse/ports/virtual_time.hpp>
using MyPort = rouse::VirtualTimePort;
using namespace rouse;
using namespace std::chrono_literals;
CPP

expected() { # expected EXPECTED PRINTED: whether they are the same, but for what a line `...` stands for
    awk '
        # Whether what is wanted from line w on is what was printed from line g on.
        function same(w, g) {
            if (w > wanted) return g > printed
            if (want[w] != "...") return g <= printed && want[w] == got[g] && same(w + 1, g + 1)
            while (g <= printed + 1) if (same(w + 1, g++)) return 1
            return 0
        }
        NR == FNR { want[++wanted] = $0; next }
        { got[++printed] = $0 }
        END { exit !same(1, 1) }' "$1" "$2"
}
takes_all() { # takes_all FILE: whether the precompiled header changes nothing
    ! grep -q '#include' "$1" || { grep -q '^#include <rouse/rouse.hpp>' "$1" && ! grep -q '^#define ROUSE_' "$1"; }
}
one() { # one BLOCK FLAGS...: says what is wrong with it
    local name=$1 block=$work/$1 force=()
    shift
    ! takes_all "$block.cpp" || force=(-include "$work/all.hpp")
    grep -q '#include' "$block.cpp" || force+=(-include "$work/before.hpp")
    if [ ! -e "$block.text" ]; then
        "$compiler" "$@" "${force[@]}" -fsyntax-only "$block.cpp" || echo "$name: does not compile"
        return
    fi
    "$compiler" "$@" "${force[@]}" "$block.cpp" -o "$block" || { echo "$name: does not compile"; return; }
    timeout 20 "$block" >"$block.printed" 2>&1 </dev/null || echo "$name: ended with status $?"
    expected "$block.text" "$block.printed" && return
    echo "$name: prints something else than the page says:"
    diff -U 100 --label page "$block.text" --label program "$block.printed" | head -60
}
export -f one expected takes_all
cd "$work" || exit 1
shopt -s nullglob
blocks=(*.cpp)
with_all=0
for block in "${blocks[@]}"; do ! takes_all "$block" || with_all=$((with_all + 1)); done
if [ $with_all -gt 1 ]; then
    "$compiler" "${flags[@]}" -x c++-header all.hpp -o all.hpp.gch || exit
fi
printf '%s\n' "${blocks[@]%.cpp}" | grep . |
    xargs -r -P 2 -I {} bash -c 'one "$@" >{}.log 2>&1' - {} "${flags[@]}"
passed=0 failed=0 ran=0
for block in "${blocks[@]}"; do
    name=${block%.cpp}
    [ -e "$name.text" ] && ran=$((ran + 1))
    if [ -s "$name.log" ]; then
        failed=$((failed + 1))
        cat "$name.log"
    else
        passed=$((passed + 1))
    fi
done

# A page, and what has to be said of it: that there is a fault, or none.
control() { # control MESSAGE PAGE
    local good=1
    printf '%s\n' "$2" >control.md
    "$root/tests/docs/snippets.sh" "$compiler" "$work/control.md" >control.output 2>&1 && good=0
    if grep -q "$1" control.output && [ $good = "$([[ $1 == 1\ passed* ]]; echo $?)" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "control: not said: $1"
        cat control.output
    fi
}
program() { # program STATEMENTS OUTPUT
    printf '```cpp\n#include <cstdio>\nint main() {\n    %s\n}\n```\nIt prints:\n```text\n%s\n```\n' "$1" "$2"
}
if [ "$controls" = 1 ]; then
    control 'prints something else' "$(program 'std::puts("one");' two)"
    control 'prints something else' "$(program 'std::puts("one"); std::puts("two");' one)"
    control 'prints something else' "$(program 'std::puts("one");' "$(printf 'one\n...\ntwo')")"
    control 'ended with status 3' "$(program 'std::puts("one"); return 3;' one)"
    control 'does not compile' "$(program 'std::puts("one")' one)"
    control 'does not compile' "$(printf '```cpp\nTask<> f() { co_await no_such_name(); }\n```\n')"
    control 'does not compile' "$(program 'int unused = 0; std::puts("one");' one)"
    three='std::puts("one"); std::puts("two"); std::puts("three");'
    control '1 passed, 0 failed; 1 programs' "$(program "$three" "$(printf 'one\n...\nthree')")"
    control '^0 passed' 'A page without a program.'
fi
echo "$passed passed, $failed failed; $ran programs were run, and what they print compared"
((failed == 0 && passed > 0))

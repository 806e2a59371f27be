#!/bin/bash
# Compiles every ```cpp block of README.md and docs/*.md. A block that includes nothing gets rouse, and MyPort as a
# stand-in for a user's own port.
# usage: snippets.sh [compiler]
set -u
cd "$(dirname "$0")/../.."
compiler=${1:-g++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
for page in README.md docs/*.md; do
    awk -v out="$work/$(basename "$page" .md)" '
        /^```cpp/ { on = 1; n++; file = out "." n ".cpp"; printf "#line %d \"%s\"\n", NR + 1, FILENAME > file; next }
        /^```/ { on = 0 }
        on { print > file }' "$page"
done
for block in "$work"/*.cpp; do
    {
        grep -q '#include' "$block" || printf '#include <rouse/rouse.hpp>\n#include <rouse/ports/virtual_time.hpp>\nusing MyPort = rouse::VirtualTimePort;\nusing namespace rouse;\nusing namespace std::chrono_literals;\n'
        grep -q '#include' "$block" && printf '#include <cstdio>\n'
        cat "$block"
    } >"$work/one.cc"
    if "$compiler" -std=c++20 -Wall -Wextra -fsyntax-only -Iinclude "$work/one.cc"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "does not compile: $(basename "$block")"
    fi
done
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))

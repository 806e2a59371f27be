#!/bin/bash
# parts.sh SOURCE_DIR COMPILER...: programs that are built from parts. Shared libraries and plugins with hidden visibility
# share the loop, the signals, the error categories and the exceptions of the program, also across compilers. Object files
# compiled with different settings do not link if they share a type of the library, even if only as a result. Those that
# differ in the compiler, or in how they are optimised, link and run.
# A compiler that is not installed is left out.
set -u
if [ $# -lt 2 ] || [ ! -f "$1/include/rouse/rouse.hpp" ]; then
    echo "usage: parts.sh SOURCE_DIR COMPILER..." >&2
    exit 2
fi
source=$(cd "$1" && pwd)
# shellcheck source=tests/support/checks.sh
. "$source/tests/support/checks.sh"
compilers=()
for each in "${@:2}"; do
    if ! command -v "$each" >/dev/null; then
        echo "not checked: $each is not installed"
    elif ! [[ " ${compilers[*]-} " == *" $(basename "$each") "* ]]; then
        compilers+=("$(basename "$each")")
    fi
done
flags=(-std=c++20 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -I "$source/include" -pthread)
parts=$source/tests/package/parts
cd "$work" || exit 1

# ---- shared libraries -----------------------------------------------------------------------------------------------
# exports: a program that exports its symbols. linked: one that does not, but is linked with a library that uses rouse.
# sealed: neither. some: exports the variables of rouse only. host.so: for a program without rouse, which loads it beside the plugin.
build() { # build COMPILER
    local shared=("$1" "${flags[@]}" -fvisibility=hidden -fvisibility-inlines-hidden -fPIC)
    "${shared[@]}" -c "$parts/part.cpp" -o "part.$1.o" && "${shared[@]}" -c "$parts/host.cpp" -o "host.$1.o" &&
        "$1" -shared "part.$1.o" -o "part.$1.so" && cp "part.$1.so" "plugin.$1.so" &&
        "$1" -pthread "host.$1.o" -rdynamic -o "exports.$1" &&
        "$1" -pthread "host.$1.o" -o "sealed.$1" &&
        "$1" -pthread "host.$1.o" '-Wl,--export-dynamic-symbol=_Z*5rouse*E*' -o "some.$1" &&
        "$1" -pthread "host.$1.o" -Wl,--no-as-needed "./part.$1.so" -o "linked.$1" &&
        "$1" -shared "host.$1.o" -o "host.$1.so" && "$1" loads_two.cpp -o "loads_two.$1"
}
cat >loads_two.cpp <<'CPP'
#include <dlfcn.h>
int main(int count, char** arguments) {
    void* const host = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    return reinterpret_cast<int (*)(int, char**)>(dlsym(host, "main"))(count - 1, arguments + 1);
}
CPP
echo '{ global: the_part; _Z*5rouse*; local: *; };' >exports_rouse.map
echo '{ global: the_part; local: *; };' >exports_one.map
# The flags of the table in docs/parts.md.
shares_if_linked_with() { "$1" -shared "$2" "part.$1.o" -o flagged.so && "./exports.$1" ./flagged.so; }
separate_if_linked_with() { "$1" -shared "$2" "part.$1.o" -o flagged.so && ! "./exports.$1" ./flagged.so; }
# The variables of the library, its virtual tables and types.
nothing_is_hidden() { # nothing_is_hidden COMPILER
    readelf -sW "part.$1.o" | awk '$4 ~ /OBJECT|TLS|NOTYPE/ && $8 ~ /^_Z(N|ZN|GVZN|GVN|T[VIS]N)5rouse/ { print $6, $8 }' >variables
    grep -q '^DEFAULT .*8current_E$' variables && ! grep -v '^DEFAULT ' variables
}
says_what_is_missing() { # says_what_is_missing PROGRAM PLUGIN
    local said
    said=$("$1" "$2")
    [ $? = 1 ] && grep 'there is no loop on this thread.*; in a plugin, if its program is linked with -rdynamic' <<<"$said"
}
for each in "${compilers[@]}"; do
    check "shared libraries, $each: they build" build "$each"
    check "shared libraries, $each: what must be unique is not hidden" nothing_is_hidden "$each"
    check "shared libraries, $each: a plugin of a program that exports nothing says what is missing" \
        says_what_is_missing "./sealed.$each" "./plugin.$each.so"
done
for each in "${compilers[@]}"; do
    plugins=("${compilers[@]/#/./plugin.}")
    check "a program of $each and its plugins share a loop" "./exports.$each" "${plugins[@]/%/.so}"
    check "a program of $each that exports rouse's variables only" "./some.$each" "${plugins[@]/%/.so}"
    for flag in -Bsymbolic-functions --version-script=exports_rouse.map; do
        check "a plugin of $each with $flag" shares_if_linked_with "$each" "-Wl,$flag"
    done
    for flag in -Bsymbolic --version-script=exports_one.map; do
        check "a plugin of $each with $flag is separate" separate_if_linked_with "$each" "-Wl,$flag"
    done
    check "a program of $each, its library, and plugins share a loop" "./linked.$each" "${plugins[@]/%/.so}"
    # clang has no STB_GNU_UNIQUE; see docs/parts.md.
    [[ $each == *clang* ]] || check "two plugins of $each share a loop" "./loads_two.$each" "./host.$each.so" "./plugin.$each.so"
done

# ---- settings -------------------------------------------------------------------------------------------------------
cat >user.cpp <<'CPP'
#include "service.hpp"
int main() {
    Service service;
    ready.set();
    return rouse::run(answer(40)) + rouse::run(service.half(4)) == 42 ? 0 : 1;
}
CPP
cat >service.hpp <<'CPP'
#include <rouse/rouse.hpp>
struct Service { rouse::Task<int> half(int number); };
rouse::Task<int> answer(int number);
extern rouse::ThreadSafeFlag ready;
CPP
cat >service.cpp <<'CPP'
#include "service.hpp"
rouse::ThreadSafeFlag ready;
rouse::Task<int> answer(int number) {
    co_await ready.wait();
    rouse::Event started;
    auto child = [](rouse::Event& event) -> rouse::Task<> { event.set(); co_await rouse::yield(); };
    auto task = rouse::create_task(child(started));
    co_await started.wait();
    co_await task;
    co_return number;
}
rouse::Task<int> Service::half(int number) {
    co_await rouse::yield();
    co_return number / 2;
}
CPP
compile() { "$1" "${flags[@]}" "${@:4}" -c "$2.cpp" -o "$3.$1.o"; } # compile COMPILER SOURCE NAME FLAG...
refuses_to_link() { # refuses_to_link COMPILER NAME FLAG...
    local each
    compile "$1" service "$2" "${@:3}" || return 1
    if "$1" -pthread "${@:3}" "user.debug.$1.o" "$2.$1.o" -o refused 2>refused.log; then
        echo "it links"
        return 1
    fi
    cat refused.log
    for each in answer ready half; do # undefined, although there is one in the other namespace
        grep -E "undefined (reference|symbol).*\b$each\b" refused.log || return 1
    done
}
for each in "${compilers[@]}"; do
    for file in user service; do
        check "$file, $each, debug" compile "$each" "$file" "$file.debug"
        check "$file, $each, release" compile "$each" "$file" "$file.release" -O2 -DNDEBUG
    done
    check "$each: parts without exceptions do not link" refuses_to_link "$each" no_exceptions -fno-exceptions -fno-rtti
    check "$each: parts with AddressSanitizer do not link" refuses_to_link "$each" asan -fsanitize=address
    check "$each: parts with ThreadSanitizer do not link" refuses_to_link "$each" tsan -fsanitize=thread
    check "$each: parts that take frames from the heap do not link" refuses_to_link "$each" heap -DROUSE_POOL_FRAMES=0
done
links() { "$3" -pthread "user.$1.o" "service.$2.o" -o "mixed" && ./mixed; }
for user in {debug,release}; do
    for service in {debug,release}; do
        for first in "${compilers[@]}"; do
            for second in "${compilers[@]}"; do
                check "$first, $user, and $second, $service, link and run" links "$user.$first" "$service.$second" "$first"
            done
        done
    done
done

count_checks

#!/bin/bash
# Compiles and runs what docs/compiler-bugs.md says that compilers miscompile, and its workarounds. Each program prints
# "right" or "wrong", or does not compile. With a compiler that the page names it must be as the page says; with clang it
# must be right; with other versions of GCC the result is only printed. The workarounds must be right with all.
# usage: compiler_bugs.sh <source root> <compiler>...
set -u
root=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/task.hpp" <<'CODE'
#include <coroutine>
#include <cstdio>
#include <initializer_list>
#include <utility>

// A coroutine without rouse, and a value that counts how many of its kind exist: fewer than none if one is destroyed twice.
struct Run {
    struct promise_type {
        Run get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};
inline int alive = 0;
struct Value {
    Value() { ++alive; }
    explicit Value(int) { ++alive; }
    Value(const Value&) { ++alive; }
    Value(Value&&) noexcept { ++alive; }
    Value& operator=(const Value&) = default;
    ~Value() { --alive; }
};
struct Options {
    Value value;
    int limit = 0;
};
template <class T>
struct Ready {
    T value;
    bool await_ready() { return false; }
    bool await_suspend(std::coroutine_handle<>) { return false; }
    T await_resume() { return std::move(value); }
};
template <class T>
Ready<T> ready(T value) { return {std::move(value)}; }
template <class T>
Ready<int> takes(T) { return {1}; }
template <class T>
Ready<int> refers(T&&) { return {1}; }
inline Ready<int> connect(Options) { return {1}; }
inline int sum(std::initializer_list<int> numbers) {
    int all = 0;
    for (const int each : numbers) all += each;
    return all;
}
inline bool done_right = false;
CODE
cat >"$work/check.hpp" <<'CODE'
int main() {
    test();
    std::puts(done_right && alive == 0 ? "right" : "wrong");
}
CODE
cat >"$work/rouse.hpp" <<'CODE'
#include <rouse/rouse.hpp>
#include <cstdio>
#include <cstring>
#include <memory>
#include <rouse/threads/threads.hpp>
#include <tuple>
using namespace rouse;
inline bool done_right = false;
inline bool as_described = false; // what goes wrong, as the page describes it
inline Task<bool> yes() { co_return true; }
inline Task<int> one() { co_return 1; }
CODE
cat >"$work/run.hpp" <<'CODE'
int main() {
    try {
        run(test());
    } catch (const UsageError& error) {
        as_described = std::strstr(error.what(), "awaited before") != nullptr;
    }
    std::puts(done_right ? "right" : as_described ? "wrong" : "wrong, but not as described");
}
CODE

failed=0 programs=0
result() { # COMPILER FIRST LAST: of the code in $code
    printf '#include "%s"\n%s\n#include "%s"\n' "$2" "$code" "$3" >"$work/program.cpp"
    if ! "$1" -std=c++20 -I "$root/include" -I "$work" -pthread "$work/program.cpp" -o "$work/program" 2>"$work/log"; then
        echo "does not compile"
    else
        timeout 10 "$work/program" 2>/dev/null | tail -1
    fi
}

# bug NAME EXPECTED [rouse]: the code of standard input has EXPECTED for a result, with GCC 11 and 12.
# everywhere NAME EXPECTED [rouse]: the same for all compilers. fine NAME [rouse]: the result is "right".
check() { # NAME EXPECTED OF_GCC_ONLY [rouse]
    local name=$1 expected=$2 of_gcc_only=$3 first=task.hpp last=check.hpp code got compiler
    [[ ${4:-} == rouse ]] && first=rouse.hpp last=run.hpp
    code=$(cat)
    for compiler in "${compilers[@]}"; do
        got=$(result "$compiler" $first $last)
        programs=$((programs + 1))
        local wanted=$expected
        if [[ $of_gcc_only == yes ]]; then
            if "$compiler" --version | grep -q clang; then
                wanted=right
            elif [[ $("$compiler" -dumpversion) != 1[12]* ]]; then
                echo "$compiler, $name: ${got:-crashes}"
                continue
            fi
        fi
        [[ $got == "$wanted" ]] && continue
        echo "FAILED: $compiler, $name: ${got:-crashes}, not: $wanted"
        head -5 "$work/log"
        failed=1
    done
}
bug() { check "$1" "$2" yes "${3:-}"; }
everywhere() { check "$1" "$2" no "${3:-}"; }
fine() { check "$1" right no "${2:-}"; }

compilers=("$@")

bug "an aggregate made in braces, as an argument" wrong <<<'Run test() { done_right = co_await takes(Options{Value{}, 1}) == 1; }'
bug "an aggregate made in braces, bound to a reference" wrong <<<'Run test() { done_right = co_await refers(Options{Value{}, 1}) == 1; }'
bug "braces without a type" wrong <<<'Run test() { done_right = co_await connect({.limit = 3}) == 1; }'
bug "a lambda with a capture" wrong <<<'Run test() { Value v; done_right = co_await takes([v] { static_cast<void>(v); }) == 1; }'
fine "an aggregate with a name" <<<'Run test() { Options options{Value{}, 1}; done_right = co_await takes(std::move(options)) == 1; }'
fine "an awaitable with a name" <<<'Run test() { auto wait = takes(Options{Value{}, 1}); done_right = co_await std::move(wait) == 1; }'
fine "a lambda with a name" <<<'Run test() { Value v; auto f = [v] { static_cast<void>(v); }; done_right = co_await takes(f) == 1; }'
fine "a lambda with a name that is moved" <<<'Run test() { Value v; auto f = [v] { static_cast<void>(v); }; done_right = co_await takes(std::move(f)) == 1; }'
fine "a class with constructors, in parentheses" <<<'Run test() { done_right = co_await takes(Value(1)) == 1; }'
fine "a class with constructors, in braces" <<<'Run test() { done_right = co_await takes(Value{1}) == 1; }'

bug "?: with a co_await" wrong <<<'Run test() { Value a; bool first = true; Value v = first ? Value(co_await ready(a)) : Value(co_await ready(a)); static_cast<void>(v); done_right = true; }'
fine "if in place of ?:" <<<'Run test() { Value a; bool first = true; Value v; if (first) { v = co_await ready(a); } else { v = co_await ready(a); } done_right = true; }'
bug "do with continue" wrong <<<'Run test() { int rounds = 0; do { if (++rounds > 5) break; continue; } while (co_await ready(false)); done_right = rounds == 1; }'
fine "while in place of do" <<<'Run test() { int rounds = 0; for (bool more = true; more; more = co_await ready(false)) { ++rounds; } done_right = rounds == 1; }'
bug "co_await in an initializer_list" "does not compile" <<<'Run test() { const int all = sum({co_await ready(1), co_await ready(2)}); done_right = all == 3; }'
fine "variables in an initializer_list" <<<'Run test() { const int a = co_await ready(1); const int b = co_await ready(2); done_right = sum({a, b}) == 3; }'
bug 'extern "C"' "does not compile" <<<'extern "C" Run test() { done_right = co_await ready(1) == 1; }'

# What clang does, too, at -O0 at least.
everywhere "an over-aligned variable" wrong <<'CODE'
#include <cstdint>
#include <cstdlib>
inline int offset = 0;
struct Placed {
    struct promise_type : Run::promise_type {
        static void* operator new(std::size_t size) {
            return static_cast<char*>(std::aligned_alloc(64, (size + 127) / 64 * 64)) + offset;
        }
        static void operator delete(void*) {} // the program ends
        Placed get_return_object() { return {}; }
    };
};
struct alignas(64) Line {
    char bytes[64];
};
inline bool aligned = true;
[[gnu::noinline]] void look(const void* line) { aligned = aligned && reinterpret_cast<std::uintptr_t>(line) % 64 == 0; }
Placed place() {
    Line line;
    look(&line);
    static_cast<void>(co_await ready(1));
    look(&line);
}
void test() {
    for (offset = 0; offset < 64; offset += 16) place(); // as from operator new, which aligns to 16 bytes
    done_right = aligned;
}
CODE

bug "if without a variable" wrong rouse <<<'Task<> test() { if (co_await yes()) done_right = true; }'
bug "while without a variable" wrong rouse <<<'Task<> test() { while (co_await yes()) { done_right = true; break; } }'
bug "switch without a variable" wrong rouse <<<'Task<> test() { switch (co_await one()) { case 1: done_right = true; break; default: break; } }'
fine "if with a variable" rouse <<<'Task<> test() { if (const bool answer = co_await yes()) done_right = answer; }'
fine "if of a variable" rouse <<<'Task<> test() { const bool answer = co_await yes(); if (answer) done_right = true; }'
fine "a lambda with a name, for unblock" rouse <<<'Task<> test() { auto p = std::make_shared<int>(1); auto f = [p] { return *p; }; done_right = co_await unblock(f) == 1; }'

echo "$programs programs compiled and run"
((programs > 0 && failed == 0))

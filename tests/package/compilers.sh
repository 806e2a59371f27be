#!/bin/bash
# compilers.sh SOURCE_DIR [TEST...]: rouse with other libraries, older languages and systems that it does not know. With
# libc++: all headers compile, and tests (those named after SOURCE_DIR, as core/loop; else one or two of each folder) pass.
# With g++: no warnings by flags that users have and the tests have not. Below C++20, and on a system of which rouse does not
# know whether it has threads, the error says what to do; compilers for firmware need no setting.
# What is not installed is left out.
set -u
if [ $# -lt 1 ] || [ ! -f "$1/include/rouse/rouse.hpp" ]; then
    echo "usage: compilers.sh SOURCE_DIR [TEST...]" >&2
    exit 2
fi
source=$(cd "$1" && pwd)
tests=("${@:2}")
[ ${#tests[@]} -gt 0 ] || tests=(core/loop combine/select sync/queue threadsafe/thread_safe_queue threads/unblock io/stream io/signal)
# shellcheck source=tests/support/checks.sh
. "$source/tests/support/checks.sh"
warnings=(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -I "$source/include")
(cd "$source/include" && find rouse -name '*.hpp' ! -path '*/detail/*' ! -path '*/check/*' ! -path '*/hosts/*' ! -name cortex_m.hpp ! -name riscv.hpp -printf '#include <%p>\n') |
    sort >"$work/all.cpp"

# ---- libc++ ---------------------------------------------------------------------------------------------------------
libcxx=(clang++-19 -stdlib=libc++ -std=c++20 -pthread "${warnings[@]}" -I "$source/tests")
libcxx+=(-fexperimental-library) # for std::jthread, in tests
echo '#include <version>' >"$work/version.cpp"
if command -v clang++-19 >/dev/null && "${libcxx[@]}" -fsyntax-only "$work/version.cpp" 2>/dev/null; then
    for each in "" "-fno-exceptions -fno-rtti"; do
        # shellcheck disable=SC2086
        check "libc++: all headers compile $each" "${libcxx[@]}" $each -fsyntax-only "$work/all.cpp"
    done
    echo '#include "support/catch.hpp"' >"$work/first.hpp"
    precompiled() { "${libcxx[@]}" -x c++-header "$work/first.hpp" -o "$work/first.pch"; }
    check "libc++: Catch2 compiles" precompiled
    check "libc++: the main program of the tests compiles" "${libcxx[@]}" -c "$source/tests/support/main.cpp" -o "$work/main.o"
    objects=("$work/main.o")
    for each in "${tests[@]}"; do
        objects+=("$work/${each/\//.}.o")
        check "libc++: $each compiles" "${libcxx[@]}" -include-pch "$work/first.pch" -c "$source/tests/${each}_test.cpp" -o "${objects[-1]}"
    done
    passes() { "${libcxx[@]}" "${objects[@]}" -o "$work/tests" && timeout 120 "$work/tests"; }
    check "libc++: the tests pass" passes
else
    echo "not checked: libc++ is not installed"
fi

# ---- warnings -------------------------------------------------------------------------------------------------------
# Templates are checked where they are used.
cat "$work/all.cpp" - >"$work/uses.cpp" <<'CPP'
using namespace rouse;
using namespace std::chrono_literals;
Task<int> number() { co_return 1; }
Task<> combined() {
    Queue<int> queue;
    co_await select(number(), sleep(1ms), queue.get());
    co_await gather(number(), number());
    co_await gather(return_exceptions, number(), number());
    co_await try_wait_for(queue.get(), 1min);
    co_await TaskGroup::run([](TaskGroup& group) -> Task<> { group.create_task(number()); co_return; });
}
Task<> between_contexts(ThreadSafeQueue<int, 4>& queue, Message<int>& message, Latest<int>& latest, RingIO<64>& bytes) {
    std::ignore = co_await queue.put(1);
    std::ignore = queue.get_sync(1ms);
    co_await try_wait_for(queue.next(), 1ms);
    std::ignore = message.set(1);
    co_await message.wait();
    latest.publish(1);
    co_await latest.next();
    char line[8];
    co_await bytes.readline(line);
}
CPP
more=(-Wlogical-op -Wuseless-cast -Wduplicated-cond -Wduplicated-branches)
no_warnings() { # no_warnings COMPILER FLAG...
    "$1" -std=c++20 "${warnings[@]}" "${more[@]}" "${@:2}" -c "$work/uses.cpp" -o "$work/uses.o"
}
for compiler in g++ g++-11; do
    command -v "$compiler" >/dev/null || { echo "not checked: $compiler is not installed" && continue; }
    check "$compiler: no warnings" no_warnings "$compiler"
    check "$compiler: no warnings without exceptions" no_warnings "$compiler" -fno-exceptions -fno-rtti
done

# ---- languages and systems ------------------------------------------------------------------------------------------
preprocess() { # preprocess HEADER COMPILER FLAG...
    echo "#include <rouse/$1>" >"$work/header.cpp"
    "${@:2}" -I "$source/include" -E -o /dev/null "$work/header.cpp"
}
says() { # says MESSAGE HEADER COMPILER FLAG...
    preprocess "${@:2}" 2>"$work/said" && return 1
    cat "$work/said"
    grep -q "error.*$1" "$work/said"
}
known=(-U__linux__ -U__gnu_linux__ -U__linux)
for compiler in g++ clang++-19; do
    command -v "$compiler" >/dev/null || { echo "not checked: $compiler is not installed" && continue; }
    for header in rouse.hpp core/task.hpp threadsafe/thread_safe_flag.hpp io/io.hpp threads/threads.hpp debug/task_list.hpp; do
        check "$compiler, C++17: $header says what is needed" says "rouse: C++20 is needed: compile with -std=c++20" \
            $header "$compiler" -std=c++17
    done
    first() { says "" "$@" || head -3 "$work/said" | grep -q 'C++20 is needed'; }
    check "$compiler, C++17: rouse.hpp says so first" first rouse.hpp "$compiler" -std=c++17
    unknown="rouse: this system is not known: supply a Port; define ROUSE_HOSTED as 0, and ROUSE_CORES as 2"
    check "$compiler: a Unix that is not known" says "$unknown" core/config.hpp "$compiler" -std=c++20 "${known[@]}"
    for system in __wasi__ __Fuchsia__ __QNX__; do
        check "$compiler: $system" says "$unknown" core/config.hpp "$compiler" -std=c++20 "${known[@]}" -U__unix__ -U__unix -D$system
    done
    check "$compiler: a Unix that is said to have no hosted port" says "rouse: no hosted port for this system yet" \
        threadsafe/thread_safe_queue.hpp "$compiler" -std=c++20 "${known[@]}" -DROUSE_HOSTED=1
    check "$compiler: what the error says helps" preprocess rouse.hpp "$compiler" -std=c++20 "${known[@]}" -DROUSE_HOSTED=0 -DROUSE_CORES=2
    check "$compiler: no system is firmware" preprocess core/config.hpp "$compiler" -std=c++20 "${known[@]}" -U__unix__ -U__unix
done
if command -v clang++-19 >/dev/null; then
    for target in x86_64-unknown-freebsd14 x86_64-unknown-openbsd wasm32-unknown-emscripten wasm32-wasi x86_64-pc-cygwin \
        x86_64-unknown-haiku sparc-sun-solaris powerpc-ibm-aix; do
        check "clang++-19 for $target" says "$unknown" core/config.hpp clang++-19 -std=c++20 --target=$target
    done
    for target in arm-none-eabi riscv32-unknown-elf riscv64-unknown-elf; do
        check "clang++-19 for $target" preprocess core/config.hpp clang++-19 -std=c++20 --target=$target
    done
fi
for compiler in arm-none-eabi-g++ riscv64-unknown-elf-g++; do
    command -v "$compiler" >/dev/null || { echo "not checked: $compiler is not installed" && continue; }
    check "$compiler" preprocess core/config.hpp "$compiler" -std=c++20
done

count_checks

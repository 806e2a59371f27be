#!/bin/bash
# check.sh SOURCE_DIR: rouse as others use it. A consumer's project of ten lines takes it by add_subdirectory, by
# FetchContent (from a directory and from a git repository), and by find_package from where it was installed; each is
# built and run, and none builds rouse's tests or examples. The example echo_thread is built and run outside of the
# repository by find_package, by pkg-config, and with the single header. Also: the header compiles with no include path
# but include/, and two files that include it link. CXX is the compiler, as for cmake.
set -u

if [ $# -ne 1 ] || [ ! -f "$1/include/rouse/rouse.hpp" ]; then
    echo "usage: check.sh SOURCE_DIR" >&2
    exit 2
fi
source=$(cd "$1" && pwd)
cxx=${CXX:-c++}
# shellcheck source=tests/support/checks.sh
. "$source/tests/support/checks.sh"

cat >"$work/main.cpp" <<'END'
#include <rouse/rouse.hpp>
using namespace std::chrono_literals;
int half_of_the_answer();
rouse::Task<int> answer() {
    co_await rouse::sleep(1ms);
    co_return 2 * half_of_the_answer();
}
int main() { return rouse::run(answer()) == 42 ? 0 : 1; }
END
cat >"$work/other.cpp" <<'END'
#include <rouse/rouse.hpp>
rouse::ThreadSafeFlag flag;
rouse::Task<int> half() { // runs what is inline in both files
    flag.set();
    co_await flag.wait();
    auto task = rouse::create_task([]() -> rouse::Task<int> { co_return 21; }());
    const int value = co_await task;
    co_return value;
}
int half_of_the_answer() { return rouse::Task<int>{half()} ? 21 : 0; }
END

project() { # project NAME LINE...: a consumer that gets rouse by these lines of CMake
    mkdir "$work/$1"
    cp "$work/main.cpp" "$work/other.cpp" "$work/$1"
    {
        echo 'cmake_minimum_required(VERSION 3.21)'
        echo 'project(consumer LANGUAGES CXX)'
        printf '%s\n' "${@:2}"
        echo 'add_executable(consumer main.cpp other.cpp)'
        echo 'target_link_libraries(consumer PRIVATE rouse::rouse)'
    } >"$work/$1/CMakeLists.txt"
}
build() { # build NAME FLAGS...
    cmake -S "$work/$1" -B "$work/$1/build" "-DCMAKE_CXX_COMPILER=$cxx" "${@:2}" && cmake --build "$work/$1/build"
}
# Every target that the build has, but for those that CMake itself makes.
only_the_consumer() {
    local binaries
    binaries=$(find "$work/$1/build" -type f -perm -u+x ! -path '*/CMakeFiles/*' ! -path '*/.git/*' ! -name '*.so*' -printf '%f\n')
    cmake --build "$work/$1/build" --target help >"$work/targets"
    cat "$work/targets"
    echo "built: $binaries"
    [ "$binaries" = consumer ] && ! grep -Eiq 'test|example|echo|bench|warnings' "$work/targets"
}
# So that the warnings which the consumer asks for are not given for rouse.
headers_of_a_system() { grep -r -- '-isystem [^ ]*/include' "$work/$1/build/CMakeFiles/consumer.dir/flags.make"; }
use() { # use NAME HOW FLAGS...
    check "$2: it builds" build "$1" "${@:3}"
    check "$2: the compiler takes the headers for those of a system" headers_of_a_system "$1"
    check "$2: it runs" "$work/$1/build/consumer"
    check "$2: nothing else is built" only_the_consumer "$1"
}

project subdirectory "add_subdirectory($source rouse)"
use subdirectory add_subdirectory

project fetched 'include(FetchContent)' "FetchContent_Declare(rouse SOURCE_DIR $source)" 'FetchContent_MakeAvailable(rouse)'
use fetched FetchContent

# From a repository, as the README says; one that holds what is here now, committed or not.
clone() {
    mkdir "$work/repository" && cp -r "$source/include" "$source/CMakeLists.txt" "$work/repository" &&
        git -C "$work/repository" init -q -b main && git -C "$work/repository" add . &&
        git -C "$work/repository" -c user.name=check -c user.email=check@localhost commit -q -m all
}
if command -v git >/dev/null; then
    check "FetchContent from git: there is a repository" clone
    project cloned 'include(FetchContent)' \
        "FetchContent_Declare(rouse GIT_REPOSITORY file://$work/repository GIT_TAG main)" 'FetchContent_MakeAvailable(rouse)'
    use cloned "FetchContent from git"
else
    echo "not checked: git is not installed"
fi

install_it() {
    cmake -S "$source" -B "$work/rouse-build" "-DCMAKE_CXX_COMPILER=$cxx" -DROUSE_BUILD_TESTS=OFF -DROUSE_BUILD_EXAMPLES=OFF &&
        cmake --install "$work/rouse-build" --prefix "$work/installed"
}
check "install: it installs" install_it
check "install: the headers are all there" diff -r "$source/include/rouse" "$work/installed/include/rouse"
project found 'find_package(rouse 0.1 REQUIRED)'
use found find_package "-DCMAKE_PREFIX_PATH=$work/installed"
uses_the_installed_one() {
    grep -rq "$work/installed/include" "$work/found/build/CMakeFiles/consumer.dir" &&
        ! grep -rqF "$source/include" "$work/found/build/CMakeFiles/consumer.dir"
}
check "find_package: what it uses is the installed one" uses_the_installed_one
project too_new 'find_package(rouse 0.2 REQUIRED)'
refuses() { ! cmake -S "$work/too_new" -B "$work/too_new/build" "-DCMAKE_CXX_COMPILER=$cxx" "-DCMAKE_PREFIX_PATH=$work/installed"; }
check "find_package: a version that it is not is refused" refuses

# ---- echo_thread, from a project outside of the repository ----------------------------------------------------------
version=$(sed -n 's/^project(rouse VERSION \([0-9.]*\).*/\1/p' "$source/CMakeLists.txt")
part_of_the_names() { # up to the number whose change may break programs
    [ "v$(cut -d. -f1,2 <<<"$version" | tr . _)" = "$(sed -n 's/^#define ROUSE_ABI_VERSION \(\w*\).*/\1/p' "$source/include/rouse/core/config.hpp")" ]
}
check "the version is part of the names" part_of_the_names
mkdir "$work/echo"
cp "$source"/examples/{echo_thread.cpp,arguments.hpp,run_main.hpp} "$work/echo"
echoes() { # echoes PROGRAM
    local said
    said=$(timeout 60 "$1" 5000) && echo "$said" && [[ $said == *"5000 of 5000 items there and back in order"* ]]
}

cat >"$work/echo/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.21)
project(echo LANGUAGES CXX)
find_package(rouse 0.1 REQUIRED)
find_package(fmt REQUIRED)
find_package(Threads REQUIRED)
add_executable(echo_thread echo_thread.cpp)
target_link_libraries(echo_thread PRIVATE rouse::rouse fmt::fmt Threads::Threads)
END
check "find_package: echo_thread builds" build echo "-DCMAKE_PREFIX_PATH=$work/installed"
check "find_package: echo_thread runs" echoes "$work/echo/build/echo_thread"

compile_echo() { # compile_echo OUTPUT FLAGS...
    "$cxx" -std=c++20 "${@:2}" -DFMT_HEADER_ONLY -o "$1" -pthread
}
# Installed elsewhere, and moved here afterwards: the flags must follow.
by_pkg_config() {
    local flags
    cp -r "$work/installed" "$work/moved" && export PKG_CONFIG_PATH="$work/moved/share/pkgconfig" &&
        [ "$(pkg-config --modversion rouse)" = "$version" ] && read -r flags < <(pkg-config --cflags rouse) && echo "$flags" &&
        [[ $flags == -I* && $(realpath "${flags#-I}") == "$work/moved/include" ]] &&
        compile_echo "$work/echo_by_pkg_config" "$flags" "$work/echo/echo_thread.cpp"
}
if command -v pkg-config >/dev/null; then
    check "pkg-config: echo_thread builds" by_pkg_config
    check "pkg-config: echo_thread runs" echoes "$work/echo_by_pkg_config"
else
    echo "not checked: pkg-config is not installed"
fi

# One file beside the program, and no other include path.
single() {
    cmake --build "$work/rouse-build" --target single_header && mkdir "$work/single" &&
        cp "$work/rouse-build/single_header/rouse.hpp" "$work/single" || return 1
    for each in echo_thread.cpp arguments.hpp run_main.hpp; do
        sed 's|#include <rouse/.*>|#include "rouse.hpp"|' "$work/echo/$each" >"$work/single/$each"
    done
    compile_echo "$work/single/echo_thread" "$work/single/echo_thread.cpp"
}
if command -v python3 >/dev/null; then
    check "single header: echo_thread builds" single
    check "single header: echo_thread runs" echoes "$work/single/echo_thread"
else
    echo "not checked: python3 is not installed, which makes the single header"
fi

# ---- the headers by themselves --------------------------------------------------------------------------------------
echo '#include <rouse/rouse.hpp>' >"$work/header.cpp"
check "the header compiles with no include path but include/" \
    "$cxx" -std=c++20 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -I "$source/include" -fsyntax-only "$work/header.cpp"
link_two() { "$cxx" -std=c++20 -I "$source/include" "$work/main.cpp" "$work/other.cpp" -o "$work/two" && "$work/two"; }
check "two files that include it link, and run" link_two

count_checks

#!/bin/bash
# Builds a program of the check: a scenario, the shim below it, and the driver.
# usage: build.sh PROGRAM SCENARIO INCLUDE COMPILER [OPTION...]     the headers are those in the folder INCLUDE
# The objects without rouse stay beside PROGRAM for the next call.
set -u
program=$1 scenario=$2 include=$3 compiler=$4
shift 4
here=$(cd "$(dirname "$0")" && pwd)

# The calls of the scenario that go through the shim. Any other function of the C library that it calls must be in
# `harmless`, or the build fails: so none is left out by oversight.
shimmed="accept4 bind close connect epoll_create1 epoll_ctl epoll_wait eventfd freeaddrinfo getaddrinfo getnameinfo
    getsockname getsockopt listen read recv send setsockopt socket syscall"
# No system call, or one that cannot fail. shutdown fails only where there is no connection; pthread_atfork is called
# once in a process. lstat and unlink are for Unix sockets, and isatty, poll, write and what is about signals for pipes, of
# which the scenarios have none. fcntl is called only where descriptors 0, 1 or 2 are closed, and timerfd_* only for a host's
# loop.
harmless="abort bcmp clock_gettime clock_nanosleep nanosleep fprintf fputc fputs fwrite gai_strerror htons ntohs inet_pton mem.*
    str.* stderr vsnprintf snprintf pthread_atfork pthread_sigmask sigfillset shutdown lstat unlink
    fcntl isatty poll write sigaddset sigemptyset sigismember sigtimedwait timerfd_create timerfd_settime
    __.* _.*"

flags=(-std=c++20 -g1 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
sanitizer=
[[ " $* " == *" -fsanitize=address "* ]] && sanitizer=-fsanitize=address flags+=(-Wno-maybe-uninitialized) # g++ 12 takes an empty optional for one that is used
shim=$(dirname "$program")/shim$sanitizer
mkdir -p "$shim"
for name in table shim ledger judge driver; do
    file=$shim/$name.o
    [[ -e $file ]] || "$compiler" "${flags[@]}" -O1 $sanitizer -c "$here/$name.cpp" -o "$file" || exit 1
done
"$compiler" "${flags[@]}" -I "$include" '-DROUSE_PANIC(message)=::faults::panicked(message)' \
    -include "$here/report.hpp" "$@" -c "$here/$scenario.cpp" -o "$program.o" || exit 1
known=$(printf '%s|' $shimmed $harmless)
if nm -u "$program.o" | awk '{ print $2 }' | grep -vE "^(${known%|})$"; then
    echo "$scenario.cpp calls these functions, which the shim does not know"
    exit 1
fi
"$compiler" -pthread $sanitizer $(printf -- '-Wl,--wrap=%s ' $shimmed) "$shim"/*.o "$program.o" -o "$program"

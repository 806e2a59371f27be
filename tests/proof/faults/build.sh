# Builds the check; for run.sh and controls.sh, which source it.
#   build <program> <scenario> <include directory> [flag...]   in $work; with $compiler, from $root
# The calls of the scenario that go through the shim. Any other function of the C library that it calls must be in
# `harmless`, or the build fails: so none is left out by oversight.
shimmed="accept4 bind close connect epoll_create1 epoll_ctl epoll_wait eventfd freeaddrinfo getaddrinfo getnameinfo
    getsockname getsockopt listen read recv send setsockopt socket syscall"
# No system call, or one that cannot fail. shutdown fails only where there is no connection; pthread_atfork is called
# once in a process. lstat and unlink are for Unix sockets, and poll, write and what is about signals for pipes, of which
# the scenarios have none.
harmless="abort bcmp clock_gettime clock_nanosleep nanosleep fprintf fputc fputs fwrite gai_strerror htons ntohs inet_pton mem.*
    str.* stderr vsnprintf snprintf pthread_atfork pthread_sigmask sigfillset shutdown lstat unlink
    poll write sigaddset sigemptyset sigismember sigtimedwait
    __.* _.*"

build() {
    local program=$1 scenario=$2 include=$3 sanitizer= name file
    shift 3
    local here=$root/tests/proof/faults
    local flags=(-std=c++20 -g1 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
    [[ " $* " == *" -fsanitize=address "* ]] && sanitizer=-fsanitize=address
    mkdir -p "$work/shim$sanitizer"
    for name in table shim ledger judge driver; do
        file=$work/shim$sanitizer/$name.o
        [[ -e $file ]] || "$compiler" "${flags[@]}" -O1 $sanitizer -c "$here/$name.cpp" -o "$file" || return 1
    done
    "$compiler" "${flags[@]}" -I "$include" '-DROUSE_PANIC(message)=::faults::panicked(message)' \
        -include "$here/report.hpp" "$@" -c "$here/$scenario.cpp" -o "$work/$program.o" || return 1
    local known
    known=$(printf '%s|' $shimmed $harmless)
    if nm -u "$work/$program.o" | awk '{ print $2 }' | grep -vE "^(${known%|})$"; then
        echo "$scenario.cpp calls these functions, which the shim does not know"
        return 1
    fi
    "$compiler" -pthread $sanitizer $(printf -- '-Wl,--wrap=%s ' $shimmed) "$work/shim$sanitizer"/*.o \
        "$work/$program.o" -o "$work/$program"
}

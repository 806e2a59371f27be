// Runs programs in a child process, which may crash or hang, and leaves its traces behind all the same.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>

#include "run.hpp"

namespace simulation {

/// What parent and child share.
struct Shared {
    std::uint64_t programs = 0; // begun
    std::uint64_t operations = 0;
    Verdict verdict;
    Trace expected;
    Trace actual;
};

inline Shared& shared() {
    static Shared* const memory =
        ::new (::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Shared;
    return *memory;
}

/// In a child: ends it if it computes for so long; the time of a busy machine does not count.
inline void must_end_in(int seconds) {
    const itimerval limit{{0, 0}, {seconds, 0}};
    ::setitimer(ITIMER_VIRTUAL, &limit, nullptr);
}

/// Runs f, which returns whether all is well, in a child; what it says there can be seen if `aloud`. Returns what is
/// wrong, or nothing.
template <class F>
std::string in_child(bool aloud, F f) {
    shared().verdict = {};
    std::fflush(stdout);
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_CORE, &none);
        if (!aloud) ::dup2(::open("/dev/null", O_WRONLY), STDERR_FILENO);
        ::_exit(f() ? 0 : 1);
    }
    int status = 0;
    while (child < 0 || ::waitpid(child, &status, 0) < 0) {
        if (child < 0 || errno != EINTR) return "no child process";
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    if (shared().verdict.fault != nullptr) return shared().verdict.fault;
    if (WIFEXITED(status)) return "a sanitizer has ended it";
    if (WTERMSIG(status) == SIGVTALRM) return "it does not end";
    return joined({"it is ended by a signal: ", ::strsignal(WTERMSIG(status))});
}

/// One program by itself.
inline std::string fault_of(const Program& program, bool aloud = false) {
    return in_child(aloud, [&program] {
        must_end_in(2);
        Shared& s = shared();
        s.verdict = check(program, s.expected, s.actual);
        return s.verdict.fault == nullptr;
    });
}

} // namespace simulation

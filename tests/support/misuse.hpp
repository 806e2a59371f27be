// The message of a misuse: from the exception, or where there are none, from a child process that panics.
#pragma once

#include <string>

#include <rouse/core/error.hpp>

#if !ROUSE_EXCEPTIONS
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <cstdlib>
#endif

namespace test {

/// Runs f, which is expected to misuse the library, and returns what it is told; "nothing" if it gets away with it.
template <class F>
std::string misuse_of(F f) {
#if ROUSE_EXCEPTIONS
    try {
        f();
    } catch (const rouse::UsageError& error) {
        return error.what();
    }
    return "nothing";
#else
    int ends[2];
    if (::pipe(ends) != 0) return "no pipe";
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_CORE, &none);
        std::signal(SIGABRT, SIG_DFL); // not Catch2's
        ::dup2(ends[1], STDERR_FILENO);
        f();
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string message;
    char part[256];
    for (ssize_t n; (n = ::read(ends[0], part, sizeof part)) > 0;) message.append(part, static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? message : "nothing";
#endif
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace test

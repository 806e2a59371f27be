// Running a part of a test in a child of fork().
#pragma once

#include <csignal>
#include <cstdlib>
#include <string>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace test {

struct Child {
    int status = -1;
    std::string said; // on stderr

    [[nodiscard]] bool well() const { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }
    [[nodiscard]] bool panicked() const { return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT; }
};

/// Forks; the child calls f and ends, well if f returns true. A child that hangs is killed after ten seconds.
template <class F>
Child in_child(F f) {
    Child result;
    int ends[2];
    if (::pipe(ends) != 0) return result;
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_CORE, &none);
        std::signal(SIGABRT, SIG_DFL); // not Catch2's
        std::signal(SIGALRM, SIG_DFL);
        ::dup2(ends[1], STDERR_FILENO);
        ::alarm(10);
        ::_exit(f() ? 0 : 1);
    }
    ::close(ends[1]);
    char part[256];
    for (ssize_t n; (n = ::read(ends[0], part, sizeof part)) > 0;)
        result.said.append(part, static_cast<std::size_t>(n));
    ::close(ends[0]);
    ::waitpid(child, &result.status, 0);
    return result;
}

} // namespace test

// The message of a misuse: from the exception, or where there are none, from a child process that panics.
#pragma once

#include <cstdio>
#include <mutex>
#include <string>

#include <unistd.h>

#include <rouse/core/error.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <csignal>
#include <cstdlib>

namespace test {

/// Keeps what is written to stderr, as long as it exists: also what other threads write.
class StderrKeeper {
public:
    StderrKeeper() : file_{std::tmpfile()}, before_{::dup(STDERR_FILENO)} { ::dup2(::fileno(file_), STDERR_FILENO); }
    StderrKeeper(const StderrKeeper&) = delete;
    StderrKeeper& operator=(const StderrKeeper&) = delete;
    ~StderrKeeper() {
        ::dup2(before_, STDERR_FILENO);
        ::close(before_);
        std::fclose(file_);
    }

    /// What has been written until now.
    [[nodiscard]] std::string text() const {
        std::string all;
        char part[256];
        off_t at = 0;
        for (ssize_t n; (n = ::pread(::fileno(file_), part, sizeof part, at)) > 0; at += n)
            all.append(part, static_cast<std::size_t>(n));
        return all;
    }

private:
    std::FILE* file_;
    int before_;
};

/// Keeps several threads from keeping stderr at once.
inline std::mutex& stderr_mutex() {
    static std::mutex mutex;
    return mutex;
}

inline std::size_t count_of(const std::string& part, const std::string& text) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++count;
    return count;
}

/// Runs f in a child process, in which it is expected to panic, and returns what the child has printed; "nothing" if it
/// did not panic.
template <class F>
std::string panic_of(F f) {
    int ends[2];
    if (::pipe(ends) != 0) return "no pipe";
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_CORE, &none);
        ::alarm(60);
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
}

/// Runs f, which is expected to misuse the library, and returns what it is told; "nothing" if it gets away with it. The
/// report must have been printed when the error arrives, and only once; otherwise the result says so.
template <class F>
std::string misuse_of(F f) {
#if ROUSE_EXCEPTIONS
    const std::lock_guard one_at_a_time{stderr_mutex()};
    const StderrKeeper kept;
    try {
        f();
    } catch (const rouse::UsageError& error) {
        const std::size_t reports = count_of(std::string{error.what()} + "\n", kept.text());
        return (reports == 1 ? "" : "reported " + std::to_string(reports) + " times: ") + error.what();
    }
    const std::string text = kept.text();
    return text.empty() ? "nothing" : "only printed: " + text;
#else
    return panic_of(f);
#endif
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace test

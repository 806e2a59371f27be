// What a scenario tells about one attempt. Nothing here allocates: it has to work when there is no memory.
#pragma once

#include <array>
#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace faults {

struct Report {
    using Text = std::array<char, 200>;

    /// Somebody was told of an error, in these words.
    void was_told(const char* what) noexcept {
        if (told_count < told.size()) std::snprintf(told[told_count].data(), told[told_count].size(), "%s", what);
        ++told_count;
    }

    /// A client has not got all of its bytes.
    void was_broken_off() noexcept { ++broken_off; }

    /// The attempt has ended by an error.
    void was_aborted(const char* what) noexcept {
        was_told(what);
        aborted = true;
    }

    /// A promise was broken. From any thread; the first one counts.
    [[gnu::format(printf, 2, 3)]] void was_wrong(const char* format, ...) noexcept {
        if (is_wrong.exchange(true)) return;
        va_list arguments;
        va_start(arguments, format);
        std::vsnprintf(wrong.data(), wrong.size(), format, arguments);
        va_end(arguments);
    }

    std::array<Text, 16> told{};
    std::size_t told_count = 0; // may be more than there is room for
    unsigned broken_off = 0;
    unsigned probes = 1; // the attempts that it took to be served at the end
    bool aborted = false;
    std::atomic<bool> is_wrong{false};
    Text wrong{};
};

/// The scenario, from making a port to destroying it. Each program has one.
void attempt(Report& report);

/// For controls: which of the faults in the headers is switched on; see controls.toml.
inline int broken = -1;

/// Whether the scenario is built without exceptions, so that an error is a panic, which names what failed.
bool without_exceptions() noexcept;

/// What the program calls in place of a panic, see run.sh: ends it, and lets the driver know why.
[[noreturn]] void panicked(const char* message) noexcept;

} // namespace faults

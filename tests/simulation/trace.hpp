// What a program did: one entry for each step that has ended.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "program.hpp"

namespace simulation {

enum class Result : std::uint8_t {
    none,
    ok,            // `value` says what it returned, or what it left behind
    cancelled,     // the step was ended by a cancellation
    timed_out,     // an Outcome that says so
    was_cancelled, // the same for what was awaited
    had_failed,    // its outcome is an error
    threw,         // what the awaited task threw
    closed,        // the queue was, or (put_sync, get_sync) full or empty
    misuse,        // refused, as bad use
    skipped,       // not tried: it is bad use that is not always refused, see reference.hpp
    ended,         // not a step: the task has returned
    state,         // not a step: what an object is like at the end
};

/// The second start of body 3 is instance 7: 2 * 3 + 1.
constexpr int instance(int body, int start) { return starts_of_a_body * body + start; }
inline constexpr int most_instances = instance(most_tasks + 1, 0);

struct Entry {
    std::uint8_t instance = 0;
    std::uint8_t step = 0;
    Result result = Result::none;
    std::int32_t value = 0;
    std::int32_t time = 0; // ms
    bool operator==(const Entry&) const = default;
};

struct Trace {
    std::array<Entry, 256> entries;
    std::uint32_t count = 0;
    std::uint32_t operations = 0;                                       // entries that are steps, and were tried
    std::array<std::array<Result, most_steps>, most_instances> results; // the same, by instance and step

    void clear() {
        count = operations = 0;
        results = {};
    }
    void add(const Entry& entry) {
        if (entry.step < most_steps && entry.instance < most_instances)
            results[entry.instance][entry.step] = entry.result;
        operations += entry.result < Result::skipped;
        if (count < entries.size()) entries[count++] = entry;
    }
};

inline std::string to_text(const Entry& entry, const Program& program) {
    static constexpr std::string_view results[] = {"nothing",
                                                   "ok",
                                                   "cancelled",
                                                   "timed out",
                                                   "what it awaited was cancelled",
                                                   "what it awaited has failed",
                                                   "throws",
                                                   "closed",
                                                   "refused: bad use",
                                                   "skipped",
                                                   "returns",
                                                   "at the end"};
    const std::string result = joined({results[std::size_t(entry.result)], " ", std::to_string(entry.value)});
    const std::string step = std::to_string(entry.step);
    if (entry.result == Result::state) return joined({"object ", step, " ", result});
    const int body = entry.instance / starts_of_a_body;
    const std::string task = joined({std::to_string(entry.time), "ms  task", std::to_string(body),
                                     entry.instance % starts_of_a_body != 0 ? " (its second start)" : ""});
    if (entry.result == Result::ended) return joined({task, " ", result});
    const std::string what = to_text(program.bodies[std::size_t(body)].steps[entry.step]);
    return joined({task, " step ", step, ", ", what, ": ", result});
}

} // namespace simulation

// Finds accesses to plain memory that nothing orders, by the clocks of the model's memory. It is told of each one by
// the calls that -fsanitize=thread puts into the program; ThreadSanitizer's own run-time is not there.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <rouse/check/detail/arena.hpp>
#include <rouse/check/detail/execution.hpp>
#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

enum class Access : std::uint8_t {
    read,
    write,
    atomic, // races with a plain write, not with its like; a plain read beside an atomic store is not reported
};

/// Eight numbers that are compared at once: this is what the checker spends most of its time with.
using Eight [[gnu::vector_size(16)]] = std::uint16_t;

/// For each set of bytes: ones in their places.
inline constexpr auto places_of_bytes = [] {
    std::array<std::array<std::uint16_t, 8>, 256> result{};
    for (std::size_t which = 0; which < 256; ++which) {
        for (std::size_t i = 0; i < 8; ++i) result[which][i] = (which >> i & 1u) != 0 ? 0xffff : 0;
    }
    return result;
}();

inline Eight places_of(std::uint8_t which) {
    Eight result;
    std::memcpy(&result, &places_of_bytes[which], sizeof result);
    return result;
}

/// When a context, by its own clock, has last accessed each of eight bytes.
struct Accesses {
    Eight time{};

    void add(std::uint16_t now, std::uint8_t which) {
        const Eight changed = places_of(which);
        time = (time & ~changed) | (now & changed);
    }
    [[nodiscard]] bool after(std::uint16_t known, std::uint8_t which) const {
        const Eight later = reinterpret_cast<Eight>(time > known) & places_of(which);
        std::array<std::uint64_t, 2> halves{};
        std::memcpy(&halves, &later, sizeof later);
        return (halves[0] | halves[1]) != 0;
    }
};

/// Of eight bytes. What a context has not accessed in this execution is left as it was, as to clear it costs more than
// all the rest: `execution` says whether `contexts` holds, and `contexts` whose accesses do.
struct ShadowWord {
    std::uint32_t execution = 0; // that has touched it last
    std::uint8_t contexts = 0;   // the set of those that have accessed it
    struct {
        Accesses writes;
        Accesses uses; // reads, and uses as an atomic
    } of[most_contexts];
};

// References, so that the calls for each access need no test whether these exist.
inline Execution& checked = Execution::now();
inline Arena& checked_arena = Arena::now();
inline std::vector<ShadowWord> shadow(Arena::total_bytes / 8);
inline std::vector<std::uint8_t> poisoned(Arena::total_bytes / 8); // which bytes

[[noreturn]] inline void report_access(check::Failure kind, const char* what, std::size_t offset, ContextId other) {
    std::string text = what;
    text += " at @" + std::to_string(offset);
    if (other >= 0) text += ", with " + checked.name_of(other);
    checked.fail(kind, text);
}

// Whether another thread has accessed these bytes in a way that does not go with `how`, and that is not ordered
// before it.
inline void compare_accesses(const ShadowWord& word, std::size_t offset, std::uint8_t bytes, Access how) {
    const ContextId execution = checked.context();
    const VectorClock& clock = checked.memory().clock(execution);
    for (ContextId other = 0; other < most_contexts; ++other) {
        if (other == execution || (word.contexts >> other & 1u) == 0) continue;
        const auto index = static_cast<std::size_t>(other);
        if (word.of[index].writes.after(clock.at[index], bytes) ||
            (how == Access::write && word.of[index].uses.after(clock.at[index], bytes)))
            report_access(check::Failure::data_race, "data race", offset, other);
    }
}

inline void touch_word(std::size_t offset, std::uint8_t bytes, Access how) {
    ShadowWord& word = shadow[offset / 8];
    if ((poisoned[offset / 8] & bytes) != 0) [[unlikely]]
        report_access(check::Failure::use_after_end, "memory is used after its end,", offset, -1);
    const auto execution = static_cast<std::size_t>(checked.context());
    const auto mine_only = static_cast<std::uint8_t>(1u << execution);
    if (word.execution != checked.number()) {
        word.execution = checked.number();
        word.contexts = 0;
    }
    if ((word.contexts & mine_only) == 0) {
        word.contexts |= mine_only;
        word.of[execution] = {};
    }
    if (word.contexts != mine_only) [[unlikely]]
        compare_accesses(word, offset, bytes, how);
    const std::uint16_t time = checked.memory().clock(checked.context()).at[execution];
    (how == Access::write ? word.of[execution].writes : word.of[execution].uses).add(time, bytes);
}

template <class F>
void for_each_word(const void* address, std::size_t bytes, F f) {
    if (!checked.running() || !checked_arena.contains(address)) return;
    std::size_t offset = checked_arena.offset(address);
    while (bytes > 0) {
        const std::size_t in_word = offset % 8;
        const std::size_t count = (std::min)(bytes, 8 - in_word);
        f(offset - in_word, static_cast<std::uint8_t>(((1u << count) - 1) << in_word));
        offset += count;
        bytes -= count;
    }
}

inline void touch(const void* address, std::size_t bytes, Access how) {
    for_each_word(address, bytes, [how](std::size_t offset, std::uint8_t mask) { touch_word(offset, mask, how); });
}

// What the compiler announces: at most a word, which the program accesses.
inline void touch_plain(const void* address, std::size_t bytes, Access how) {
    if (!Execution::in_program() || !checked_arena.contains(address)) return;
    const std::size_t offset = checked_arena.offset(address);
    if (offset % 8 + bytes > 8) [[unlikely]] {
        touch(address, bytes, how);
    } else {
        touch_word(offset - offset % 8, static_cast<std::uint8_t>(((1u << bytes) - 1) << offset % 8), how);
    }
}

inline void poison_memory(const void* memory, std::size_t bytes) {
    for_each_word(memory, bytes, [](std::size_t offset, std::uint8_t mask) {
        const auto fresh = static_cast<std::uint8_t>(mask & ~poisoned[offset / 8]);
        if (fresh != 0 && shadow[offset / 8].execution == checked.number()) touch_word(offset, fresh, Access::write);
        poisoned[offset / 8] |= mask;
    });
}

inline void unpoison_memory(const void* memory, std::size_t bytes) {
    for_each_word(memory, bytes, [](std::size_t offset, std::uint8_t mask) {
        poisoned[offset / 8] = static_cast<std::uint8_t>(poisoned[offset / 8] & ~mask);
    });
}

inline void begin_race_detection(std::size_t bytes_used) {
    std::fill_n(poisoned.begin(), (bytes_used + 7) / 8, std::uint8_t{0});
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

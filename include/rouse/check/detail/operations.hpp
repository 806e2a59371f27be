// The operations of Atomic and Shared: each waits for its turn, takes effect on the memory, and is what a mutant
// changes.
#pragma once

#include <cstdint>
#include <functional>
#include <source_location>
#include <string>

#include <rouse/check/atomic.hpp>
#include <rouse/check/detail/arena.hpp>
#include <rouse/check/detail/execution.hpp>
#include <rouse/check/detail/mutants.hpp>
#include <rouse/check/detail/races.hpp>
#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

inline std::memory_order without_acquire(std::memory_order order) {
    if (order == std::memory_order::acq_rel || order == std::memory_order::seq_cst) return std::memory_order::release;
    return order == std::memory_order::acquire ? std::memory_order::relaxed : order;
}
inline std::memory_order without_release(std::memory_order order) {
    if (order == std::memory_order::acq_rel || order == std::memory_order::seq_cst) return std::memory_order::acquire;
    return order == std::memory_order::release ? std::memory_order::relaxed : order;
}
inline std::memory_order weakened(std::memory_order order, Change change) {
    if (change == Change::no_acquire) return without_acquire(order);
    return change == Change::no_release ? without_release(order) : order;
}

/// The location of an atomic that the present step uses.
inline std::uint8_t place_of(const AtomicLocation& location) {
    Execution& execution = Execution::now();
    if (location.execution != execution.number())
        execution.fail(check::Failure::use_after_end, "an atomic is used after its end, or before it was made");
    touch(&location, sizeof location, Access::atomic);
    return static_cast<std::uint8_t>(location.id);
}

inline std::string value_text(std::uint64_t value) {
    if (!Execution::now().keeps_story()) return {};
    const auto* address = reinterpret_cast<const void*>(value);
    if (Arena::now().contains(address)) return "@" + std::to_string(Arena::now().offset(address));
    // A negative number of any width.
    const auto number = static_cast<std::int64_t>(value);
    return number < 0 && number > -1'000'000 ? std::to_string(number) : std::to_string(value);
}

inline void note_at(const std::source_location& where, const std::string& text) {
    if (!Execution::now().keeps_story()) return;
    const std::string file = where.file_name();
    Execution::now().note(file.substr(file.rfind('/') + 1) + ':' + std::to_string(where.line()) + ": " + text);
}

// Why a load was allowed to return what it has returned, if there is something newer.
inline void explain_read() {
    Execution& execution = Execution::now();
    const Memory::Newer& newer = execution.memory().newer_than_last_read();
    if (!execution.keeps_story() || newer.count == 0) return;
    execution.note("  which is old: " + execution.name_of(newer.by) + " has stored " + value_text(newer.value) +
                   (newer.count > 1 ? " (and " + std::to_string(newer.count - 1) + " more)" : std::string{}) +
                   ", but nothing orders that before this load");
}

inline void turn(Step::Kind kind, const AtomicLocation& location, const char* what, std::memory_order order) {
    Execution::now().step(Step{kind, &location, what, order == std::memory_order::seq_cst});
}

/// A read-modify-write, or one of the two forms that a mutant may have. `change` puts the new value in place of the old
/// one and returns true, or returns false to leave it.
inline std::uint64_t change_value(AtomicLocation& location, std::memory_order success, std::memory_order failure,
                                  Change mutation, const char* what, const CodeLocation& where,
                                  const std::function<bool(std::uint64_t&)>& change) {
    turn(Step::Kind::write, location, what, success);
    const std::uint8_t at = place_of(location);
    Memory& memory = Execution::now().memory();
    const ContextId context = Execution::now().context();
    std::uint64_t before = 0;
    if (mutation == Change::not_atomic || mutation == Change::no_store) {
        before = memory.load(context, at, without_release(success));
        std::uint64_t value = before;
        if (change(value) && mutation == Change::not_atomic) {
            turn(Step::Kind::write, location, what, success);
            memory.store(context, place_of(location), value, without_acquire(success));
        }
    } else {
        before = memory.read_modify_write(context, at, success, failure, change);
    }
    if (Execution::now().keeps_story()) {
        std::uint64_t after = before;
        const bool stored = change(after);
        note_at(where, what + (" " + value_text(before)) + (stored ? " -> " + value_text(after) : ", fails"));
        if (!stored) explain_read();
    }
    return before;
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

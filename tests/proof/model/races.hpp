// Finds accesses to plain memory that nothing orders, by the clocks of the model's memory. It is told of each one by
// the calls that -fsanitize=thread puts into the program; ThreadSanitizer's own run-time is not there.
#pragma once

#include <cstddef>
#include <cstdint>

namespace model::races {

enum class Access : std::uint8_t {
    read,
    write,
    atomic, // races with a plain write, not with its like; a plain read beside an atomic store is not reported
};

/// Of the arena, so many bytes were used by the execution before: none of them is poisoned any more.
void begin_execution(std::size_t bytes_used);

void touch(const void* address, std::size_t bytes, Access access);

} // namespace model::races

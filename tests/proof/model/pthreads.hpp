// The threads, mutexes, condition variables and counts of owners that the standard library brings: taken to be right,
// and made steps of the checker below it, where the library calls the system.
#pragma once

#include <cstddef>
#include <cstdint>

namespace model {

/// An atomic of the standard library's own, on plain memory: reads the newest value, takes and hands on all there is to
/// know. `change` is added.
std::uint64_t count_owners(volatile void* address, std::size_t bytes, std::uint64_t change);

} // namespace model

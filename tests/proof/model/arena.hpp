// The memory that the modelled program has: a stack for each thread, and a heap that is emptied for each execution, so
// that addresses are the same each time and an execution may be given up in the middle.
#pragma once

#include <cstddef>
#include <cstdint>

#include "memory.hpp"

namespace model {

class Arena {
public:
    static constexpr std::size_t stack_bytes = 128 * 1024;

    static Arena& now();

    void reset() { used_ = 0; }
    [[nodiscard]] std::size_t used() const { return most_threads * stack_bytes + used_; }
    void* stack(ThreadId thread) { return begin_ + static_cast<std::size_t>(thread) * stack_bytes; }
    void* allocate(std::size_t bytes, std::size_t alignment);
    [[nodiscard]] bool contains(const void* address) const { return offset(address) < total_bytes; }
    [[nodiscard]] std::size_t offset(const void* address) const {
        return reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(begin_);
    }

    static constexpr std::size_t heap_bytes = 3 * 1024 * 1024;
    static constexpr std::size_t total_bytes = most_threads * stack_bytes + heap_bytes;

private:
    Arena();
    std::byte* begin_;
    std::size_t used_ = 0;
};

} // namespace model

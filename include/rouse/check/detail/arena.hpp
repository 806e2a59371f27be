// The memory of the checked program: a stack for each context, and a heap that is emptied for each execution, so that
// addresses are the same each time and an execution may be given up in the middle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <sys/mman.h>

#include <rouse/check/detail/failing.hpp>
#include <rouse/check/explore.hpp>
#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

class Arena {
public:
    static constexpr std::size_t stack_bytes = 128 * 1024;

    static Arena& now();

    void reset() { used_ = 0; }
    [[nodiscard]] std::size_t used() const { return check::most_contexts * stack_bytes + used_; }
    void* stack(int context) { return begin_ + static_cast<std::size_t>(context) * stack_bytes; }
    void* allocate(std::size_t bytes, std::size_t alignment);
    [[nodiscard]] bool contains(const void* address) const { return offset(address) < total_bytes; }
    [[nodiscard]] std::size_t offset(const void* address) const {
        return reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(begin_);
    }

    static constexpr std::size_t heap_bytes = 3 * 1024 * 1024;
    static constexpr std::size_t total_bytes = check::most_contexts * stack_bytes + heap_bytes;

private:
    Arena();
    std::byte* begin_;
    std::size_t used_ = 0;
};

inline Arena& Arena::now() {
    static Arena arena;
    return arena;
}

inline Arena::Arena() {
    void* memory = mmap(nullptr, total_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    begin_ = static_cast<std::byte*>(memory);
}

inline void* Arena::allocate(std::size_t bytes, std::size_t alignment) {
    std::byte* const heap = begin_ + check::most_contexts * stack_bytes;
    // The size precedes the block, for delete.
    std::size_t at = used_ + sizeof(std::size_t);
    const auto address = reinterpret_cast<std::uintptr_t>(heap + at);
    at += (alignment - address % alignment) % alignment;
    if (at + bytes > heap_bytes) fail_checker("the program needs more memory than there is");
    used_ = at + bytes;
    *reinterpret_cast<std::size_t*>(heap + at - sizeof(std::size_t)) = bytes;
    return heap + at;
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

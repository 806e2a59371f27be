#include "arena.hpp"

#include <cstdlib>
#include <new>

#include <sys/mman.h>

#include "execution.hpp"

namespace model {

Arena& Arena::now() {
    static Arena arena;
    return arena;
}

Arena::Arena() {
    void* memory = mmap(nullptr, total_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    begin_ = static_cast<std::byte*>(memory);
}

void* Arena::allocate(std::size_t bytes, std::size_t alignment) {
    std::byte* const heap = begin_ + most_threads * stack_bytes;
    // The size stands in front, for delete.
    std::size_t at = used_ + sizeof(std::size_t);
    const auto address = reinterpret_cast<std::uintptr_t>(heap + at);
    at += (alignment - address % alignment) % alignment;
    if (at + bytes > heap_bytes) fail_checker("the program needs more memory than there is");
    used_ = at + bytes;
    *reinterpret_cast<std::size_t*>(heap + at - sizeof(std::size_t)) = bytes;
    return heap + at;
}

namespace {

void* allocate(std::size_t bytes, std::size_t alignment) {
    if (Execution::in_program()) return Arena::now().allocate((bytes + 7) / 8 * 8, alignment < 8 ? 8 : alignment);
    return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

void release(void* memory) noexcept {
    if (memory == nullptr) return;
    if (!Arena::now().contains(memory)) {
        std::free(memory);
    } else if (Execution::in_program()) {
        poison(memory, static_cast<std::size_t*>(memory)[-1]);
    }
}

} // namespace

} // namespace model

void* operator new(std::size_t bytes) { return model::allocate(bytes, 16); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return model::allocate(bytes, 16); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return model::allocate(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return model::allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { model::release(memory); }
void operator delete(void* memory, std::size_t) noexcept { model::release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { model::release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { model::release(memory); }

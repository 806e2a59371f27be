// What a program holds: its descriptors and its heap, to compare before and after. Replaces operator new, so only one
// file of a program may include it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <new>
#include <ostream>

#include <malloc.h>

#include <rouse/core/config.hpp>

namespace test {

inline std::atomic<long> blocks_in_use{0};
inline std::atomic<long> bytes_in_use{0};

/// Compared exactly, so what is made once and kept must have been made before: play a small round first. `after` must
/// be taken when the loop has ended, as that keeps the frames that it has allocated.
struct Held {
    std::ptrdiff_t descriptors;
    long blocks;
    long bytes;

    static Held now() {
        using std::filesystem::directory_iterator;
        const auto descriptors = std::distance(directory_iterator{"/proc/self/fd"}, directory_iterator{});
        return {descriptors, blocks_in_use, bytes_in_use};
    }
    friend bool operator==(const Held&, const Held&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Held& held) {
        return out << held.descriptors << " descriptors, " << held.blocks << " blocks of " << held.bytes << " bytes";
    }
};

// Null if there is none.
inline void* counted(void* block) noexcept {
    if (block == nullptr) return nullptr;
    ++blocks_in_use;
    bytes_in_use += static_cast<long>(::malloc_usable_size(block));
    return block;
}

inline void* counted(std::size_t size) noexcept { return counted(std::malloc(size)); }
inline void* counted(std::size_t size, std::align_val_t alignment) noexcept {
    const auto to = static_cast<std::size_t>(alignment);
    return counted(std::aligned_alloc(to, (size + to - 1) / to * to));
}

inline void* or_throw(void* block) {
    if (block == nullptr) throw std::bad_alloc{};
    return block;
}

inline void give_back(void* block) noexcept {
    if (block == nullptr) return;
    --blocks_in_use;
    bytes_in_use -= static_cast<long>(::malloc_usable_size(block));
    std::free(block);
}

} // namespace test

// clang's ThreadSanitizer has its own, which cannot be replaced: there the heap is not counted.
#if !(ROUSE_TSAN && defined(__clang__))
// Those of arrays call these, except AddressSanitizer's, which keep to themselves. (Not inlined: GCC would see free()
// for what came from new.)
[[gnu::noinline]] void* operator new(std::size_t size) { return test::or_throw(test::counted(size)); }
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return test::counted(size); }
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
    return test::or_throw(test::counted(size, alignment));
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return test::counted(size, alignment);
}
[[gnu::noinline]] void operator delete(void* block) noexcept { test::give_back(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept { test::give_back(block); }
[[gnu::noinline]] void operator delete(void* block, std::align_val_t) noexcept { test::give_back(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t, std::align_val_t) noexcept { test::give_back(block); }
#endif

// Annotations for the sanitizers; they do nothing in a program that is built without.
//
// AddressSanitizer learns which blocks of the frame pool are free, so that it reports the use of a frame after its end,
// although the memory never returns to the heap. ThreadSanitizer learns that the system call that wakes a loop happens
// before the one by which the loop takes the wake in.
#pragma once

#include <cstddef>

#include <rouse/core/config.hpp>

#if ROUSE_ASAN
#include <sanitizer/asan_interface.h>
#endif
#if ROUSE_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

inline void asan_poison([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#if ROUSE_ASAN
    __asan_poison_memory_region(memory, bytes);
#endif
}

inline void asan_unpoison([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#if ROUSE_ASAN
    __asan_unpoison_memory_region(memory, bytes);
#endif
}

inline void tsan_release([[maybe_unused]] void* address) noexcept {
#if ROUSE_TSAN
    __tsan_release(address);
#endif
}

inline void tsan_acquire([[maybe_unused]] void* address) noexcept {
#if ROUSE_TSAN
    __tsan_acquire(address);
#endif
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

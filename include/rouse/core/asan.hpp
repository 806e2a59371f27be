// What AddressSanitizer is told of the frame pool, so that it sees a use of a frame after its end although the
// memory is never given back. Nothing, where the program is not built with it.
#pragma once

#include <cstddef>

#include <rouse/core/config.hpp>

#if ROUSE_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace rouse::inline ROUSE_ABI::core {

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

} // namespace rouse::inline ROUSE_ABI::core

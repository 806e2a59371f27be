// Every macro of rouse: what it means, its default, and what it decides. There are no others.
#pragma once

// ROUSE_EXCEPTIONS: 1 where the compiler has exceptions switched on; found out, not set.
#if defined(__cpp_exceptions)
#define ROUSE_EXCEPTIONS 1
#else
#define ROUSE_EXCEPTIONS 0
#endif

// ROUSE_HOSTED: 1 where there is an operating system with threads and a heap. Set it to 0 to build a
// hosted program as firmware is built.
#if !defined(ROUSE_HOSTED)
#if defined(__linux__) || defined(__APPLE__) || defined(_WIN32)
#define ROUSE_HOSTED 1
#else
#define ROUSE_HOSTED 0
#endif
#endif

// ROUSE_FRAME_BYTES: without a heap, the bytes of the static pool that all coroutine frames come from.
#if !ROUSE_HOSTED && !defined(ROUSE_FRAME_BYTES)
#define ROUSE_FRAME_BYTES 2048
#endif

// ROUSE_POOL_FRAMES: 1 where the coroutine frames of a loop come from its pool. Set it to 0 on a hosted system, in all
// files of the program, to take each frame from the heap: for a tool that watches the heap, such as Valgrind, or a test
// that makes allocations fail.
#if !defined(ROUSE_POOL_FRAMES)
#define ROUSE_POOL_FRAMES 1
#endif

// ROUSE_ONE_COPY, on functions of the library: on firmware, where size counts for more than speed, a compiler must not
// copy this into every coroutine that calls it.
#if ROUSE_HOSTED
#define ROUSE_ONE_COPY
#else
#define ROUSE_ONE_COPY [[gnu::noinline]]
#endif

// ROUSE_CORES: without an operating system, how many cores run this program.
#if !ROUSE_HOSTED && !defined(ROUSE_CORES)
#define ROUSE_CORES 1
#endif

// Where nobody else runs meanwhile, it makes no sense to spin.
#define ROUSE_BUSY_POLLING (ROUSE_HOSTED || ROUSE_CORES > 1)

// ROUSE_ATOMIC_HEADER: a header to take rouse::Atomic, light_barrier(), heavy_barrier(), core::futex_wait() and
// core::futex_wake() from, in place of the platform's; for a model checker that runs the code that ships.

// ROUSE_PANIC(message): what happens where an error cannot be thrown: bad use when exceptions are off, or in
// a destructor. Must not return. Default: the message to stderr and abort; a trap where there is no stderr.
#if !defined(ROUSE_PANIC)
#if ROUSE_HOSTED
#include <cstdio>
#include <cstdlib>
#define ROUSE_PANIC(message) (std::fputs(message, stderr), std::fputc('\n', stderr), std::abort())
#else
#define ROUSE_PANIC(message) (static_cast<void>(message), __builtin_trap())
#endif
#endif

// ROUSE_ASAN: 1 under AddressSanitizer, which is then told of every frame that goes back to the pool.
#if defined(__SANITIZE_ADDRESS__)
#define ROUSE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ROUSE_ASAN 1
#endif
#endif
#if !defined(ROUSE_ASAN)
#define ROUSE_ASAN 0
#endif

// ROUSE_TSAN: 1 under ThreadSanitizer, which does not understand fences.
#if defined(__SANITIZE_THREAD__)
#define ROUSE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ROUSE_TSAN 1
#endif
#endif
#if !defined(ROUSE_TSAN)
#define ROUSE_TSAN 0
#endif

// ROUSE_ABI: the inline namespace that everything lives in, so that two translation units whose settings
// differ do not link into one program that mixes them.
#if ROUSE_HOSTED && ROUSE_EXCEPTIONS
#define ROUSE_ABI with_exceptions
#elif ROUSE_HOSTED
#define ROUSE_ABI without_exceptions
#elif ROUSE_EXCEPTIONS
#define ROUSE_ABI bare_with_exceptions
#else
#define ROUSE_ABI bare_without_exceptions
#endif

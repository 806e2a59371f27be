// All macros of rouse, each with its meaning and its default.
#pragma once

#if (defined(_MSVC_LANG) ? _MSVC_LANG : __cplusplus) < 202002L
#error "rouse: C++20 is needed: compile with -std=c++20, or /std:c++20; in CMake, link with rouse::rouse"
#endif

// ROUSE_EXCEPTIONS: 1 if the compiler has exceptions switched on. Detected; do not set it.
#if defined(__cpp_exceptions)
#define ROUSE_EXCEPTIONS 1
#else
#define ROUSE_EXCEPTIONS 0
#endif

// ROUSE_HOSTED: 1 if there is an operating system with threads and a heap. Set it to 0 to build a program for such a
// system as firmware is built; then set ROUSE_CORES as well, as atomics are made for a single core otherwise.
#if !defined(ROUSE_HOSTED)
#if defined(__linux__) || defined(__APPLE__) || defined(_WIN32)
#define ROUSE_HOSTED 1
#elif defined(__unix__) || defined(__unix) || defined(__wasi__) || defined(__Fuchsia__) || defined(__QNX__)
#error "rouse: this system is not known: supply a Port; define ROUSE_HOSTED as 0, and ROUSE_CORES as 2"
#else
#define ROUSE_HOSTED 0
#endif
#endif

// ROUSE_FRAME_BYTES: the size of the static pool from which firmware takes all coroutine frames.
#if !ROUSE_HOSTED && !defined(ROUSE_FRAME_BYTES)
#define ROUSE_FRAME_BYTES 2048
#endif

// ROUSE_POOL_FRAMES: 1 if the coroutine frames of a loop come from its pool. On a hosted system, set it to 0 in all
// files of the program to take each frame from the heap instead: for a tool that watches the heap, such as Valgrind, or
// a test that makes allocations fail.
#if !defined(ROUSE_POOL_FRAMES)
#define ROUSE_POOL_FRAMES 1
#endif

// ROUSE_NOINLINE_ON_FIRMWARE: an attribute of functions of the library. On firmware, where size matters more than
// speed, it keeps the compiler from copying the function into every coroutine that calls it.
#if ROUSE_HOSTED
#define ROUSE_NOINLINE_ON_FIRMWARE
#else
#define ROUSE_NOINLINE_ON_FIRMWARE [[gnu::noinline]]
#endif

// ROUSE_CORES: if ROUSE_HOSTED is 0, the number of cores that run this program, a plain number; 2 or more if it has
// threads.
#if !ROUSE_HOSTED && !defined(ROUSE_CORES)
#define ROUSE_CORES 1
#endif

// ROUSE_BUSY_POLLING: 1 if something else can run while the loop spins, so that Loop::set_busy_poll makes sense.
#define ROUSE_BUSY_POLLING (ROUSE_HOSTED || ROUSE_CORES > 1)

// ROUSE_ATOMIC_HEADER: if defined, a header that defines Atomic, light_barrier(), heavy_barrier(), futex_wait() and
// futex_wake() of rouse::detail in place of the platform's: for a chip whose atomics need spin locks, or for a model
// checker that runs the code that ships.

// ROUSE_MODEL_CHECK: 1 in all files of a test that runs under the model checker of rouse/check/. The headers then get
// their atomics from it, and tell it which frames have ended.
#if !defined(ROUSE_MODEL_CHECK)
#define ROUSE_MODEL_CHECK 0
#endif
#if ROUSE_MODEL_CHECK
#define ROUSE_ATOMIC_HEADER <rouse/check/atomic.hpp>
#define ROUSE_ASAN 1
#define ROUSE_TSAN 0
#endif

// ROUSE_PANIC(message): called where an error cannot be thrown: for a misuse when exceptions are off, or in a
// destructor. Must not return. The default prints the message to stderr and aborts; on firmware it traps.
//
// ROUSE_REPORT(message): called for each misuse before the UsageError is thrown, so that it is seen even if the task's
// handle is kept and no one asks for its error. May be called on any thread. The default prints the message to stderr;
// on firmware it does nothing. Where exceptions are off, ROUSE_PANIC is called instead.
#if ROUSE_HOSTED && (!defined(ROUSE_PANIC) || !defined(ROUSE_REPORT))
#include <cstdio>
#include <cstdlib>
#endif
#if !defined(ROUSE_PANIC)
#if ROUSE_HOSTED
#define ROUSE_PANIC(message) (std::fputs(message, stderr), std::fputc('\n', stderr), std::abort())
#else
#define ROUSE_PANIC(message) (static_cast<void>(message), __builtin_trap())
#endif
#endif
#if !defined(ROUSE_REPORT)
#if ROUSE_HOSTED
#define ROUSE_REPORT(message) static_cast<void>(std::fprintf(stderr, "%s\n", message))
#else
#define ROUSE_REPORT(message) static_cast<void>(message)
#endif
#endif

// ROUSE_CHECKED: 1 to detect two kinds of misuse that would corrupt an object silently: a call from another thread of
// what is only for the thread of a loop, and two contexts at once at the same end of a queue. Each becomes a misuse
// like any other where it can be detected; see docs/linking-contexts.md. The default is 1 where there is an operating
// system and NDEBUG is not defined. Without an operating system, and with ROUSE_ATOMIC_HEADER, there are no such
// checks.
//
// No layout depends on it, so parts of a program that are built with different settings may be linked together. Where
// both contain the same inline function, the linker keeps one of them: a check may then be missing from a part that
// asked for it, or present in one that did not.
#if !ROUSE_HOSTED || defined(ROUSE_ATOMIC_HEADER)
#undef ROUSE_CHECKED
#define ROUSE_CHECKED 0
#elif !defined(ROUSE_CHECKED)
#if defined(NDEBUG)
#define ROUSE_CHECKED 0
#else
#define ROUSE_CHECKED 1
#endif
#endif

// ROUSE_ASAN: 1 under AddressSanitizer. The frame pool then poisons every block that is free. Detected; do not set it.
#if ROUSE_MODEL_CHECK
#elif defined(__SANITIZE_ADDRESS__)
#define ROUSE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ROUSE_ASAN 1
#endif
#endif
#if !defined(ROUSE_ASAN)
#define ROUSE_ASAN 0
#endif

// ROUSE_TSAN: 1 under ThreadSanitizer, which does not understand fences. Detected; do not set it.
#if ROUSE_MODEL_CHECK
#elif defined(__SANITIZE_THREAD__)
#define ROUSE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ROUSE_TSAN 1
#endif
#endif
#if !defined(ROUSE_TSAN)
#define ROUSE_TSAN 0
#endif

// ROUSE_ABI: the inline namespace of the whole library, with its attributes. Its name encodes the version and every
// setting that changes a layout or inline code, except ROUSE_CHECKED, so that translation units whose settings differ
// do not link into one program:
//
//     vX_Y, hosted or coresN, exceptions or no_exceptions, asan, tsan, model_check or plain, pool_frames or heap_frames
//
// The name is part of the symbol of each function that takes or returns a type of the library, and of each variable
// that has one: `abi_tag` adds it where the types alone would not, as in `Task<int> f(int)`.
//
// `visibility` overrides -fvisibility=hidden, under which each shared library would have its own current loop, list of
// signals and error categories.
#define ROUSE_JOIN_AS_WRITTEN(a, b, c, d, e) a##_##b##_##c##_##d##_##e
#define ROUSE_JOIN(a, b, c, d, e) ROUSE_JOIN_AS_WRITTEN(a, b, c, d, e)
#define ROUSE_CORES_AS_WRITTEN(n) cores##n
#define ROUSE_CORES_NAME(n) ROUSE_CORES_AS_WRITTEN(n)
#define ROUSE_ABI_VERSION v0_1 // the version of the project, up to the number whose change may break programs
#if ROUSE_HOSTED
#define ROUSE_ABI_PLATFORM hosted
#else
#define ROUSE_ABI_PLATFORM ROUSE_CORES_NAME(ROUSE_CORES)
#endif
#if ROUSE_EXCEPTIONS
#define ROUSE_ABI_EXCEPTIONS exceptions
#else
#define ROUSE_ABI_EXCEPTIONS no_exceptions
#endif
#if ROUSE_MODEL_CHECK
#define ROUSE_ABI_SANITIZER model_check
#elif ROUSE_ASAN
#define ROUSE_ABI_SANITIZER asan
#elif ROUSE_TSAN
#define ROUSE_ABI_SANITIZER tsan
#else
#define ROUSE_ABI_SANITIZER plain
#endif
#if ROUSE_POOL_FRAMES
#define ROUSE_ABI_FRAMES pool_frames
#else
#define ROUSE_ABI_FRAMES heap_frames
#endif
#define ROUSE_ABI_NAME \
    ROUSE_JOIN(ROUSE_ABI_VERSION, ROUSE_ABI_PLATFORM, ROUSE_ABI_EXCEPTIONS, ROUSE_ABI_SANITIZER, ROUSE_ABI_FRAMES)
#if defined(_WIN32) // no symbols that one part takes from another by name, unless they are declared so
#define ROUSE_ABI [[gnu::abi_tag]] ROUSE_ABI_NAME
#else
#define ROUSE_ABI [[gnu::visibility("default"), gnu::abi_tag]] ROUSE_ABI_NAME
#endif

// FramePool on firmware: ROUSE_FRAME_BYTES of static memory, without a heap. There is one pool, for one loop.
//
// A freed block is reused for the next frame of exactly its size. If the pool is used up, the Task is empty. A frame
// too large for the pool is reported as a link error if the compiler optimises (the name of the missing function says
// why); at -O0 it is a panic that names its size.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <new>

#include <rouse/core/detail/frame_alignment.hpp>
#include <rouse/core/detail/task_record.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

class Scheduler;

#if defined(__OPTIMIZE__)
extern "C" void rouse_frame_is_larger_than_ROUSE_FRAME_BYTES(); // not defined anywhere
#endif

/// For the one thread of the program: interrupts must not create or destroy coroutines. Allocating takes time in
/// proportion to the number of blocks; a block costs one aligned word besides the frame and its record.
class FramePool {
public:
    static FramePool* create(Scheduler* scheduler, const void*) noexcept {
        the_pool().scheduler_ = scheduler;
        return &the_pool();
    }
    void abandon() noexcept { scheduler_ = nullptr; }
    [[nodiscard]] Scheduler* scheduler() const noexcept { return scheduler_; }
    [[nodiscard]] const void* thread() const noexcept { return nullptr; }
    static FramePool* of(TaskRecord&) noexcept { return &the_pool(); }

    /// Returns a block of at least `bytes`, with a TaskRecord at its start, or null if the pool is used up.
    static void* allocate(FramePool*, std::size_t bytes) noexcept { return the_pool().take(bytes); }

    /// Allocates a block for a frame, constructs its record, and returns the address after the record; null if the pool
    /// is used up.
    [[gnu::always_inline]] static void* begin_frame(FramePool*, std::size_t bytes) noexcept {
#if defined(__OPTIMIZE__)
        if (__builtin_constant_p(bytes) && whole_bytes(bytes) > ROUSE_FRAME_BYTES)
            rouse_frame_is_larger_than_ROUSE_FRAME_BYTES();
#else
        if (whole_bytes(bytes) > ROUSE_FRAME_BYTES) refuse(whole_bytes(bytes));
#endif
        return the_pool().begin(bytes);
    }

    /// Whether a frame comes from the pool.
    static bool owns(std::coroutine_handle<> frame) noexcept {
        const auto at = reinterpret_cast<std::uintptr_t>(frame.address());
        return at - reinterpret_cast<std::uintptr_t>(the_pool().memory_) < ROUSE_FRAME_BYTES;
    }

    static void release(TaskRecord& block) noexcept { the_pool().put_back(block); }

    /// Calls f(record) for each block in use.
    template <class F>
    void for_each_in_use(F f) {
        for (std::size_t at = 0; at < used_;) {
            auto& head = *reinterpret_cast<Head*>(memory_ + at);
            at += head.bytes;
            if (head.record.state != TaskState::unused) f(head.record);
        }
    }

private:
    static constexpr std::size_t granule = frame_alignment;

    // Precedes each block: its size, which never changes.
    struct Head {
        alignas(granule) std::size_t bytes;
        alignas(granule) TaskRecord record;
    };
    static constexpr std::size_t head_bytes = offsetof(Head, record);

    static constexpr std::size_t whole_bytes(std::size_t bytes) noexcept {
        return (bytes + head_bytes + granule - 1) / granule * granule;
    }

    static FramePool& the_pool() noexcept {
        static constinit FramePool pool;
        return pool;
    }

    ROUSE_NOINLINE_ON_FIRMWARE void* begin(std::size_t bytes) noexcept {
        void* block = take(bytes);
        return block == nullptr ? nullptr : ::new (block) TaskRecord + 1;
    }

    // Takes the first free block of exactly this size, or else cuts a new one. All frames of one coroutine have the
    // same size, so blocks need not be split or joined and the pool does not fragment.
    void* take(std::size_t bytes) noexcept {
        const std::size_t whole = whole_bytes(bytes);
        for (std::size_t at = 0; at < used_;) {
            auto& head = *reinterpret_cast<Head*>(memory_ + at);
            if (head.bytes == whole && head.record.state == TaskState::unused) return &head.record;
            at += head.bytes;
        }
        if (whole > sizeof memory_ - used_) return nullptr;
        auto* head = reinterpret_cast<Head*>(memory_ + used_);
        used_ += whole;
        head->bytes = whole;
        return &head->record;
    }

#if !defined(__OPTIMIZE__)
    [[noreturn]] static void refuse(std::size_t bytes) noexcept {
        static char message[128];
        char* end = write(write(message, "rouse: a coroutine frame takes "), bytes);
        end = write(write(end, " bytes of the frame pool, and ROUSE_FRAME_BYTES is "), std::size_t{ROUSE_FRAME_BYTES});
        *end = '\0';
        ROUSE_PANIC(message);
        for (;;) {
        }
    }
    static char* write(char* to, const char* text) noexcept {
        while (*text != '\0') *to++ = *text++;
        return to;
    }
    static char* write(char* to, std::size_t number) noexcept {
        if (number >= 10) to = write(to, number / 10);
        *to++ = static_cast<char>('0' + number % 10);
        return to;
    }
#endif

    void put_back(TaskRecord&) noexcept {} // TaskRecord::clear() has marked it unused

    Scheduler* scheduler_ = nullptr;
    std::size_t used_ = 0;
    alignas(granule) std::byte memory_[ROUSE_FRAME_BYTES] = {};
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

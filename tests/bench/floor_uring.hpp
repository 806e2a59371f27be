// The least of io_uring's raw interface, for floor_uring_echo.hpp: the two rings of one thread, and buffers that the
// kernel takes from.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "floor_echo.hpp"

namespace floor_of {

/// The rings, from the thread that made them. `setup` are flags of io_uring_setup.
class Uring {
public:
    /// Whether this kernel has what `setup` and the buffer rings need, and allows it to us.
    static bool works(unsigned setup) {
        io_uring_params parameters{};
        parameters.flags = setup;
        const auto ring = static_cast<int>(::syscall(SYS_io_uring_setup, 8, &parameters));
        if (ring >= 0) ::close(ring);
        return ring >= 0 && (parameters.features & IORING_FEAT_SINGLE_MMAP) != 0;
    }

    Uring(unsigned entries, unsigned setup) {
        io_uring_params parameters{};
        parameters.flags = setup | IORING_SETUP_CLAMP;
        ring_ = checked(static_cast<int>(::syscall(SYS_io_uring_setup, entries, &parameters)), "io_uring_setup");
        polled_ = (setup & IORING_SETUP_SQPOLL) != 0;
        const auto& sq = parameters.sq_off;
        const auto& cq = parameters.cq_off;
        rings_bytes_ = std::max(sq.array + parameters.sq_entries * sizeof(unsigned),
                                cq.cqes + parameters.cq_entries * sizeof(io_uring_cqe));
        entries_ = parameters.sq_entries;
        rings_ = map(rings_bytes_, IORING_OFF_SQ_RING);
        sqes_ = reinterpret_cast<io_uring_sqe*>(map(entries_ * sizeof(io_uring_sqe), IORING_OFF_SQES));
        sq_head_ = word(sq.head), sq_tail_ = word(sq.tail), sq_flags_ = word(sq.flags);
        cq_head_ = word(cq.head), cq_tail_ = word(cq.tail);
        cqes_ = reinterpret_cast<io_uring_cqe*>(rings_ + cq.cqes);
        cq_mask_ = *word(cq.ring_mask);
        for (unsigned i = 0; i < entries_; ++i) word(sq.array)[i] = i;

        // Saves each system call a look at the table of descriptors.
        io_uring_rsrc_update own{};
        own.offset = ~0U;
        own.data = static_cast<std::uint64_t>(ring_);
        constexpr unsigned register_ring_descriptors = 20; // IORING_REGISTER_RING_FDS
        do_register(register_ring_descriptors, &own, 1);
        registered_ = static_cast<int>(own.offset);
    }
    ~Uring() {
        ::munmap(sqes_, entries_ * sizeof(io_uring_sqe));
        ::munmap(rings_, rings_bytes_);
        ::close(ring_);
    }
    Uring(const Uring&) = delete;
    Uring& operator=(const Uring&) = delete;

    void do_register(unsigned what, void* argument, unsigned count) {
        checked(static_cast<int>(::syscall(SYS_io_uring_register, ring_, what, argument, count)), "io_uring_register");
    }

    /// The next submission, which is the caller's to fill. Submits those before if there is no place.
    io_uring_sqe& next(std::uint8_t operation, int descriptor, std::uint64_t user_data) {
        while (tail_ - std::atomic_ref{*sq_head_}.load(std::memory_order_acquire) == entries_) enter(0);
        io_uring_sqe& sqe = sqes_[tail_++ & (entries_ - 1)];
        std::memset(&sqe, 0, sizeof sqe);
        sqe.opcode = operation;
        sqe.fd = descriptor;
        sqe.user_data = user_data;
        return sqe;
    }

    /// Submits what is to be submitted, and waits for so many completions.
    void enter(unsigned completions) {
        const unsigned to_submit = tail_ - std::atomic_ref{*sq_head_}.load(std::memory_order_acquire);
        std::atomic_ref{*sq_tail_}.store(tail_, std::memory_order_release); // with the kernel
        unsigned flags = (completions > 0 ? IORING_ENTER_GETEVENTS : 0U) | IORING_ENTER_REGISTERED_RING;
        if (polled_) {
            std::atomic_thread_fence(std::memory_order_seq_cst); // the tail before the flags, as the kernel's thread
            if ((std::atomic_ref{*sq_flags_}.load(std::memory_order_relaxed) & IORING_SQ_NEED_WAKEUP) != 0)
                flags |= IORING_ENTER_SQ_WAKEUP;
        }
        const auto count = ::syscall(SYS_io_uring_enter, registered_, to_submit, completions, flags, nullptr, 0);
        if (count < 0 && errno != EINTR) checked(-1, "io_uring_enter");
    }

    /// Calls found(completion) for each that there is.
    template <class F>
    void completions(F found) {
        unsigned head = *cq_head_;
        const unsigned tail = std::atomic_ref{*cq_tail_}.load(std::memory_order_acquire); // with the kernel
        for (; head != tail; ++head) found(cqes_[head & cq_mask_]);
        std::atomic_ref{*cq_head_}.store(head, std::memory_order_release);
    }

private:
    std::byte* map(std::size_t bytes, std::uint64_t offset) const {
        void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring_,
                              static_cast<off_t>(offset));
        if (memory == MAP_FAILED) checked(-1, "mmap");
        return static_cast<std::byte*>(memory);
    }
    unsigned* word(std::uint32_t offset) const { return reinterpret_cast<unsigned*>(rings_ + offset); }

    int ring_ = -1, registered_ = -1;
    bool polled_ = false;
    unsigned entries_ = 0, cq_mask_ = 0, tail_ = 0;
    std::size_t rings_bytes_ = 0;
    std::byte* rings_ = nullptr;
    io_uring_sqe* sqes_ = nullptr;
    io_uring_cqe* cqes_ = nullptr;
    unsigned *sq_head_ = nullptr, *sq_tail_ = nullptr, *sq_flags_ = nullptr, *cq_head_ = nullptr, *cq_tail_ = nullptr;
};

} // namespace floor_of

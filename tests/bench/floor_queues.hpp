// The floor of queues.cpp: a ring between two threads, and one whose ends may sleep.
#pragma once

#include <atomic>
#include <cstddef>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "floor_wakes.hpp"

namespace floor_of {

/// One producer, one consumer, each with a copy of the other's index; nobody can sleep.
template <class T, std::size_t N>
class Ring {
public:
    bool put(T value) {
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        const std::size_t next = tail + 1 == N + 1 ? 0 : tail + 1;
        if (next == head_seen_ && next == (head_seen_ = head_.load(std::memory_order_acquire))) return false;
        slots_[tail] = value;
        tail_.store(next, std::memory_order_release);
        return true;
    }
    bool get(T& value) {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (head == tail_seen_ && head == (tail_seen_ = tail_.load(std::memory_order_acquire))) return false;
        value = slots_[head];
        head_.store(head + 1 == N + 1 ? 0 : head + 1, std::memory_order_release);
        return true;
    }

    /// For those who sleep: the consumer's, and the producer's.
    bool empty() const { return head_.load(std::memory_order_relaxed) == tail_.load(std::memory_order_acquire); }
    bool full() const {
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        return (tail + 1 == N + 1 ? 0 : tail + 1) == head_.load(std::memory_order_acquire);
    }

private:
    alignas(64) std::atomic<std::size_t> tail_{0};
    std::size_t head_seen_ = 0;
    alignas(64) std::atomic<std::size_t> head_{0};
    std::size_t tail_seen_ = 0;
    alignas(64) T slots_[N + 1];
};

/// Between a store and a load: for the side that works, and for the side that is about to sleep.
struct Membarrier {
    Membarrier() { ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0); }
    static void light() { std::atomic_signal_fence(std::memory_order_seq_cst); }
    static void heavy() {
        std::atomic_thread_fence(std::memory_order_seq_cst);
        ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    }
};
struct Fence {
    static void light() { std::atomic_thread_fence(std::memory_order_seq_cst); }
    static void heavy() { std::atomic_thread_fence(std::memory_order_seq_cst); }
};

/// A Ring whose ends sleep in a Futex or an EventLoop while there is nothing to do.
template <class T, std::size_t N, class Barrier, class ProducerBed, class ConsumerBed>
class SleepingRing {
public:
    void put(T value) {
        while (!ring_.put(value)) sleep(producer_, [this] { return !ring_.full(); });
        Barrier::light();
        rouse(consumer_);
    }
    T get() {
        T value;
        while (!ring_.get(value)) sleep(consumer_, [this] { return !ring_.empty(); });
        Barrier::light();
        rouse(producer_);
        return value;
    }

private:
    template <class Bed>
    struct End {
        std::atomic<bool> asleep{false};
        Bed bed;
    };

    template <class Bed, class F>
    static void sleep(End<Bed>& end, F has_something_to_do) {
        end.asleep.store(true, std::memory_order_relaxed);
        Barrier::heavy();
        // If somebody has been quicker, the wake is on its way.
        if (has_something_to_do() && end.asleep.exchange(false, std::memory_order_relaxed)) return;
        end.bed.wait();
    }

    template <class Bed>
    static void rouse(End<Bed>& end) {
        if (!end.asleep.load(std::memory_order_relaxed)) [[likely]]
            return;
        if (end.asleep.exchange(false, std::memory_order_relaxed)) end.bed.wake();
    }

    [[no_unique_address]] Barrier barrier_;
    Ring<T, N> ring_;
    alignas(64) End<ProducerBed> producer_;
    End<ConsumerBed> consumer_;
};

} // namespace floor_of

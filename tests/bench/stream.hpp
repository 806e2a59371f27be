// How queues.cpp streams items through a queue, from one thread to another.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "comparison.hpp"
#include "pinger.hpp"
#include "placement.hpp"

namespace bench {

using Item = std::uint64_t;
inline constexpr std::size_t capacity = 1024;

/// For those that try again and again: long enough for the other side to get some items ahead. Else both come to pass
/// each item from hand to hand, and what is measured is the distance between the cores, if it is anything.
inline void pause() {
    for (int i = 0; i < 32; ++i) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        asm volatile("isb");
#endif
    }
}

/// Whether every item came, once and in order.
class Received {
public:
    void operator()(Item item) {
        wrong_ |= item ^ next_;
        ++next_;
    }
    void check(long count) const {
        if (wrong_ != 0 || next_ != static_cast<Item>(count)) fail("an item was lost, or came out of order");
    }

private:
    Item next_ = 0;
    Item wrong_ = 0;
};

/// Which end is on core 0, on the thread that has the loop, if there is one; the other is on core 1.
enum class OnLoop { consumer, producer };

/// The time of one item, in nanoseconds: from when both threads are there to the last item's arrival.
template <class Side>
Sample stream(long count, OnLoop on_loop = OnLoop::consumer) {
    const Watchdog watchdog;
    double ns = 0;
    std::atomic<bool> go{false};
    pin(0);
    // The queue on cache lines of its own: the consumer writes to `received` with each item.
    alignas(64) Side side;
    alignas(64) Received received;
    const auto produce = [&] { side.produce(count); };
    const auto consume = [&] { ns = ns_each(count, [&] { side.consume(count, received); }); };
    std::thread other{[&] {
        pin(1);
        go = true;
        on_loop == OnLoop::consumer ? produce() : consume();
    }};
    while (!go) {
    }
    on_loop == OnLoop::consumer ? consume() : produce();
    other.join();
    unpin();
    received.check(count);
    return ns;
}

} // namespace bench

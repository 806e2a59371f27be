// P6: a queue between two threads that try again and again. P7: between a thread and a coroutine, which sleep.
#include <rouse/rouse.hpp>

#include "comparison.hpp"
#include "floor_queues.hpp"
#include "peer_asio_queues.hpp"
#include "peer_locked_queue.hpp"
#include "peer_moodycamel_queues.hpp"
#include "stream.hpp"

#if HAVE_LOCKFREE
#include <boost/lockfree/spsc_queue.hpp>
#endif

namespace {

using bench::capacity;
using bench::Item;
using bench::Received;

// ---- P6 -------------------------------------------------------------------------------------------------------------

class Ring {
public:
    void produce(long count) {
        for (long i = 0; i < count; ++i) {
            while (!ring_.put(static_cast<Item>(i))) bench::pause();
        }
    }
    void consume(long count, Received& received) {
        for (Item item; count > 0; --count) {
            while (!ring_.get(item)) bench::pause();
            received(item);
        }
    }

private:
    floor_of::Ring<Item, capacity> ring_;
};

class Rouse {
public:
    void produce(long count) {
        for (long i = 0; i < count; ++i) {
            while (!queue_.put_sync(static_cast<Item>(i))) bench::pause();
        }
    }
    void consume(long count, Received& received) {
        for (; count > 0; --count) {
            auto item = queue_.get_sync();
            for (; !item; item = queue_.get_sync()) bench::pause();
            received(*item);
        }
    }

private:
    rouse::ThreadSafeQueue<Item, capacity> queue_;
};

#if HAVE_LOCKFREE
class BoostLockfree {
public:
    void produce(long count) {
        for (long i = 0; i < count; ++i) {
            while (!queue_.push(static_cast<Item>(i))) bench::pause();
        }
    }
    void consume(long count, Received& received) {
        for (Item item; count > 0; --count) {
            while (!queue_.pop(item)) bench::pause();
            received(item);
        }
    }

private:
    boost::lockfree::spsc_queue<Item, boost::lockfree::capacity<capacity>> queue_;
};
#endif

// ---- P7, from a thread to the loop, and from the loop to a thread ---------------------------------------------------

template <class Barrier, class ProducerBed, class ConsumerBed>
class SleepingRing {
public:
    void produce(long count) {
        for (long i = 0; i < count; ++i) ring_.put(static_cast<Item>(i));
    }
    void consume(long count, Received& received) {
        for (; count > 0; --count) received(ring_.get());
    }

private:
    floor_of::SleepingRing<Item, capacity, Barrier, ProducerBed, ConsumerBed> ring_;
};

/// On the loop that main() has made.
class RouseToLoop {
public:
    void produce(long count) {
        for (long i = 0; i < count && queue_.put_sync(static_cast<Item>(i), rouse::block);) ++i;
    }
    void consume(long count, Received& received) { rouse::Loop::current().run(receive(count, received)); }

private:
    rouse::Task<> receive(long count, Received& received) {
        for (; count > 0; --count) received(co_await queue_.get());
    }

    rouse::ThreadSafeQueue<Item, capacity> queue_;
};

class RouseToThread {
public:
    void produce(long count) { rouse::Loop::current().run(send(count)); }
    void consume(long count, Received& received) {
        for (; count > 0; --count) received(queue_.get_sync(rouse::block).value());
    }

private:
    rouse::Task<> send(long count) {
        for (long i = 0; i < count && co_await queue_.put(static_cast<Item>(i));) ++i;
    }

    rouse::ThreadSafeQueue<Item, capacity> queue_;
};

} // namespace

int main(int argc, char** argv) {
    using bench::stream;
    using floor_of::EventLoop;
    using floor_of::Fence;
    using floor_of::Futex;
    using floor_of::Membarrier;
    constexpr long many = 4'000'000;
    constexpr long some = 200'000;
    const bench::Options options{argc, argv};
    const bench::Placement placement{options};
    rouse::DefaultPort port;
    const rouse::Loop loop{port};

    bench::Comparison threads{"P6", "queue between two threads", "ns", 1.1};
    threads.side("ring", [] { return stream<Ring>(many); });
    threads.side("rouse", [] { return stream<Rouse>(many); });
#if HAVE_LOCKFREE
    threads.side("Boost.Lockfree, spsc_queue", [] { return stream<BoostLockfree>(many); });
#endif
#if HAVE_MOODYCAMEL
    threads.side("moodycamel, no bound", [] { return stream<peer::Moodycamel>(many); });
#endif
    threads.side("mutex and deque", [] { return stream<peer::LockedQueue>(some); });
    threads.run(options);

    bench::Comparison to_loop{"P7", "thread to coroutine, both may sleep", "ns", 1.15};
    to_loop.side("ring and membarrier", [] { return stream<SleepingRing<Membarrier, Futex, EventLoop>>(many); });
    to_loop.side("rouse", [] { return stream<RouseToLoop>(many); });
    to_loop.side("floor, ring and a fence each", [] { return stream<SleepingRing<Fence, Futex, EventLoop>>(many); });
#if HAVE_ASIO
    to_loop.side("asio, post and semaphore", [] { return stream<peer::AsioPost>(some); });
    to_loop.side("asio, concurrent_channel", [] { return stream<peer::AsioChannel>(some); });
#endif
#if HAVE_UV && HAVE_MOODYCAMEL
    to_loop.side("libuv and moodycamel, no bound", [] { return stream<peer::UvMoodycamel>(many); });
#endif
    to_loop.side("condition variables, no loop", [] { return stream<peer::BlockingQueue>(some); });
    to_loop.run(options);

    bench::Comparison to_thread{"P7", "coroutine to thread, both may sleep", "ns", 1.15};
    const auto from_loop = bench::OnLoop::producer;
    to_thread.side("ring and membarrier",
                   [=] { return stream<SleepingRing<Membarrier, EventLoop, Futex>>(many, from_loop); });
    to_thread.side("rouse", [=] { return stream<RouseToThread>(many, from_loop); });
    to_thread.side("floor, ring and a fence each",
                   [=] { return stream<SleepingRing<Fence, EventLoop, Futex>>(many, from_loop); });
    to_thread.run(options);
}

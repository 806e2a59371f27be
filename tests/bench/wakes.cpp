// P5: another thread wakes a loop that sleeps, and signals to one that is awake.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include <rouse/rouse.hpp>

#include "comparison.hpp"
#include "floor_wakes.hpp"
#include "peer_asio_wakes.hpp"
#include "peer_uv_wakes.hpp"
#include "pinger.hpp"

namespace {

using bench::Rounds;

class Floor {
public:
    void ping() { loop_.wake(); }

    void serve(long pings, floor_of::Futex& answer) {
        while (pings-- > 0) {
            loop_.wait();
            answer.wake();
        }
    }

private:
    floor_of::EventLoop loop_;
};

/// A signal to a loop that is awake: the word alone, as there is nobody to be woken.
class FloorWord {
public:
    void ping() { word_.exchange(1, std::memory_order_acq_rel); }

    long stay_awake(Rounds rounds, std::atomic<bool>& awake, const std::atomic<bool>& done) {
        long taken = 0;
        awake = true;
        while (!done) {
            if (rounds == Rounds::many && word_.load(std::memory_order_relaxed) != 0) taken += take();
        }
        return taken + take();
    }

private:
    bool take() {
        std::uintptr_t expected = 1;
        return word_.compare_exchange_strong(expected, 0, std::memory_order_acquire, std::memory_order_relaxed);
    }

    alignas(64) std::atomic<std::uintptr_t> word_{0};
};

/// On the loop that main() has made.
class Rouse {
public:
    void ping() { flag_.set(); }

    void serve(long pings, floor_of::Futex& answer) { rouse::Loop::current().run(answers(pings, answer)); }

    long stay_awake(Rounds rounds, std::atomic<bool>& awake, const std::atomic<bool>& done) {
        return rouse::Loop::current().run(work(rounds, awake, done));
    }

private:
    rouse::Task<> answers(long pings, floor_of::Futex& answer) {
        while (pings-- > 0) {
            co_await flag_.wait();
            answer.wake();
        }
    }

    rouse::Task<> take(long& taken, const bool& enough) {
        do {
            co_await flag_.wait();
            ++taken;
        } while (!enough);
    }

    rouse::Task<long> work(Rounds rounds, std::atomic<bool>& awake, const std::atomic<bool>& done) {
        long taken = 0;
        bool enough = false;
        auto taker = rouse::create_task(take(taken, enough));
        awake = true;
        while (!done) {
            if (rounds == Rounds::many) co_await rouse::yield();
        }
        while (taken == 0) co_await rouse::yield();
        enough = true;
        ping();
        co_await taker;
        co_return taken - 1;
    }

    alignas(64) rouse::ThreadSafeFlag flag_;
};

/// The loop looks for so long before it sleeps: longer than it is left alone here.
class BusyPolling : public Rouse {
public:
    BusyPolling() { rouse::Loop::current().set_busy_poll(std::chrono::microseconds{50}); }
    ~BusyPolling() { rouse::Loop::current().set_busy_poll(std::chrono::microseconds{0}); }
    BusyPolling(const BusyPolling&) = delete;
    BusyPolling& operator=(const BusyPolling&) = delete;
};

/// No loop at all: a thread that waits for a condition.
class ConditionVariable {
public:
    void ping() {
        {
            const std::lock_guard lock{mutex_};
            pinged_ = true;
        }
        condition_.notify_one();
    }

    void serve(long pings, floor_of::Futex& answer) {
        while (pings-- > 0) {
            {
                std::unique_lock lock{mutex_};
                condition_.wait(lock, [this] { return pinged_; });
                pinged_ = false;
            }
            answer.wake();
        }
    }

private:
    std::mutex mutex_;
    std::condition_variable condition_;
    bool pinged_ = false;
};

void round_trips(const bench::Options& options, bool one_core) {
    using bench::round_trip;
    bench::Comparison row{"P5", one_core ? "thread wakes loop, round trip, one core" : "thread wakes loop, round trip",
                          "us", 1.03, "CPU ns of the loop's thread"};
    row.side("eventfd and epoll", [=] { return round_trip<Floor>(one_core); });
    row.side("rouse", [=] { return round_trip<Rouse>(one_core); });
    row.side("rouse, busy polling", [=] { return round_trip<BusyPolling>(one_core); });
#if HAVE_ASIO
    row.side("asio, post", [=] { return round_trip<peer::Asio>(one_core); });
#endif
#if HAVE_UV
    row.side("libuv, uv_async_send", [=] { return round_trip<peer::Uv>(one_core); });
#endif
    row.side("condition variable, no loop", [=] { return round_trip<ConditionVariable>(one_core); });
    row.run(options);
}

void signals(const bench::Options& options, const char* what, double goal, Rounds rounds) {
    using bench::signal;
    constexpr long count = 4'000'000;
    bench::Comparison row{"P5", what, "ns", goal, "system calls of 1000"};
    row.side("exchange", [=] { return signal<FloorWord>(count, rounds); });
    row.side("rouse", [=] { return signal<Rouse>(count, rounds); });
#if HAVE_ASIO
    row.side("asio, post", [=] { return signal<peer::Asio>(count / 16, rounds); });
#endif
#if HAVE_UV
    row.side("libuv, uv_async_send", [=] { return signal<peer::Uv>(count, rounds); });
#endif
    row.run(options);
}

} // namespace

int main(int argc, char** argv) {
    const bench::Options options{argc, argv};
    const bench::Placement placement{options};
    rouse::DefaultPort port;
    const rouse::Loop loop{port};
    round_trips(options, false);
    round_trips(options, true);
    signals(options, "signal to a loop that is busy", 1.2, Rounds::one);
    signals(options, "signal to a loop that goes round and takes it", 0, Rounds::many);
}

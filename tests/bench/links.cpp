// L1 to L8: the other links between contexts: the newest value (Latest, Message), bytes (RingIO), functions that
// block (Context, unblock), and functions that a thread sends to a loop (Remote).
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <rouse/rouse.hpp>
#include <rouse/threads/context.hpp>
#include <rouse/threads/remote.hpp>
#include <rouse/threads/unblock.hpp>

#if HAVE_ASIO
#include <asio.hpp>
#endif
#if HAVE_UV
#include <uv.h>
#endif

#include "comparison.hpp"
#include "floor_links.hpp"
#include "peer_asio_wakes.hpp"
#include "pinger.hpp"

namespace {

struct Readings {
    std::array<std::uint64_t, 8> words{};
};
using LockedReadings = floor_of::LockedValue<Readings>;
using LatestReadings = rouse::Latest<Readings>;

/// Message, with the names of the others.
class MessageReadings {
public:
    void publish(const Readings& readings) { std::ignore = message_.set(readings); }
    Readings value() { return message_.value(); }

private:
    rouse::Message<Readings> message_;
};

// ---- L1, L2: a value is published -----------------------------------------------------------------------------------

template <class Side>
bench::Sample publish_alone() {
    constexpr long count = 1'000'000;
    Side side;
    Readings readings;
    return bench::ns_each(count, [&] {
        for (long i = 0; i < count; ++i) {
            readings.words[0] = static_cast<std::uint64_t>(i);
            side.publish(readings);
        }
    });
}

/// A thread on another core reads all the time. Beside: the time of a read.
template <class Side>
bench::Sample publish_while_read() {
    constexpr long count = 400'000;
    Side side;
    std::atomic<bool> reading{false}, done{false};
    double ns_of_read = 0;
    bench::pin(0);
    std::thread reader{[&] {
        bench::pin(1);
        long reads = 0;
        std::uint64_t sum = 0;
        reading = true;
        ns_of_read = bench::ns_each(1, [&] {
            for (; !done; ++reads) sum += side.value().words[0];
        });
        ns_of_read /= static_cast<double>(reads + (sum == 1));
    }};
    while (!reading) {
    }
    Readings readings;
    const double ns = bench::ns_each(count, [&] {
        for (long i = 0; i < count; ++i) {
            readings.words[0] = static_cast<std::uint64_t>(i);
            side.publish(readings);
        }
    });
    done = true;
    reader.join();
    bench::unpin();
    return {ns, ns_of_read};
}

// ---- L3: a thread hands a value to a loop that sleeps: see pinger.hpp -----------------------------------------------

class LockAndEventfd {
public:
    void ping() {
        value_.publish({});
        loop_.wake();
    }
    void serve(long pings, floor_of::Futex& answer) {
        while (pings-- > 0) {
            loop_.wait();
            (void)value_.value();
            answer.wake();
        }
    }

private:
    LockedReadings value_;
    floor_of::EventLoop loop_;
};

/// On the loop that main() has made.
template <class Link>
class Rouse {
public:
    void ping() {
        if constexpr (requires { link_.publish({}); }) {
            link_.publish({});
        } else {
            std::ignore = link_.set({});
        }
    }
    void serve(long pings, floor_of::Futex& answer) { rouse::Loop::current().run(answers(pings, answer)); }

private:
    rouse::Task<> answers(long pings, floor_of::Futex& answer) {
        while (pings-- > 0) {
            co_await link_.next();
            answer.wake();
        }
    }

    Link link_;
};

// ---- L4: bytes ------------------------------------------------------------------------------------------------------

constexpr long bytes_sent = 1'000'000;
constexpr std::size_t room = 1024;

template <class Bytes, class Read>
bench::Sample bytes_to_loop(Bytes& bytes, Read read) {
    const bench::Watchdog watchdog;
    bench::pin(0);
    std::thread sender{[&] {
        bench::pin(1);
        for (long i = 0; i < bytes_sent; ++i) {
            while (!bytes.received('x')) {
            }
        }
    }};
    const double ns = bench::ns_each(bytes_sent, read);
    sender.join();
    bench::unpin();
    return ns;
}

bench::Sample bytes_under_lock() {
    floor_of::LockedBytes bytes{room};
    return bytes_to_loop(bytes, [&] {
        for (std::size_t count = 0; count < bytes_sent;) count += bytes.read().size();
    });
}

// A byte that finds no room is lost, which the reader is told; the sender sends it again.
rouse::Task<> read_all(rouse::RingIO<room>& ring) {
    std::array<char, room> bytes;
    for (std::size_t count = 0; count < bytes_sent;) {
        const std::size_t some = co_await ring.read(bytes);
        if (some == 0) (void)ring.lost();
        count += some;
    }
}
bench::Sample bytes_by_ring() {
    rouse::RingIO<room> ring;
    return bytes_to_loop(ring, [&] { rouse::Loop::current().run(read_all(ring)); });
}

// ---- L5, L6: a function on another thread, and back -----------------------------------------------------------------

constexpr long calls = 2000;

// Of microseconds, for each call.
template <class F>
bench::Sample us_each(F work) {
    const bench::Watchdog watchdog;
    return bench::ns_each(calls * 1000, work);
}

int answer() { return 42; }

bench::Sample by_pool() {
    floor_of::Pool pool;
    floor_of::EventLoop loop;
    return us_each([&] {
        for (long i = 0; i < calls; ++i) {
            int result = 0;
            pool.run([&] {
                result = answer();
                loop.wake();
            });
            loop.wait();
            if (result != 42) bench::fail("a result was lost");
        }
    });
}

bench::Sample by_context() {
    rouse::Context context;
    const auto assign_all = [](rouse::Context& its) -> rouse::Task<> {
        for (long i = 0; i < calls; ++i) {
            const int result = co_await its.assign(answer);
            if (result != 42) bench::fail("a result was lost");
        }
    };
    return us_each([&] { rouse::Loop::current().run(assign_all(context)); });
}

#if HAVE_UV
bench::Sample by_uv() {
    struct Work {
        uv_work_t request{};
        uv_loop_t loop{};
        long left = calls;
        int result = 0;
        void queue() {
            ::uv_queue_work(
                &loop, &request, [](uv_work_t* work) { static_cast<Work*>(work->data)->result = answer(); },
                [](uv_work_t* work, int) {
                    auto& its = *static_cast<Work*>(work->data);
                    if (its.result != 42) bench::fail("a result was lost");
                    if (--its.left > 0) its.queue();
                });
        }
    };
    Work work;
    ::uv_loop_init(&work.loop);
    work.request.data = &work;
    const bench::Sample sample = us_each([&] {
        work.queue();
        ::uv_run(&work.loop, UV_RUN_DEFAULT);
    });
    ::uv_loop_close(&work.loop);
    return sample;
}
#endif

bench::Sample by_new_thread() {
    floor_of::EventLoop loop;
    return us_each([&] {
        for (long i = 0; i < calls; ++i) {
            int result = 0;
            std::thread thread{[&] {
                result = answer();
                loop.wake();
            }};
            loop.wait();
            thread.join();
            if (result != 42) bench::fail("a result was lost");
        }
    });
}

bench::Sample by_unblock() {
    const auto unblock_all = []() -> rouse::Task<> {
        for (long i = 0; i < calls; ++i) {
            const int result = co_await rouse::unblock(answer);
            if (result != 42) bench::fail("a result was lost");
        }
    };
    return us_each([&] { rouse::Loop::current().run(unblock_all()); });
}

// ---- L7, L8: a function that a thread sends to a loop ---------------------------------------------------------------

/// What is sent: a number, and where to count it.
struct Function {
    long* sum;
    long number;
    void operator()() const { *sum += number; }
};

/// A list of functions under a mutex, and an eventfd for the first of them.
class LockedFunctions {
public:
    template <class F>
    void send(F function) {
        bool first = false;
        {
            const std::lock_guard guard{mutex_};
            first = functions_.empty();
            functions_.emplace_back(std::move(function));
        }
        if (first) loop_.wake();
    }
    /// Waits until there are some, and calls them.
    void call() {
        loop_.wait();
        {
            const std::lock_guard guard{mutex_};
            taken_.swap(functions_);
        }
        for (const auto& each : taken_) each();
        taken_.clear();
    }

private:
    std::mutex mutex_;
    std::vector<std::function<void()>> functions_, taken_;
    floor_of::EventLoop loop_;
};

class PingByLockedFunctions {
public:
    void ping() {
        functions_.send([this] { answer_->wake(); });
    }
    void serve(long pings, floor_of::Futex& answer) {
        answer_ = &answer;
        while (pings-- > 0) functions_.call();
    }

private:
    LockedFunctions functions_;
    floor_of::Futex* answer_ = nullptr;
};

class PingByRemote {
public:
    void ping() {
        std::ignore = remote_.call([this] {
            answer_->wake();
            if (--pings_ == 0) rouse::Loop::current().stop();
        });
    }
    void serve(long pings, floor_of::Futex& answer) {
        pings_ = pings;
        answer_ = &answer;
        rouse::Loop::current().run_forever();
    }

private:
    rouse::Remote remote_{rouse::Loop::current()};
    floor_of::Futex* answer_ = nullptr;
    long pings_ = 0;
};

constexpr long sent = 200'000;

/// A thread sends functions as fast as it can: send(function), while loop() calls them until the sum is right.
template <class Send, class Call>
bench::Sample functions_from_thread(Send send, Call call, const long& sum) {
    const bench::Watchdog watchdog;
    bench::pin(0);
    std::atomic<bool> ready{false};
    std::thread sender{[&] {
        bench::pin(1);
        ready = true;
        for (long i = 0; i < sent; ++i) send(i);
    }};
    while (!ready) {
    }
    const double ns = bench::ns_each(sent, call);
    sender.join();
    bench::unpin();
    if (sum != sent * (sent - 1) / 2) bench::fail("a call was lost");
    return ns;
}

constexpr long all_of_them = sent * (sent - 1) / 2;

bench::Sample send_to_locked_functions() {
    LockedFunctions functions;
    long sum = 0;
    return functions_from_thread([&](long i) { functions.send(Function{&sum, i}); },
                                 [&] {
                                     while (sum != all_of_them) functions.call();
                                 },
                                 sum);
}

bench::Sample send_to_remote() {
    rouse::Remote remote{rouse::Loop::current(), sent};
    long sum = 0;
    return functions_from_thread(
        [&](long i) {
            std::ignore = remote.call([f = Function{&sum, i}] {
                f();
                if (*f.sum == all_of_them) rouse::Loop::current().stop();
            });
        },
        [] { rouse::Loop::current().run_forever(); }, sum);
}

#if HAVE_ASIO
bench::Sample send_to_asio() {
    asio::io_context io{1};
    long sum = 0;
    return functions_from_thread([&](long i) { asio::post(io, Function{&sum, i}); },
                                 [&] {
                                     const auto work = asio::make_work_guard(io);
                                     while (sum != all_of_them) io.run_one();
                                 },
                                 sum);
}
#endif

#if HAVE_UV
/// libuv sends no functions: a list of them under a mutex, and uv_async_send.
class UvFunctions {
public:
    UvFunctions() {
        ::uv_loop_init(&loop_);
        ::uv_async_init(&loop_, &async_, [](uv_async_t* async) { static_cast<UvFunctions*>(async->data)->call(); });
        async_.data = this;
    }
    ~UvFunctions() {
        ::uv_close(reinterpret_cast<uv_handle_t*>(&async_), nullptr);
        ::uv_run(&loop_, UV_RUN_DEFAULT);
        ::uv_loop_close(&loop_);
    }
    UvFunctions(const UvFunctions&) = delete;
    UvFunctions& operator=(const UvFunctions&) = delete;

    template <class F>
    void send(F function) {
        {
            const std::lock_guard guard{mutex_};
            functions_.emplace_back(std::move(function));
        }
        ::uv_async_send(&async_);
    }
    void run() { ::uv_run(&loop_, UV_RUN_DEFAULT); }
    void stop() { ::uv_stop(&loop_); }

    // As a side of round_trip().
    void ping() {
        send([this] {
            answer_->wake();
            if (--pings_ == 0) stop();
        });
    }
    void serve(long pings, floor_of::Futex& answer) {
        pings_ = pings;
        answer_ = &answer;
        run();
    }

private:
    void call() {
        {
            const std::lock_guard guard{mutex_};
            taken_.swap(functions_);
        }
        for (const auto& each : taken_) each();
        taken_.clear();
    }

    std::mutex mutex_;
    std::vector<std::function<void()>> functions_, taken_;
    uv_loop_t loop_{};
    uv_async_t async_{};
    floor_of::Futex* answer_ = nullptr;
    long pings_ = 0;
};

bench::Sample send_to_uv() {
    UvFunctions functions;
    long sum = 0;
    return functions_from_thread(
        [&](long i) {
            functions.send([&functions, f = Function{&sum, i}] {
                f();
                if (*f.sum == all_of_them) functions.stop();
            });
        },
        [&] { functions.run(); }, sum);
}
#endif

} // namespace

int main(int argc, char** argv) {
    const bench::Options options{argc, argv};
    const bench::Placement placement{options};
    rouse::DefaultPort port;
    const rouse::Loop loop{port};

    bench::Comparison{"L1", "publish a value of 64 bytes", "ns"}
        .side("mutex and a copy", publish_alone<LockedReadings>)
        .side("rouse, Latest", publish_alone<LatestReadings>)
        .side("rouse, Message", publish_alone<MessageReadings>)
        .run(options);
    bench::Comparison{"L2", "publish 64 bytes while another core reads them", "ns", 0, "ns a read"}
        .side("mutex and a copy", publish_while_read<LockedReadings>)
        .side("rouse, Latest", publish_while_read<LatestReadings>)
        .side("rouse, Message", publish_while_read<MessageReadings>)
        .run(options);
    bench::Comparison{"L3", "a thread hands 64 bytes to a loop that sleeps, round trip", "us", 0,
                      "CPU ns of the loop's thread"}
        .side("mutex, copy, eventfd", [] { return bench::round_trip<LockAndEventfd>(false); })
        .side("rouse, Latest", [] { return bench::round_trip<Rouse<LatestReadings>>(false); })
        .side("rouse, Message", [] { return bench::round_trip<Rouse<rouse::Message<Readings>>>(false); })
        .run(options);
    bench::Comparison{"L4", "bytes from a thread to a task, each by itself", "ns"}
        .side("mutex, buffer, eventfd", bytes_under_lock)
        .side("rouse, RingIO", bytes_by_ring)
        .run(options);
    bench::Comparison row{"L5", "a function on a thread of a pool, and back", "us"};
    row.side("mutex, condition variable, eventfd", by_pool).side("rouse, Context", by_context);
#if HAVE_UV
    row.side("libuv, uv_queue_work", by_uv);
#endif
    row.run(options);
    bench::Comparison{"L6", "a function on a new thread, and back", "us"}
        .side("std::thread, eventfd", by_new_thread)
        .side("rouse, unblock", by_unblock)
        .run(options);
    bench::Comparison round_trips{"L7", "a function from a thread to a loop that sleeps, round trip", "us", 0,
                                  "CPU ns of the loop's thread"};
    round_trips.side("mutex, list, eventfd", [] { return bench::round_trip<PingByLockedFunctions>(false); })
        .side("rouse, Remote", [] { return bench::round_trip<PingByRemote>(false); });
#if HAVE_ASIO
    round_trips.side("asio, post", [] { return bench::round_trip<peer::Asio>(false); });
#endif
#if HAVE_UV
    round_trips.side("libuv, mutex, list, uv_async_send", [] { return bench::round_trip<UvFunctions>(false); });
#endif
    round_trips.run(options);
    bench::Comparison sending{"L8", "functions from a thread to a loop, each by itself", "ns"};
    sending.side("mutex, list, eventfd", send_to_locked_functions).side("rouse, Remote", send_to_remote);
#if HAVE_ASIO
    sending.side("asio, post", send_to_asio);
#endif
#if HAVE_UV
    sending.side("libuv, mutex, list, uv_async_send", send_to_uv);
#endif
    sending.run(options);
}

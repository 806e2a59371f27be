// L1 to L6: the other links between contexts: the newest value (Latest, Message), bytes (RingIO), and functions that
// block (Context, unblock).
#include <array>
#include <atomic>
#include <cstdint>
#include <thread>
#include <tuple>

#include <rouse/rouse.hpp>
#include <rouse/threads/context.hpp>
#include <rouse/threads/unblock.hpp>

#if HAVE_UV
#include <uv.h>
#endif

#include "comparison.hpp"
#include "floor_links.hpp"
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
}

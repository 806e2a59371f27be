// A firmware in which everything that rouse has for bare metal is used, for check.sh to compile, link and measure; it
// is not run. With -DSMALL: one task that waits for a flag, and no more. With -DOBJECTS: what is in sync/ and
// combine/ as well.
#include <rouse/rouse.hpp>

using namespace std::chrono_literals;

namespace {

// A counter that some timer interrupt would count.
volatile std::uint32_t ticks = 0;

class TickPort final : public rouse::Port {
public:
    TickPort() = default;
    ~TickPort() = default;

    [[nodiscard]] rouse::TimePoint now() const noexcept override {
        return rouse::TimePoint{std::chrono::milliseconds{ticks}};
    }
    unsigned wait_until(rouse::TimePoint deadline) noexcept override {
        while (deadline != rouse::at_once && wakes_.load(std::memory_order_relaxed) == 0 && now() < deadline) {
        }
        return wakes_.exchange(0, std::memory_order_acquire);
    }
    void wake() noexcept override {
        unsigned before = wakes_.load(std::memory_order_relaxed);
        while (
            !wakes_.compare_exchange_weak(before, before + 1, std::memory_order_release, std::memory_order_relaxed)) {
        }
    }

private:
    rouse::detail::Atomic<unsigned> wakes_{0};
};

TickPort port;
rouse::Loop loop{port};

constinit rouse::ThreadSafeFlag flag;
volatile int sink;

#if defined(SMALL)

rouse::Task<> worker() {
    for (;;) {
        co_await flag.wait();
        sink = 1;
    }
}

#else

constinit rouse::ThreadSafeEvent event;
constinit rouse::ThreadSafeQueue<int, 4> queue;
constinit rouse::Lock lock;

#if defined(OBJECTS)

constinit rouse::Semaphore semaphore{2};
constinit rouse::Condition condition;
constinit rouse::Barrier barrier{2};
constinit rouse::Queue<int, 4> local;
constinit rouse::Delay delay{10ms};

rouse::Task<> objects() {
    const auto permit = co_await semaphore.scoped();
    const auto held = co_await condition.scoped();
    condition.notify_all();
    const auto late = co_await rouse::try_wait_for(condition.wait(), 1ms);
    const auto place = co_await barrier.wait_outcome();
    const bool accepted = co_await local.put(1);
    const auto item = co_await local.next();
    delay.trigger();
    co_await delay.wait();
    sink = late.timed_out() && place && accepted && item ? 1 : 0;
}

rouse::Task<> combined() {
    const auto first = co_await rouse::select(flag.wait(), local.next(), rouse::sleep(1ms), objects());
    sink = static_cast<int>(first.index());
    co_await rouse::gather(objects(), objects());
    co_await rouse::TaskGroup::run([](rouse::TaskGroup& group) -> rouse::Task<> {
        group.create_task(objects());
        co_await rouse::yield();
        group.cancel();
    });
}

#endif

rouse::Task<int> next_item() {
    const auto item = co_await queue.next();
    co_return item ? *item : -1;
}

rouse::Task<> consumer() {
    const auto guard = rouse::on_cancel([] { sink = -1; });
    for (;;) {
        const int item = co_await next_item();
        const auto held = co_await lock.scoped();
        sink = item;
        co_await rouse::sleep(10ms);
    }
}

rouse::Task<> supervisor() {
    auto task = rouse::create_task(consumer());
    co_await event.wait();
    event.clear();
    co_await flag.wait();
    const bool accepted = co_await queue.put(1);
    sink = accepted ? 1 : 0;
    task.cancel();
    const auto outcome = co_await task.outcome();
    sink = outcome.cancelled() ? 2 : 3;
    co_await rouse::yield();
#if defined(OBJECTS)
    co_await combined();
#endif
}

#endif

} // namespace

// What the interrupt vector would name.
extern "C" void interrupt() {
    ticks = ticks + 1;
    flag.set();
#if !defined(SMALL)
    event.set();
    if (!queue.put_sync(static_cast<int>(ticks))) queue.close();
    if (const auto item = queue.get_sync()) sink = *item;
#endif
}
void (*volatile vector)() = interrupt;

int main() {
#if defined(SMALL)
    rouse::create_task(worker());
#else
    rouse::create_task(supervisor());
#endif
    loop.run_forever();
}

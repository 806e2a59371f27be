// ThreadSafeMpscQueue: puts, gets and close() of an interrupt at every instruction of a put, of a get, and of tasks
// that put and get. The interrupt is a second producer, the consumer, or both.
#include <array>
#include <utility>

#include <rouse/threadsafe/thread_safe_mpsc_queue.hpp>

#include "scenario.hpp"

namespace {

using namespace rouse;
using namespace std::chrono_literals;
using step::check;
using step::world;

// Shows whether it was moved from.
struct Item {
    int producer = 0, number = 0;
    Item(int p, int n) noexcept : producer{p}, number{n} {}
    Item(Item&& other) noexcept : producer{other.producer}, number{std::exchange(other.number, -1)} {}
    Item& operator=(Item&&) = delete;
    ~Item() = default;
};

ThreadSafeMpscQueue<Item, 3> queue;   // not a power of two
std::array<int, 3> accepted{}, got{}; // of each producer
enum Producer { main_task, other_task, interrupt };

// What came of a put, which may have been got before this is known.
void note(Producer producer, bool taken, const Item& item) {
    check(taken ? item.number == -1 : item.number >= 0, "a refused item was moved from, or the other way round");
    accepted[producer] += taken;
}
bool put(Producer producer) {
    Item item{producer, accepted[producer]};
    const bool taken = queue.put_sync(std::move(item));
    note(producer, taken, item);
    return taken;
}
void take(const std::optional<Item>& item) {
    if (!item) return;
    check(item->number == got[static_cast<std::size_t>(item->producer)]++,
          "an item is lost, comes twice, or out of order");
}
Task<> send(Producer producer) {
    Item item{producer, accepted[producer]};
    const bool taken = co_await queue.put(std::move(item));
    note(producer, taken, item);
    check(taken || queue.closed(), "refused though the queue was not closed");
}
Task<> receive() { take(co_await queue.next()); }

// ---- of the interrupt ----

void put_one() { static_cast<void>(put(interrupt)); }
void get_one() { take(queue.get_sync()); }
void close() { queue.close(); }
void close_then_put() {
    queue.close();
    check(!put(interrupt), "a put was accepted after close()");
}
// The queue never holds more than two of its three.
void put_and_get() {
    for (int i = 0; i < 4; ++i) {
        check(put(interrupt) || queue.closed(), "refused though there was room");
        if (i < 3) get_one();
        if (queue.size() > 1) break; // a put is under way, and nothing can be got
    }
}
void turn() { world->poll(); }

// ---- the states ----

// All that was accepted can be got, and nothing else.
Task<> settle() {
    get_one();
    if (!queue.closed()) {
        co_await send(main_task);
        get_one();
    }
    while (!queue.empty()) get_one();
    check(got == accepted, "an item too many or too few");
    check(!queue.closed() || queue.drained(), "closed and empty, but not drained");
    co_await step::quiet();
}
void fill() {
    while (!queue.full()) check(put(main_task), "refused though there was room");
}

Task<> puts() {
    step::begin();
    const bool taken = put(main_task);
    step::end();
    check(taken || queue.closed() || accepted[interrupt] >= 2, "refused though there was room");
    co_await settle();
}
Task<> gets() {
    check(put(main_task) && put(main_task), "refused though there was room");
    step::begin();
    get_one();
    step::end();
    check(got[main_task] == 1, "not there, though it was put before");
    co_await settle();
}
Task<> put_begins_to_wait() {
    fill();
    auto wait = send(main_task);
    step::begin();
    co_await wait;
    step::end();
    co_await settle();
}
Task<> two_puts_wait() {
    fill();
    const auto first = create_task(send(main_task));
    const auto second = create_task(send(other_task));
    co_await yield();
    step::begin();
    co_await yield();
    co_await first;
    if (!queue.closed()) get_one();
    co_await second;
    step::end();
    co_await settle();
}
Task<> put_is_resumed() {
    fill();
    world->port.at_sleep([] {
        get_one();
        step::begin();
    });
    co_await send(main_task);
    step::end();
    co_await settle();
}
Task<> put_is_cancelled() {
    fill();
    const auto putter = create_task(send(other_task));
    co_await yield();
    step::begin();
    putter.cancel();
    const auto outcome = co_await putter.outcome();
    step::end();
    check(outcome.cancelled() && accepted[other_task] == 0, "a put that was cancelled put its item");
    co_await settle();
}
Task<> woken_put_is_cancelled() {
    fill();
    const auto putter = create_task(send(other_task));
    co_await yield();
    get_one();
    step::begin();
    putter.cancel();
    const auto outcome = co_await putter.outcome();
    step::end();
    check(outcome.cancelled() && accepted[other_task] == 0, "a put that was cancelled put its item");
    co_await settle();
}
Task<> put_times_out() {
    fill();
    Item item{main_task, accepted[main_task]};
    world->port.at_sleep(step::begin);
    auto outcome = co_await try_wait_for(queue.put(std::move(item)), 1ms);
    step::end();
    if (outcome.has_value()) note(main_task, outcome.value(), item);
    if (outcome.timed_out()) check(item.number >= 0, "an item that was not put was moved from");
    co_await settle();
}
Task<> get_begins_to_wait() {
    auto wait = receive();
    step::begin();
    co_await wait;
    step::end();
    co_await settle();
}
Task<> get_times_out() {
    world->port.at_sleep(step::begin);
    auto outcome = co_await try_wait_for(queue.next(), 1ms);
    step::end();
    if (outcome.has_value()) take(std::move(outcome).value());
    co_await settle();
}
void loop_destroyed() {
    fill();
    static_cast<void>(world->loop->create_task(send(other_task)));
    world->poll();
    step::begin();
    world->loop.reset();
    step::end();
    while (!queue.empty()) get_one();
    check(got == accepted && accepted[other_task] == 0, "an item too many or too few");
}

// The other way round: the consumer, or a producer, is interrupted by turns of the loop, whose task puts.
bool all_sent = false;
Task<> send_all() {
    co_await send(other_task);
    all_sent = true;
}
void get_while_polled() {
    fill();
    static_cast<void>(world->loop->create_task(send_all()));
    world->poll();
    step::begin();
    const auto first = queue.get_sync();
    step::end();
    world->host_until(all_sent);
    take(first);
    check(accepted[other_task] == 1, "the put did not go on");
    world->loop->run(settle());
}
void put_while_polled() {
    static_cast<void>(world->loop->create_task(send_all()));
    step::begin();
    static_cast<void>(put(main_task));
    step::end();
    world->host_until(all_sent);
    check(accepted[main_task] == 1 && accepted[other_task] == 1, "refused though there was room");
    world->loop->run(settle());
}

template <Task<> (*state)()>
void add_gets(const char* name) {
    step::Add{{"mpsc", name, "get", step::in_run<state>, get_one}};
    step::Add{{"mpsc", name, "close", step::in_run<state>, close}};
    step::Add{{"mpsc", name, "get, then close", step::in_run<state>, get_one, close}};
}
// The room is taken again, so the put must end without it, or have had some before.
template <Task<> (*state)()>
void add_rival(const char* name) {
    step::Add{{"mpsc", name, "get, then put", step::in_run<state>, get_one, put_one}};
}

const bool added = [] {
    step::Add{{"mpsc", "put_sync()", "put", step::in_run<puts>, put_one}};
    step::Add{{"mpsc", "put_sync()", "put, then put", step::in_run<puts>, put_one, put_one}};
    step::Add{{"mpsc", "put_sync()", "close", step::in_run<puts>, close_then_put}};
    step::Add{{"mpsc", "put_sync()", "put, then close", step::in_run<puts>, put_one, close}};
    step::Add{{"mpsc", "put_sync()", "puts and gets", step::in_run<puts>, put_and_get}};
    step::Add{{"mpsc", "get_sync()", "put", step::in_run<gets>, put_one}};
    step::Add{{"mpsc", "get_sync()", "put, then close", step::in_run<gets>, put_one, close_then_put}};
    add_gets<put_begins_to_wait>("a put begins to wait");
    add_gets<put_is_resumed>("get in sleep, the putter is resumed");
    add_gets<put_is_cancelled>("the put is cancelled");
    add_gets<put_times_out>("the put times out");
    add_rival<put_is_resumed>("get in sleep, the putter is resumed");
    add_rival<put_is_cancelled>("the put is cancelled");
    add_rival<put_times_out>("the put times out");
    step::Add{{"mpsc", "two puts wait", "get", step::in_run<two_puts_wait>, get_one}};
    step::Add{{"mpsc", "two puts wait", "close", step::in_run<two_puts_wait>, close}};
    step::Add{{"mpsc", "the put is cancelled when woken", "put", step::in_run<woken_put_is_cancelled>, put_one}};
    step::Add{{"mpsc", "the put is cancelled when woken", "get", step::in_run<woken_put_is_cancelled>, get_one}};
    step::Add{{"mpsc", "a get begins to wait", "put", step::in_run<get_begins_to_wait>, put_one}};
    step::Add{{"mpsc", "a get begins to wait", "close", step::in_run<get_begins_to_wait>, close}};
    step::Add{{"mpsc", "a get begins to wait", "put, then close", step::in_run<get_begins_to_wait>, put_one, close}};
    step::Add{{"mpsc", "the get times out", "put", step::in_run<get_times_out>, put_one}};
    step::Add{{"mpsc", "the loop is destroyed in its sleep", "get", step::by_host<loop_destroyed>, get_one}};
    step::Add{{"mpsc", "get_sync() while a task waits", "turns of the loop", step::by_host<get_while_polled>, turn}};
    step::Add{{"mpsc", "put_sync() while a task puts", "turns of the loop", step::by_host<put_while_polled>, turn}};
    return true;
}();

} // namespace

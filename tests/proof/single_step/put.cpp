// ThreadSafeQueue, a task puts: get_sync() and close() at every instruction of each state.
#include <utility>

#include <rouse/threadsafe/thread_safe_queue.hpp>

#include "scenario.hpp"

namespace {

using namespace rouse;
using namespace std::chrono_literals;
using step::check;
using step::world;

// Shows whether it was moved from.
struct Item {
    int number = 0;
    Item() = default;
    explicit Item(int n) : number{n} {}
    Item(Item&& other) noexcept : number{std::exchange(other.number, -1)} {}
    Item& operator=(Item&& other) noexcept {
        number = std::exchange(other.number, -1);
        return *this;
    }
    ~Item() = default;
};

ThreadSafeQueue<Item, 2> queue;
int accepted = 0, got = 0;

void take(std::optional<Item> item) {
    if (item) check(item->number == ++got, "the items are not the ones that were put, in their order");
}
void get() { take(queue.get_sync()); }
void close() { queue.close(); }
void turn() { world->poll(); }

void note(bool taken, const Item& item) {
    check(taken ? item.number == -1 : item.number == accepted + 1,
          "a refused item was moved from, or the other way round");
    check(taken || queue.closed(), "refused though the queue was not closed");
    accepted += taken;
}
Task<> send() {
    Item item{accepted + 1};
    const bool taken = co_await queue.put(std::move(item));
    note(taken, item);
}
void fill() {
    while (!queue.full()) accepted += queue.put_sync(Item{accepted + 1});
}

// All that was accepted can be got, and nothing else.
Task<> settle() {
    get();
    if (!queue.closed()) {
        co_await send();
        get();
    }
    while (!queue.empty()) get();
    check(got == accepted, "an item too many or too few");
    co_await step::quiet();
}

Task<> wait_begins() {
    fill();
    auto wait = send();
    step::begin();
    co_await wait;
    step::end();
    co_await settle();
}
Task<> other_turns() {
    fill();
    const auto putter = create_task(send());
    co_await yield();
    step::begin();
    co_await yield();
    co_await putter;
    step::end();
    co_await settle();
}
Task<> room_there() {
    auto wait = send();
    step::begin();
    co_await wait;
    step::end();
    co_await settle();
}
Task<> resumed() {
    fill();
    world->port.at_sleep([] {
        get();
        step::begin();
    });
    co_await send();
    step::end();
    co_await settle();
}
Task<> cancelled() {
    fill();
    const auto putter = create_task(send());
    co_await yield();
    step::begin();
    putter.cancel();
    const auto outcome = co_await putter.outcome();
    step::end();
    check(outcome.cancelled() && accepted == 2, "a put that was cancelled put its item");
    co_await settle();
}
Task<> times_out() {
    fill();
    Item item{accepted + 1};
    world->port.at_sleep(step::begin);
    auto outcome = co_await try_wait_for(queue.put(std::move(item)), 1ms);
    step::end();
    if (outcome.has_value()) note(outcome.value(), item);
    if (outcome.timed_out()) check(item.number == accepted + 1, "an item that was not put was moved from");
    co_await settle();
}

bool all_sent = false, traced_until_sent = false;
Task<> send_all() {
    co_await send();
    if (traced_until_sent) step::end();
    co_await settle();
    all_sent = true;
}
void host_interrupted_in(step::Operation traced) {
    static_cast<void>(send()); // so that the pool has a frame for it
    step::begin();
    traced();
    step::end();
    world->host_until(all_sent);
}
void poll_begins_the_wait() {
    fill();
    static_cast<void>(world->loop->create_task(send_all()));
    traced_until_sent = true;
    host_interrupted_in(turn);
}
void poll_resumes() {
    fill();
    static_cast<void>(world->loop->create_task(send_all()));
    traced_until_sent = true;
    world->poll();
    get();
    host_interrupted_in(turn);
}
// The other way round: the consumer is interrupted by turns of the loop. It is the only consumer, so the task must not
// get what it has put before that has returned.
std::optional<Item> first;
void get_first() { first = queue.get_sync(); }
void get_while_polled() {
    fill();
    static_cast<void>(world->loop->create_task([]() -> Task<> {
        co_await send();
        all_sent = true;
    }()));
    world->poll();
    host_interrupted_in(get_first);
    take(std::move(first));
    check(accepted == 3, "the put did not go on");
    world->loop->run(settle());
}

template <Task<> (*state)()>
void add(const char* name) {
    step::Add{{"put", name, "get", step::in_run<state>, get}};
    step::Add{{"put", name, "close", step::in_run<state>, close}};
    step::Add{{"put", name, "get, then close", step::in_run<state>, get, close}};
}

const bool added = [] {
    add<wait_begins>("a put begins to wait");
    add<other_turns>("waited for, other turns");
    add<room_there>("room is there");
    add<resumed>("get in sleep, the putter is resumed");
    add<cancelled>("the put is cancelled");
    add<times_out>("the put times out");
    step::Add{{"put", "poll() begins the wait", "get", step::by_host<poll_begins_the_wait>, get}};
    step::Add{{"put", "poll() resumes the putter", "get", step::by_host<poll_resumes>, get}};
    step::Add{{"put", "get_sync() while a task waits", "turns of the loop", step::by_host<get_while_polled>, turn}};
    return true;
}();

} // namespace

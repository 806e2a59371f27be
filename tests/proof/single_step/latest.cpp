// Latest: publish() at every instruction of the reader, and the reader at every instruction of publish().
#include <atomic>

#include <rouse/threadsafe/latest.hpp>

#include "scenario.hpp"

namespace {

using namespace rouse;
using namespace std::chrono_literals;
using step::check;
using step::world;

struct Readings {
    int words[6] = {};
};

Latest<Readings> latest;
std::atomic<int> published{0};
int seen = 0;

void publish() {
    const int n = published.fetch_add(1, std::memory_order_relaxed) + 1;
    latest.publish({{n, n, n, n, n, n}});
}
void turn() { world->poll(); }

void take(const Readings& readings) {
    for (const int word : readings.words) check(word == readings.words[0], "a value is torn");
    check(readings.words[0] >= seen, "a value is older than one that was read before");
    seen = readings.words[0];
}
void read() { take(latest.value()); }
Task<> receive() {
    const int before = seen;
    take(co_await latest.next());
    check(seen > before, "next() gave a value that had been read");
}

Task<> settle() {
    step::finish();
    if (seen != published) co_await receive();
    check(seen == published && !latest.fresh(), "the newest value is not the last one published, or is still fresh");
    const auto none = co_await try_wait_for(latest.next(), 1ms);
    check(none.timed_out(), "next() returned though nothing was published");
    for (int i = 0; i < 4; ++i) {
        publish();
        read();
        check(seen == published, "the newest value is not the last one published");
    }
    co_await step::quiet();
}

Task<> fresh_one_read() {
    publish();
    step::begin();
    read();
    step::end();
    check(seen >= 1, "a value that was published is gone");
    co_await settle();
}
Task<> old_one_read() {
    step::begin();
    read();
    step::end();
    co_await settle();
}
Task<> wait_begins() {
    auto wait = receive();
    step::begin();
    co_await wait;
    step::end();
    co_await settle();
}
Task<> roused() {
    world->port.at_sleep([] {
        publish();
        step::begin();
    });
    co_await receive();
    step::end();
    co_await settle();
}
Task<> cancelled() {
    const auto waiter = create_task(latest.next());
    co_await yield();
    step::begin();
    waiter.cancel();
    const auto outcome = co_await waiter.outcome();
    step::end();
    check(outcome.cancelled() && latest.fresh(), "not cancelled, or no longer fresh");
    co_await settle();
}
Task<> times_out() {
    world->port.at_sleep(step::begin);
    auto outcome = co_await try_wait_for(latest.next(), 1ms);
    step::end();
    if (outcome.has_value()) take(outcome.value());
    co_await settle();
}
Task<> published_while_read() {
    publish();
    step::begin();
    publish();
    step::end();
    co_await settle();
}

bool all_received = false;
void published_while_polled() {
    static_cast<void>(world->loop->create_task([]() -> Task<> {
        co_await receive();
        co_await settle();
        all_received = true;
    }()));
    world->poll();
    step::begin();
    publish();
    step::end();
    world->host_until(all_received);
}

template <Task<> (*state)()>
void add(const char* name) {
    step::Add{{"latest", name, "publish", step::in_run<state>, publish}};
}

const bool added = [] {
    add<fresh_one_read>("a fresh value is read");
    add<old_one_read>("an old value is read");
    add<wait_begins>("a wait begins");
    add<roused>("published in sleep, the waiter is resumed");
    add<cancelled>("the wait is cancelled");
    add<times_out>("the wait times out");
    step::Add{
        {"latest", "a fresh value is read", "publish, then publish", step::in_run<fresh_one_read>, publish, publish}};
    step::Add{{"latest", "publish()", "the value is read", step::in_run<published_while_read>, read}};
    step::Add{
        {"latest", "publish() while a task waits", "turns of the loop", step::by_host<published_while_polled>, turn}};
    return true;
}();

} // namespace

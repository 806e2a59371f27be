// ThreadSafeQueue, a task gets: put_sync() and close() at every instruction of each state.
#include <rouse/threadsafe/thread_safe_queue.hpp>

#include "scenario.hpp"

namespace {

using namespace rouse;
using namespace std::chrono_literals;
using step::check;
using step::world;

int buffer[3];
ThreadSafeQueue<int> lent{buffer};
ThreadSafeQueue<int, 2> own;

template <auto& queue>
struct Get {
    static inline int accepted = 0, got = 0;
    static inline bool ended = false;

    static void put() {
        if (queue.put_sync(accepted + 1)) ++accepted;
    }
    static void close() { queue.close(); }
    static void close_then_put() {
        queue.close();
        check(!queue.put_sync(-1), "a put was accepted after close()");
    }
    static void turn() { world->poll(); }

    static void take(std::optional<int> item) {
        if (item) check(*item == ++got, "the items are not the ones that were put, in their order");
        if (!item) ended = true;
    }
    static Task<> receive() { take(co_await queue.next()); }

    // All that was accepted is got, and nothing else.
    static Task<> settle() {
        while (got < accepted) co_await receive();
        check(!ended || queue.closed(), "the queue ended though it was not closed");
        if (queue.closed()) {
            co_await receive();
            check(ended, "the queue does not end");
        } else {
            const auto none = co_await try_wait_for(queue.next(), 1ms);
            check(none.timed_out(), "an item that nobody put");
        }
        check(got == accepted && queue.empty(), "an item too many or too few");
        co_await step::quiet();
    }

    static Task<> wait_begins() {
        auto wait = receive();
        step::begin();
        co_await wait;
        step::end();
        co_await settle();
    }
    static Task<> other_turns() {
        const auto getter = create_task(receive());
        co_await yield();
        step::begin();
        co_await yield();
        co_await getter;
        step::end();
        co_await settle();
    }
    static Task<> item_there() {
        put();
        auto wait = receive();
        step::begin();
        co_await wait;
        step::end();
        co_await settle();
    }
    static Task<> resumed() {
        world->port.at_sleep([] {
            put();
            step::begin();
        });
        co_await receive();
        step::end();
        co_await settle();
    }
    static Task<> cancelled() {
        const auto getter = create_task(receive());
        co_await yield();
        step::begin();
        getter.cancel();
        const auto outcome = co_await getter.outcome();
        step::end();
        check(outcome.cancelled() && got == 0, "a get that was cancelled took an item");
        co_await settle();
    }
    static Task<> cancelled_when_roused() {
        const auto getter = create_task(receive());
        co_await yield();
        put();
        step::begin();
        getter.cancel();
        const auto outcome = co_await getter.outcome();
        step::end();
        check(outcome.cancelled() && got == 0, "a get that was cancelled took an item");
        co_await settle();
    }
    static Task<> times_out() {
        world->port.at_sleep(step::begin);
        auto outcome = co_await try_wait_for(queue.next(), 1ms);
        step::end();
        if (outcome.has_value()) take(outcome.value());
        co_await settle();
    }
    static void loop_destroyed() {
        static_cast<void>(world->loop->create_task(receive()));
        world->poll();
        step::begin();
        world->loop.reset();
        step::end();
        check(got == 0 && queue.qsize() == static_cast<std::size_t>(accepted), "an item was lost with the loop");
    }

    static inline bool all_received = false, traced_until_received = false;
    static Task<> receive_all() {
        co_await receive();
        if (traced_until_received) step::end();
        co_await settle();
        all_received = true;
    }
    static void host_interrupted_in(step::Operation traced) {
        static_cast<void>(receive()); // so that the pool has a frame for it
        step::begin();
        traced();
        step::end();
        world->host_until(all_received);
    }
    static void poll_begins_the_wait() {
        static_cast<void>(world->loop->create_task(receive_all()));
        traced_until_received = true;
        host_interrupted_in(turn);
    }
    static void poll_resumes() {
        static_cast<void>(world->loop->create_task(receive_all()));
        world->poll();
        put();
        traced_until_received = true;
        host_interrupted_in(turn);
    }

    // The other way round: the producer is interrupted by turns of the loop. The item may be got before put_sync() has
    // returned, so what is expected is noted first.
    static void put_while_polled() {
        static_cast<void>(world->loop->create_task(receive_all()));
        world->poll();
        host_interrupted_in(put_noted);
    }
    static void close_while_polled() {
        static_cast<void>(world->loop->create_task(receive_all()));
        world->poll();
        host_interrupted_in(close);
    }
    static void put_noted() {
        accepted = 1;
        check(queue.put_sync(1), "refused though there was room");
    }

    template <Task<> (*state)()>
    static void add(const char* name) {
        step::Add{{"get", name, "put", step::in_run<state>, put}};
        step::Add{{"get", name, "close", step::in_run<state>, close}};
        step::Add{{"get", name, "put, then put", step::in_run<state>, put, put}};
        step::Add{{"get", name, "put, then close", step::in_run<state>, put, close_then_put}};
    }
};

const bool added = [] {
    using Own = Get<own>;
    Own::add<Own::wait_begins>("a get begins to wait");
    Own::add<Own::other_turns>("waited for, other turns");
    Own::add<Own::item_there>("an item is there");
    Own::add<Own::resumed>("put in sleep, the getter is resumed");
    Own::add<Own::cancelled>("the get is cancelled");
    Own::add<Own::cancelled_when_roused>("the get is cancelled when roused");
    Own::add<Own::times_out>("the get times out");
    for (const auto operation : {Own::put, Own::close}) {
        const char* name = operation == Own::put ? "put" : "close";
        step::Add{{"get", "the loop is destroyed in its sleep", name, step::by_host<Own::loop_destroyed>, operation}};
        step::Add{{"get", "poll() begins the wait", name, step::by_host<Own::poll_begins_the_wait>, operation}};
        step::Add{{"get", "poll() resumes the getter", name, step::by_host<Own::poll_resumes>, operation}};
    }
    step::Add{
        {"get", "put_sync() while a task waits", "turns of the loop", step::by_host<Own::put_while_polled>, Own::turn}};
    step::Add{
        {"get", "close() while a task waits", "turns of the loop", step::by_host<Own::close_while_polled>, Own::turn}};
    using Lent = Get<lent>;
    step::Add{{"get", "a get begins to wait, lent buffer", "put", step::in_run<Lent::wait_begins>, Lent::put}};
    step::Add{{"get", "put in sleep, lent buffer", "put", step::in_run<Lent::resumed>, Lent::put}};
    return true;
}();

} // namespace

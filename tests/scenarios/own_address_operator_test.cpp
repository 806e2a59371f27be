// Values whose class has an operator& of its own, in every object that stores values.
#include <rouse/combine/gather.hpp>
#include <rouse/combine/select.hpp>
#include <rouse/combine/wait_for.hpp>
#include <rouse/sync/queue.hpp>
#include <rouse/threadsafe/broadcast.hpp>
#include <rouse/threadsafe/latest.hpp>
#include <rouse/threadsafe/message.hpp>
#include <rouse/threadsafe/one_shot.hpp>
#include <rouse/threadsafe/slot_queue.hpp>
#include <rouse/threadsafe/thread_safe_mpsc_queue.hpp>
#include <rouse/threadsafe/thread_safe_queue.hpp>

#include <array>
#include <memory>

#include "support/catch.hpp"
#include "support/run.hpp"
#include "support/value_types.hpp"

using namespace test;

namespace {

// Not an object with static lifetime from the start: other files of the program count what is alive.
Addressless& the_one() {
    static Addressless one{5};
    return one;
}

Task<Addressless&> returns_reference() {
    co_await yield();
    co_return the_one();
}

Task<Addressless> returns_value(Addressless by_value) {
    co_await yield();
    co_return by_value;
}

template <class Q>
Task<> passes_through(Q& queue) {
    const Addressless kept{1};
    const bool first = co_await queue.put(kept);
    const bool second = co_await queue.put(Addressless(2));
    CHECK(first);
    CHECK(second);
    const Addressless got = co_await queue.get();
    CHECK(got.number == 1);
    const auto next = co_await queue.next();
    CHECK(next->number == 2);
    const bool third = co_await queue.put(Addressless(3));
    CHECK(third);
    auto in_time = co_await try_wait_for(queue.get(), 1s);
    CHECK(in_time.value().number == 3);
    const bool left_over = co_await queue.put(Addressless(4)); // destroyed with the queue
    CHECK(left_over);
}

template <class Q>
int alive_after_use() {
    const int before = Addressless::alive;
    {
        Q queue;
        run_virtual(passes_through(queue));
    }
    return Addressless::alive - before;
}

} // namespace

TEST_CASE("a Queue destroys items that have their own operator&") {
    CHECK(alive_after_use<Queue<Addressless, 2>>() == 0);
    CHECK(alive_after_use<Queue<Addressless>>() == 0);
}

TEST_CASE("a ThreadSafeQueue destroys items that have their own operator&") {
    CHECK(alive_after_use<ThreadSafeQueue<Addressless, 2>>() == 0);
    const int before = Addressless::alive;
    {
        std::array<Addressless, 3> buffer;
        ThreadSafeQueue<Addressless> queue{buffer};
        run_virtual(passes_through(queue));
    }
    CHECK(Addressless::alive == before);
}

TEST_CASE("a ThreadSafeMpscQueue destroys items that have their own operator&") {
    CHECK(alive_after_use<ThreadSafeMpscQueue<Addressless, 2>>() == 0);
}

TEST_CASE("a SlotQueue hands out slots that have their own operator&") {
    const int before = Addressless::alive;
    {
        SlotQueue<Addressless, 2> slots;
        run_virtual([](SlotQueue<Addressless, 2>& queue) -> Task<> {
            Addressless* const free = co_await queue.next_free();
            CHECK(std::addressof(*free) == queue.reserve());
            *free = Addressless{7};
            CHECK(queue.commit());
            const Addressless* const filled = co_await queue.next_filled();
            CHECK(filled->number == 7);
            CHECK(filled == queue.peek());
            queue.release();
        }(slots));
    }
    CHECK(Addressless::alive == before);
}

TEST_CASE("a OneShot brings an answer that has its own operator&") {
    const int before = Addressless::alive;
    {
        OneShot<Addressless> answer;
        run_virtual([](OneShot<Addressless>& shot) -> Task<> {
            auto sender = shot.sender();
            CHECK(sender.set(Addressless{7}));
            const Addressless got = co_await shot.get();
            CHECK(got.number == 7);
        }(answer));
    }
    CHECK(Addressless::alive == before);
}

TEST_CASE("a Broadcast hands over values that have their own operator&") {
    Broadcast<PlainAddressless, 2> numbers;
    Broadcast<PlainAddressless, 2>::Subscriber mine{numbers};
    CHECK(numbers.publish(PlainAddressless{7}));
    CHECK(mine.get_sync()->number == 7);
}

TEST_CASE("a Message carries values that have their own operator&") {
    const int before = Addressless::alive;
    {
        Message<Addressless> message;
        CHECK(message.set(Addressless{7}));
        run_virtual([](Message<Addressless>& received) -> Task<> {
            const Addressless waited = co_await received.wait();
            CHECK(waited.number == 7);
            const Addressless next = co_await received.next();
            CHECK(next.number == 7);
        }(message));
    }
    CHECK(Addressless::alive == before);
}

TEST_CASE("a Latest hands over values that have their own operator&") {
    Latest<PlainAddressless> latest;
    latest.publish(PlainAddressless{7});
    run_virtual([](Latest<PlainAddressless>& published) -> Task<> {
        const PlainAddressless next = co_await published.next();
        CHECK(next.number == 7);
    }(latest));
    CHECK(latest.value().number == 7);
}

TEST_CASE("a task returns a reference to an object that has its own operator&") {
    run_virtual([]() -> Task<> {
        Addressless& in_place = co_await returns_reference();
        CHECK(std::addressof(in_place) == std::addressof(the_one()));
        auto task = create_task(returns_reference());
        Addressless& awaited = co_await task;
        CHECK(std::addressof(awaited) == std::addressof(the_one()));
        auto outcome = co_await task.outcome();
        CHECK(std::addressof(outcome.value()) == std::addressof(the_one()));
        auto first = co_await select(returns_reference(), sleep(1s));
        CHECK(std::get<0>(first) == std::addressof(the_one()));
        auto in_time = co_await try_wait_for(returns_reference(), 1s);
        CHECK(std::addressof(in_time.value()) == std::addressof(the_one()));
        auto both = co_await gather(returns_reference(), returns_value(Addressless(6)));
        CHECK(std::addressof(std::get<0>(both)) == std::addressof(the_one()));
        CHECK(std::get<1>(both).number == 6);
    }());
    CHECK(Addressless::alive == 1);
}

// SlotQueue: the interrupt fills or empties slots, or closes, at every instruction of each state of the task at the
// other end.
#include <rouse/threadsafe/slot_queue.hpp>

#include "scenario.hpp"

namespace {

using namespace rouse;
using namespace std::chrono_literals;
using step::check;
using step::world;

struct Block {
    int words[4] = {};
    [[nodiscard]] bool all_are(int n) const { return words[0] == n && words[1] == n && words[2] == n && words[3] == n; }
};

SlotQueue<Block, 2> queue;
int filled = 0, read = 0;
bool ended = false, refused = false;

// Whichever side does them; only one of the two is the producer, and one the consumer.
void write(Block& slot) {
    for (int& word : slot.words) word = filled + 1;
    if (queue.commit()) {
        ++filled;
    } else {
        check(queue.closed(), "a commit was refused though the queue was not closed");
        refused = true;
    }
}
void take(const Block& slot) {
    check(slot.all_are(++read), "a slot is torn, or not the next one");
    queue.release();
}
void fill() {
    if (Block* const slot = queue.reserve()) write(*slot);
}
void empty() {
    if (const Block* const slot = queue.peek()) take(*slot);
}
void close() { queue.close(); }
void turn() { world->poll(); }

void fill_all() {
    while (queue.size() < queue.capacity()) fill();
}

Task<> receive() {
    const Block* const slot = co_await queue.next_filled();
    if (slot != nullptr) {
        take(*slot);
    } else {
        check(queue.closed(), "the queue ended though it was not closed");
        ended = true;
    }
}
Task<> send() {
    Block* const slot = co_await queue.next_free();
    if (slot != nullptr) {
        write(*slot);
    } else {
        check(queue.closed(), "there is no free slot though the queue was not closed");
        refused = true;
    }
}

// All that was committed is read, and nothing else.
Task<> settle() {
    step::finish();
    while (read < filled) co_await receive();
    check(queue.size() == 0 && queue.peek() == nullptr, "a slot too many");
    check(queue.closed() || !(ended || refused), "an end though the queue was not closed");
    if (queue.closed()) {
        co_await receive();
        check(ended && queue.drained(), "the queue does not end");
        co_await send();
        check(refused, "a slot of a closed queue was given");
    } else {
        const auto none = co_await try_wait_for(queue.next_filled(), 1ms);
        check(none.timed_out(), "a slot that nothing filled");
        co_await send();
        co_await receive();
        check(read == filled && filled > 0, "a slot was lost");
    }
    co_await step::quiet();
}

// The task is the consumer if `reads`, else the producer of a full queue.
template <bool reads>
Task<> side() {
    return reads ? receive() : send();
}
template <bool reads>
void prepare() {
    if (!reads) fill_all();
}

template <bool reads>
Task<> wait_begins() {
    prepare<reads>();
    auto wait = side<reads>();
    step::begin();
    co_await wait;
    step::end();
    co_await settle();
}
template <bool reads>
Task<> resumed() {
    prepare<reads>();
    world->port.at_sleep([] {
        reads ? fill() : empty();
        step::begin();
    });
    co_await side<reads>();
    step::end();
    co_await settle();
}
template <bool reads>
Task<> cancelled() {
    prepare<reads>();
    const auto waiter = create_task(side<reads>());
    co_await yield();
    step::begin();
    waiter.cancel();
    co_await waiter.outcome();
    step::end();
    co_await settle();
}
template <bool reads>
Task<> times_out() {
    prepare<reads>();
    world->port.at_sleep(step::begin);
    if constexpr (reads) {
        auto outcome = co_await try_wait_for(queue.next_filled(), 1ms);
        step::end();
        if (outcome.has_value() && outcome.value() != nullptr) take(*outcome.value());
    } else {
        auto outcome = co_await try_wait_for(queue.next_free(), 1ms);
        step::end();
        if (outcome.has_value() && outcome.value() != nullptr) write(*outcome.value());
    }
    co_await settle();
}
// One slot is filled and one is free, so neither side waits.
template <bool reads>
Task<> nothing_to_wait_for() {
    fill();
    auto wait = side<reads>();
    step::begin();
    co_await wait;
    step::end();
    co_await settle();
}

// The other way round: the calls of the foreign side are interrupted by turns of the loop, whose task is at the other
// end.
bool all_done = false;
template <bool reads>
void polled_meanwhile() {
    prepare<reads>();
    static_cast<void>(world->loop->create_task([]() -> Task<> {
        co_await side<reads>();
        co_await step::quiet();
        all_done = true;
    }()));
    world->poll();
    step::begin();
    reads ? fill() : empty();
    step::end();
    world->host_until(all_done);
    check(reads ? read == filled : filled == read + 2, "a slot too many or too few");
}

template <Task<> (*state)()>
void add(const char* name, const char* operation, step::Operation work) {
    step::Add{{"slot_queue", name, operation, step::in_run<state>, work}};
}
template <Task<> (*state)()>
void add_with_close(const char* name, const char* operation, step::Operation work) {
    add<state>(name, operation, work);
    add<state>(name, "close", close);
}
template <Task<> (*state)()>
void add_with_pairs(const char* name, const char* operation, step::Operation work) {
    add_with_close<state>(name, operation, work);
    step::Add{{"slot_queue", name, "that, then close", step::in_run<state>, work, close}};
}
template <void (*state)()>
void add_turns(const char* name) {
    step::Add{{"slot_queue", name, "turns of the loop", step::by_host<state>, turn}};
}

const bool added = [] {
    add_with_pairs<wait_begins<true>>("a wait for a filled slot begins", "reserve, commit", fill);
    add_with_pairs<wait_begins<false>>("a wait for a free slot begins", "peek, release", empty);
    add<resumed<true>>("filled in sleep, the reader is resumed", "reserve, commit", fill);
    add<resumed<false>>("emptied in sleep, the writer is resumed", "peek, release", empty);
    add_with_close<cancelled<true>>("the wait for a filled slot is cancelled", "reserve, commit", fill);
    add_with_close<cancelled<false>>("the wait for a free slot is cancelled", "peek, release", empty);
    add<times_out<true>>("the wait for a filled slot times out", "reserve, commit", fill);
    add<times_out<false>>("the wait for a free slot times out", "peek, release", empty);
    add_with_close<nothing_to_wait_for<true>>("a slot is filled", "reserve, commit", fill);
    add_with_close<nothing_to_wait_for<false>>("a slot is free", "peek, release", empty);
    add_turns<polled_meanwhile<true>>("filled while a task waits");
    add_turns<polled_meanwhile<false>>("emptied while a task waits");
    return true;
}();

} // namespace

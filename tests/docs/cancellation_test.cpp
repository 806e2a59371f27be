// The first two tables of docs/cancellation.md are made here: each cell is put together from what a scenario has shown,
// and compared with the page (see support/page.hpp for how to write it). One column of the second table is of the build
// without exceptions. The third table, of net, is made by tests/io/cancellation_test.cpp.
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <rouse/combine/cancel_scope.hpp>
#include <rouse/combine/select.hpp>
#include <rouse/combine/task_group.hpp>
#include <rouse/sync/barrier.hpp>
#include <rouse/sync/condition.hpp>
#include <rouse/sync/queue.hpp>
#include <rouse/sync/semaphore.hpp>
#include <rouse/threadsafe/delay.hpp>

#include "support/catch.hpp"
#include "support/page.hpp"
#include "support/run.hpp"

using namespace test;

// ---- the first table: a task is cancelled before, at, and after the moment when what it waits for happens -----------

enum class Moment { before, at, after };

// What all scenarios have in common. One has: task(), which awaits the thing, calls completed(), and then rests();
// happen(), by which it happens; became(), which says in words what has become of it; and perhaps others.
class Case {
public:
    Case(Moment when, VirtualTimePort& its_port, Loop& its_loop) : moment{when}, port{its_port}, loop{its_loop} {}

    void others_before() {}                    // starts tasks that wait before it does
    void others_behind() {}                    // and behind it
    bool happened() { return true; }           // whether it has happened, since happen()
    static constexpr bool waits = true;        // whether it is not ready at once
    static constexpr bool may_go_first = true; // whether a cancellation from outside finds it happened after happen()

    [[nodiscard]] bool has_completed() const { return completed_; }
    [[nodiscard]] const std::string& told() const { return told_; }

protected:
    auto watch() {
        return on_cancel([this] { told_ = completed_ ? "next" : "here"; });
    }
    auto rest() {
        completed_ = true;
        return sleep(24h);
    }
    [[nodiscard]] bool later() const { return moment == Moment::before; }
    [[nodiscard]] bool has_it() const { return moment == Moment::after; }

    const Moment moment;
    VirtualTimePort& port;
    Loop& loop;

private:
    bool completed_ = false;
    std::string told_;
};

static const char* const lost = "LOST";
static const char* const no_such_moment = "no such moment: ";

static void settle(Loop& loop) {
    while (loop.poll()) {
    }
}

template <class C>
static Task<> cancel_when_it_happened(C& scenario, TaskHandle<> task) {
    for (int i = 0; i < 100 && !scenario.happened(); ++i) co_await yield();
    REQUIRE(scenario.happened());
    if (!scenario.has_completed()) REQUIRE(task.cancel());
}

// What has been told, when the tasks that are left have ended, which use the scenario.
static std::string none_left(Loop& loop, std::string told) {
    auto nothing = []() -> Task<> { co_return; };
    loop.run(nothing());
    return told;
}

// Plays one scenario; what is cancelled as it happens is so before the loop has looked, or after.
template <class C>
static std::string play(Moment moment, bool before_the_loop_looks) {
    VirtualTimePort port;
    Loop loop{port};
    C scenario{moment, port, loop};
    scenario.others_before();
    settle(loop);
    TaskHandle<> task = loop.create_task(scenario.task());
    scenario.others_behind();
    if (C::waits || moment == Moment::before) settle(loop);

    switch (moment) {
    case Moment::before:
        if (scenario.has_completed()) return none_left(loop, no_such_moment + scenario.became());
        REQUIRE(task.cancel());
        settle(loop);
        REQUIRE(task.cancelled());
        scenario.happen();
        break;
    case Moment::at:
        if (before_the_loop_looks) {
            scenario.happen();
            REQUIRE(task.cancel());
        } else {
            loop.create_task(cancel_when_it_happened(scenario, task));
            scenario.happen();
        }
        break;
    case Moment::after:
        scenario.happen();
        settle(loop);
        REQUIRE(scenario.has_completed());
        REQUIRE(task.cancel());
        break;
    }
    settle(loop);
    if (!task.done()) return none_left(loop, no_such_moment + scenario.became());
    REQUIRE(task.cancelled());
    REQUIRE(detail::scheduler_of(loop).timers().empty());
    return none_left(loop, scenario.told() + ": " + scenario.became());
}

template <class C>
static std::vector<std::string> cells() {
    const std::string at = play<C>(Moment::at, false);
    if constexpr (C::may_go_first) CHECK(play<C>(Moment::at, true) == at);
    return {play<C>(Moment::before, false), at, play<C>(Moment::after, false)};
}

struct Yielding : Case {
    using Case::Case;
    static constexpr bool waits = false;
    static constexpr bool may_go_first = false;
    bool started = false;

    Task<> task() {
        const auto guard = watch();
        started = true;
        co_await yield();
        co_await rest();
    }
    void happen() {}
    bool happened() const { return started; }
    std::string became() const { return later() ? "it is ready at once" : "there is nothing to lose"; }
};

struct Sleeping : Case {
    using Case::Case;

    Task<> task() {
        const auto guard = watch();
        co_await sleep(1s);
        co_await rest();
    }
    void happen() { port.advance(1s); }
    std::string became() const {
        if (has_it()) return "it has slept";
        if (!detail::scheduler_of(loop).timers().empty()) return lost;
        return "its timer is gone";
    }
};

struct AwaitingChild : Case {
    using Case::Case;
    static constexpr bool may_go_first = false;
    Event event;
    Log log;
    bool child_ended = false;

    Task<> child() {
        const auto guard = on_cancel([this] { log("child"); });
        co_await event.wait();
        child_ended = true;
    }
    Task<> task() {
        const auto log_guard = on_cancel([this] { log("parent"); });
        const auto guard = watch();
        co_await child();
        co_await rest();
    }
    void happen() { event.set(); }
    bool happened() const { return child_ended; }
    std::string became() const {
        if (log == "child parent") return "the child is told first, at its own `co_await`";
        if (log == "parent") return "the child has ended";
        return "it goes on in the same step in which its child ends";
    }
};

// How a task ends that others await: when `event` is set, with 7.
struct Awaiting : Case {
    using Case::Case;
    static constexpr bool may_go_first = false;
    Event event;
    TaskHandle<int> awaited;
    bool ended_before = false; // by a cancellation, and before `task` was told of it
    int result = 0;

    Task<int> seven() {
        const auto guard = on_cancel([this] { ended_before = told().empty(); });
        co_await event.wait();
        co_return 7;
    }
    void others_before() { awaited = loop.create_task(seven()); }
    void happen() { event.set(); }
    bool happened() const { return awaited.done(); }
    std::string became() const {
        if (awaited.cancelled()) return ended_before ? "the awaited task is cancelled too, and ends first" : lost;
        if (awaited.result() != 7) return lost;
        return result == 7 ? "it has the result" : "the result stays in the handle";
    }
};

struct AwaitingHandle : Awaiting {
    using Awaiting::Awaiting;
    Task<> task() {
        const auto guard = watch();
        result = co_await awaited;
        co_await rest();
    }
};

struct AwaitingOutcome : Awaiting {
    using Awaiting::Awaiting;
    Task<> task() {
        const auto guard = watch();
        auto outcome = co_await awaited.outcome();
        result = outcome.value();
        co_await rest();
    }
};

template <class E>
struct WaitingForEvent : Case {
    using Case::Case;
    E event;
    bool other_went_on = false;

    Task<> other() {
        co_await event.wait();
        other_went_on = true;
    }
    Task<> task() {
        const auto guard = watch();
        co_await event.wait();
        co_await rest();
    }
    void others_behind() { loop.create_task(other()); }
    void happen() { event.set(); }
    std::string became() const {
        if (!event.is_set() || !other_went_on) return lost;
        return later() ? "the others wait on" : "the event stays set";
    }
};

struct WaitingForFlag : Case {
    using Case::Case;
    ThreadSafeFlag flag;

    Task<> task() {
        const auto guard = watch();
        co_await flag.wait();
        co_await rest();
    }
    void happen() { flag.set(); }
    std::string became() const {
        if (has_it()) return flag.is_set() ? lost : "the flag is clear";
        if (!flag.is_set()) return lost;
        return later() ? "a later `set()` stays" : "the flag stays set";
    }
};

template <bool takes>
struct WaitingForMessage : Case {
    using Case::Case;
    Message<int> message;

    Task<> task() {
        const auto guard = watch();
        if constexpr (takes) {
            co_await message.next();
        } else {
            co_await message.wait();
        }
        co_await rest();
    }
    void happen() { REQUIRE(message.set(7)); }
    std::string became() {
        if (message.value() != 7) return lost;
        if (takes && has_it()) return message.is_set() ? lost : "it has the value, the message is clear";
        if (!message.is_set()) return lost;
        return later() ? "a later `set()` stays" : "the message stays set";
    }
};

struct WaitingForLatest : Case {
    using Case::Case;
    Latest<int> latest;

    Task<> task() {
        const auto guard = watch();
        co_await latest.next();
        co_await rest();
    }
    void happen() { latest.publish(7); }
    std::string became() {
        if (latest.fresh() == has_it() || latest.value() != 7) return lost;
        return has_it() ? "it has the value" : later() ? "a later value stays unread" : "the value stays unread";
    }
};

template <bool takes_next>
struct WaitingForAnswer : Case {
    using Case::Case;
    OneShot<int> shot;
    OneShot<int>::Sender sender = shot.sender();

    Task<> task() {
        const auto guard = watch();
        if constexpr (takes_next) {
            co_await shot.next();
        } else {
            co_await shot.get();
        }
        co_await rest();
    }
    void happen() { REQUIRE(sender.set(7)); }
    std::string became() {
        if (has_it()) return "it has the answer";
        VirtualTimePort other_port;
        Loop other{other_port};
        auto takes = [this]() -> Task<int> { co_return co_await shot.get(); };
        if (!shot.is_set() || other.run(takes()) != 7) return lost;
        return later() ? "a later answer stays" : "the answer stays";
    }
};

template <bool filled>
struct WaitingForSlot : Case {
    using Case::Case;
    SlotQueue<int, 1> queue;
    const int* slot = nullptr;

    Task<> task() {
        if (!filled) queue.commit();
        const auto guard = watch();
        if constexpr (filled) {
            slot = co_await queue.next_filled();
        } else {
            slot = co_await queue.next_free();
        }
        co_await rest();
    }
    void happen() {
        if (filled) {
            *queue.reserve() = 7;
            REQUIRE(queue.commit());
        } else {
            queue.release();
        }
    }
    std::string became() {
        const int* const now = filled ? queue.peek() : queue.reserve();
        if (now == nullptr || slot != (has_it() ? now : nullptr)) return lost;
        if constexpr (filled) return later() ? "a later slot stays filled" : "the slot stays filled";
        return later() ? "a later slot stays free" : "the slot stays free";
    }
};

struct WaitingForBroadcast : Case {
    using Case::Case;
    Broadcast<int, 2> broadcast;
    Broadcast<int, 2>::Subscriber subscriber{broadcast};

    Task<> task() {
        const auto guard = watch();
        co_await subscriber.next();
        co_await rest();
    }
    void happen() { broadcast.publish(7); }
    std::string became() {
        const auto left = subscriber.get_sync();
        if (left.has_value() == has_it() || left.value_or(7) != 7) return lost;
        return has_it() ? "it has the value" : later() ? "a later value stays unread" : "the value stays unread";
    }
};

enum class Read { some, exactly, line };

template <Read how>
struct ReadingRing : Case {
    using Case::Case;
    RingIO<4> ring;
    char bytes[2] = {};

    Task<> task() {
        const auto guard = watch();
        if (how == Read::some) co_await ring.read(bytes);
        if (how == Read::exactly) co_await ring.readexactly(bytes);
        if (how == Read::line) co_await ring.readline(bytes);
        co_await rest();
    }
    void happen() { ring.received("a\n"); }
    std::string became() {
        std::string left;
        auto rest_of = [&]() -> Task<> {
            char byte[4];
            const std::size_t count = co_await ring.read(byte);
            left.assign(byte, count);
        };
        ring.close();
        loop.create_task(rest_of());
        settle(loop);
        if (has_it()) return left.empty() ? "it has the bytes" : lost;
        return left != "a\n" ? lost : later() ? "later bytes stay in the ring" : "the bytes stay in the ring";
    }
};

struct WritingRing : Case {
    using Case::Case;
    RingIO<1> ring;
    std::string sent;

    void send_all() {
        while (const auto byte = ring.next_to_send()) sent += *byte;
    }
    Task<> task() {
        const auto guard = watch();
        co_await ring.write("ab");
        co_await rest();
    }
    void happen() { send_all(); }
    std::string became() {
        send_all();
        if (has_it()) return sent == "ab" ? "all is written" : lost;
        return sent == "a" ? "a part is written" : lost;
    }
};

struct DrainingRing : Case {
    using Case::Case;
    RingIO<1> ring;
    std::string sent;

    Task<> task() {
        const auto guard = watch();
        co_await ring.write("a");
        co_await ring.drain();
        co_await rest();
    }
    void happen() {
        while (const auto byte = ring.next_to_send()) sent += *byte;
    }
    std::string became() { return sent == "a" ? "what was written is sent" : lost; }
};

template <class L>
struct Locking : Case {
    using Case::Case;
    L lock;
    bool next_has_it = false;

    Task<> hold() { co_await lock.acquire(); }
    Task<> next() {
        co_await lock.acquire();
        next_has_it = true;
    }
    void others_before() { loop.create_task(hold()); }
    void others_behind() { loop.create_task(next()); }
    void happen() { lock.release(); }
    std::string became() const {
        const std::string it = std::is_same_v<L, Lock> ? "the lock" : "the permit";
        if (next_has_it) return has_it() ? "its Guard gives " + it + " to the next" : "the next in line gets " + it;
        return has_it() && lock.locked() ? it + " stays taken until somebody releases it" : lost;
    }
};

template <class L>
struct Acquiring : Locking<L> {
    using Locking<L>::Locking;
    Task<> task() {
        const auto guard = this->watch();
        co_await this->lock.acquire();
        co_await this->rest();
    }
};

template <class L>
struct AcquiringScoped : Locking<L> {
    using Locking<L>::Locking;
    Task<> task() {
        const auto guard = this->watch();
        const auto held = co_await this->lock.scoped();
        co_await this->rest();
    }
};

// Two tasks wait, one is notified.
struct WaitingForCondition : Case {
    using Case::Case;
    static constexpr bool may_go_first = false;
    Condition condition;
    bool notified = false;
    bool told_with_lock = false;
    bool next_notified = false;

    Task<> task() {
        const auto held = co_await condition.scoped();
        const auto guard = watch();
        const auto look = on_cancel([this] { told_with_lock = condition.locked(); });
        co_await condition.wait();
        co_await rest();
    }
    Task<> next() {
        const auto held = co_await condition.scoped();
        co_await condition.wait();
        next_notified = true;
    }
    Task<> notify() {
        const auto held = co_await condition.scoped();
        condition.notify();
        notified = true;
    }
    void others_behind() { loop.create_task(next()); }
    void happen() { loop.create_task(notify()); }
    bool happened() const { return notified; }
    std::string became() const {
        if (!told_with_lock || condition.locked()) return lost;
        if (has_it()) return next_notified ? lost : "its Guard gives the lock to the next";
        if (!next_notified) return lost;
        return later() ? "when it has the lock again; the others wait on"
                       : "when it has the lock again; the next is notified";
    }
};

// Of two parties.
struct MeetingAtBarrier : Case {
    using Case::Case;
    static constexpr bool may_go_first = false;
    Barrier barrier{2};
    bool other_came = false;
    bool other_went_on = false;

    Task<> task() {
        const auto guard = watch();
        co_await barrier.wait();
        co_await rest();
    }
    Task<> other() {
        other_came = true;
        co_await barrier.wait();
        other_went_on = true;
    }
    void happen() { loop.create_task(other()); }
    bool happened() const { return other_came; }
    std::string became() const {
        if (later()) return barrier.n_waiting() == 1 && !other_went_on ? "the round needs another in its place" : lost;
        return barrier.n_waiting() == 0 && other_went_on ? "the round has passed, the others go on" : lost;
    }
};

struct AwaitingShielded : Awaiting {
    using Awaiting::Awaiting;
    Task<> task() {
        const auto guard = watch();
        result = co_await shield(awaited);
        co_await rest();
    }
    std::string became() const {
        const std::string became = Awaiting::became();
        return later() && became == "the result stays in the handle" ? "the awaited task continues" : became;
    }
};

struct WaitingForEnded : Case {
    using Case::Case;
    static constexpr bool may_go_first = false;
    Event event;
    TaskHandle<> member;
    bool has_member = false;

    Task<> body(TaskGroup& its_group) {
        const auto guard = watch();
        member = its_group.create_task(event.wait());
        const auto ended = co_await its_group.next_ended();
        has_member = ended == member;
        co_await rest();
    }
    Task<> task() {
        const auto run = [this](TaskGroup& its_group) { return body(its_group); };
        co_await TaskGroup::run(run);
    }
    void happen() { event.set(); }
    bool happened() const { return member.done(); }
    std::string became() const {
        if (!member.done() || has_member != has_it()) return lost;
        if (has_member) return "it has the handle";
        return later() ? "all in the group is cancelled too" : "the task has ended, its handle is with the group";
    }
};

struct RunningInScope : Case {
    using Case::Case;
    static constexpr bool may_go_first = false;
    CancelScope scope;
    Event event;
    bool ended = false;
    bool ended_before = false; // by a cancellation, and before `task` was told of it
    int result = 0;

    Task<int> inside() {
        const auto guard = on_cancel([this] { ended_before = told().empty(); });
        co_await event.wait();
        ended = true;
        co_return 7;
    }
    Task<> task() {
        const auto guard = watch();
        auto outcome = co_await scope.run(inside());
        result = outcome.value();
        co_await rest();
    }
    void happen() { event.set(); }
    bool happened() const { return ended; }
    std::string became() const {
        if (scope.cancelled()) return lost;
        if (!ended) return ended_before ? "`f()` is cancelled too, and ends first" : lost;
        return result == 7 ? "it has the result" : "`f()` has ended, its result is gone";
    }
};

struct CancellingScope : Case {
    using Case::Case;
    static constexpr bool may_go_first = false;
    CancelScope scope;
    bool cancelled_inside = false;

    Task<> inside() {
        const auto guard = on_cancel([this] { cancelled_inside = true; });
        co_await sleep(24h);
    }
    Task<> task() {
        const auto guard = watch();
        const auto outcome = co_await scope.run(inside());
        CHECK(outcome.cancelled());
        co_await rest();
    }
    void happen() { scope.cancel(); }
    bool happened() const { return cancelled_inside; }
    std::string became() const {
        if (!cancelled_inside) return lost;
        if (has_it()) return "it has the Outcome";
        return later() ? "`f()` is cancelled too, and ends first" : "the scope has cancelled `f()`";
    }
};

struct WaitingForTick : Case {
    using Case::Case;
    Ticker ticker{1s};
    bool took_one = false;

    Task<> task() {
        const auto guard = watch();
        co_await ticker.next();
        took_one = true;
        co_await rest();
    }
    void happen() { port.advance(1s); }
    // Takes the tick that is left.
    std::string became() {
        if (took_one) return "it has the tick";
        if (!detail::scheduler_of(loop).timers().empty()) return lost;
        TimePoint when;
        const auto takes_next = [](Ticker& from, TimePoint& time) -> Task<> {
            co_await from.next();
            time = Clock::now();
        };
        loop.run(takes_next(ticker, when));
        return when == TimePoint{1s} ? "the tick goes to the following `next()`" : lost;
    }
};

struct WaitingForDelay : Case {
    using Case::Case;
    Delay delay{1s};
    bool other_went_on = false;

    Task<> other() {
        co_await delay.wait();
        other_went_on = true;
    }
    Task<> task() {
        const auto guard = watch();
        delay.trigger();
        co_await delay.wait();
        co_await rest();
    }
    void others_behind() { loop.create_task(other()); }
    void happen() { port.advance(1s); }
    std::string became() const {
        if (!other_went_on || delay.running()) return lost;
        return later() ? "the delay runs on" : "the delay stays elapsed";
    }
};

struct GettingInTurn : Case {
    using Case::Case;
    Queue<int> queue;
    int item = 0;
    int item_of_next = 0;

    Task<> task() {
        const auto guard = watch();
        item = co_await queue.get();
        co_await rest();
    }
    Task<> next() { item_of_next = co_await queue.get(); }
    void others_behind() { loop.create_task(next()); }
    void happen() { REQUIRE(queue.put_nowait(7)); }
    std::string became() const {
        if (!queue.empty()) return lost;
        if (has_it()) return item == 7 ? "it has the item" : lost;
        if (item_of_next != 7) return lost;
        return later() ? "a later item goes to the next in line" : "the item goes to the next in line";
    }
};

struct PuttingInTurn : Case {
    using Case::Case;
    Queue<std::unique_ptr<int>, 1> queue;
    std::unique_ptr<int> value = std::make_unique<int>(7);
    std::unique_ptr<int> value_of_next = std::make_unique<int>(8);

    Task<> task() {
        const auto guard = watch();
        const bool accepted = co_await queue.put(std::move(value));
        CHECK(accepted);
        co_await rest();
    }
    Task<> next() {
        const bool accepted = co_await queue.put(std::move(value_of_next));
        CHECK(accepted);
    }
    void others_before() { REQUIRE(queue.put_nowait(std::make_unique<int>(1))); }
    void others_behind() { loop.create_task(next()); }
    void happen() { REQUIRE(queue.get_nowait().has_value()); }
    std::string became() const {
        if (!queue.full()) return lost;
        if (has_it()) return value == nullptr && value_of_next != nullptr ? "the value is in the queue" : lost;
        if (value == nullptr || value_of_next != nullptr) return lost;
        return "the value stays with the caller, the room goes to the next in line";
    }
};

struct JoiningQueue : Case {
    using Case::Case;
    Queue<int> queue;
    bool other_went_on = false;

    Task<> task() {
        const auto guard = watch();
        REQUIRE(queue.put_nowait(1));
        co_await queue.join();
        co_await rest();
    }
    Task<> other() {
        co_await queue.join();
        other_went_on = true;
    }
    void others_behind() { loop.create_task(other()); }
    void happen() { queue.task_done(); }
    std::string became() const {
        if (!other_went_on) return lost;
        return later() ? "the others wait on" : "the others go on";
    }
};

template <template <class, std::size_t> class Queue>
struct Getting : Case {
    using Case::Case;
    Queue<int, 2> queue;
    int item = 0;

    void happen() { REQUIRE(queue.put_sync(7)); }
    std::string became() {
        if (has_it()) return item == 7 && queue.empty() ? "it has the item" : lost;
        if (queue.get_sync() != 7) return lost;
        return later() ? "a later item stays in the queue" : "the item stays in the queue";
    }
};

template <template <class, std::size_t> class Queue>
struct GettingOne : Getting<Queue> {
    using Getting<Queue>::Getting;
    Task<> task() {
        const auto guard = this->watch();
        this->item = co_await this->queue.get();
        co_await this->rest();
    }
};

template <template <class, std::size_t> class Queue>
struct GettingNext : Getting<Queue> {
    using Getting<Queue>::Getting;
    Task<> task() {
        const auto guard = this->watch();
        const auto next = co_await this->queue.next();
        this->item = next.value_or(0);
        co_await this->rest();
    }
};

template <template <class, std::size_t> class Queue>
struct GettingMany : Getting<Queue> {
    using Getting<Queue>::Getting;
    Task<> task() {
        const auto guard = this->watch();
        int items[1] = {};
        const std::size_t count = co_await this->queue.next_many(items);
        if (count == 1) this->item = items[0];
        co_await this->rest();
    }
};

template <template <class, std::size_t> class Queue>
struct Putting : Case {
    using Case::Case;
    Queue<std::unique_ptr<int>, 1> queue;
    std::unique_ptr<int> value = std::make_unique<int>(7);

    Task<> task() {
        const auto guard = watch();
        REQUIRE(queue.put_sync(std::make_unique<int>(1)));
        const bool accepted = co_await queue.put(std::move(value));
        CHECK(accepted);
        co_await rest();
    }
    void happen() { REQUIRE(queue.get_sync().has_value()); }
    std::string became() {
        if (has_it()) return value == nullptr && queue.full() ? "the value is in the queue" : lost;
        return value != nullptr && !queue.get_sync() && queue.empty() ? "the value stays with the caller" : lost;
    }
};

// Two tasks: one ends with 1 before anybody is cancelled, the other when `event` is set, with 7.
struct Gathering : Awaiting {
    using Awaiting::Awaiting;
    TaskHandle<int> ended;

    Task<int> one() { co_return 1; }
    void others_before() {
        ended = loop.create_task(one());
        Awaiting::others_before();
    }
    std::string became() const {
        if (ended.result() != 1) return lost;
        if (awaited.cancelled()) return ended_before ? "those that run are cancelled too, and end first" : lost;
        if (awaited.result() != 7) return lost;
        return result == 8 ? "it has the results" : "the results stay in the handles";
    }
};

struct GatheringTuple : Gathering {
    using Gathering::Gathering;
    Task<> task() {
        const auto guard = watch();
        auto [a, b] = co_await gather(ended, awaited);
        result = a + b;
        co_await rest();
    }
};

struct GatheringRange : Gathering {
    using Gathering::Gathering;
    Task<> task() {
        const auto guard = watch();
        const std::vector<TaskHandle<int>> all{ended, awaited};
        auto results = co_await gather(all);
        result = results[0] + results[1];
        co_await rest();
    }
};

struct GatheringOutcomes : Gathering {
    using Gathering::Gathering;
    Task<> task() {
        const auto guard = watch();
        auto [a, b] = co_await gather(return_exceptions, ended, awaited);
        result = a.value() + b.value();
        co_await rest();
    }
};

// The same two, with a limit of 5 s; what happens is the end of the task or the item.
struct AwaitingWithLimit : Awaiting {
    using Awaiting::Awaiting;
    Task<> task() {
        const auto guard = watch();
        auto outcome = co_await try_wait_for(awaited, 5s);
        result = outcome.value();
        co_await rest();
    }
};

struct GettingWithLimit : Getting<ThreadSafeQueue> {
    using Getting<ThreadSafeQueue>::Getting;
    Task<> task() {
        const auto guard = watch();
        auto outcome = co_await try_wait_for(queue.get(), 5s);
        item = outcome.value();
        co_await rest();
    }
};

// And here the time is up.
struct AwaitingTooLong : Awaiting {
    using Awaiting::Awaiting;
    bool late = false;

    Task<> task() {
        const auto guard = watch();
        const auto outcome = co_await try_wait_for(awaited, 5s);
        late = outcome.timed_out();
        co_await rest();
    }
    void happen() { port.advance(5s); }
    std::string became() const {
        if (!awaited.cancelled() || !ended_before) return lost;
        if (later()) return "the awaited task is cancelled too, and ends first";
        return late ? "it knows that it is late" : "the awaited task was cancelled by the timer";
    }
};

struct GettingTooLong : Getting<ThreadSafeQueue> {
    using Getting<ThreadSafeQueue>::Getting;
    bool late = false;

    Task<> task() {
        const auto guard = watch();
        const auto outcome = co_await try_wait_for(queue.get(), 5s);
        late = outcome.timed_out();
        co_await rest();
    }
    void happen() { port.advance(5s); }
    std::string became() {
        REQUIRE(queue.put_sync(7));
        if (queue.get_sync() != 7) return lost;
        return late ? "it knows that it is late" : "a later item stays in the queue";
    }
};

struct SelectingItem : Getting<ThreadSafeQueue> {
    using Getting<ThreadSafeQueue>::Getting;
    ThreadSafeFlag flag;

    Task<> task() {
        const auto guard = watch();
        const auto first = co_await select(flag.wait(), queue.get());
        REQUIRE(first.index() == 1);
        item = std::get<1>(first);
        co_await rest();
    }
    std::string became() {
        flag.set();
        settle(loop);
        return flag.is_set() ? Getting::became() : lost;
    }
};

// Of a task that is made for it alone, and has a result.
struct WaitingForTaskOfItsOwn : Case {
    using Case::Case;
    static constexpr bool may_go_first = false;
    Event event;
    bool ended = false;
    bool ended_before = false; // by a cancellation, and before `task` was told of it
    int result = 0;

    Task<int> seven() {
        const auto guard = on_cancel([this] { ended_before = told().empty(); });
        co_await event.wait();
        ended = true;
        co_return 7;
    }
    void happen() { event.set(); }
    bool happened() const { return ended; }
    std::string became() const {
        if (has_it()) return result == 7 ? "it has the result" : lost;
        if (later()) return ended_before && !ended ? "`f()` is cancelled too, and ends first" : lost;
        return ended && !ended_before ? "`f()` has ended, its result is gone" : lost;
    }
};

struct SelectingTask : WaitingForTaskOfItsOwn {
    using WaitingForTaskOfItsOwn::WaitingForTaskOfItsOwn;
    Task<> task() {
        const auto guard = watch();
        const auto first = co_await select(seven(), sleep(1h));
        REQUIRE(first.index() == 0);
        result = std::get<0>(first);
        co_await rest();
    }
};

struct WaitingForTaskWithLimit : WaitingForTaskOfItsOwn {
    using WaitingForTaskOfItsOwn::WaitingForTaskOfItsOwn;
    Task<> task() {
        const auto guard = watch();
        auto outcome = co_await try_wait_for(seven(), 1h);
        result = outcome.value();
        co_await rest();
    }
};

struct RunningGroup : Case {
    using Case::Case;
    static constexpr bool may_go_first = false;
    Event event;
    bool ended = false;
    int ended_before = 0; // how many, by a cancellation, and before `task` was told of it

    Task<> member() {
        const auto guard = on_cancel([this] { ended_before += told().empty() ? 1 : 0; });
        co_await event.wait();
        ended = true;
    }
    Task<> task() {
        const auto guard = watch();
        const auto body = [this](TaskGroup& group) -> Task<> {
            group.create_task(member());
            co_await member();
        };
        co_await TaskGroup::run(body);
        co_await rest();
    }
    void happen() { event.set(); }
    bool happened() const { return ended; }
    std::string became() const {
        if (later()) return ended_before == 2 && !ended ? "all in the group is cancelled too, and ends first" : lost;
        return ended && ended_before == 0 ? "all in the group has ended" : lost;
    }
};

#if ROUSE_EXCEPTIONS

struct AwaitingOrThrowing : Awaiting {
    using Awaiting::Awaiting;
    Task<> task() {
        const auto guard = watch();
        result = co_await wait_for(awaited, 5s);
        co_await rest();
    }
};

struct GettingOrThrowing : Getting<ThreadSafeQueue> {
    using Getting<ThreadSafeQueue>::Getting;
    Task<> task() {
        const auto guard = watch();
        item = co_await wait_for(queue.get(), 5s);
        co_await rest();
    }
};

#endif

// ---- the second table: somebody else cancels what a task awaits -----------------------------------------------------

// How `awaits` goes on when the task that it awaits is cancelled.
template <class F>
static std::string cancel_what_is_awaited(F awaits) {
    VirtualTimePort port;
    Loop loop{port};
    std::string went_on;
    TaskHandle<int> awaited = loop.create_task(returns_after(7, 24h));
    TaskHandle<> task = loop.create_task(awaits(awaited, went_on));
    settle(loop);
    REQUIRE(awaited.cancel());
    settle(loop);
    REQUIRE(awaited.cancelled());
    REQUIRE(task.done());
    if (task.cancelled()) return went_on.empty() ? "it is cancelled too" : went_on;
    return went_on.empty() ? lost : went_on;
}

template <class F>
static Task<> tell(F await, TaskHandle<int> awaited, std::string& went_on) {
#if ROUSE_EXCEPTIONS
    try {
        went_on = co_await await(awaited);
    } catch (const CancelledError&) {
        went_on = "CancelledError is thrown";
    }
#else
    went_on = co_await await(awaited);
#endif
}

template <class F>
static std::string seen_by(F await) {
    return cancel_what_is_awaited(
        [&](TaskHandle<int> awaited, std::string& went_on) { return tell(await, awaited, went_on); });
}

static std::string in_words(const Outcome<int>& outcome) {
    return outcome.cancelled() ? "the Outcome is `cancelled()`" : lost;
}

static Task<std::string> await_handle(TaskHandle<int> awaited) {
    co_await awaited;
    co_return lost;
}

static Task<std::string> await_outcome(TaskHandle<int> awaited) {
    const auto outcome = co_await awaited.outcome();
    co_return in_words(outcome);
}

static Task<std::string> await_shielded(TaskHandle<int> awaited) {
    co_await shield(awaited);
    co_return lost;
}

static Task<std::string> await_in_scope(TaskHandle<int> awaited) {
    CancelScope scope;
    std::ignore = co_await scope.run(await_handle(awaited));
    co_return lost;
}

static Task<std::string> await_gathered(TaskHandle<int> awaited) {
    co_await gather(awaited);
    co_return lost;
}

static Task<std::string> await_gathered_outcomes(TaskHandle<int> awaited) {
    auto [outcome] = co_await gather(return_exceptions, awaited);
    co_return in_words(outcome);
}

static Task<std::string> await_with_limit(TaskHandle<int> awaited) {
    const auto outcome = co_await try_wait_for(awaited, 48h);
    co_return in_words(outcome);
}

static Task<std::string> await_selected(TaskHandle<int> awaited) {
    static_cast<void>(co_await select(awaited, sleep(48h)));
    co_return lost;
}

static Task<std::string> await_in_group(TaskHandle<int> awaited) {
    const auto body = [awaited](TaskGroup& group) -> Task<> {
        group.create_task(await_handle(awaited));
        co_return;
    };
    co_await TaskGroup::run(body);
    co_return "it goes on when all have ended";
}

#if ROUSE_EXCEPTIONS
static Task<std::string> await_or_throw(TaskHandle<int> awaited) {
    co_await wait_for(awaited, 48h);
    co_return lost;
}
#endif

// ---- the page -------------------------------------------------------------------------------------------------------

static std::vector<Row> first_table() {
    std::vector<Row> rows{
        {"`yield()`", cells<Yielding>()},
        {"`sleep(d)`, `sleep_until(t)`", cells<Sleeping>()},
        {"a child: `co_await f()`", cells<AwaitingChild>()},
        {"a task: `co_await handle`", cells<AwaitingHandle>()},
        {"`handle.outcome()`", cells<AwaitingOutcome>()},
        {"`shield(handle)`", cells<AwaitingShielded>()},
        {"`Event::wait()`", cells<WaitingForEvent<Event>>()},
        {"`Lock::acquire()`", cells<Acquiring<Lock>>()},
        {"`Lock::scoped()`", cells<AcquiringScoped<Lock>>()},
        {"`Semaphore::acquire()`", cells<Acquiring<Semaphore>>()},
        {"`Semaphore::scoped()`", cells<AcquiringScoped<Semaphore>>()},
        {"`Condition::wait()`", cells<WaitingForCondition>()},
        {"`Barrier::wait()`", cells<MeetingAtBarrier>()},
        {"`Queue::get()`", cells<GettingInTurn>()},
        {"`Queue::put(v)`", cells<PuttingInTurn>()},
        {"`Queue::join()`", cells<JoiningQueue>()},
        {"`Ticker::next()`", cells<WaitingForTick>()},
        {"`Delay::wait()`", cells<WaitingForDelay>()},
        {"`ThreadSafeFlag::wait()`", cells<WaitingForFlag>()},
        {"`ThreadSafeEvent::wait()`", cells<WaitingForEvent<ThreadSafeEvent>>()},
        {"`ThreadSafeQueue::get()`", cells<GettingOne<ThreadSafeQueue>>()},
        {"`ThreadSafeQueue::next()`", cells<GettingNext<ThreadSafeQueue>>()},
        {"`ThreadSafeQueue::next_many(items)`", cells<GettingMany<ThreadSafeQueue>>()},
        {"`ThreadSafeQueue::put(v)`", cells<Putting<ThreadSafeQueue>>()},
        {"`ThreadSafeMpscQueue::get()`", cells<GettingOne<ThreadSafeMpscQueue>>()},
        {"`ThreadSafeMpscQueue::next()`", cells<GettingNext<ThreadSafeMpscQueue>>()},
        {"`ThreadSafeMpscQueue::next_many(items)`", cells<GettingMany<ThreadSafeMpscQueue>>()},
        {"`ThreadSafeMpscQueue::put(v)`", cells<Putting<ThreadSafeMpscQueue>>()},
        {"`Message::wait()`", cells<WaitingForMessage<false>>()},
        {"`Message::next()`", cells<WaitingForMessage<true>>()},
        {"`Latest::next()`", cells<WaitingForLatest>()},
        {"`OneShot::get()`", cells<WaitingForAnswer<false>>()},
        {"`OneShot::next()`", cells<WaitingForAnswer<true>>()},
        {"`SlotQueue::next_filled()`", cells<WaitingForSlot<true>>()},
        {"`SlotQueue::next_free()`", cells<WaitingForSlot<false>>()},
        {"`Broadcast::Subscriber::next()`", cells<WaitingForBroadcast>()},
        {"`RingIO::read(bytes)`", cells<ReadingRing<Read::some>>()},
        {"`RingIO::readexactly(bytes)`", cells<ReadingRing<Read::exactly>>()},
        {"`RingIO::readline(bytes)`", cells<ReadingRing<Read::line>>()},
        {"`RingIO::write(bytes)`", cells<WritingRing>()},
        {"`RingIO::drain()`", cells<DrainingRing>()},
        {"`gather(a, b)`", cells<GatheringTuple>()},
        {"`gather(range)`", cells<GatheringRange>()},
        {"`gather(return_exceptions, a, b)`", cells<GatheringOutcomes>()},
        {"`select(queue.get(), ...)`", cells<SelectingItem>()},
        {"`select(f(), ...)`", cells<SelectingTask>()},
        {"`TaskGroup::run(body)`", cells<RunningGroup>()},
        {"`group.next_ended()`", cells<WaitingForEnded>()},
        {"`scope.run(f())`: it ends", cells<RunningInScope>()},
        {"`scope.run(f())`: the scope is cancelled", cells<CancellingScope>()},
        {"`try_wait_for(handle, d)`: it ends", cells<AwaitingWithLimit>()},
        {"`try_wait_for(handle, d)`: the time is up", cells<AwaitingTooLong>()},
        {"`try_wait_for(f(), d)`: it ends", cells<WaitingForTaskWithLimit>()},
        {"`try_wait_for(queue.get(), d)`: an item comes", cells<GettingWithLimit>()},
        {"`try_wait_for(queue.get(), d)`: the time is up", cells<GettingTooLong>()},
#if ROUSE_EXCEPTIONS
        {"`wait_for(handle, d)`: it ends", cells<AwaitingOrThrowing>()},
        {"`wait_for(queue.get(), d)`: an item comes", cells<GettingOrThrowing>()},
#else
        {"`wait_for(handle, d)`: it ends", {}},
        {"`wait_for(queue.get(), d)`: an item comes", {}},
#endif
    };
    return rows;
}

static std::vector<Row> second_table() {
    const auto here = [](std::string seen) -> std::vector<std::string> {
        return ROUSE_EXCEPTIONS ? std::vector<std::string>{seen, ""} : std::vector<std::string>{"", seen};
    };
    return {
        {"`co_await handle`", here(seen_by(await_handle))},
        {"`handle.outcome()`", here(seen_by(await_outcome))},
        {"`shield(handle)`", here(seen_by(await_shielded))},
        {"`gather(handle, ...)`", here(seen_by(await_gathered))},
        {"`gather(return_exceptions, handle, ...)`", here(seen_by(await_gathered_outcomes))},
        {"`select(handle, ...)`", here(seen_by(await_selected))},
        {"`TaskGroup::run`: a task of the group", here(seen_by(await_in_group))},
        {"`CancelScope::run`: its Task awaits it", here(seen_by(await_in_scope))},
        {"`try_wait_for(handle, d)`", here(seen_by(await_with_limit))},
#if ROUSE_EXCEPTIONS
        {"`wait_for(handle, d)`", here(seen_by(await_or_throw))},
#else
        {"`wait_for(handle, d)`", here("there is no `wait_for`")},
#endif
    };
}

TEST_CASE("the tables of docs/cancellation.md say what happens") {
    const Table moments{"moments", "tests/docs/cancellation_test.cpp",
                        "| | before | at | after |\n|---|---|---|---|\n"};
    const Table awaited{"awaited", "tests/docs/cancellation_test.cpp",
                        "| | with exceptions | without |\n|---|---|---|\n"};
    check_page("cancellation.md", [&](const std::string& page) {
        std::string made = awaited.put_into(moments.put_into(page, first_table()), second_table());
        CHECK(made.find(lost) == made.npos);
        return made;
    });
}

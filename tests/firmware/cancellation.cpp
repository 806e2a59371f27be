// Interrupts against deadlines and cancellations: a wait is given up at about the time at which its interrupt comes,
// for delays that sweep over every instruction. Whatever it was that the interrupt brought is received or still there:
// never both, and never neither. Then tasks are cancelled and replaced all the time while a stream of interrupts
// feeds them, and no item may be missing.
#include <type_traits>

#include "support.hpp"

using namespace test;

namespace {

constinit InterruptedAt addresses;
constinit rouse::ThreadSafeFlag flag;
constinit rouse::ThreadSafeQueue<std::uint32_t, 1> queue;

volatile bool fired = false;
bool in_time = false;             // the last one, before the wait was over
volatile std::uint32_t taken = 0; // by the interrupt
void (*answer)();

void arm(std::uint32_t delay) {
    fired = false;
    board::start_timer(delay, false);
}

// What the interrupt brings, how a task waits for it, and whether it is still there; number: of the shot.
struct Flag {
    static constexpr const char* name = "flag";
    static void bring() { flag.set(); }
    static void prepare(std::uint32_t) {}
    static auto wait(std::uint32_t&) { return flag.wait(); }
    static bool left(std::uint32_t) {
        const bool is_set = flag.is_set();
        flag.clear();
        return is_set;
    }
};
struct Get {
    static constexpr const char* name = "get";
    static inline std::uint32_t next = 0;
    static void bring() { check(queue.put_sync(next), "an empty queue is full"); }
    static void prepare(std::uint32_t number) { next = number; }
    static auto wait(std::uint32_t&) { return queue.get(); }
    static bool left(std::uint32_t number) {
        const auto item = queue.get_sync();
        check(!item || *item == number, "another item than was put");
        return item.has_value();
    }
};
struct Put {
    static constexpr const char* name = "put";
    static void bring() {
        const auto item = queue.get_sync();
        check(item.has_value(), "a full queue is empty");
        taken = *item;
    }
    static void prepare(std::uint32_t number) { check(queue.put_sync(number), "an empty queue is full"); }
    static auto wait(std::uint32_t& number) { return queue.put(number); }
    // Of the room: either the number is in it, or nothing.
    static bool left(std::uint32_t number) {
        check(taken == number, "the interrupt got another item than was put");
        const auto item = queue.get_sync();
        check(!item || *item == number + 1, "another item than was put");
        return !item.has_value();
    }
};

enum class How { deadline, cancelled_by_timer, cancelled_at_once };

template <class Kind>
Task<> wait_once(std::uint32_t number) {
    if constexpr (std::is_same_v<decltype(Kind::wait(number).await_resume()), bool>) {
        check(co_await Kind::wait(number), "an open queue refuses an item");
    } else {
        co_await Kind::wait(number);
    }
}

// One shot, after `delay`: whether the waiting task received it, and was not too late or cancelled.
template <class Kind>
Task<bool> shoot(How how, std::uint32_t number, std::uint32_t delay) {
    Kind::prepare(number);
    co_await rouse::sleep(100us); // to the next tick, so that every shot begins alike
    std::uint32_t other = number + 1;
    bool received = false;
    if (how == How::deadline) {
        arm(delay);
        const auto outcome = co_await rouse::try_wait_for(Kind::wait(other), 100us);
        received = !outcome.timed_out();
    } else {
        auto task = rouse::create_task(wait_once<Kind>(other));
        co_await rouse::yield();
        arm(delay);
        if (how == How::cancelled_by_timer) co_await rouse::sleep(100us);
        const bool cancelled = task.cancel();
        const auto outcome = co_await task.outcome();
        check(outcome.cancelled() == cancelled, "a task ended otherwise than cancel() said");
        received = !cancelled;
    }
    in_time = fired;
    while (!fired) co_await rouse::sleep(100us);
    const bool left = Kind::left(number);
    check(received || left, "what the interrupt brought was lost");
    check(!received || !left, "what the interrupt brought was received, and is still there");
    co_return received;
}

// Looks for the delay at which the other side wins, and sweeps over what is around it.
template <class Kind>
Task<> sweep(How how, const char* what) {
    answer = Kind::bring;
    std::uint32_t shots = 0;
    std::uint32_t turns = 1;
    for (bool received = true; received; turns += 97) {
        check(turns < 100'000, "nobody is ever too late");
        received = co_await shoot<Kind>(how, shots++, turns);
    }
    std::uint32_t received = 0;
    for (std::uint32_t delay = turns - 700; delay < turns + 300; ++delay) {
        const bool was_received = co_await shoot<Kind>(how, shots++, delay);
        received += was_received;
    }
    board::print(Kind::name, what, "1000 (", received, " received), ");
    check(received > 100 && received < 900, "the sweep did not cover both sides");
}

// A task that is cancelled at once receives nothing, wherever in cancel() the interrupt comes, or before it.
template <class Kind>
Task<> cancel_at_once() {
    answer = Kind::bring;
    std::uint32_t delay = 1;
    for (std::uint32_t later = 0; later < 60; ++delay) {
        check(delay < 20'000, "the interrupt always comes before the end");
        const bool received = co_await shoot<Kind>(How::cancelled_at_once, delay, delay);
        check(!received, "a task was cancelled, and has received something");
        later = in_time ? 0 : later + 1;
    }
    board::print(Kind::name, " cancelled at once ", delay, ", ");
}

template <class Kind>
Task<> sweeps() {
    co_await sweep<Kind>(How::deadline, " deadlines ");
    co_await sweep<Kind>(How::cancelled_by_timer, " cancellations ");
    co_await cancel_at_once<Kind>();
}

// A stream of items, to tasks that are cancelled and replaced.
constexpr std::uint32_t items = 5'000;
constinit rouse::ThreadSafeQueue<std::uint32_t, 3> stream;
volatile std::uint32_t sent = 0;
std::uint32_t received = 0;

void send() {
    if (stream.put_sync(std::uint32_t{sent})) sent = sent + 1;
    if (sent == items) {
        stream.close();
    } else {
        board::start_timer(80 + sent * 389 % 997, false);
    }
}

Task<> receive() {
    for (;;) {
        const auto item = co_await stream.next();
        if (!item) break;
        check(*item == received, "an item was lost, or came twice");
        ++received;
    }
}

Task<> storm() {
    answer = send;
    std::uint32_t cancelled = 0;
    board::start_timer(100, false);
    for (bool at_the_end = false; !at_the_end;) {
        auto task = rouse::create_task(receive());
        for (std::uint32_t turn = 0; turn <= cancelled % 5; ++turn) co_await rouse::yield();
        at_the_end = !task.cancel();
        if (!at_the_end) ++cancelled;
        const auto outcome = co_await task.outcome();
        check(outcome.cancelled() == !at_the_end, "a task ended otherwise than cancel() said");
    }
    check(received == items, "items have not arrived");
    check(cancelled > 300, "hardly any task was cancelled");
    board::print("storm ", cancelled, " tasks cancelled; ");
}

Task<> main_task() {
    co_await sweeps<Flag>();
    co_await sweeps<Get>();
    co_await sweeps<Put>();
    co_await storm();
}

rouse::SysTickClock* ticks = nullptr;

} // namespace

extern "C" void timer_interrupt() {
    addresses.note();
    fired = true;
    answer();
}
extern "C" void tick_interrupt() { ticks->tick(); }

int main() {
    board::print("cancellation: ");
    rouse::SysTickClock clock{board::clock_hertz, 100us};
    ticks = &clock;
    run(clock, main_task());
    board::print(addresses.distinct(), " distinct addresses interrupted\n");
    check(addresses.distinct() > 300, "the interrupts came in too few places");
}

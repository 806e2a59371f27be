// What a context does reaches another one just as that falls asleep: both start at one moment, linger for less than a
// microsecond, and then one waits for the only thing that the other does. Nothing comes later that could mend a lost
// wake.
#include <rouse/rouse.hpp>

#include "stress/storm.hpp"

using namespace rouse;
using namespace test;
using namespace std::chrono_literals;

namespace {

enum class Act {
    put,
    get,
    close_empty,
    close_full,
    put_as_it_closes,
    set_flag,
    set_event,
    set_message,
    publish,
    receive,
    answer,
    drop,
    commit,
    release,
    close_slots
};
constexpr int acts_on_queues = 5, all_acts = 15;

// The longer a put takes, the more can happen in its midst.
struct SlowToCopy {
    SlowToCopy() = default;
    SlowToCopy(const SlowToCopy&) noexcept { spin(50'000); }
    SlowToCopy(SlowToCopy&&) noexcept = default;
};

struct Round {
    Act act{};
    int number = 0;
    ThreadSafeFlag flag;
    ThreadSafeEvent event;
    ThreadSafeQueue<int, 1> empty, full;
    ThreadSafeQueue<SlowToCopy, 1> slow;
    Message<int, 1> message;
    Latest<int> latest{-1};
    RingIO<1> ring;
    OneShot<int> shot;
    OneShot<int>::Sender sender = shot.sender();
    SlotQueue<int, 1> slots, full_slots;
    bool accepted = false, received = false; // in slow
};

void act(Round& round) {
    switch (round.act) {
    case Act::put: (void)round.empty.put_sync(round.number); break;
    case Act::get: (void)round.full.get_sync(); break;
    case Act::close_empty: round.empty.close(); break;
    case Act::close_full: round.full.close(); break;
    case Act::put_as_it_closes: {
        const SlowToCopy item;
        round.accepted = round.slow.put_sync(item);
        break;
    }
    case Act::set_flag: round.flag.set(); break;
    case Act::set_event: round.event.set(); break;
    case Act::set_message: (void)round.message.set(round.number); break;
    case Act::publish: round.latest.publish(round.number); break;
    case Act::receive: (void)round.ring.received('r'); break;
    case Act::answer: round.sender.set(round.number); break;
    case Act::drop: round.sender = {}; break;
    case Act::commit:
        *round.slots.reserve() = round.number;
        round.slots.commit();
        break;
    case Act::release: round.full_slots.release(); break;
    case Act::close_slots: round.slots.close(); break;
    }
}

// A thread that acts on each round it is shown, at about the moment when show() returns.
class Actor {
public:
    Actor()
        : thread_{[this] {
              Dice dice{1};
              while (Round* const round = meet_and_get()) {
                  dice.linger_or_sleep(3000); // the other one has some way to go until it sleeps
                  act(*round);
                  ++ended_;
              }
          }} {}
    ~Actor() {
        meet(nullptr);
        thread_.join();
    }
    Actor(const Actor&) = delete;
    Actor& operator=(const Actor&) = delete;

    void meet(Round* round) {
        shown_ = round;
        ++given_;
        wait_until([this] { return taken_ == given_; });
    }
    /// From here on the round may go.
    void wait_for_end() {
        wait_until([this] { return ended_ == given_; });
    }

private:
    Round* meet_and_get() {
        wait_until([this] { return given_ != taken_; });
        Round* const round = shown_;
        ++taken_;
        return round;
    }
    // Spins, as whoever sleeps comes too late; but lets others run, if they have to.
    template <class F>
    static void wait_until(F done) {
        for (int spins = 1; !done(); ++spins) {
            if (spins % 2000 == 0) std::this_thread::yield();
        }
    }

    std::atomic<Round*> shown_{nullptr};
    std::atomic<int> given_{0}, taken_{0}, ended_{0};
    std::thread thread_;
};

Round& prepare(Round& round, int number, int acts) {
    round.number = number;
    round.act = static_cast<Act>(number % acts);
    if (!round.full.put_sync(0) || !round.full_slots.commit()) FAIL("no room in an empty queue");
    return round;
}

void wait_as_a_thread(Round& round) {
    bool right = false;
    switch (round.act) {
    case Act::put: right = round.empty.get_sync(block) == round.number; break;
    case Act::get: right = round.full.put_sync(1, block); break;
    case Act::close_empty: right = !round.empty.get_sync(block); break;
    case Act::close_full: right = !round.full.put_sync(1, block); break;
    default:
        round.slow.close();
        right = true;
        round.received = round.slow.get_sync(block).has_value();
    }
    if (!right) FAIL("wrong result in round " << round.number);
}

// The same for so long at the most; then it may be too early still.
bool wait_for_a_time(Round& round, std::chrono::nanoseconds at_most) {
    switch (round.act) {
    case Act::put: return round.empty.get_sync(at_most).has_value();
    case Act::get: return round.full.put_sync(1, at_most);
    case Act::close_empty: return round.empty.get_sync(at_most) || round.empty.closed();
    case Act::close_full: return round.full.put_sync(1, at_most) || round.full.closed();
    default: return false;
    }
}

void check(const Round& round) {
    if (round.accepted != round.received)
        FAIL(round.accepted << " accepted, " << round.received << " received in round " << round.number);
}

Task<> wait_as_a_task(Round& round) {
    bool right = true;
    switch (round.act) {
    case Act::put: {
        const auto item = co_await round.empty.next();
        right = item == round.number;
        break;
    }
    case Act::get: right = co_await round.full.put(1); break;
    case Act::close_empty: {
        const auto item = co_await round.empty.next();
        right = !item;
        break;
    }
    case Act::close_full: {
        const bool put = co_await round.full.put(1);
        right = !put;
        break;
    }
    case Act::put_as_it_closes: {
        round.slow.close();
        const auto item = co_await round.slow.next();
        round.received = item.has_value();
        break;
    }
    case Act::set_flag: co_await round.flag.wait(); break;
    case Act::set_event: co_await round.event.wait(); break;
    case Act::set_message: {
        const int value = co_await round.message.next();
        right = value == round.number && !round.message.is_set();
        break;
    }
    case Act::publish: {
        const int value = co_await round.latest.next();
        right = value == round.number;
        break;
    }
    case Act::receive: {
        char byte[1];
        const std::size_t count = co_await round.ring.read(byte);
        right = count == 1 && byte[0] == 'r';
        break;
    }
    case Act::answer: {
        const auto answer = co_await round.shot.next();
        right = answer == round.number;
        break;
    }
    case Act::drop: {
        const auto answer = co_await round.shot.next();
        right = !answer;
        break;
    }
    case Act::commit: {
        const int* const slot = co_await round.slots.next_filled();
        right = slot != nullptr && *slot == round.number;
        break;
    }
    case Act::release: {
        const int* const slot = co_await round.full_slots.next_free();
        right = slot != nullptr;
        break;
    }
    case Act::close_slots: {
        const int* const slot = co_await round.slots.next_filled();
        right = slot == nullptr;
        break;
    }
    }
    if (!right) FAIL("wrong result in round " << round.number);
}

} // namespace

TEST_CASE("storm: a thread falls asleep in a queue as another one puts, gets or closes") {
    Actor actor;
    Storm storm{"falling asleep as a thread"};
    Dice dice{2};
    while (storm.goes_on()) {
        Round round;
        actor.meet(&prepare(round, storm.round(), acts_on_queues));
        dice.linger();
        const bool timed = dice.one_in(4);
        if (!timed || !wait_for_a_time(round, std::chrono::nanoseconds{dice(3000)})) wait_as_a_thread(round);
        actor.wait_for_end();
        check(round);
    }
}

TEST_CASE(
    "storm: a task falls asleep in an object as a thread sets, publishes, puts, gets, closes, receives, answers, "
    "commits "
    "or releases") {
    Actor actor;
    auto main = [&]() -> Task<> {
        Storm storm{"falling asleep as a task"};
        Dice dice{3};
        while (storm.goes_on()) {
            Round round;
            actor.meet(&prepare(round, storm.round(), all_acts));
            dice.linger();
            co_await wait_as_a_task(round);
            actor.wait_for_end();
            check(round);
        }
    };
    run(main());
}

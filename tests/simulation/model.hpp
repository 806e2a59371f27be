// The state that the reference works on, and the few verbs of which the table in reference.hpp is made.
//
// Nothing here is taken from the library: numbers, lists of numbers, and the rules of order that users are promised.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "trace.hpp"

namespace simulation {

#if defined(__cpp_exceptions)
inline constexpr bool with_exceptions = true;
#else
inline constexpr bool with_exceptions = false;
#endif

/// A list of task instances, or of other small numbers, in order.
class List {
public:
    [[nodiscard]] bool empty() const { return count_ == 0; }
    [[nodiscard]] int size() const { return count_; }
    [[nodiscard]] const std::int8_t* begin() const { return items_.data(); }
    [[nodiscard]] const std::int8_t* end() const { return items_.data() + count_; }
    [[nodiscard]] bool contains(int item) const {
        for (const int each : *this) {
            if (each == item) return true;
        }
        return false;
    }
    void push(int item) { items_[count_++] = std::int8_t(item); }
    int pop() {
        const int first = items_[0];
        remove(first);
        return first;
    }
    void remove(int item) {
        std::uint8_t kept = 0;
        bool removed = false;
        for (std::uint8_t i = 0; i < count_; ++i) {
            const bool skip = !removed && items_[i] == item;
            removed = removed || skip;
            if (!skip) items_[kept++] = items_[i];
        }
        count_ = kept;
    }

private:
    std::array<std::int8_t, 3 * most_instances> items_;
    std::uint8_t count_ = 0;
};

enum class Kind : std::uint8_t {
    none,
    event,
    lock,
    condition,
    semaphore,
    queue,
    barrier,
    delay,
    flag,
    shared_event,
    shared_queue,
    message,
    latest,
    one_shot,     // with a sender at any time
    ring_io_in,   // of a RingIO: what has come, and who waits for it
    ring_io_out,  // what is to be sent, and who waits for room
    ring_io_idle, // who waits until all is sent
    end_of_list
};

struct Model;
struct Object;

/// Where tasks wait in an object, in the order in which they began.
struct Place {
    bool foreign = false; // reached by way of the inbox: who is woken arrives at the beginning of the next turn
    bool (*ready)(const Object&) = nullptr; // what is waited for is there
    List waiting;
    List due;          // foreign: to be woken by what is on its way, whatever happens until then
    bool sent = false; // foreign: it is on its way
    int holder = -1;   // of a place for one: who waits there, until it has gone on
};

/// An event, a lock, a flag, a queue: they differ in what the table does with it.
struct Object {
    int level = 0;       // set; or how often it can be acquired
    int capacity = 0;    // of a queue; the parties of a barrier; the duration of a delay
    int deadline = 0;    // of a delay that was triggered
    int newest = 0;      // of a message or a Latest
    int lost = 0;        // of a RingIO: bytes
    bool closed = false; // or broken
    List items;
    List fetched; // of a RingIO: out of the ring, but not read yet

    // Of a Queue: what is promised does not count.
    [[nodiscard]] bool has_item() const { return items.size() > promised[0]; }
    [[nodiscard]] bool has_room() const { return !closed && capacity - items.size() > promised[1]; }
    [[nodiscard]] bool drained() const { return closed && items.empty(); }

    std::array<Place, 2> places;   // of a queue: the consumer's and the producer's
    std::array<int, 2> promised{}; // of a Queue: items, and room, to those who have been woken for them
};

enum class State : std::uint8_t { absent, ready, running, waiting, done };
enum class Waits : std::uint8_t { in_ready_queue, for_time, in_place, for_task, for_group, for_first, for_condition };
enum class Fate : std::uint8_t { none, value, cancelled, error };

struct Task {
    std::int8_t id = 0;
    State state = State::absent;
    Waits waits = Waits::in_ready_queue;
    bool started = false;
    bool suspended = false;        // in the step `step`
    bool cancel_requested = false; // its next resumption is a cancellation
    bool late = false;             // its time limit was reached, and has interrupted or cancelled
    bool granted = false;          // it has been handed what it waits for
    bool seen = false;             // somebody has been told how it ended
    Fate fate = Fate::none;
    std::uint8_t step = 0;
    std::uint8_t held = 0; // bits: the locks that it has acquired
    int written = 0;       // bytes of what it is writing
    int number = 0;        // what it is putting; its place in the round of a barrier, or -1
    Place* place = nullptr;
    Object* object = nullptr; // of which that is a place
    bool given_up = false;    // it was to be taken out, and had to wait on: what comes is not what it waited for
    bool notified = false;    // by a condition: it waits for the lock
    // Of a task that waits for one task or several.
    List awaited;
    bool wants_outcome = false;
    bool failure_ends = false;
    int failed = -1;
    List awaiters; // those who wait for this one
    // Of a task that waits for the first of two: each is a branch, a task that only waits.
    int first = -1;    // the branch that was woken first
    bool over = false; // the other does not matter any more
    int absent = 0;    // how many branches could not be taken out at once, and have not come back
    // Of a branch.
    int owner = -1;
    bool is_absent = false;
};

struct Timer {
    enum Action : std::uint8_t { wake, interrupt, cancel };
    int time = 0;
    Action action = wake;
    int task = 0;   // who set it
    int target = 0; // whom it cancels
};

struct Model {
    const Program& program;
    Trace& trace;
    int now = 0;
    std::array<Task, 3 * most_instances> tasks; // behind the instances, two branches of each
    std::array<int, most_tasks + 1> starts{};
    std::array<std::array<Object, objects_of_a_kind>, std::size_t(Kind::end_of_list)> objects;
    List ready;                                   // instances
    List inbox;                                   // numbers of places
    std::array<Timer, 3 * most_instances> timers; // in the order of setting
    int timer_count = 0;
    int next_number = 1;
    int reports = 0;
    int transmissions = 0; // how often a transmitter was started

    Model(const Program& what, Trace& into) : program{what}, trace{into} {
        for (std::size_t i = 0; i < tasks.size(); ++i) tasks[i].id = std::int8_t(i);
    }

    Object& object(Kind kind, int number) { return objects[std::size_t(kind)][std::size_t(number)]; }
    Place& place(int number) {
        return objects[std::size_t(number / 4)][std::size_t(number / 2 % 2)].places[std::size_t(number % 2)];
    }
    int number_of(const Place& which) {
        for (int i = 0;; ++i) {
            if (&place(i) == &which) return i;
        }
    }
    Task& task(int id) { return tasks[std::size_t(id)]; }
    Task& branch(const Task& owner, int which) { return task(most_instances + 2 * owner.id + which); }
    /// The newest instance of a body; null if it was never started.
    Task* newest(int body) {
        const int count = starts[std::size_t(body)];
        return count == 0 ? nullptr : &task(instance(body, count - 1));
    }

    // ---- waking: puts a task behind those that are ready, or on its way there ----

    void go(Task& woken) {
        if (woken.owner >= 0) {
            if (woken.state == State::waiting) came_back(task(woken.owner), woken);
            return;
        }
        if (woken.state == State::ready) return;
        woken.state = State::ready;
        ready.push(woken.id);
    }
    void wake_all(Place& where) {
        if (!where.foreign) {
            while (!where.waiting.empty()) go(task(where.waiting.pop()));
        } else if (!where.waiting.empty() && !where.sent) {
            where.sent = true;
            inbox.push(number_of(where));
        }
    }
    void grant_next(Place& where) {
        Task& next = task(where.waiting.pop());
        next.granted = true;
        go(next);
    }
    /// Hands over to the one who has waited longest, or to nobody.
    void hand_over(Object& what) {
        if (what.places[0].waiting.empty()) {
            ++what.level;
        } else {
            grant_next(what.places[0]);
        }
    }
    /// Promises the items and the room of a Queue to those who wait; whoever waits in vain, as it is closed, is woken
    /// too.
    void settle(Object& what) {
        while (!what.places[0].waiting.empty() && (what.drained() || what.has_item())) {
            what.promised[0] += !what.drained();
            grant_next(what.places[0]);
        }
        while (!what.places[1].waiting.empty() && (what.closed || what.has_room())) {
            what.promised[1] += !what.closed;
            grant_next(what.places[1]);
        }
    }
    void arrive(Place& where, const Object& what) {
        where.sent = false;
        while (!where.due.empty()) go(task(where.due.pop()));
        if (where.ready(what)) {
            while (!where.waiting.empty()) go(task(where.waiting.pop()));
        }
    }

    // ---- timers ----

    void set_timer(int time, Timer::Action action, int whose, int target = 0) {
        timers[std::size_t(timer_count++)] = {time, action, whose, target};
    }
    /// Of a delay: those who wait have a timer if it has been triggered, set anew, in their order.
    void set_timers(const Object& what) {
        for (const int each : what.places[0].waiting) {
            if (task(each).state != State::waiting) continue; // woken
            remove_timers_of(each, false);
            if (what.level > 0) set_timer(what.deadline, Timer::wake, each);
        }
    }
    void remove_timer(int index) {
        for (int i = index + 1; i < timer_count; ++i) timers[std::size_t(i - 1)] = timers[std::size_t(i)];
        --timer_count;
    }
    void remove_timers_of(int whose, bool limits_too = true) {
        for (int i = timer_count; i-- > 0;) {
            const Timer& each = timers[std::size_t(i)];
            if (each.task == whose && (limits_too || each.action == Timer::wake)) remove_timer(i);
        }
    }
    /// The first that is due, of those due at one instant the one that was set first; -1 if there is none.
    [[nodiscard]] int first_timer() const {
        int first = -1;
        for (int i = 0; i < timer_count; ++i) {
            if (first < 0 || timers[std::size_t(i)].time < timers[std::size_t(first)].time) first = i;
        }
        return first;
    }

    // ---- cancellation ----

    /// Ends a wait without what is waited for. False if that is on its way already, or must be waited for.
    bool take_out(Task& waiting) {
        switch (waiting.waits) {
        case Waits::for_time: remove_timers_of(waiting.id); return true;
        case Waits::for_task: task(*waiting.awaited.begin()).awaiters.remove(waiting.id); return true;
        case Waits::for_group: // cancels those that it gathers, and waits for them
            waiting.failure_ends = false;
            for (const int each : waiting.awaited) {
                if (task(each).state != State::done) cancel(task(each));
            }
            return false;
        case Waits::for_condition: return give_up(waiting);
        case Waits::for_first: finish_race(waiting); return waiting.absent == 0;
        default: break;
        }
        Place& where = *waiting.place;
        if (where.sent) { // it goes on when that has arrived, whether or not that is what it waits for
            waiting.given_up = !where.due.contains(waiting.id) && !where.ready(*waiting.object);
            where.waiting.remove(waiting.id);
            where.due.remove(waiting.id);
            where.due.push(waiting.id);
            return false;
        }
        where.waiting.remove(waiting.id);
        if (where.holder == waiting.id) where.holder = -1;
        return true;
    }
    bool interrupt(Task& waiting) {
        if (waiting.state != State::waiting || !take_out(waiting)) return false;
        go(waiting);
        return true;
    }
    /// Forwarded along those who wait for one task, to the last; who asked for an outcome would not notice, and is
    /// told.
    bool cancel(Task& first) {
        if (first.state == State::done) return false;
        Task* last = &first;
        const auto waits_for_one = [](const Task& t) {
            return t.state == State::waiting && t.waits == Waits::for_task;
        };
        while (waits_for_one(*last)) last = &task(*last->awaited.begin());
        last->cancel_requested = true;
        for (Task* each = &first; each != last; each = &task(*each->awaited.begin())) {
            if (each->wants_outcome || last->state == State::running) each->cancel_requested = true;
        }
        interrupt(*last);
        return true;
    }

    // ---- tasks ----

    void start(int body) {
        Task& created = task(instance(body, starts[std::size_t(body)]++));
        go(created);
    }
    /// Whether `from` waits, by way of others, for `to`.
    bool reaches(const Task& from, const Task& to, bool through_groups) {
        if (&from == &to) return true;
        if (from.state != State::waiting) return false;
        if (through_groups && from.waits == Waits::for_first) {
            return reaches(branch(from, 0), to, true) || reaches(branch(from, 1), to, true);
        }
        if (from.waits != Waits::for_task && !(through_groups && from.waits == Waits::for_group)) return false;
        for (const int each : from.awaited) {
            if (task(each).state != State::done && reaches(task(each), to, through_groups)) return true;
        }
        return false;
    }
    void end(Task& ended, Fate fate) {
        for (int i = 0; i < objects_of_a_kind; ++i) {
            if ((ended.held >> i & 1) != 0) hand_over(object(Kind::lock, i));
        }
        ended.state = State::done;
        ended.fate = fate;
        while (!ended.awaiters.empty()) {
            ended.seen = true;
            tell(task(ended.awaiters.pop()), ended);
        }
    }

    /// Of a condition: they queue for its lock.
    void notify_next(Place& where, Object& lock) {
        Task& next = task(where.waiting.pop());
        next.notified = true;
        lock.places[0].waiting.push(next.id);
    }
    bool give_up(Task& waiting) {
        if (waiting.notified || waiting.given_up) return false;
        waiting.given_up = true;
        waiting.place->waiting.remove(waiting.id);
        Object& lock = *waiting.object;
        waiting.granted = lock.level > 0;
        if (waiting.granted) {
            --lock.level;
        } else {
            lock.places[0].waiting.push(waiting.id);
        }
        return waiting.granted;
    }

    /// The others lose nothing: they are taken out, or if something is on its way to them, waited for.
    void finish_race(Task& owner) {
        owner.over = true;
        for (int i = 0; i < 2; ++i) {
            Task& each = branch(owner, i);
            if (each.id == owner.first || each.state != State::waiting) continue;
            if (take_out(each)) {
                each.state = State::running;
            } else if (!std::exchange(each.is_absent, true)) {
                ++owner.absent;
            }
        }
    }

private:
    void came_back(Task& owner, Task& woken) {
        woken.state = State::running;
        if (std::exchange(woken.is_absent, false)) --owner.absent;
        if (owner.first < 0) owner.first = woken.id;
        if (!owner.over) finish_race(owner);
        if (owner.absent != 0) return;
        if (task(owner.first).cancel_requested) owner.cancel_requested = true; // without exceptions: see tell()
        go(owner);
    }
    void tell(Task& awaiter, const Task& ended) {
        if (awaiter.state != State::waiting) return; // a group that has ended early
        // Without exceptions, who awaits a cancelled task is cancelled, unless it asked for the outcome.
        const bool failed = ended.fate != Fate::value;
        const bool tells = awaiter.waits == Waits::for_task ? !awaiter.wants_outcome : awaiter.failure_ends && failed;
        if (failed && tells && !with_exceptions) awaiter.cancel_requested = true;
        if (awaiter.waits == Waits::for_group) {
            if (failed && awaiter.failed < 0) awaiter.failed = ended.id;
            bool pending = false;
            for (const int each : awaiter.awaited) pending = pending || task(each).state != State::done;
            if (pending && !tells) return;
        }
        go(awaiter);
    }
};

} // namespace simulation

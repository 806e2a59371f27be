// The reference: what each operation means, as a table. predict.hpp applies it.
//
// A row says what can be checked against what the classes promise:
//   refused    when the operation is bad use, which the library refuses
//   skipped    when it would be bad use that the library does not refuse at once, or not in the same way everywhere;
//              such a step is not tried
//   at once    when it completes without suspending; the rows of what never suspends say `always`
//   waits      where the task waits else
//   completes  what it does and gives when the task goes on: at once, or at its resumption. Result::none: what it
//              wants is not there after all, and it waits again. Everything is consumed here, and not when the task
//              is woken, so a cancelled wait has nothing to give back; except:
//   passes on  what was kept for this task when it was woken, if it is cancelled before it goes on
#pragma once

#include <algorithm>
#include <utility>

#include "model.hpp"

namespace simulation {

struct Call {
    Model& m;
    Task& self;
    Step step;
    Object& o;    // the operand, if it is an object
    Task* target; // the operand, if it is a task that was started; else null
};

struct Given {
    Result result = Result::ok;
    int value = 0;
};

/// Where a task waits: in one of the two places of the operand, or elsewhere.
enum class Where : std::uint8_t { nowhere, queue, time, first_place, second_place, condition, delay, task, group };

struct Row {
    Op op;
    Kind kind;
    bool (*refused)(Call&);
    bool (*skipped)(Call&);
    bool (*at_once)(Call&);
    Where waits;
    Given (*completes)(Call&);
    void (*passes_on)(Call&);
};

// ---- the words of the table -----------------------------------------------------------------------------------------

namespace words {

inline constexpr int long_past = -1; // before all others that are due

inline bool never(Call&) { return false; }
inline bool always(Call&) { return true; }

inline bool set(const Object& o) { return o.level > 0; }
inline bool item_or_closed(const Object& o) { return !o.items.empty() || o.closed; }
inline bool room_or_closed(const Object& o) { return o.items.size() < o.capacity || o.closed; }
template <bool (*condition)(const Object&)>
bool is(Call& c) {
    return condition(c.o);
}

// One task may wait here, until it has gone on or was taken out.
template <int place>
bool somebody_waits(Call& c) {
    return c.o.places[place].holder >= 0;
}
// The one who waits here has been told that there is something for it, and finds that it is gone: bad use, too late
// to be refused.
template <int place>
bool takes_from_another(Call& c) {
    const int holder = c.o.places[place].holder;
    return holder >= 0 && c.m.task(holder).state != State::waiting;
}
inline bool somebody_waits_in_vain(Call& c) { return somebody_waits<0>(c) && c.o.level == 0; }
inline bool not_held(Call& c) { return (c.self.held >> c.step.operand & 1) == 0; }

inline bool is_self(Call& c) { return c.target == &c.self; }
inline bool absent_or_circle(Call& c) {
    return c.target == nullptr || (c.target->state != State::done && c.m.reaches(*c.target, c.self, false));
}
// Who waits for a condition has to have its lock even to be cancelled. So one who holds the lock and waits for the
// other's end waits for ever, as do two who each hold what the other has to have.
inline bool withholds_lock(Call& c) {
    for (const Task& each : c.m.tasks) {
        if (each.state != State::waiting || each.waits != Waits::for_condition) continue;
        for (int i = 0; i < objects_of_a_kind; ++i) {
            if ((c.self.held >> i & 1) != 0 && each.object == &c.m.object(Kind::lock, i)) return true;
        }
    }
    return false;
}
inline bool not_held_alone(Call& c) { return c.self.held != 1U << c.step.operand; }
// Not refused if it goes by way of a gather.
inline bool circle(Call& c) {
    return c.target != nullptr && c.target->state != State::done &&
           (c.m.reaches(*c.target, c.self, true) || withholds_lock(c));
}
template <class F>
void for_gathered(Call& c, F f) {
    for (int i = 0; i < most_tasks; ++i) {
        Task* each = (c.step.operand >> i & 1) != 0 ? c.m.newest(i + 1) : nullptr;
        if (each != nullptr) f(*each);
    }
}
inline bool gather_in_a_circle(Call& c) {
    bool found = false;
    for_gathered(c,
                 [&](Task& each) { found = found || (each.state != State::done && c.m.reaches(each, c.self, true)); });
    return found || withholds_lock(c);
}
inline bool runs_or_used_up(Call& c) {
    return (c.target != nullptr && c.target->state != State::done) || c.m.starts[c.step.operand] == starts_of_a_body;
}
inline bool ended(Call& c) { return c.target->state == State::done; }
inline bool all_ended_or_one_failed(Call& c) {
    bool all = true;
    bool failed = false;
    for_gathered(c, [&](Task& each) {
        all = all && each.state == State::done;
        failed = failed || (each.state == State::done && each.fate != Fate::value);
    });
    return all || (failed && c.step.op == Op::gather);
}

inline Given nothing(Call&) { return {}; }
inline void rouses(Call& c, Object& o) {
    o.level = 1;
    c.m.wake_all(o.places[0]);
}
inline Given sets(Call& c) {
    rouses(c, c.o);
    return {Result::ok, c.o.level};
}
// Those for whom a set() is on its way go on all the same; who begins to wait from here on does not.
inline Given clears(Call& c) {
    Place& place = c.o.places[0];
    if (c.o.level > 0 && place.sent) {
        while (!place.waiting.empty()) place.due.push(place.waiting.pop());
    }
    c.o.level = 0;
    return {Result::ok, c.o.level};
}
// Of a message: to a waiter, the newest value there is when it goes on.
inline Given sets_number(Call& c) {
    c.o.newest = c.self.number;
    return sets(c);
}
inline Given gives_newest(Call& c) { return {Result::ok, c.o.newest}; }
inline Given gives_newest_and_clears(Call& c) {
    clears(c);
    return gives_newest(c);
}
inline Given gives_newest_once(Call& c) {
    c.o.level = 0;
    return gives_newest(c);
}
inline Given clears_itself(Call& c) {
    c.o.level = 0;
    return {};
}

// Of a OneShot: level is whether its sender has answered or was dropped; the answer is an item.
inline Given answers(Call& c) {
    if (set(c.o)) return {Result::closed, 0};
    c.o.items.push(c.self.number);
    rouses(c, c.o);
    return {Result::ok, c.self.number};
}
inline Given drops_sender(Call& c) { return set(c.o) ? Given{Result::ok, 1} : sets(c); }
inline Given takes_answer(Call& c) {
    c.o.level = 0;
    if (c.o.items.empty()) return {Result::closed, 0};
    return {Result::ok, c.o.items.pop()};
}

// Of a RingIO. Who waits looks, each time it is woken, whether there is what it wants, and else waits on.
inline Object& ring_in(Call& c) { return c.m.object(Kind::ring_io_in, c.step.operand); }
inline Object& ring_out(Call& c) { return c.m.object(Kind::ring_io_out, c.step.operand); }
inline Object& ring_idle(Call& c) { return c.m.object(Kind::ring_io_idle, c.step.operand); }
template <int count>
Given receives(Call& c) {
    Object& in = ring_in(c);
    Given accepted;
    for (int i = 0; i < count; ++i) {
        if (in.lost > 0) {
            ++in.lost;
            continue;
        }
        if (!in.closed && in.items.size() < in.capacity) {
            in.items.push(byte_of(c.self.number));
            ++accepted.value;
        } else if (!in.closed) {
            in.lost = 1;
        }
        rouses(c, in);
    }
    return accepted;
}
// How many of the bytes fetched it gets: none, and it waits on, unless there is a gap or the end.
inline int wanted_of(const Object& in, Op op) {
    const int most = std::min(in.fetched.size(), op == Op::ring_io_read ? 1 : 2);
    if (op == Op::ring_io_read) return most;
    for (int i = 0; op == Op::ring_io_readline && i < most; ++i) {
        if (in.fetched.begin()[i] == '\n') return i + 1;
    }
    if (most == 2) return most;
    const bool over = in.lost > 0 || in.drained();
    return over && op == Op::ring_io_readline ? most : 0;
}
inline bool can_be_read(Call& c) {
    Object& in = ring_in(c);
    while (!in.items.empty() && in.fetched.size() < in.capacity) in.fetched.push(in.items.pop());
    in.level = 0;
    return wanted_of(in, c.step.op) > 0 || in.lost > 0 || in.drained();
}
inline Given reads(Call& c) {
    if (!can_be_read(c)) return {Result::none, 0};
    Object& in = ring_in(c);
    Given bytes;
    for (int left = wanted_of(in, c.step.op); left > 0; --left) bytes.value = 128 * bytes.value + in.fetched.pop();
    return bytes;
}
inline Given says_what_is_lost(Call& c) {
    Object& in = ring_in(c);
    if (!in.fetched.empty() || !in.items.empty()) return {};
    return {Result::ok, std::exchange(in.lost, 0)};
}
inline Given sends_next(Call& c) {
    Object& out = ring_out(c);
    if (!out.items.empty()) {
        c.m.wake_all(out.places[1]);
        return {Result::ok, out.items.pop()};
    }
    out.level = 0;
    rouses(c, ring_idle(c));
    return {Result::closed, 0};
}
// A part of it is as good as the whole, to a transmitter that was idle.
inline void begins_to_send(Call& c) {
    Object& out = ring_out(c);
    if (!out.items.empty() && out.level == 0) {
        out.level = 1;
        ++c.m.transmissions;
    }
}
inline Given writes_on(Call& c) {
    Object& out = ring_out(c);
    for (; c.self.written < burst && room_or_closed(out) && !out.closed; ++c.self.written)
        out.items.push(byte_of(c.self.number));
    begins_to_send(c);
    if (c.self.written == burst) return {Result::ok, c.m.transmissions};
    return {out.closed ? Result::closed : Result::none, 0};
}
inline bool can_be_written(Call& c) {
    c.self.written = 0;
    return writes_on(c).result != Result::none;
}
inline bool all_is_sent(Call& c) {
    ring_idle(c).level = 0;
    return ring_out(c).items.empty() && ring_out(c).level == 0;
}
inline Given has_drained(Call& c) { return {all_is_sent(c) ? Result::ok : Result::none, 0}; }
inline Given closes_ring(Call& c) {
    ring_in(c).closed = ring_out(c).closed = true;
    c.m.wake_all(ring_out(c).places[1]);
    rouses(c, ring_in(c));
    return {};
}

inline Given acquires(Call& c) {
    if (!c.self.granted) --c.o.level;
    c.self.granted = false;
    c.self.held = std::uint8_t(c.self.held | 1U << c.step.operand);
    return {};
}
inline Given releases(Call& c) {
    c.self.held = std::uint8_t(c.self.held & ~(1U << c.step.operand));
    c.m.hand_over(c.o);
    return {Result::ok, set(c.o)};
}
// The lock of a condition is the one of the same number.
inline Object& its_lock(Call& c) { return c.m.object(Kind::lock, c.step.operand); }
inline bool nobody_holds_lock(Call& c) { return set(its_lock(c)); }
inline Given has_lock_again(Call& c) {
    c.self.granted = false;
    c.self.held = std::uint8_t(c.self.held | 1U << c.step.operand);
    return {};
}
// It has the lock when it is cancelled, too; that it was notified is for another.
inline void notifies_next(Call& c) {
    has_lock_again(c);
    if (c.self.notified && !c.o.places[0].waiting.empty()) c.m.notify_next(c.o.places[0], its_lock(c));
}
template <bool all>
Given notifies(Call& c) {
    Place& place = c.o.places[0];
    for (bool more = true; more && !place.waiting.empty(); more = all) c.m.notify_next(place, its_lock(c));
    return {};
}
inline Given takes_permit(Call& c) {
    if (!c.self.granted) --c.o.level;
    c.self.granted = false;
    return {};
}
inline Given gives_permit(Call& c) {
    c.m.hand_over(c.o);
    return {Result::ok, set(c.o)};
}
inline void nothing_kept(Call&) {}
inline void hands_over(Call& c) { c.m.hand_over(c.o); }
inline Given takes_item(Call& c) {
    if (c.o.items.empty()) return {Result::closed, 0};
    const int item = c.o.items.pop();
    c.m.wake_all(c.o.places[1]);
    return {Result::ok, item};
}
inline Given puts_item(Call& c) {
    if (!room_or_closed(c.o) || c.o.closed) return {Result::closed, 0};
    c.o.items.push(c.self.number);
    c.m.wake_all(c.o.places[0]);
    return {Result::ok, c.self.number};
}
inline Given closes(Call& c) {
    c.o.closed = true;
    c.m.wake_all(c.o.places[0]);
    c.m.wake_all(c.o.places[1]);
    return {Result::ok, c.o.items.size()};
}

// Of a Queue. `which`: 0 an item, 1 room.
template <int which>
void promise_ends(Call& c) {
    if (which == 1 || !c.o.drained()) --c.o.promised[which];
}
template <int which>
void promises_to_next(Call& c) {
    promise_ends<which>(c);
    c.m.settle(c.o);
}
inline Given gets(Call& c) {
    if (std::exchange(c.self.granted, false)) promise_ends<0>(c);
    if (!c.o.has_item()) return {Result::closed, 0};
    const int item = c.o.items.pop();
    c.m.settle(c.o);
    return {Result::ok, item};
}
inline Given puts(Call& c) {
    if (std::exchange(c.self.granted, false)) promise_ends<1>(c);
    if (!c.o.has_room()) return {Result::closed, 0};
    c.o.items.push(c.self.number);
    c.m.settle(c.o);
    return {Result::ok, c.self.number};
}
inline Given closes_queue(Call& c) {
    c.o.closed = true;
    c.m.settle(c.o);
    return {Result::ok, c.o.items.size()};
}
inline bool unpromised_item_or_drained(const Object& o) { return o.has_item() || o.drained(); }
inline bool unpromised_room_or_closed(const Object& o) { return o.has_room() || o.closed; }

// Of a barrier. Those who are let go are told their place in the round, or, when sent away, -1.
inline void lets_go(Call& c, bool full) {
    int place = 0;
    for (const int each : c.o.places[0].waiting) c.m.task(each).number = full ? place++ : -1;
    while (!c.o.places[0].waiting.empty()) c.m.grant_next(c.o.places[0]);
}
inline bool is_last_or_broken(Call& c) { return c.o.closed || c.o.places[0].waiting.size() + 1 == c.o.capacity; }
inline Given passes_barrier(Call& c) {
    if (!std::exchange(c.self.granted, false)) { // at once
        c.self.number = c.o.closed ? -1 : c.o.capacity - 1;
        if (!c.o.closed) lets_go(c, true);
    }
    if (c.self.number < 0) return {Result::closed, 0};
    return {Result::ok, c.self.number};
}
template <bool breaks>
Given sends_away(Call& c) {
    c.o.closed = breaks;
    lets_go(c, false);
    return {Result::ok, c.o.closed};
}

inline bool runs(Call& c) { return c.o.level > 0 && c.m.now < c.o.deadline; }
inline bool elapsed(Call& c) { return c.o.level > 0 && !runs(c); }
inline Given triggers(Call& c) {
    c.o.level = 1;
    c.o.deadline = c.o.capacity > 0 ? c.m.now + c.o.capacity : long_past;
    c.m.set_timers(c.o);
    return {Result::ok, runs(c)};
}
inline Given stops(Call& c) {
    c.o.level = 0;
    c.m.set_timers(c.o);
    return {Result::ok, runs(c)};
}

inline Given creates(Call& c) {
    c.m.start(c.step.operand);
    return {Result::ok, c.m.starts[c.step.operand]};
}
inline Given cancels(Call& c) { return {Result::ok, c.target != nullptr && c.m.cancel(*c.target)}; }
inline Given says_whether_done(Call& c) { return {Result::ok, c.target == nullptr || c.target->state == State::done}; }

inline Given fate_of(const Task& task, Result cancelled, Result failed) {
    switch (task.fate) {
    case Fate::value: return {Result::ok, task.id};
    case Fate::error: return {failed, 0};
    default: return {cancelled, 0};
    }
}
inline Given its_outcome(Call& c) {
    Task& awaited = c.m.task(*c.self.awaited.begin());
    awaited.seen = true;
    return fate_of(awaited, Result::was_cancelled, Result::had_failed);
}
// With a time limit it is an outcome too; without, awaiting a cancelled task is being cancelled.
inline Given its_value(Call& c) {
    Given outcome = its_outcome(c);
    if (c.step.limit == no_limit) return fate_of(c.m.task(*c.self.awaited.begin()), Result::cancelled, Result::threw);
    if (outcome.result == Result::was_cancelled && c.self.late) outcome.result = Result::timed_out;
    return outcome;
}
inline Given their_outcomes(Call& c) {
    Given sum;
    for (const int each : c.self.awaited) {
        Task& task = c.m.task(each);
        task.seen = true;
        sum.value += task.fate == Fate::value ? task.id : task.fate == Fate::error ? 10'000 : 1000;
    }
    return sum;
}
// The first that fails ends it; nobody is told how the others end.
inline Given their_values(Call& c) {
    const Given sum = their_outcomes(c);
    return c.self.failed < 0 ? sum : fate_of(c.m.task(c.self.failed), Result::cancelled, Result::threw);
}

} // namespace words

// ---- the table ------------------------------------------------------------------------------------------------------

using namespace words;
using enum Where;

// clang-format off
inline constexpr Row table[] = {
    // operation                of                  refused if         skipped if             at once if                      else waits    completes          passes on
    {Op::yield,                 Kind::none,         never,             never,                 never,                          queue,        nothing,           nothing_kept},
    {Op::sleep,                 Kind::none,         never,             never,                 never,                          time,         nothing,           nothing_kept},

    {Op::event_set,             Kind::event,        never,             never,                 always,                         nowhere,      sets,              nothing_kept},
    {Op::event_clear,           Kind::event,        never,             never,                 always,                         nowhere,      clears,            nothing_kept},
    {Op::event_wait,            Kind::event,        never,             never,                 is<set>,                        first_place,  nothing,           nothing_kept},

    {Op::lock_acquire,          Kind::lock,         never,             never,                 is<set>,                        first_place,  acquires,          hands_over},
    {Op::lock_release,          Kind::lock,         never,             not_held,              always,                         nowhere,      releases,          nothing_kept},

    {Op::condition_wait,        Kind::condition,    nobody_holds_lock, not_held_alone,        never,                          condition,    has_lock_again,    notifies_next},
    {Op::condition_notify,      Kind::condition,    nobody_holds_lock, never,                 always,                         nowhere,      notifies<false>,   nothing_kept},
    {Op::condition_notify_all,  Kind::condition,    nobody_holds_lock, never,                 always,                         nowhere,      notifies<true>,    nothing_kept},

    {Op::semaphore_acquire,     Kind::semaphore,    never,             never,                 is<set>,                        first_place,  takes_permit,      hands_over},
    {Op::semaphore_release,     Kind::semaphore,    never,             never,                 always,                         nowhere,      gives_permit,      nothing_kept},

    {Op::queue_put,             Kind::queue,        never,             never,                 is<unpromised_room_or_closed>,  second_place, puts,              promises_to_next<1>},
    {Op::queue_get,             Kind::queue,        never,             never,                 is<unpromised_item_or_drained>, first_place,  gets,              promises_to_next<0>},
    {Op::queue_put_nowait,      Kind::queue,        never,             never,                 always,                         nowhere,      puts,              nothing_kept},
    {Op::queue_get_nowait,      Kind::queue,        never,             never,                 always,                         nowhere,      gets,              nothing_kept},
    {Op::queue_close,           Kind::queue,        never,             never,                 always,                         nowhere,      closes_queue,      nothing_kept},

    {Op::barrier_wait,          Kind::barrier,      never,             never,                 is_last_or_broken,              first_place,  passes_barrier,    nothing_kept},
    {Op::barrier_reset,         Kind::barrier,      never,             never,                 always,                         nowhere,      sends_away<false>, nothing_kept},
    {Op::barrier_abort,         Kind::barrier,      never,             never,                 always,                         nowhere,      sends_away<true>,  nothing_kept},

    {Op::delay_trigger,         Kind::delay,        never,             never,                 always,                         nowhere,      triggers,          nothing_kept},
    {Op::delay_stop,            Kind::delay,        never,             never,                 always,                         nowhere,      stops,             nothing_kept},
    {Op::delay_wait,            Kind::delay,        never,             never,                 elapsed,                        delay,        nothing,           nothing_kept},

    {Op::flag_set,              Kind::flag,         never,             never,                 always,                         nowhere,      sets,              nothing_kept},
    {Op::flag_clear,            Kind::flag,         never,             never,                 always,                         nowhere,      clears,            nothing_kept},
    {Op::flag_wait,             Kind::flag,         somebody_waits<0>, never,                 is<set>,                        first_place,  clears_itself,     nothing_kept},

    {Op::shared_event_set,      Kind::shared_event, never,             never,                 always,                         nowhere,      sets,              nothing_kept},
    {Op::shared_event_clear,    Kind::shared_event, never,             never,                 always,                         nowhere,      clears,            nothing_kept},
    {Op::shared_event_wait,     Kind::shared_event, never,             never,                 is<set>,                        first_place,  nothing,           nothing_kept},

    {Op::shared_queue_put,      Kind::shared_queue, somebody_waits<1>, never,                 is<room_or_closed>,             second_place, puts_item,         nothing_kept},
    {Op::shared_queue_get,      Kind::shared_queue, somebody_waits<0>, never,                 is<item_or_closed>,             first_place,  takes_item,        nothing_kept},
    {Op::shared_queue_put_sync, Kind::shared_queue, never,             takes_from_another<1>, always,                         nowhere,      puts_item,         nothing_kept},
    {Op::shared_queue_get_sync, Kind::shared_queue, never,             takes_from_another<0>, always,                         nowhere,      takes_item,        nothing_kept},
    {Op::shared_queue_close,    Kind::shared_queue, never,             never,                 always,                         nowhere,      closes,            nothing_kept},

    {Op::message_set,           Kind::message,      never,             never,                 always,                         nowhere,      sets_number,       nothing_kept},
    {Op::message_clear,         Kind::message,      never,             never,                 always,                         nowhere,      clears,            nothing_kept},
    {Op::message_wait,          Kind::message,      never,             never,                 is<set>,                        first_place,  gives_newest,      nothing_kept},
    {Op::message_next,          Kind::message,      never,             never,                 is<set>,                        first_place,  gives_newest_and_clears, nothing_kept},

    {Op::latest_publish,        Kind::latest,       never,             never,                 always,                         nowhere,      sets_number,       nothing_kept},
    {Op::latest_value,          Kind::latest,       never,             somebody_waits<0>,     always,                         nowhere,      gives_newest_once, nothing_kept},
    {Op::latest_next,           Kind::latest,       somebody_waits_in_vain, somebody_waits<0>, is<set>,                       first_place,  gives_newest_once, nothing_kept},

    {Op::one_shot_set,          Kind::one_shot,     never,             never,                 always,                         nowhere,      answers,           nothing_kept},
    {Op::one_shot_drop,         Kind::one_shot,     never,             never,                 always,                         nowhere,      drops_sender,      nothing_kept},
    {Op::one_shot_next,         Kind::one_shot,     somebody_waits<0>, never,                 is<set>,                        first_place,  takes_answer,      nothing_kept},

    {Op::ring_io_received,      Kind::ring_io_in,   never,             never,                 always,                         nowhere,      receives<1>,       nothing_kept},
    {Op::ring_io_received_burst,Kind::ring_io_in,   never,             never,                 always,                         nowhere,      receives<burst>,   nothing_kept},
    {Op::ring_io_next_to_send,  Kind::ring_io_out,  never,             never,                 always,                         nowhere,      sends_next,        nothing_kept},
    {Op::ring_io_read,          Kind::ring_io_in,   never,             somebody_waits<0>,     can_be_read,                    first_place,  reads,             nothing_kept},
    {Op::ring_io_readexactly,   Kind::ring_io_in,   never,             somebody_waits<0>,     can_be_read,                    first_place,  reads,             nothing_kept},
    {Op::ring_io_readline,      Kind::ring_io_in,   never,             somebody_waits<0>,     can_be_read,                    first_place,  reads,             nothing_kept},
    {Op::ring_io_lost,          Kind::ring_io_in,   never,             never,                 always,                         nowhere,      says_what_is_lost, nothing_kept},
    {Op::ring_io_write,         Kind::ring_io_out,  never,             somebody_waits<1>,     can_be_written,                 second_place, writes_on,         nothing_kept},
    {Op::ring_io_drain,         Kind::ring_io_idle, never,             somebody_waits<0>,     all_is_sent,                    first_place,  has_drained,       nothing_kept},
    {Op::ring_io_close,         Kind::ring_io_in,   never,             never,                 always,                         nowhere,      closes_ring,       nothing_kept},

    {Op::create,                Kind::none,         never,             runs_or_used_up,       always,                         nowhere,      creates,           nothing_kept},
    {Op::cancel,                Kind::none,         is_self,           never,                 always,                         nowhere,      cancels,           nothing_kept},
    {Op::done,                  Kind::none,         never,             never,                 always,                         nowhere,      says_whether_done, nothing_kept},
    {Op::join,                  Kind::none,         absent_or_circle,  circle,                ended,                          task,         its_value,         nothing_kept},
    {Op::outcome,               Kind::none,         absent_or_circle,  circle,                ended,                          task,         its_outcome,       nothing_kept},
    {Op::gather,                Kind::none,         never,             gather_in_a_circle,    all_ended_or_one_failed,        group,        their_values,      nothing_kept},
    {Op::gather_outcomes,       Kind::none,         never,             gather_in_a_circle,    all_ended_or_one_failed,        group,        their_outcomes,    nothing_kept},
    {Op::fail,                  Kind::none,         never,             never,                 always,                         nowhere,      nothing,           nothing_kept},
};
// clang-format on

constexpr bool in_order() {
    for (std::size_t i = 0; i < std::size(table); ++i) {
        if (table[i].op != Op(i) || texts[i].op != Op(i)) return false;
    }
    return std::size(table) == std::size_t(Op::end_of_list);
}
static_assert(in_order(), "a row for each operation, in the order of Op");

} // namespace simulation

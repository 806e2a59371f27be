// What a simulated program runs in: the objects, the tasks, and a clock that interrupts.
#pragma once

#include <array>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include <rouse/ports/virtual_time.hpp>
#include <rouse/rouse.hpp>

#include "trace.hpp"

namespace simulation {

using Milliseconds = std::chrono::milliseconds;

/// What goes through the queues: it can be seen whether it was moved from.
class Item {
public:
    Item() = default;
    explicit Item(int number) : number_{number} {}
    Item(Item&& other) noexcept : number_{std::exchange(other.number_, 0)} {}
    Item& operator=(Item&& other) noexcept {
        number_ = std::exchange(other.number_, 0);
        return *this;
    }
    [[nodiscard]] int number() const { return number_; }

private:
    int number_ = 0;
};

struct Failure {};

/// The objects that may be destroyed while tasks wait in them.
struct Objects {
    explicit Objects(std::array<rouse::Lock, objects_of_a_kind>& locks)
        : conditions{rouse::Condition{locks[0]}, rouse::Condition{locks[1]}} {}

    std::array<rouse::Condition, objects_of_a_kind> conditions;
    std::array<Item, 2> one_item;
    std::array<Item, 3> two_items;
    std::array<rouse::Event, objects_of_a_kind> events;
    std::array<rouse::Semaphore, objects_of_a_kind> semaphores{rouse::Semaphore{1}, rouse::Semaphore{2}};
    std::array<rouse::Queue<Item>, objects_of_a_kind> queues{rouse::Queue<Item>{1}, rouse::Queue<Item>{2}};
    std::array<rouse::Barrier, objects_of_a_kind> barriers{rouse::Barrier{2}, rouse::Barrier{3}};
    std::array<rouse::Delay, objects_of_a_kind> delays{rouse::Delay{Milliseconds{2}}, rouse::Delay{Milliseconds{0}}};
    std::array<rouse::ThreadSafeFlag, objects_of_a_kind> flags;
    std::array<rouse::ThreadSafeEvent, objects_of_a_kind> shared_events;
    std::array<rouse::ThreadSafeQueue<Item>, objects_of_a_kind> shared_queues{rouse::ThreadSafeQueue<Item>{one_item},
                                                                              rouse::ThreadSafeQueue<Item>{two_items}};
};

inline int transmissions = 0; // how often a transmitter was started: the function of a RingIO knows no object
inline void start_sending() { ++transmissions; }
using Stream = rouse::RingIO<ring_bytes, start_sending>;

struct World {
    World(const Program& what, const Trace& by_model, Trace& into) : program{what}, predicted{by_model}, trace{into} {
        trace.clear();
        transmissions = 0;
    }

    const Program& program;
    const Trace& predicted;
    Trace& trace;
    std::array<rouse::Lock, objects_of_a_kind> locks;
    std::array<rouse::Message<int, 1>, objects_of_a_kind> messages; // these are not to be destroyed while tasks wait
    std::array<rouse::Latest<int>, objects_of_a_kind> latest;
    std::array<rouse::OneShot<Item>, objects_of_a_kind> one_shots;
    std::array<rouse::OneShot<Item>::Sender, objects_of_a_kind> senders{one_shots[0].sender(), one_shots[1].sender()};
    std::array<Stream, objects_of_a_kind> streams;
    std::optional<Objects> objects{std::in_place, locks};
    std::array<rouse::TaskHandle<int>, most_tasks + 1> tasks;
    std::array<int, most_tasks + 1> starts{};
    int next_number = 1;
    int frames = 0;          // of bodies that have begun and not gone
    int reports = 0;         // errors that nobody has seen
    bool over = false;       // what happens now is not compared any more
    bool destroying = false; // the loop is being destroyed, and its tasks with it
};

inline int receive_burst(Stream& stream, int number) {
    const std::string bytes(burst, byte_of(number));
    return int(stream.received(bytes));
}

/// Virtual time, with foreign contexts that come while the loop sleeps.
class InterruptingPort final : public rouse::Port {
public:
    ~InterruptingPort() = default;

    [[nodiscard]] rouse::TimePoint now() const noexcept override { return time_.now(); }
    void wake() noexcept override { time_.wake(); }

    unsigned wait_until(rouse::TimePoint deadline) noexcept override {
        if (deadline <= now()) return time_.wait_until(deadline);
        if (world != nullptr && !world->over && next_ < world->program.interrupt_count) {
            const auto time = Milliseconds{world->program.interrupts[next_].time};
            if (rouse::TimePoint{time} <= deadline) {
                if (rouse::TimePoint{time} > now()) time_.advance(rouse::TimePoint{time} - now());
                while (next_ < world->program.interrupt_count && world->program.interrupts[next_].time == time.count())
                    interrupt(world->program.interrupts[next_++].step);
                return time_.wait_until(rouse::at_once);
            }
        }
        const unsigned wakes = time_.wait_until(deadline == rouse::no_deadline ? rouse::at_once : deadline);
        // There is no other thread that could wake it.
        if (wakes == 0 && deadline == rouse::no_deadline) ROUSE_PANIC("simulation: the loop sleeps for ever");
        return wakes;
    }

    World* world = nullptr;

private:
    void interrupt(const Step& step) noexcept {
        Objects& o = *world->objects;
        const std::size_t which = step.operand;
        switch (step.op) {
        case Op::flag_set: o.flags[which].set(); break;
        case Op::shared_event_set: o.shared_events[which].set(); break;
        case Op::shared_queue_put_sync:
            static_cast<void>(o.shared_queues[which].put_sync(Item{world->next_number++}));
            break;
        case Op::shared_queue_get_sync: static_cast<void>(o.shared_queues[which].get_sync()); break;
        case Op::message_set: static_cast<void>(world->messages[which].set(world->next_number++)); break;
        case Op::latest_publish: world->latest[which].publish(world->next_number++); break;
        case Op::one_shot_set: world->senders[which].set(Item{world->next_number++}); break;
        case Op::one_shot_drop: world->senders[which] = {}; break;
        case Op::ring_io_received: world->streams[which].received(byte_of(world->next_number++)); break;
        case Op::ring_io_received_burst: receive_burst(world->streams[which], world->next_number++); break;
        case Op::ring_io_next_to_send: static_cast<void>(world->streams[which].next_to_send()); break;
        case Op::ring_io_close: world->streams[which].close(); break;
        default: o.shared_queues[which].close();
        }
    }

    rouse::VirtualTimePort time_;
    std::size_t next_ = 0;
};

} // namespace simulation

// One function for each foreign call, so that reachable.py can follow what it reaches in the object code. The function
// everything() is there to have the tasks and threads that a foreign call may wake, and the port, in the object.
#include <cstdint>
#include <span>
#include <tuple>

#include <rouse/ports/default_port.hpp>
#include <rouse/threadsafe/broadcast.hpp>
#include <rouse/threadsafe/delay.hpp>
#include <rouse/threadsafe/latest.hpp>
#include <rouse/threadsafe/message.hpp>
#include <rouse/threadsafe/one_shot.hpp>
#include <rouse/threadsafe/ring_io.hpp>
#include <rouse/threadsafe/slot_queue.hpp>
#include <rouse/threadsafe/thread_safe_event.hpp>
#include <rouse/threadsafe/thread_safe_flag.hpp>
#include <rouse/threadsafe/thread_safe_mpsc_queue.hpp>
#include <rouse/threadsafe/thread_safe_queue.hpp>

using namespace rouse;

struct Reading { // trivially copyable, and more than one register holds
    std::uint64_t time;
    std::uint32_t channel, value;
    double scale;
};

using OwnInts = ThreadSafeQueue<int, 8>;
using Ints = ThreadSafeQueue<int>;
using OwnReadings = ThreadSafeQueue<Reading, 8>;
using Readings = ThreadSafeQueue<Reading>;
using Slots = SlotQueue<Reading, 8>;
using ManyInts = ThreadSafeMpscQueue<int, 8>;
using ManyReadings = ThreadSafeMpscQueue<Reading, 6>;

extern "C" {

void probe_flag_set(ThreadSafeFlag& flag) { flag.set(); }
void probe_flag_clear(ThreadSafeFlag& flag) { flag.clear(); }
bool probe_flag_is_set(const ThreadSafeFlag& flag) { return flag.is_set(); }

void probe_event_set(ThreadSafeEvent& event) { event.set(); }
bool probe_event_is_set(const ThreadSafeEvent& event) { return event.is_set(); }

void probe_delay_trigger(Delay& delay) { delay.trigger(); }
void probe_delay_stop(Delay& delay) { delay.stop(); }

#define PROBE_QUEUE(name, Queue, Item)                                                              \
    bool probe_##name##_put_sync(Queue& queue, const Item& item) { return queue.put_sync(item); }   \
    bool probe_##name##_get_sync(Queue& queue, Item& item) {                                        \
        const auto got = queue.get_sync();                                                          \
        if (got) item = *got;                                                                       \
        return got.has_value();                                                                     \
    }                                                                                               \
    std::size_t probe_##name##_get_many(Queue& queue, Item* items) {                                \
        return queue.get_many(std::span<Item>{items, 4});                                           \
    }                                                                                               \
    void probe_##name##_close(Queue& queue) { queue.close(); }                                      \
    bool probe_##name##_closed(const Queue& queue) { return queue.closed(); }                       \
    bool probe_##name##_full_or_empty(const Queue& queue) { return queue.full() || queue.empty(); } \
    std::size_t probe_##name##_qsize(const Queue& queue) { return queue.qsize(); }

PROBE_QUEUE(own_ints, OwnInts, int)
PROBE_QUEUE(ints, Ints, int)
PROBE_QUEUE(own_readings, OwnReadings, Reading)
PROBE_QUEUE(readings, Readings, Reading)
PROBE_QUEUE(many_ints, ManyInts, int)
PROBE_QUEUE(many_readings, ManyReadings, Reading)

void probe_message_set(Message<Reading>& message, const Reading& value) { (void)message.set(value); }
bool probe_message_is_set(const Message<Reading>& message) { return message.is_set(); }

void probe_latest_publish(Latest<Reading>& latest, const Reading& value) { latest.publish(value); }
void probe_latest_value(Latest<Reading>& latest, Reading& value) { value = latest.value(); }
bool probe_latest_fresh(const Latest<Reading>& latest) { return latest.fresh(); }

bool probe_one_shot_set(OneShot<Reading>::Sender& sender, const Reading& value) { return sender.set(value); }
void probe_one_shot_drop(OneShot<Reading>::Sender& sender) { sender = {}; }
bool probe_one_shot_is_set(const OneShot<Reading>& shot) { return shot.is_set(); }

bool probe_broadcast_publish(Broadcast<Reading, 4>& broadcast, const Reading& value) {
    return broadcast.publish(value);
}
void probe_broadcast_close(Broadcast<Reading, 4>& broadcast) { broadcast.close(); }
unsigned probe_broadcast_look(const Broadcast<Reading, 4>& broadcast) {
    return broadcast.closed() ? 0 : broadcast.subscribers();
}
bool probe_broadcast_get_sync(Broadcast<Reading, 4>::Subscriber& subscriber, Reading& value) {
    const auto next = subscriber.get_sync();
    if (next) value = *next;
    return next.has_value();
}

bool probe_ring_received(RingIO<8>& ring, char byte) { return ring.received(byte); }
bool probe_ring_next_to_send(RingIO<8>& ring, char& byte) {
    const auto next = ring.next_to_send();
    if (next) byte = *next;
    return next.has_value();
}
void probe_ring_close(RingIO<8>& ring) { ring.close(); }

Reading* probe_slots_reserve(Slots& slots, std::size_t ahead) { return slots.reserve(ahead); }
bool probe_slots_commit(Slots& slots) { return slots.commit(); }
Reading* probe_slots_peek(Slots& slots) { return slots.peek(); }
void probe_slots_release(Slots& slots) { slots.release(); }
void probe_slots_close(Slots& slots) { slots.close(); }
bool probe_slots_closed(const Slots& slots) { return slots.closed(); }
std::size_t probe_slots_size(const Slots& slots) { return slots.size(); }

} // extern "C"

static Task<> waits(ThreadSafeFlag& flag, ThreadSafeEvent& event, OwnInts& own_ints, OwnReadings& own_readings,
                    ManyInts& many_ints) {
    co_await flag.wait();
    co_await event.wait();
    const auto item = co_await own_ints.next();
    const auto reading = co_await own_readings.next();
    if (item && reading) std::ignore = co_await own_ints.put(*item);
    const auto one_of_many = co_await many_ints.next();
    if (one_of_many) std::ignore = co_await many_ints.put(*one_of_many);
}

void everything(ThreadSafeFlag& flag, OwnInts& own_ints, OwnReadings& own_readings, ManyInts& many_ints) {
    ThreadSafeEvent event;
    run(waits(flag, event, own_ints, own_readings, many_ints));
    (void)many_ints.get_sync(block);
    (void)many_ints.put_sync(1, block);
    (void)own_ints.get_sync(block);
    (void)own_readings.get_sync(block);
}

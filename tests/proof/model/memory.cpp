#include "memory.hpp"

#include <algorithm>

#include "checker.hpp"

namespace model {

void Memory::reset() {
    threads_ = {};
    for (std::size_t i = 0; i < locations_; ++i) {
        places_[i].stores.clear();
        places_[i].order.clear();
        places_[i].rank.clear();
    }
    locations_ = 0;
    sc_ = heavy_ = light_ = {};
    for (ThreadId thread = 0; thread < most_threads; ++thread) tick(thread);
}

void Memory::tick(ThreadId thread) { ++at(thread).now.clock.at[static_cast<std::size_t>(thread)]; }

void Memory::join(View& to, const View& from) const {
    for (std::size_t i = 0; i < locations_; ++i) {
        const auto& rank = places_[i].rank;
        if (to[i] != from[i] && rank[to[i]] < rank[from[i]]) to[i] = from[i];
    }
}

void Memory::join(Knowledge& to, const Knowledge& from) const {
    join(to.view, from.view);
    to.clock.join(from.clock);
}

std::uint8_t Memory::new_location(ThreadId thread, std::uint64_t value) {
    if (locations_ == most_locations) fail_checker("there is no room for so many locations");
    const auto location = static_cast<std::uint8_t>(locations_++);
    Place& place = places_[location];
    place.stores.push_back(Store{value, at(thread).now, false});
    place.order.push_back(0);
    place.rank.push_back(0);
    return location;
}

std::uint64_t Memory::read_newest(ThreadId thread, std::uint8_t location) {
    const Place& place = places_[location];
    at(thread).now.view[location] = place.order.back();
    return place.stores[place.order.back()].value;
}

void Memory::see(Thread& thread, std::uint8_t location, std::uint8_t store, Order order) {
    const Place& place = places_[location];
    std::uint8_t& known = thread.now.view[location];
    if (place.rank[known] < place.rank[store]) known = store;
    join(acquires(order) ? thread.now : thread.to_acquire, place.stores[store].released);
}

std::uint64_t Memory::load(ThreadId id, std::uint8_t location, Order order) {
    Thread& thread = at(id);
    if (order == Order::seq_cst) sc_fence(thread);
    const Place& place = places_[location];
    const int readable = static_cast<int>(place.order.size()) - place.rank[thread.now.view[location]];
    const int back = choose_(readable); // the newest first
    const std::uint8_t store = place.order[place.order.size() - 1 - static_cast<std::size_t>(back)];
    see(thread, location, store, order);
    return place.stores[store].value;
}

// Puts a store at `rank` of the modification order. `carried_on`: what the store that it follows at once, as a
// read-modify-write, hands on (the release sequence).
void Memory::add(ThreadId id, std::uint8_t location, std::size_t rank, std::uint64_t value, Order order,
                 const Knowledge* carried_on) {
    Thread& thread = at(id);
    Place& place = places_[location];
    if (place.stores.size() == 255) fail_checker("there is no room for so many stores");
    const auto store = static_cast<std::uint8_t>(place.stores.size());
    const Knowledge inherited = carried_on != nullptr ? *carried_on : Knowledge{};
    place.stores.push_back(Store{value, {}, carried_on != nullptr});
    place.rank.push_back(0);
    place.order.insert(place.order.begin() + static_cast<std::ptrdiff_t>(rank), store);
    for (std::size_t i = rank; i < place.order.size(); ++i) place.rank[place.order[i]] = static_cast<std::uint8_t>(i);
    thread.now.view[location] = store;

    Knowledge& released = place.stores[store].released;
    released = releases(order) ? thread.now : thread.at_release_fence;
    released.view[location] = store;
    if (carried_on != nullptr) join(released, inherited);
    if (releases(order)) tick(id);
}

void Memory::store(ThreadId id, std::uint8_t location, std::uint64_t value, Order order) {
    if (order == Order::seq_cst) sc_fence(at(id));
    const Place& place = places_[location];
    const std::size_t first = place.rank[at(id).now.view[location]] + std::size_t{1};
    std::vector<std::size_t> ranks{place.order.size()}; // the end first
    for (std::size_t rank = place.order.size() - 1; rank >= first; --rank) {
        if (!place.stores[place.order[rank]].follows_at_once) ranks.push_back(rank);
    }
    add(id, location, ranks[static_cast<std::size_t>(choose_(static_cast<int>(ranks.size())))], value, order, nullptr);
}

std::uint64_t Memory::read_modify_write(ThreadId id, std::uint8_t location, Order success, Order failure,
                                        const std::function<bool(std::uint64_t&)>& change) {
    Thread& thread = at(id);
    if (success == Order::seq_cst) sc_fence(thread);
    const Place& place = places_[location];
    // What can be read: every store that a load may return, if that leads to no change; else only one that nothing
    // follows at once yet.
    std::vector<std::uint8_t> readable;
    for (std::size_t rank = place.order.size(); rank-- > place.rank[thread.now.view[location]];) {
        std::uint64_t value = place.stores[place.order[rank]].value;
        const bool last = rank + 1 == place.order.size() || !place.stores[place.order[rank + 1]].follows_at_once;
        if (last || !change(value)) readable.push_back(place.order[rank]);
    }
    const std::uint8_t store = readable[static_cast<std::size_t>(choose_(static_cast<int>(readable.size())))];
    const std::uint64_t before = place.stores[store].value;
    std::uint64_t value = before;
    if (!change(value)) {
        see(thread, location, store, failure);
        return before;
    }
    see(thread, location, store, success);
    const Knowledge carried_on = place.stores[store].released;
    add(id, location, place.rank[store] + std::size_t{1}, value, success, &carried_on);
    return before;
}

// A seq_cst fence: it knows what every one before it knew. A seq_cst access is modelled as one of these in front of an
// acquiring load or a releasing store: the way in which it is compiled for POWER, and a little stronger than the
// standard asks. rouse has no seq_cst access.
void Memory::sc_fence(Thread& thread) {
    join(thread.now.view, sc_);
    join(sc_, thread.now.view);
}

void Memory::fence(ThreadId id, Order order) {
    Thread& thread = at(id);
    if (acquires(order)) join(thread.now, thread.to_acquire);
    if (order == Order::seq_cst) sc_fence(thread);
    if (releases(order)) {
        thread.at_release_fence = thread.now;
        tick(id);
    }
}

// The asymmetric barrier, as in P1202 ("Asymmetric fences"): a heavy and a light one are ordered as two seq_cst fences
// are, and so are two heavy ones; two light ones are not ordered at all. membarrier(2) gives more: it is a full
// barrier of every running thread at whatever point that has reached. Except that here what one thread's light barrier
// has told a heavy one is known behind another thread's later light barrier too; the queue has two sides only.
void Memory::light_barrier(ThreadId id) {
    join(at(id).now.view, heavy_);
    join(light_, at(id).now.view);
}

void Memory::heavy_barrier(ThreadId id) {
    join(at(id).now.view, light_);
    join(at(id).now.view, heavy_);
    join(heavy_, at(id).now.view);
}

void Memory::release_to(ThreadId thread, Knowledge& at_it) {
    join(at_it, at(thread).now);
    tick(thread);
}

void Memory::hand_over(ThreadId from, ThreadId to) {
    join(at(to).now, at(from).now);
    tick(from);
}

} // namespace model

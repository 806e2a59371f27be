// The memory of one execution: for each atomic location the stores to it in modification order, and for each context
// what of them it must know of.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include <rouse/check/detail/failing.hpp>
#include <rouse/check/explore.hpp>
#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

using check::most_contexts;
inline constexpr std::size_t most_locations = 64;

using ContextId = int;

constexpr bool acquires(std::memory_order order) {
    return order == std::memory_order::acquire || order == std::memory_order::acq_rel ||
           order == std::memory_order::seq_cst;
}
constexpr bool releases(std::memory_order order) {
    return order == std::memory_order::release || order == std::memory_order::acq_rel ||
           order == std::memory_order::seq_cst;
}

/// What happened before: for each context, up to which of its releases.
struct VectorClock {
    std::array<std::uint16_t, most_contexts> at{};

    void join(const VectorClock& other) noexcept {
        for (std::size_t i = 0; i < at.size(); ++i) at[i] = (std::max)(at[i], other.at[i]);
    }
};

/// For each location, a store: that one or a later one is what a load returns.
using View = std::array<std::uint8_t, most_locations>;

/// What a thread knows, or a store hands on.
struct Knowledge {
    View view{};
    VectorClock clock{};
};

class Memory {
public:
    /// Decides between n ways to go on.
    using Choose = std::function<int(int n)>;

    explicit Memory(Choose choose) : choose_{std::move(choose)} {}

    void reset();

    std::uint8_t new_location(ContextId thread, std::uint64_t value);
    std::uint64_t load(ContextId thread, std::uint8_t location, std::memory_order order);
    void store(ContextId thread, std::uint8_t location, std::uint64_t value, std::memory_order order);

    /// Reads, and if `change` says so stores what it has put in place of the value, with nothing in between. Returns
    /// the value that was read. `failure` is the order of a load that does not lead to a store.
    std::uint64_t read_modify_write(ContextId thread, std::uint8_t location, std::memory_order success,
                                    std::memory_order failure, const std::function<bool(std::uint64_t&)>& change);

    void fence(ContextId thread, std::memory_order order);
    void light_barrier(ContextId thread);
    void heavy_barrier(ContextId thread);

    /// The kernel reads the newest value for a thread, which cannot read an older one afterwards.
    std::uint64_t read_newest(ContextId thread, std::uint8_t location);

    void begin_thread(ContextId thread) { at(thread).at_release_fence = at(thread).to_acquire = {}; }

    /// All that `from` has done happened before what `to` does from here on. (Starting and joining threads.)
    void hand_over(ContextId from, ContextId to);

    [[nodiscard]] const VectorClock& clock(ContextId thread) const { return at(thread).now.clock; }
    void tick(ContextId thread);

    /// What a lock does, or a count of owners: hands on to `at_it` all that the thread knows, or takes it from there.
    void release_to(ContextId thread, Knowledge& at_it);
    void acquire_from(ContextId thread, const Knowledge& at_it) { join(at(thread).now, at_it); }

    /// Orders plain memory, and nothing else.
    void happened_before(ContextId thread, const VectorClock& clock) { at(thread).now.clock.join(clock); }

    /// An interrupt begins or ends: both run on one core, so `to` must know of the stores that `from` knows of. That
    /// orders no plain memory.
    void continue_on_core(ContextId from, ContextId to) { join(at(to).now.view, at(from).now.view); }

    /// Stores that are newer than the one that was read last, and which that load could have returned as well.
    struct Newer {
        int count = 0;
        std::uint64_t value = 0; // the newest
        ContextId by = 0;
    };
    [[nodiscard]] const Newer& newer_than_last_read() const { return newer_; }

private:
    struct Store {
        std::uint64_t value;
        Knowledge released;   // what a load that acquires gets
        bool follows_at_once; // of a read-modify-write: nothing may come between it and the store that it read
        ContextId by;
    };
    struct Place {
        std::vector<Store> stores;       // as they were made
        std::vector<std::uint8_t> order; // which of them, in modification order
        std::vector<std::uint8_t> rank;  // of each, in that order
    };
    struct Thread {
        Knowledge now;
        Knowledge at_release_fence; // what its relaxed stores hand on
        Knowledge to_acquire;       // what its relaxed loads have met, for an acquire fence
    };

    [[nodiscard]] Thread& at(ContextId thread) { return threads_[static_cast<std::size_t>(thread)]; }
    [[nodiscard]] const Thread& at(ContextId thread) const { return threads_[static_cast<std::size_t>(thread)]; }
    void join(View& to, const View& from) const;
    void join(Knowledge& to, const Knowledge& from) const;
    void see(Thread& thread, std::uint8_t location, std::uint8_t store, std::memory_order order);
    void add(ContextId thread, std::uint8_t location, std::size_t rank, std::uint64_t value, std::memory_order order,
             const Knowledge* carried_on);
    void sc_fence(Thread& thread);

    Choose choose_;
    std::array<Thread, most_contexts> threads_{};
    std::array<Place, most_locations> places_;
    std::size_t locations_ = 0;
    View sc_{};    // what every seq_cst fence so far has known
    View heavy_{}; // every heavy barrier
    View light_{}; // every light barrier
    Newer newer_;
};

inline void Memory::reset() {
    threads_ = {};
    for (std::size_t i = 0; i < locations_; ++i) {
        places_[i].stores.clear();
        places_[i].order.clear();
        places_[i].rank.clear();
    }
    locations_ = 0;
    sc_ = heavy_ = light_ = {};
    for (ContextId thread = 0; thread < most_contexts; ++thread) tick(thread);
}

inline void Memory::tick(ContextId thread) { ++at(thread).now.clock.at[static_cast<std::size_t>(thread)]; }

inline void Memory::join(View& to, const View& from) const {
    for (std::size_t i = 0; i < locations_; ++i) {
        const auto& rank = places_[i].rank;
        if (to[i] != from[i] && rank[to[i]] < rank[from[i]]) to[i] = from[i];
    }
}

inline void Memory::join(Knowledge& to, const Knowledge& from) const {
    join(to.view, from.view);
    to.clock.join(from.clock);
}

inline std::uint8_t Memory::new_location(ContextId thread, std::uint64_t value) {
    if (locations_ == most_locations) fail_checker("there is no room for so many locations");
    const auto location = static_cast<std::uint8_t>(locations_++);
    Place& place = places_[location];
    place.stores.push_back(Store{value, at(thread).now, false, thread});
    place.order.push_back(0);
    place.rank.push_back(0);
    return location;
}

inline std::uint64_t Memory::read_newest(ContextId thread, std::uint8_t location) {
    const Place& place = places_[location];
    at(thread).now.view[location] = place.order.back();
    return place.stores[place.order.back()].value;
}

inline void Memory::see(Thread& thread, std::uint8_t location, std::uint8_t store, std::memory_order order) {
    const Place& place = places_[location];
    std::uint8_t& known = thread.now.view[location];
    if (place.rank[known] < place.rank[store]) known = store;
    join(acquires(order) ? thread.now : thread.to_acquire, place.stores[store].released);
}

inline std::uint64_t Memory::load(ContextId id, std::uint8_t location, std::memory_order order) {
    Thread& thread = at(id);
    if (order == std::memory_order::seq_cst) sc_fence(thread);
    const Place& place = places_[location];
    const int readable = static_cast<int>(place.order.size()) - place.rank[thread.now.view[location]];
    const int back = choose_(readable); // the newest first
    const std::uint8_t store = place.order[place.order.size() - 1 - static_cast<std::size_t>(back)];
    const Store& newest = place.stores[place.order.back()];
    newer_ = {back, newest.value, newest.by};
    see(thread, location, store, order);
    return place.stores[store].value;
}

// Puts a store at `rank` of the modification order. `carried_on`: what the store that it follows at once, as a
// read-modify-write, hands on (the release sequence).
inline void Memory::add(ContextId id, std::uint8_t location, std::size_t rank, std::uint64_t value,
                        std::memory_order order, const Knowledge* carried_on) {
    Thread& thread = at(id);
    Place& place = places_[location];
    if (place.stores.size() == 255) fail_checker("there is no room for so many stores");
    const auto store = static_cast<std::uint8_t>(place.stores.size());
    const Knowledge inherited = carried_on != nullptr ? *carried_on : Knowledge{};
    place.stores.push_back(Store{value, {}, carried_on != nullptr, id});
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

inline void Memory::store(ContextId id, std::uint8_t location, std::uint64_t value, std::memory_order order) {
    if (order == std::memory_order::seq_cst) sc_fence(at(id));
    const Place& place = places_[location];
    const std::size_t first = place.rank[at(id).now.view[location]] + std::size_t{1};
    std::vector<std::size_t> ranks{place.order.size()}; // the end first
    for (std::size_t rank = place.order.size() - 1; rank >= first; --rank) {
        if (!place.stores[place.order[rank]].follows_at_once) ranks.push_back(rank);
    }
    add(id, location, ranks[static_cast<std::size_t>(choose_(static_cast<int>(ranks.size())))], value, order, nullptr);
}

inline std::uint64_t Memory::read_modify_write(ContextId id, std::uint8_t location, std::memory_order success,
                                               std::memory_order failure,
                                               const std::function<bool(std::uint64_t&)>& change) {
    Thread& thread = at(id);
    if (success == std::memory_order::seq_cst) sc_fence(thread);
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
    newer_ = {static_cast<int>(place.order.size()) - 1 - place.rank[store], place.stores[place.order.back()].value,
              place.stores[place.order.back()].by};
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
inline void Memory::sc_fence(Thread& thread) {
    join(thread.now.view, sc_);
    join(sc_, thread.now.view);
}

inline void Memory::fence(ContextId id, std::memory_order order) {
    Thread& thread = at(id);
    if (acquires(order)) join(thread.now, thread.to_acquire);
    if (order == std::memory_order::seq_cst) sc_fence(thread);
    if (releases(order)) {
        thread.at_release_fence = thread.now;
        tick(id);
    }
}

// The asymmetric barrier, as in P1202 ("Asymmetric fences"): a heavy and a light one are ordered as two seq_cst fences
// are, and so are two heavy ones; two light ones are not ordered at all. membarrier(2) gives more: it is a full
// barrier of every running thread at whatever point that has reached. Except that here what one thread's light barrier
// has told a heavy one is known behind another thread's later light barrier too; the queue has two sides only.
inline void Memory::light_barrier(ContextId id) {
    join(at(id).now.view, heavy_);
    join(light_, at(id).now.view);
}

inline void Memory::heavy_barrier(ContextId id) {
    join(at(id).now.view, light_);
    join(at(id).now.view, heavy_);
    join(heavy_, at(id).now.view);
}

inline void Memory::release_to(ContextId thread, Knowledge& at_it) {
    join(at_it, at(thread).now);
    tick(thread);
}

inline void Memory::hand_over(ContextId from, ContextId to) {
    join(at(to).now, at(from).now);
    tick(from);
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

// The memory of one execution: for each atomic location the stores to it in modification order, and for each thread
// what of them it must know of.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "policy.hpp"

namespace model {

inline constexpr int most_threads = 4;
inline constexpr std::size_t most_locations = 64;

using ThreadId = int;

/// What happened before: for each thread, up to which of its releases.
struct Clock {
    std::array<std::uint16_t, most_threads> at{};

    void join(const Clock& other) noexcept {
        for (std::size_t i = 0; i < at.size(); ++i) at[i] = std::max(at[i], other.at[i]);
    }
};

/// For each location, a store: that one or a later one is what a load returns.
using View = std::array<std::uint8_t, most_locations>;

/// What a thread knows, or a store hands on.
struct Knowledge {
    View view{};
    Clock clock{};
};

class Memory {
public:
    /// Decides between n ways to go on.
    using Choose = std::function<int(int n)>;

    explicit Memory(Choose choose) : choose_{std::move(choose)} {}

    void reset();

    std::uint8_t new_location(ThreadId thread, std::uint64_t value);
    std::uint64_t load(ThreadId thread, std::uint8_t location, Order order);
    void store(ThreadId thread, std::uint8_t location, std::uint64_t value, Order order);

    /// Reads, and if `change` says so stores what it has put in place of the value, with nothing in between. Returns
    /// the value that was read. `failure` is the order of a load that does not lead to a store.
    std::uint64_t read_modify_write(ThreadId thread, std::uint8_t location, Order success, Order failure,
                                    const std::function<bool(std::uint64_t&)>& change);

    void fence(ThreadId thread, Order order);
    void light_barrier(ThreadId thread);
    void heavy_barrier(ThreadId thread);

    /// The kernel reads the newest value for a thread, which cannot read an older one afterwards.
    std::uint64_t read_newest(ThreadId thread, std::uint8_t location);

    void begin_thread(ThreadId thread) { at(thread).at_release_fence = at(thread).to_acquire = {}; }

    /// All that `from` has done happened before what `to` does from here on. (Starting and joining threads.)
    void hand_over(ThreadId from, ThreadId to);

    [[nodiscard]] const Clock& clock(ThreadId thread) const { return at(thread).now.clock; }
    void tick(ThreadId thread);

    /// What a lock does, or a count of owners: hands on to `at_it` all that the thread knows, or takes it from there.
    void release_to(ThreadId thread, Knowledge& at_it);
    void acquire_from(ThreadId thread, const Knowledge& at_it) { join(at(thread).now, at_it); }

    /// Orders plain memory, and nothing else.
    void happened_before(ThreadId thread, const Clock& clock) { at(thread).now.clock.join(clock); }

private:
    struct Store {
        std::uint64_t value;
        Knowledge released;   // what a load that acquires gets
        bool follows_at_once; // of a read-modify-write: nothing may come between it and the store that it read
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

    [[nodiscard]] Thread& at(ThreadId thread) { return threads_[static_cast<std::size_t>(thread)]; }
    [[nodiscard]] const Thread& at(ThreadId thread) const { return threads_[static_cast<std::size_t>(thread)]; }
    void join(View& to, const View& from) const;
    void join(Knowledge& to, const Knowledge& from) const;
    void see(Thread& thread, std::uint8_t location, std::uint8_t store, Order order);
    void add(ThreadId thread, std::uint8_t location, std::size_t rank, std::uint64_t value, Order order,
             const Knowledge* carried_on);
    void sc_fence(Thread& thread);

    Choose choose_;
    std::array<Thread, most_threads> threads_{};
    std::array<Place, most_locations> places_;
    std::size_t locations_ = 0;
    View sc_{};    // what every seq_cst fence so far has known
    View heavy_{}; // every heavy barrier
    View light_{}; // every light barrier
};

} // namespace model

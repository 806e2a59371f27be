// Barrier: a fixed number of tasks wait for each other.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>

#include <rouse/core/detail/loop_owner.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/detail/waiter.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// Thrown by Barrier::wait if the barrier is broken, or is reset while the task waits.
class BrokenBarrierError : public std::exception {
public:
    /// A string literal: the barrier is broken or was reset.
    [[nodiscard]] const char* what() const noexcept override { return "rouse: the barrier is broken or was reset"; }
};

/// A meeting point for a fixed number of tasks, the parties. Each task waits until all parties have arrived; then all
/// of them continue. The barrier can be used again at once: the next arrival begins the next round. A party that need
/// not wait for the others reports its arrival by trigger().
///
/// Only for the tasks of one loop.
///
/// The tasks resume in the order in which they arrived. A task that is cancelled while it waits no longer counts, and
/// the round needs another task in its place. Once the last party has arrived the round is complete: cancelling one of
/// its tasks, reset() and abort() do not affect the others. Tasks that wait when the barrier is destroyed are not
/// woken; they stay suspended until cancelled.
///
/// Nothing is allocated.
class Barrier {
    class OutcomeAwaiter;
    class Awaiter;

public:
    /// A barrier for `parties` tasks. UsageError if `parties` is zero.
    constexpr explicit Barrier(std::size_t parties) : parties_{parties} {
        if (parties == 0) detail::misuse("rouse: Barrier: a barrier must have at least one party");
    }
    Barrier(const Barrier&) = delete;
    Barrier& operator=(const Barrier&) = delete;
    ~Barrier() {
        if (waiting_.empty()) return;
        owner_.check_in_destructor(
            "rouse: ~Barrier: tasks of a loop of another thread wait; destroy it on that thread");
    }

    /// `co_await barrier.wait()`: waits for the other parties. Returns the order of arrival in the round, from 0 for
    /// the first task to parties() - 1 for the last. Throws BrokenBarrierError if the barrier is broken, or is reset
    /// during the wait. Without exceptions that is a panic; use wait_outcome() instead.
    [[nodiscard]] Awaiter wait() noexcept;

    /// `co_await barrier.wait_outcome()`: like wait(), but returns an empty optional instead of throwing if the barrier
    /// is broken, or is reset during the wait.
    [[nodiscard]] OutcomeAwaiter wait_outcome() noexcept;

    /// Arrives without waiting: counts as a party of this round. If it is the last one, wakes the waiting tasks and
    /// returns true. The places that wait() returns count only the tasks that wait. Does nothing, and returns false, if
    /// the barrier is broken.
    bool trigger() {
        owner_.check_thread(
            "rouse: Barrier::trigger: called on another thread than that of the loop whose tasks use it; send a "
            "message to a task of that loop through a thread-safe object");
        if (broken_) return false;
        if (is_last()) {
            complete_round();
            return true;
        }
        ++passed_;
        return false;
    }

    /// Fails the current waits and makes the barrier usable again: it is empty and not broken.
    void reset() {
        owner_.check_thread(
            "rouse: Barrier::reset: called on another thread than that of the loop whose tasks use it; send a message "
            "to a task of that loop through a thread-safe object");
        broken_ = false;
        fail_all();
    }

    /// Breaks the barrier: fails the current waits, and all later ones until reset().
    void abort() {
        owner_.check_thread(
            "rouse: Barrier::abort: called on another thread than that of the loop whose tasks use it; send a message "
            "to a task of that loop through a thread-safe object");
        broken_ = true;
        fail_all();
    }

    /// The number of tasks that a round needs.
    [[nodiscard]] std::size_t parties() const noexcept { return parties_; }

    /// The number of tasks that have arrived in this round and wait.
    [[nodiscard]] std::size_t n_waiting() const {
        owner_.check_thread(
            "rouse: Barrier::n_waiting: called on another thread than that of the loop whose tasks use it; send a "
            "message to a task of that loop through a thread-safe object");
        return waiting_count_;
    }

    /// Whether a round has begun: a task waits, or has arrived by trigger().
    [[nodiscard]] bool busy() const { return n_waiting() + passed_ > 0; }

    /// Whether abort() has been called, and reset() has not been called since.
    [[nodiscard]] bool broken() const {
        owner_.check_thread(
            "rouse: Barrier::broken: called on another thread than that of the loop whose tasks use it; send a message "
            "to a task of that loop through a thread-safe object");
        return broken_;
    }

private:
    // Whether the next arrival completes the round.
    [[nodiscard]] bool is_last() const noexcept { return waiting_count_ + passed_ + 1 >= parties_; }
    void complete_round() noexcept; // wakes the waiting tasks; the running task is the last one
    void fail_all() noexcept;       // wakes the waiting tasks without an order of arrival
    OutcomeAwaiter& pop_waiter() noexcept;

    detail::WaitList waiting_;
    std::size_t parties_;
    std::size_t waiting_count_ = 0; // the length of waiting_
    std::size_t passed_ = 0;        // how many parties have arrived in this round by trigger()
    bool broken_ = false;
    [[no_unique_address]] detail::LoopOwner owner_;
};

// Everything happens on the loop, so a ListWaiter would do; it is a RetractableWaiter because it must be told when the
// task stops waiting, to keep waiting_count_ exact.
class Barrier::OutcomeAwaiter : detail::RetractableWaiter, detail::ListNode {
public:
    explicit OutcomeAwaiter(Barrier& barrier) noexcept : barrier_{barrier} {}
    OutcomeAwaiter(OutcomeAwaiter&& other) noexcept : OutcomeAwaiter{other.barrier_} {} // before it is awaited
    ~OutcomeAwaiter() { remove(); }

    bool await_ready() {
        barrier_.owner_.check_thread(
            "rouse: Barrier::wait: called on another thread than that of the loop whose tasks use it; use one barrier "
            "for each loop");
        if (!barrier_.broken_) {
            if (!barrier_.is_last()) return false;
            place_ = barrier_.parties_ - 1;
            barrier_.complete_round();
        }
        return detail::Scheduler::may_continue();
    }
    void await_suspend(std::coroutine_handle<> frame) {
        if (place_ || barrier_.broken_) return detail::Scheduler::park_woken(*this, frame);
        detail::Scheduler::park(*this, detail::TaskState::waiting_in_barrier, frame);
        barrier_.waiting_.push_back(*this);
        ++barrier_.waiting_count_;
    }
    std::optional<std::size_t> await_resume() const {
        if (task != nullptr) detail::Scheduler::check_cancelled();
        return place_;
    }

private:
    friend Barrier;

    bool retract() noexcept override {
        remove();
        return true;
    }
    void remove() noexcept {
        if (!linked()) return; // it was woken, or the barrier was destroyed
        unlink();
        --barrier_.waiting_count_;
    }

    Barrier& barrier_;
    std::optional<std::size_t> place_; // the order of arrival, once the round is complete
};

class Barrier::Awaiter : public Barrier::OutcomeAwaiter {
public:
    using OutcomeAwaiter::OutcomeAwaiter;
    std::size_t await_resume() const {
        const auto place = OutcomeAwaiter::await_resume();
        if (!place) {
#if ROUSE_EXCEPTIONS
            throw BrokenBarrierError{};
#else
            detail::misuse(
                "rouse: Barrier::wait: the barrier is broken or was reset; use wait_outcome() where exceptions are "
                "off");
#endif
        }
        return *place;
    }
};

inline Barrier::Awaiter Barrier::wait() noexcept { return Awaiter{*this}; }
inline Barrier::OutcomeAwaiter Barrier::wait_outcome() noexcept { return OutcomeAwaiter{*this}; }

inline Barrier::OutcomeAwaiter& Barrier::pop_waiter() noexcept {
    --waiting_count_;
    return static_cast<OutcomeAwaiter&>(waiting_.pop_front());
}

inline void Barrier::complete_round() noexcept {
    passed_ = 0;
    for (std::size_t place = 0; !waiting_.empty(); ++place) {
        OutcomeAwaiter& waiter = pop_waiter();
        waiter.place_ = place;
        detail::Scheduler::wake(waiter);
    }
}

inline void Barrier::fail_all() noexcept {
    passed_ = 0;
    while (!waiting_.empty()) detail::Scheduler::wake(pop_waiter());
}

} // namespace ROUSE_ABI
} // namespace rouse

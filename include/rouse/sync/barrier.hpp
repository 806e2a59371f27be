// Barrier: tasks that go on only when all of them have come.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/detail/waiter.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// Thrown by Barrier::wait when the barrier is broken, or reset while the task waits.
class BrokenBarrierError : public std::exception {
public:
    /// Says that the barrier is broken, or was reset; a string literal.
    [[nodiscard]] const char* what() const noexcept override { return "rouse: the barrier is broken, or was reset"; }
};

/// A meeting point for a fixed number of tasks of one loop, its parties: each waits until all have come, and then all
/// go on, in the order in which they came. It can be used again at once: who comes next begins the next round.
///
/// A task that is cancelled while it waits leaves, and the round needs another in its place. A round that is full has
/// passed: cancelling one of its tasks, reset() and abort() do not touch the others. A barrier that is destroyed leaves
/// those who wait for it waiting, until they are cancelled. Nothing is allocated.
class Barrier {
    class OutcomeAwaiter;
    class Awaiter;

public:
    /// UsageError if there are no parties.
    constexpr explicit Barrier(std::size_t parties) : parties_{parties} {
        if (parties == 0) detail::misuse("rouse: Barrier: a barrier must have at least one party");
    }
    Barrier(const Barrier&) = delete;
    Barrier& operator=(const Barrier&) = delete;

    /// `co_await barrier.wait()`: waits for the others. Returns the place in the round, from 0 for the first who came
    /// to parties() - 1 for the last. Throws BrokenBarrierError if the barrier is broken, or reset meanwhile; without
    /// exceptions that is a panic: use wait_outcome() there.
    [[nodiscard]] Awaiter wait() noexcept;

    /// `co_await barrier.wait_outcome()`: the same, but nothing if the barrier is broken, or reset meanwhile.
    [[nodiscard]] OutcomeAwaiter wait_outcome() noexcept;

    /// Sends away those who wait, and makes the barrier as new.
    void reset() noexcept {
        broken_ = false;
        fail_all();
    }

    /// Breaks the barrier: sends away those who wait, and all who come, until reset().
    void abort() noexcept {
        broken_ = true;
        fail_all();
    }

    /// How many have to come.
    [[nodiscard]] std::size_t parties() const noexcept { return parties_; }

    /// How many have come and wait.
    [[nodiscard]] std::size_t n_waiting() const noexcept { return waiting_count_; }

    /// Whether abort() has broken it, and nobody has called reset() since.
    [[nodiscard]] bool broken() const noexcept { return broken_; }

private:
    void complete_round() noexcept;
    void fail_all() noexcept;
    OutcomeAwaiter& pop_waiter() noexcept;

    detail::WaitList waiting_;
    std::size_t parties_;
    std::size_t waiting_count_ = 0; // how many are in waiting_
    bool broken_ = false;
};

// A RetractableWaiter, although all happens on the loop, in order to hear when it is taken out: from then on it must
// not be counted.
class Barrier::OutcomeAwaiter : detail::RetractableWaiter, detail::ListNode {
public:
    explicit OutcomeAwaiter(Barrier& barrier) noexcept : barrier_{barrier} {}
    OutcomeAwaiter(OutcomeAwaiter&& other) noexcept : OutcomeAwaiter{other.barrier_} {} // before it is awaited
    ~OutcomeAwaiter() { remove(); }

    bool await_ready() noexcept {
        if (barrier_.broken_) return true;
        if (barrier_.waiting_count_ + 1 < barrier_.parties_) return false;
        place_ = barrier_.parties_ - 1;
        barrier_.complete_round();
        return true;
    }
    void await_suspend(std::coroutine_handle<> frame) {
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
        if (!linked()) return; // it has been let go, or the barrier is gone
        unlink();
        --barrier_.waiting_count_;
    }

    Barrier& barrier_;
    std::optional<std::size_t> place_; // in the round, once that is full
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
    for (std::size_t place = 0; !waiting_.empty(); ++place) {
        OutcomeAwaiter& waiter = pop_waiter();
        waiter.place_ = place;
        detail::Scheduler::wake(waiter);
    }
}

inline void Barrier::fail_all() noexcept {
    while (!waiting_.empty()) detail::Scheduler::wake(pop_waiter());
}

} // namespace ROUSE_ABI
} // namespace rouse

// Semaphore, BoundedSemaphore: a limited number of tasks at a time.
#pragma once

#include <cstddef>
#include <limits>

#include <rouse/core/detail/loop_owner.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/sync/detail/acquire.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// A number of permits: acquire() takes one, and waits if none is free; release() returns one, or adds one.
/// Beyond the greatest std::size_t, release() adds none.
///
/// Only for the tasks of one loop. release() may be called by any code that runs on the loop's thread.
///
/// First come, first served: a permit that is released while tasks wait is reserved for the task that has waited
/// longest, and no other task can take it. If that task is cancelled before it runs, the permit passes to the next one.
/// Tasks that wait when the semaphore is destroyed are not woken; they stay suspended until cancelled.
///
/// Nothing is allocated.
class Semaphore {
public:
    /// Owns a permit until the Guard is destroyed or released. Move-only.
    using Guard = detail::Guard<Semaphore>;

    /// A semaphore with one permit.
    constexpr Semaphore() noexcept : Semaphore{1} {}

    /// A semaphore with `permits` free permits.
    constexpr explicit Semaphore(std::size_t permits) noexcept : free_{permits} {}
    Semaphore(const Semaphore&) = delete;
    Semaphore& operator=(const Semaphore&) = delete;
    ~Semaphore() {
        if (grants_.waiting()) {
            owner_.check_in_destructor(
                "rouse: ~Semaphore: tasks of a loop of another thread wait; destroy it on that thread");
        }
    }

    /// `co_await semaphore.acquire()`: returns when this task holds a permit, which it must then release().
    [[nodiscard]] auto acquire() noexcept { return detail::AcquireAwaiter<Semaphore>{*this}; }

    /// `auto guard = co_await semaphore.scoped()`: acquires a permit and returns a Guard, which releases it.
    [[nodiscard]] auto scoped() noexcept { return detail::ScopedAwaiter<Semaphore>{*this}; }

    /// Gives a permit to the task that has waited longest. If no task waits, the permit is free.
    void release() {
        owner_.check_thread(
            "rouse: Semaphore::release: called on another thread than that of the loop whose tasks use it; send a "
            "message to a task of that loop through a thread-safe object");
        pass_on();
    }

    /// Whether acquire() would wait now.
    [[nodiscard]] bool locked() const {
        owner_.check_thread(
            "rouse: Semaphore::locked: called on another thread than that of the loop whose tasks use it; send a "
            "message to a task of that loop through a thread-safe object");
        return free_ == 0;
    }

private:
    friend Guard;
    friend detail::AcquireAwaiter<Semaphore>;
    friend class BoundedSemaphore;
    static constexpr detail::TaskState waiting_state = detail::TaskState::waiting_in_semaphore;
    static constexpr const char* acquired_elsewhere =
        "rouse: Semaphore::acquire: called on another thread than that of the loop whose tasks use it; use one "
        "semaphore for each loop";

    bool grant_if_free(detail::GrantWaiter& waiter) noexcept {
        if (free_ == 0) return false;
        --free_;
        grants_.grant(waiter);
        return true;
    }
    void pass_on() noexcept {
        if (!grants_.grant_next() && free_ != (std::numeric_limits<std::size_t>::max)()) ++free_;
    }

    detail::GrantQueue grants_;
    std::size_t free_; // permits neither held nor granted; zero while a task waits
    [[no_unique_address]] detail::LoopOwner owner_;
};

/// A Semaphore that detects a release() without an acquire(). Everything else is as in Semaphore.
class BoundedSemaphore : Semaphore {
public:
    using Semaphore::Guard;

    /// A semaphore with one permit.
    constexpr BoundedSemaphore() noexcept : BoundedSemaphore{1} {}

    /// A semaphore with `permits` free permits, which is also the most that can be free.
    constexpr explicit BoundedSemaphore(std::size_t permits) noexcept : Semaphore{permits}, bound_{permits} {}

    using Semaphore::acquire;
    using Semaphore::locked;
    using Semaphore::scoped;

    /// Like Semaphore::release. UsageError if all permits are free already.
    void release() {
        owner_.check_thread(
            "rouse: BoundedSemaphore::release: called on another thread than that of the loop whose tasks use it; send "
            "a message to a task of that loop through a thread-safe object");
        if (free_ >= bound_)
            detail::misuse(
                "rouse: BoundedSemaphore::release: all permits are free already; release only what was acquired");
        pass_on();
    }

private:
    std::size_t bound_;
};

} // namespace ROUSE_ABI
} // namespace rouse

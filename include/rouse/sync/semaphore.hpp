// Semaphore, BoundedSemaphore: so many tasks at a time, and no more.
#pragma once

#include <cstddef>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/sync/detail/acquire.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// A number of permits that the tasks of one loop share: acquire() takes one, and waits if there is none; release()
/// gives one back, or adds one. release() may be called by any code that runs on the loop's thread.
///
/// First come, first served: a permit that is released while tasks wait is promised to the one that has waited longest,
/// and nobody else can take it. If that task is cancelled before it runs, the permit goes on to the next. A semaphore
/// that is destroyed leaves those who wait for it waiting, until they are cancelled. Nothing is allocated.
class Semaphore {
public:
    /// Holds a permit until it is destroyed or released.
    using Guard = detail::Guard<Semaphore>;

    /// With one permit.
    constexpr Semaphore() noexcept : Semaphore{1} {}

    /// With so many permits to begin with.
    constexpr explicit Semaphore(std::size_t permits) noexcept : free_{permits} {}
    Semaphore(const Semaphore&) = delete;
    Semaphore& operator=(const Semaphore&) = delete;

    /// `co_await semaphore.acquire()`: returns when this task has a permit, which it then has to release().
    [[nodiscard]] auto acquire() noexcept { return detail::AcquireAwaiter<Semaphore>{*this}; }

    /// `auto guard = co_await semaphore.scoped()`: the same, with a Guard that releases it.
    [[nodiscard]] auto scoped() noexcept { return detail::ScopedAwaiter<Semaphore>{*this}; }

    /// Gives a permit to the task that has waited longest; if nobody waits, to whoever comes next.
    void release() noexcept { pass_on(); }

    /// Whether acquire() would wait now.
    [[nodiscard]] bool locked() const noexcept { return free_ == 0; }

private:
    friend Guard;
    friend detail::AcquireAwaiter<Semaphore>;
    friend class BoundedSemaphore;
    static constexpr detail::TaskState waiting_state = detail::TaskState::waiting_in_semaphore;

    bool grant_if_free(detail::GrantWaiter& waiter) noexcept {
        if (free_ == 0) return false;
        --free_;
        grants_.grant(waiter);
        return true;
    }
    void pass_on() noexcept {
        if (!grants_.grant_next()) ++free_;
    }

    detail::GrantQueue grants_;
    std::size_t free_; // neither held nor promised; zero while anybody waits
};

/// A Semaphore that finds out if more permits are released than were acquired.
class BoundedSemaphore : Semaphore {
public:
    using Semaphore::Guard;

    /// With one permit.
    constexpr BoundedSemaphore() noexcept : BoundedSemaphore{1} {}

    /// With so many permits, which is also how many there can be.
    constexpr explicit BoundedSemaphore(std::size_t permits) noexcept : Semaphore{permits}, bound_{permits} {}

    using Semaphore::acquire;
    using Semaphore::locked;
    using Semaphore::scoped;

    /// As Semaphore::release. UsageError if all permits are free already.
    void release() {
        if (free_ >= bound_) detail::misuse("rouse: BoundedSemaphore::release: more permits than it began with");
        pass_on();
    }

private:
    std::size_t bound_;
};

} // namespace ROUSE_ABI
} // namespace rouse

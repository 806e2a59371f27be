// Lock: one task at a time.
#pragma once

#include <coroutine>
#include <utility>

#include <rouse/core/loop.hpp>

namespace rouse::inline ROUSE_ABI {

/// Mutual exclusion between the tasks of one loop, over several of their steps. It is not for threads.
///
/// First come, first served: release() hands the lock to the task that has waited longest, so nobody can take it in
/// between. If that task is cancelled before it runs, the lock goes on to the next. Nothing is allocated.
class Lock {
    class Awaiter;
    class ScopedAwaiter;

public:
    /// Holds the lock until it is destroyed or released.
    class [[nodiscard]] Guard {
    public:
        Guard(Guard&& other) noexcept : lock_{std::exchange(other.lock_, nullptr)} {}
        Guard& operator=(Guard&& other) noexcept {
            std::swap(lock_, other.lock_);
            return *this;
        }
        ~Guard() { release(); }

        /// Releases the lock before the end of the scope.
        void release() noexcept {
            if (Lock* lock = std::exchange(lock_, nullptr)) lock->pass_on();
        }

    private:
        friend ScopedAwaiter;
        explicit Guard(Lock& lock) noexcept : lock_{&lock} {}
        Lock* lock_;
    };

    constexpr Lock() noexcept = default;
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

    /// `co_await lock.acquire()`: returns when this task has the lock, which it then has to release().
    [[nodiscard]] Awaiter acquire() noexcept;

    /// `auto guard = co_await lock.scoped()`: the same, with a Guard that releases it.
    [[nodiscard]] ScopedAwaiter scoped() noexcept;

    /// Gives the lock to the task that has waited longest. UsageError if the lock is not held.
    void release() {
        if (!locked_) misuse("rouse: Lock::release: the lock is not held");
        pass_on();
    }

    [[nodiscard]] bool locked() const noexcept { return locked_; }

private:
    void pass_on() noexcept;

    core::WaitList waiting_;
    bool locked_ = false; // stays true while the lock is handed over
};

class Lock::Awaiter : core::ListWaiter {
public:
    explicit Awaiter(Lock& lock) noexcept : lock_{lock} {}
    Awaiter(Awaiter&& other) noexcept : Awaiter{other.lock_} {} // before it is awaited
    ~Awaiter() {
        if (granted_) lock_.pass_on(); // given to a task that was cancelled before it could take it
    }

    bool await_ready() noexcept {
        if (lock_.locked_) return false;
        lock_.locked_ = true;
        return true;
    }
    void await_suspend(std::coroutine_handle<> frame) {
        Loop::park(*this, core::TaskState::waiting_in_list, frame);
        lock_.waiting_.push_back(*this);
    }
    void await_resume() {
        if (task != nullptr) Loop::check_cancelled();
        granted_ = false;
    }

protected:
    Lock& lock_;

private:
    friend Lock;
    bool granted_ = false; // the lock is ours, and await_resume has not yet taken it
};

class Lock::ScopedAwaiter : public Lock::Awaiter {
public:
    using Awaiter::Awaiter;
    Guard await_resume() {
        Awaiter::await_resume();
        return Guard{lock_};
    }
};

inline Lock::Awaiter Lock::acquire() noexcept { return Awaiter{*this}; }
inline Lock::ScopedAwaiter Lock::scoped() noexcept { return ScopedAwaiter{*this}; }

inline void Lock::pass_on() noexcept {
    if (waiting_.empty()) {
        locked_ = false;
        return;
    }
    Awaiter& next = static_cast<Awaiter&>(waiting_.pop_front());
    next.granted_ = true;
    Loop::wake(next);
}

} // namespace rouse::inline ROUSE_ABI

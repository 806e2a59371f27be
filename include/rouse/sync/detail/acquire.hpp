// Guard, AcquireAwaiter, ScopedAwaiter: how a Lock or a Semaphore is acquired and released.
#pragma once

#include <coroutine>
#include <utility>

#include <rouse/sync/detail/grant_queue.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Owns the lock or permit that scoped() has acquired, until the Guard is destroyed or released. Move-only. Its Lock or
/// Semaphore must outlive it.
template <class Owner>
class [[nodiscard]] Guard {
public:
    /// Only for the library; users call scoped(). A null owner means that there is nothing to release.
    explicit Guard(Owner* owner) noexcept : owner_{owner} {}
    /// Takes over what `other` owns.
    Guard(Guard&& other) noexcept : owner_{std::exchange(other.owner_, nullptr)} {}
    /// Exchanges what the two Guards own.
    Guard& operator=(Guard&& other) noexcept {
        std::swap(owner_, other.owner_);
        return *this;
    }
    ~Guard() { release(); }

    /// Releases the lock or permit before the end of the scope. Later calls do nothing.
    void release() noexcept {
        if (Owner* owner = std::exchange(owner_, nullptr)) {
            owner->owner_.check_in_destructor(
                "rouse: Guard: released on another thread than that of the loop whose task holds it; release it there");
            owner->pass_on();
        }
    }

private:
    Owner* owner_;
};

/// Waits until the owner, a Lock or a Semaphore, grants what is acquired. The owner provides grant_if_free(waiter),
/// which grants it at once if possible, the queue `grants_`, pass_on(), and `waiting_state`.
template <class Owner>
class AcquireAwaiter : GrantWaiter {
public:
    explicit AcquireAwaiter(Owner& owner) noexcept : owner_{owner} {}
    AcquireAwaiter(AcquireAwaiter&& other) noexcept : AcquireAwaiter{other.owner_} {} // before it is awaited
    ~AcquireAwaiter() { give_back(); }

    bool await_ready() {
        owner_.owner_.check_thread(Owner::acquired_elsewhere);
        return owner_.grant_if_free(*this) && Scheduler::may_continue();
    }
    void await_suspend(std::coroutine_handle<> frame) {
        if (granted()) {
            owner_.grants_.keep(*this);
            Scheduler::park_woken(*this, frame);
            return;
        }
        Scheduler::park(*this, Owner::waiting_state, frame);
        owner_.grants_.wait(*this);
    }
    void await_resume() {
        if (task != nullptr) Scheduler::check_cancelled([this] { give_back(); });
        end_grant();
    }

protected:
    // In await_resume: whether the owner was destroyed after it had been granted to this task.
    [[nodiscard]] bool owner_destroyed() const noexcept { return !granted(); }

    Owner& owner_;

private:
    // Passes on what was granted to this task, which is cancelled and cannot use it.
    void give_back() noexcept {
        if (!granted()) return;
        end_grant();
        owner_.pass_on();
    }
};

/// An AcquireAwaiter that returns a Guard.
template <class Owner>
class ScopedAwaiter : public AcquireAwaiter<Owner> {
public:
    using AcquireAwaiter<Owner>::AcquireAwaiter;
    Guard<Owner> await_resume() {
        const bool destroyed = this->owner_destroyed();
        AcquireAwaiter<Owner>::await_resume();
        return Guard<Owner>{destroyed ? nullptr : &this->owner_};
    }
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

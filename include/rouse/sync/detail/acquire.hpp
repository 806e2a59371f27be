// How a Lock or a Semaphore is acquired and given back.
#pragma once

#include <coroutine>
#include <utility>

#include <rouse/sync/detail/grant_queue.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Holds what scoped() has acquired until it is destroyed or released. Move-only; its Lock or Semaphore must outlive
/// it.
template <class Owner>
class [[nodiscard]] Guard {
public:
    /// For the library: see scoped().
    explicit Guard(Owner* owner) noexcept : owner_{owner} {}
    /// Takes over what the other holds, which then holds nothing.
    Guard(Guard&& other) noexcept : owner_{std::exchange(other.owner_, nullptr)} {}
    /// Exchanges what both hold.
    Guard& operator=(Guard&& other) noexcept {
        std::swap(owner_, other.owner_);
        return *this;
    }
    ~Guard() { release(); }

    /// Gives it back before the end of the scope; does nothing the second time.
    void release() noexcept {
        if (Owner* owner = std::exchange(owner_, nullptr)) owner->pass_on();
    }

private:
    Owner* owner_;
};

/// Waits for a grant. The owner has `grant_if_free(waiter)`, which grants it at once if it can, `grants_`, and
/// `pass_on()`.
template <class Owner>
class AcquireAwaiter : GrantWaiter {
public:
    explicit AcquireAwaiter(Owner& owner) noexcept : owner_{owner} {}
    AcquireAwaiter(AcquireAwaiter&& other) noexcept : AcquireAwaiter{other.owner_} {} // before it is awaited
    ~AcquireAwaiter() { give_back(); }

    bool await_ready() noexcept { return owner_.grant_if_free(*this); }
    void await_suspend(std::coroutine_handle<> frame) {
        Scheduler::park(*this, Owner::waiting_state, frame);
        owner_.grants_.wait(*this);
    }
    void await_resume() {
        if (task != nullptr) Scheduler::check_cancelled([this] { give_back(); });
        end_grant();
    }

protected:
    // On resumption: whether the owner was destroyed after it had been given to us.
    [[nodiscard]] bool owner_destroyed() const noexcept { return !granted(); }

    Owner& owner_;

private:
    // What this task was given and cannot take, as it was cancelled.
    void give_back() noexcept {
        if (!granted()) return;
        end_grant();
        owner_.pass_on();
    }
};

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

// AwaiterBase: what an awaitable of the user's own derives from.
#pragma once

#include <coroutine>
#include <cstdint>
#include <utility>

#include <rouse/core/config.hpp>
#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/detail/waiter.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

class AwaiterBase;

namespace detail {

/// The waiter of an AwaiterBase. Separate from it, so that the user's retract() is called only while the awaiter waits.
struct CustomWaiter final : RetractableWaiter {
    explicit CustomWaiter(AwaiterBase& base) noexcept : awaiter{base} {}

    bool retract() noexcept override;
    [[nodiscard]] const char* waits_in() const noexcept;

    AwaiterBase& awaiter;
};

} // namespace detail

/// The base of a custom awaiter: suspends the task that awaits it until wake(), and takes part in cancellation,
/// timeouts, select, gather and the task list as the library's own awaiters do.
///
/// A derived class has the three functions of every awaiter, all public, and overrides retract():
///
///     class Gate { // keeps one task out until open()
///     public:
///         class Awaiter final : public rouse::AwaiterBase {
///         public:
///             explicit Awaiter(Gate& gate) noexcept : gate_{gate} {}
///             Awaiter(Awaiter&&) = default; // before it is awaited; select and wait_for move it
///             ~Awaiter() { leave(); }
///
///             bool await_ready() const noexcept { return gate_.open_ && may_continue(); }
///             void await_suspend(std::coroutine_handle<> frame) {
///                 park(frame);
///                 if (gate_.open_) return wake(); // it takes a round of the ready queue
///                 gate_.waiter_ = this;
///             }
///             void await_resume() { check_cancelled(); }
///
///         private:
///             bool retract() noexcept override {
///                 gate_.waiter_ = nullptr;
///                 return true;
///             }
///             const char* waits_in() const noexcept override { return "a Gate"; }
///
///             Gate& gate_;
///         };
///
///         Awaiter wait() noexcept { return Awaiter{*this}; } // co_await gate.wait()
///         void open() noexcept {
///             open_ = true;
///             if (Awaiter* waiter = std::exchange(waiter_, nullptr)) waiter->wake();
///         }
///
///     private:
///         bool open_ = false;
///         Awaiter* waiter_ = nullptr;
///     };
///
/// All members are for the thread of the loop whose task waits. To let another thread, another core, a signal handler
/// or an interrupt wake a task, await a ThreadSafeFlag or another object of threadsafe/: it decides between a wake and
/// a cancellation at the same instant, which needs more than a pointer to an awaiter.
///
/// wake() makes the task ready; it never resumes the task itself. Tasks resume in the order in which they were woken.
/// A cancellation, a timeout or a lost select calls retract() while the task is parked. A cancellation also wins over a
/// wake() that came first, as long as the task has not resumed. Therefore take what is waited for in await_resume(),
/// after check_cancelled(), and not when wake() is called: then nothing is lost. await_resume() is not called after a
/// timeout, nor in a select that another awaitable has won.
///
/// Costs five words in the frame of the awaiting coroutine, and no allocation.
//
//               park()                     retract() is called
//      idle ------------> parked -----------------------------------> retracting
//       ^                  |  ^             it returned false           |   |
//       |      wake()      |  '-----------------------------------------'   |
//       |------------------'            it returned true, or called wake()  |
//       '-------------------------------------------------------------------'
class AwaiterBase {
public:
    AwaiterBase& operator=(const AwaiterBase&) = delete;

    /// Makes the parked task ready: it resumes after the tasks that are ready already. Does nothing if the task is not
    /// parked.
    void wake() noexcept {
        if (std::exchange(state_, State::idle) == State::parked) detail::Scheduler::wake(waiter_);
    }

    /// Whether the task is suspended here and has not been woken or retracted.
    [[nodiscard]] bool parked() const noexcept { return state_ == State::parked; }

protected:
    AwaiterBase() noexcept = default;

    /// Awaiters may be copied and moved until they are awaited. Nothing is taken over.
    AwaiterBase(const AwaiterBase&) noexcept {}

    /// Panics if the awaiter is parked, because what could wake it would then use a destroyed object.
    ~AwaiterBase() {
        if (parked()) {
            ROUSE_PANIC(
                "rouse: AwaiterBase: destroyed while parked; call leave() in the destructor of the class "
                "derived from it, and let the loop run until the awaited operation has ended");
        }
    }

    /// For await_ready of an awaiter that need not wait: whether the task may continue at once. Only a limited number
    /// of awaits in one step of a task may, so that it does not keep the others from running. If it returns false,
    /// await_suspend must call wake() after park().
    [[nodiscard]] static bool may_continue() noexcept {
        if (detail::Scheduler::may_continue()) return true;
        if (!ROUSE_HOSTED) detail::Scheduler::allow_ready_awaits();
        return false;
    }

    /// For await_suspend: suspends the running task at `frame` until wake(). Call it before anything that may call
    /// wake(); wake() may then be called at once, even before await_suspend returns. UsageError outside of a task.
    void park(std::coroutine_handle<> frame) {
        detail::Scheduler::park(waiter_, detail::TaskState::waiting_in_custom, frame);
        state_ = State::parked;
    }

    /// For await_resume: throws CancelledError if the task was suspended here and has been cancelled. Without
    /// exceptions it does nothing, because a cancelled task is not resumed then; its frame is destroyed.
    void check_cancelled() const {
        check_cancelled([] {});
    }

    /// As above, but calls give_back() before it throws: for an object that hands something over in wake(), such as a
    /// lock, and has to take it back. Without exceptions, give it back in the destructor.
    template <class F>
    void check_cancelled(F give_back) const {
        if (waiter_.task != nullptr) detail::Scheduler::check_cancelled(std::move(give_back));
    }

    /// For the destructor of a derived class: retracts the awaiter if it is parked. Destroying a loop retracts its
    /// tasks first, so this matters only to a coroutine that something else destroys.
    void leave() noexcept {
        if (!parked()) return;
        state_ = State::retracting;
        if (retract()) {
            state_ = State::idle;
        } else if (state_ == State::retracting) {
            state_ = State::parked;
        }
    }

private:
    friend detail::CustomWaiter;

    enum class State : std::uint8_t { idle, parked, retracting };

    /// The wait is given up: remove the awaiter from the object, so that wake() is not called any more, and return
    /// true. If the operation cannot be abandoned at once (a DMA transfer that writes to this frame, say), ask it to
    /// stop and return false: the task then stays suspended until wake(), and only then is the cancellation delivered.
    /// After a timeout, await_resume() is called in that case, and its result counts. A second cancellation calls
    /// retract() again.
    virtual bool retract() noexcept = 0;

    /// The name of the awaited object for the task list, such as "a Gate"; null for "a custom awaiter". It is called
    /// while the task is parked, and must stay valid until the task resumes.
    [[nodiscard]] virtual const char* waits_in() const noexcept { return nullptr; }

    detail::CustomWaiter waiter_{*this};
    State state_ = State::idle;
};

inline bool detail::CustomWaiter::retract() noexcept {
    awaiter.leave();
    return awaiter.state_ == AwaiterBase::State::idle; // not if this call came from inside retract()
}

inline const char* detail::CustomWaiter::waits_in() const noexcept { return awaiter.waits_in(); }

} // namespace ROUSE_ABI
} // namespace rouse

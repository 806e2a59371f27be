// ForeignAwaiter: lets a task await something that knows nothing of rouse.
//
// The awaiter of another library gets a coroutine handle, and resumes it whenever and wherever its operation ends. If
// that were the handle of the task's frame, the task would continue on that thread. So the frame stays here, and what
// is handed out is the handle of a *trampoline*, a frame without a coroutine: resuming it sends an item to the inbox of
// the loop, and the loop resumes the task.
//
//                 begin()              report(): resumed or destroyed, in any context
//      unused ------------> away  ---------------------------------------------------> in the inbox
//         ^                  |                                                              |
//         '------------------'                                                  arrive(): the task is ready
//     await_suspend threw or did not suspend                                                |
//                                                                                           v
//                                                                                         back
//
// Who touches what: `away_`, `task` and `frame_` belong to the loop. The context that reports writes `abandoned_` and
// then sends the item, and touches nothing after that: from then on the waiter may be gone. It needs no atomic of its
// own, because a handle is resumed or destroyed once, as the language demands; the inbox orders the rest. What was
// written before begin() handed out the handle is visible to the context that reports, if the foreign awaiter passes
// the handle on in the proper way; what that context wrote before is visible to the task (Inbox::send releases,
// Inbox::take acquires).
//
// Why nothing can dangle: while it is away, retract() refuses, so the task stays suspended until the report arrives; a
// cancellation or a timeout is delivered then. The destructor (of a loop that ends) waits for the arrival.
//
// The frame of a coroutine has no portable layout, but g++, clang and MSVC all begin it with two pointers: to the
// function that resumes it, and to the one that destroys it. The first one is never null, so done() is false.
#pragma once

#include <coroutine>
#include <type_traits>
#include <utility>

#include <rouse/core/config.hpp>
#include <rouse/core/detail/awaiter_of.hpp>
#include <rouse/core/detail/inbox.hpp>
#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/detail/waiter.hpp>
#include <rouse/core/error.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

#if defined(__clang__) && defined(__i386__)
// clang passes the frame in a register here, as for its fastcc convention.
using FrameFunction = void(void*) noexcept __attribute__((fastcall));
#else
using FrameFunction = void(void*) noexcept;
#endif

/// What is handed out in place of a coroutine frame.
struct Trampoline {
    FrameFunction* resume;
    FrameFunction* destroy;
};

/// The part of a ForeignAwaiter that does not depend on what is awaited.
class ForeignWaiter : RetractableWaiter, InboxItem, Trampoline {
public:
    ForeignWaiter(const ForeignWaiter&) = delete;
    ForeignWaiter& operator=(const ForeignWaiter&) = delete;

protected:
    ForeignWaiter() noexcept : Trampoline{&resumed, &destroyed} {}
    ~ForeignWaiter() = default;

    /// The handle to hand out in place of `frame`, that of the running task. UsageError outside of a task.
    std::coroutine_handle<> begin(std::coroutine_handle<> frame) {
        static_cast<void>(Scheduler::running_task());
        inbox_ = &Scheduler::current_or_null()->inbox();
        frame_ = frame;
        set_away(true);
        void* address = static_cast<Trampoline*>(this);
        asm volatile("" : "+r"(address) : : "memory"); // the compiler need not know that a handle's resume() reads it
        return std::coroutine_handle<>::from_address(address);
    }

    /// The handle was not kept.
    void end() noexcept { set_away(false); }

    /// Must be called after the handle was handed out: suspends the task.
    void suspend() {
        TaskRecord& running = Scheduler::running_task();
        if (running.state != TaskState::running) {
            suspended_inside(running);
        } else if (away_) {
            Scheduler::park(*this, TaskState::waiting_in_foreign, frame_);
        } else { // a poll() inside the foreign await_suspend has taken the report in
            Scheduler::park_woken(*this, frame_);
            if (!ROUSE_EXCEPTIONS && abandoned_) inbox_->scheduler().cancel(running);
        }
    }

    /// For an await that need not wait: whether the task may continue at once. If not, take_round() must follow.
    static bool may_continue() noexcept { return Scheduler::may_continue(); }

    /// Suspends the task for one round of the ready queue.
    void take_round(std::coroutine_handle<> frame) { Scheduler::park_woken(*this, frame); }

    /// For await_resume: throws what ends the wait in place of a result.
    void require_result() const {
        if (task == nullptr) return; // it was not suspended here
        Scheduler::check_cancelled();
#if ROUSE_EXCEPTIONS
        if (abandoned_) throw AbandonedError{};
#endif
    }

    /// For the destructor of the derived class: what the operation may still use stays until it has reported.
    void wait_until_back() noexcept {
        if (away_) inbox_->scheduler().wait_for_arrival([this] { return !away_; });
    }

private:
    static ForeignWaiter& of(void* frame) noexcept {
        return static_cast<ForeignWaiter&>(*static_cast<Trampoline*>(frame));
    }

    // The functions of the trampoline, called in any context.
    static FrameFunction resumed;
    static FrameFunction destroyed;

    // A foreign coroutine that runs inside the task, or an awaiter that contains one of rouse's, has suspended the task
    // in an object of rouse. So the trampoline is resumed inside a step of the task.
    void suspended_inside(TaskRecord& running) noexcept {
        inside_ = &running;
        set_away(false);
        // Its frame is not one of a coroutine, for which Scheduler::destroy_frame() would take it.
        if (running.resume_point.address() == static_cast<Trampoline*>(this)) running.resume_point = frame_;
    }

    // Returns true if this is a step of the task, which then continues at once.
    bool continue_step() noexcept {
        if (inside_ == nullptr) [[likely]]
            return false;
        const Scheduler* scheduler = Scheduler::current_or_null();
        if (scheduler == nullptr || scheduler->running_or_null() != inside_) {
            ROUSE_PANIC(
                "rouse: foreign: a coroutine that is not rouse's was suspended by an object of rouse, and then ended "
                "outside of the task that awaits it; make it a Task");
        }
        inside_->resume_point = frame_;
        return true;
    }

    // Nothing can be abandoned at once: the operation holds the handle.
    bool retract() noexcept override { return !away_; }

    void arrive() noexcept override {
        set_away(false);
        if (task == nullptr) return; // see suspend()
        if (!ROUSE_EXCEPTIONS && abandoned_) {
            inbox_->scheduler().cancel(*task);
        } else {
            Scheduler::wake(*this);
        }
    }

    // While it is away the port is told that a wake is to come from elsewhere.
    void set_away(bool away) noexcept {
        if (std::exchange(away_, away) == away) return;
#if ROUSE_HOSTED
        inbox_->scheduler().port().await_thread(away ? 1 : -1);
#endif
    }

    std::coroutine_handle<> frame_; // that of the task
    TaskRecord* inside_ = nullptr;  // see suspended_inside(), else null; read by the context that reports, and written
                                    // only where that is the task itself
    bool away_ = false;             // handed out and not back
    bool abandoned_ = false;        // destroyed, not resumed; written by the context that reports, before it sends
};

inline void ForeignWaiter::resumed(void* frame) noexcept {
    ForeignWaiter& waiter = of(frame);
    if (!waiter.continue_step()) waiter.wake(); // from here on the waiter may be gone
}

inline void ForeignWaiter::destroyed(void* frame) noexcept {
    ForeignWaiter& waiter = of(frame);
    if (waiter.inside_ != nullptr) return; // the foreign coroutine ends with the task
    waiter.abandoned_ = true;
    waiter.wake();
}

/// The awaiter of a task for an A that is not rouse's: a reference if A is an lvalue. It holds the foreign awaiter,
/// whose functions run in the task, on the loop; only the trampoline is known to other contexts.
template <class A>
class ForeignAwaiter final : ForeignWaiter {
public:
    explicit ForeignAwaiter(A&& awaitable) : theirs_(awaiter_of(std::forward<A>(awaitable))) {}
    ~ForeignAwaiter() { wait_until_back(); }

    bool await_ready() {
        if (!static_cast<bool>(theirs_.await_ready())) return false;
        ready_ = true;
        return may_continue();
    }

    bool await_suspend(std::coroutine_handle<> frame) {
        if (ready_) {
            take_round(frame);
        } else if (suspends(begin(frame))) {
            suspend();
        } else if (may_continue()) {
            return false;
        } else {
            take_round(frame);
        }
        return true;
    }

    decltype(auto) await_resume() {
        require_result();
        return theirs_.await_resume();
    }

private:
    // Calls the foreign await_suspend. Returns whether it has kept the handle.
    bool suspends(std::coroutine_handle<> trampoline) {
        struct EndUnlessKept {
            ForeignAwaiter* waiter;
            ~EndUnlessKept() {
                if (waiter != nullptr) waiter->end();
            }
        } guard{this};
        using Result = decltype(theirs_.await_suspend(trampoline));
        if constexpr (std::is_void_v<Result>) {
            theirs_.await_suspend(trampoline);
        } else if constexpr (std::is_same_v<Result, bool>) {
            if (!theirs_.await_suspend(trampoline)) return false;
        } else {
            const std::coroutine_handle<> next = theirs_.await_suspend(trampoline);
            if (next == trampoline) return false;
            next.resume(); // no tail call, and it need not be one: it does not resume this task
        }
        guard.waiter = nullptr;
        return true;
    }

    // The foreign awaiter: a reference if it is the awaitable itself.
    decltype(awaiter_of(std::declval<A>())) theirs_;
    bool ready_ = false;
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

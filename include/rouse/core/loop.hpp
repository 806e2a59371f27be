// Loop: the scheduler of one thread (or one core): a ready queue, timers, and an inbox for everybody else.
//
// One turn of the loop: take the inbox, make the due timers ready, resume up to `steps_per_turn` tasks from the
// front of the ready queue, then let the port look for input and output, or sleep if nothing is ready.
//
// How a task runs: the loop resumes the innermost frame. A child that ends leaves its parent as the task's new resume
// point and suspends, and the loop goes on with the parent; nothing is resumed from inside anything else, so
// the stack does not grow with the number of children.
//
// How a task ends from outside: with exceptions, its next resumption throws CancelledError; without, its outermost
// frame is destroyed, and as every child lives in a temporary of its parent, the innermost goes first.
//
// How the loop ends: not before every item that was taken by a foreign context has arrived (the tasks that wait for
// them cannot end earlier), and not before every Port::wake() that it is owed has been counted. So neither the
// loop nor its port is touched by a foreign context afterwards.
#pragma once

#include <coroutine>
#include <string_view>
#include <utility>

#include <rouse/core/branch.hpp>
#include <rouse/core/config.hpp>
#include <rouse/core/error.hpp>
#include <rouse/core/exception_handler.hpp>
#include <rouse/core/foreign_waiter.hpp>
#include <rouse/core/inbox.hpp>
#include <rouse/core/port.hpp>
#include <rouse/core/ready_queue.hpp>
#include <rouse/core/task_record.hpp>
#include <rouse/core/timers.hpp>
#include <rouse/core/wait_list.hpp>
#if ROUSE_HOSTED
#include <rouse/core/frame_pool.hpp>
#else
#include <rouse/core/static_frame_pool.hpp>
#endif

namespace rouse::inline ROUSE_ABI {

template <class T = void>
class Task;
template <class T = void>
class TaskHandle;
namespace core {
struct ThreadOfLoops;
}

/// The scheduler. Everything here is for the loop's own thread; other contexts reach it only through the objects
/// in threadsafe/.
class Loop {
public:
    /// A loop on a port, which must outlive it. It becomes the current loop of this thread until it is destroyed.
    explicit Loop(Port& port);

    /// Destroys the frames of the tasks that are left, without resuming them, the innermost frame of each first.
    ~Loop();

    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// The loop that is running on this thread, else the one made last; UsageError if there is none.
    static Loop& current();

    [[nodiscard]] static Loop* current_or_null() noexcept { return current_; } ///< The same, or null.

    /// Runs `main` to its end, cancels the tasks that are left, lets them finish, and returns what main returned or
    /// throws what it threw.
    template <class T>
    T run(Task<T> main);

    /// Starts a task on this loop: queued, not run at once, and in constant time. Nothing is allocated, as its frame is
    /// there already; the handle is empty if `task` is, that is if its frame could not be allocated.
    template <class T>
    TaskHandle<T> create_task(Task<T>&& task);
    template <class T>
    TaskHandle<T> create_task(Task<T>&& task, std::string_view name); ///< The same; the name is copied, for messages.

    /// Runs until `task` has ended, and returns or throws its result. Other tasks stay where they are.
    template <class T>
    T run_until_complete(Task<T> task);
    template <class T>
    T run_until_complete(TaskHandle<T> task); ///< The same for a task that runs already.

    /// Runs until stop().
    void run_forever();

    /// Makes run_forever (or run_until_complete, which then is an error) return, after the tasks that are ready now
    /// have run once. Called before, it does so to the next.
    void stop() noexcept;

    /// For a host's own loop: does what there is to do, without sleeping. Returns true if there is more to do at
    /// once; else the host should call again when native_handle() is readable or next_deadline() has come.
    bool poll();

    /// When poll() has something to do at the latest: at_once, a time, or `forever`.
    [[nodiscard]] TimePoint next_deadline() const noexcept;

    /// The port's descriptor that is readable when poll() has something to do, or -1.
    [[nodiscard]] int native_handle() const noexcept { return port_.native_handle(); }

#if ROUSE_BUSY_POLLING
    /// Busy polling: before each sleep the loop looks for work, input and output too, for up to `longest`. What comes
    /// meanwhile begins sooner, and costs its sender no system call; the core is busy for as long. Zero, as at first:
    /// sleeps at once. Not for poll().
    void set_busy_poll(Clock::duration longest) noexcept;
#endif

    /// Whether a task of this loop, or the loop itself, is running: it must not be blocked now.
    [[nodiscard]] bool running() const noexcept { return sentinel_ != nullptr || running_task_ != nullptr; }

    /// Whether a loop is running on this thread, so that a call that blocks would lock it up.
    [[nodiscard]] static bool blocking_refused() noexcept { return current_ != nullptr && current_->running(); }

    /// The number of tasks that have been started and have not ended.
    [[nodiscard]] std::size_t live_tasks() const noexcept { return live_; }

    [[nodiscard]] Port& port() noexcept { return port_; } ///< The port that it was made with.

#if ROUSE_EXCEPTIONS
    /// Sets what is called, once, for an exception that ends a task that nobody awaits: handler(std::string_view
    /// task_name, std::exception_ptr error), on the loop. It must not throw. The default prints to stderr.
    template <class F>
    void set_exception_handler(F handler);
#endif

    /// @cond internal
    // ---- for awaiters ----
    /// The task that is being resumed, or the branch that is parked in its place; UsageError if there is none.
    static core::TaskRecord& running_task();

    /// The task that is being resumed, in any case; and the same, or null.
    static core::TaskRecord& running_task_itself();
    [[nodiscard]] core::TaskRecord* running_or_null() const noexcept { return running_task_; }

    /// Suspends the running task at `frame`: it waits in `waiter`.
    static void park(core::Waiter& waiter, core::TaskState state, std::coroutine_handle<> frame);

    /// Takes back the park() of just now: the task goes on.
    static void unpark(core::Waiter& waiter) noexcept;

    /// Suspends the running task at `frame`, to go once round the ready queue.
    void park_ready(std::coroutine_handle<> frame);

    /// Makes the task that waits in `waiter` ready, on its own loop; does nothing if it no longer waits there.
    static void wake(core::Waiter& waiter) noexcept;

    /// The same, but the task goes on before those that are ready already: for one that has only let another run in
    /// its place.
    void wake_next(core::Waiter& waiter) noexcept;

    /// Starts a task as create_task does, for a task that waits until it has ended; so it is not cancelled if the loop
    /// is ending.
    template <class T>
    TaskHandle<T> create_awaited(Task<T>&& task);
    template <class T>
    TaskHandle<T> create_awaited(Task<T>&& task, std::string_view name);

    /// The same, for one that runs in the place of the task that waits: next, before those that are ready, and if it is
    /// cancelled it begins all the same, as a child would.
    template <class T>
    TaskHandle<T> create_next(Task<T>&& task);

    /// Calls suspend() with `branch` in place of the running task, so that this is what an awaiter parks.
    template <class F>
    static void in_place_of_task(core::Branch& branch, F suspend);

    /// Takes a waiting task, or branch, out of what it waits in. False if a foreign context has taken it already; then
    /// it arrives.
    bool take_out(core::TaskRecord& task) noexcept;

    /// For await_resume: throws CancelledError if the running task has been cancelled. Without exceptions it does
    /// nothing, for then the loop does not resume such a task.
    static void check_cancelled();

    /// The same; calls give_back() before it throws. For what has been promised to the awaiter, which may live on for
    /// long.
    template <class F>
    static void check_cancelled(F give_back);

    /// As TaskHandle::cancel.
    bool cancel(core::TaskRecord& task) noexcept;

    /// Ends the wait of a task without what it waits for. False if it is not waiting, or its wait has ended already.
    bool interrupt(core::TaskRecord& task) noexcept;

    /// Waits, in place, until `arrived()`: until an item that a foreign context has taken has come in. Between that
    /// context's exchange and its push are a few instructions; if it was interrupted there, this sleeps.
    template <class F>
    void wait_for_arrival(F arrived) noexcept;

#if ROUSE_EXCEPTIONS
    /// Notes that the running task is being cancelled, for on_cancel.
    static void note_cancellation() noexcept { current_->cancelling_ = current_->running_task_; }

    /// The task to which CancelledError was thrown in this step, or null.
    [[nodiscard]] const core::TaskRecord* cancelling() const noexcept { return cancelling_; }
#endif

    /// Lets a timer run, and stops one; a timer that is not running is let be.
    void add_timer(core::Timer& timer) noexcept;
    void remove_timer(core::Timer& timer) noexcept { timers_.remove(timer); }
    [[nodiscard]] const core::Timers& timers() const noexcept { return timers_; }

    [[nodiscard]] core::FramePool* frame_pool() noexcept { return pool_; }
    [[nodiscard]] core::Inbox& inbox() noexcept { return inbox_; }

    /// The way of a JoinWaiter that waits for one task: its task goes on.
    static void wake_joined(core::JoinWaiter& waiter, core::TaskRecord& ended) noexcept;

    /// Drops one reference to a task; the last one destroys its frame.
    static void drop(core::TaskRecord& task) noexcept;

    /// Called when a coroutine has come to its end: it stays suspended there.
    static void frame_ended(core::TaskRecord& record) noexcept;

    /// Called by the frame's operator delete: gives the block back, unless somebody still asks its record.
    static void frame_destroyed(core::TaskRecord& record) noexcept;
    /// @endcond

private:
    // How many tasks are resumed before the inbox, the timers and the port are looked at again.
    static constexpr unsigned steps_per_turn = 64;

    template <class T>
    static Task<T> adopt(Task<T> task);
    template <class T>
    Task<T> made_ours(Task<T>&& task);
    template <class T>
    core::TaskRecord* accept(Task<T>& task);
    static void check_unstarted(const core::TaskRecord& task);
    void start(core::TaskRecord& task) noexcept;
    core::TaskRecord* enqueue(core::TaskRecord* task, bool cancelled) noexcept;
    void set_name(core::TaskRecord& task, std::string_view name) noexcept;
    void run_to(core::TaskRecord& sentinel);
    void wait_for(core::TaskRecord& task);
    void cancel_all();
    void begin_turn() noexcept;
    void step(core::TaskRecord& task) noexcept;
    void destroy_frame(core::TaskRecord& task) noexcept;
    static void end_cancelled(Loop& loop, core::TaskRecord& task) noexcept;
    void finish(core::TaskRecord& task) noexcept;
    void take_inbox() noexcept;
    void sleep() noexcept;
#if ROUSE_BUSY_POLLING
    static bool busy_poll(Loop& loop) noexcept;
#endif
    void wait_until(TimePoint deadline) noexcept { wakes_owed_ -= static_cast<int>(port_.wait_until(deadline)); }
    static bool leaving(const core::TaskRecord& task) noexcept;
    static bool waits_in(const core::Waiter& waiter) noexcept;
    static void go_on(core::Branch& branch) noexcept;
    void make_ready(core::Waiter& waiter) noexcept;
    static void fire_due(Loop& loop) noexcept;
    void fire(core::Timer& timer) noexcept;
    static void refuse_to_nest();
    static void drop_unreturned(core::TaskRecord& task) noexcept;
    static void report(core::TaskRecord& task) noexcept;
    static void release(core::TaskRecord& task) noexcept;

    friend struct core::ThreadOfLoops; // of a model checker, which runs several threads as one
#if ROUSE_HOSTED
    static inline constinit thread_local Loop* current_ = nullptr;
    static inline constinit thread_local Loop* newest_ = nullptr; // the head of the list of this thread's loops
#else
    static inline constinit Loop* current_ = nullptr;
    static inline constinit Loop* newest_ = nullptr;
#endif

    Port& port_;
    core::ReadyQueue ready_;
    mutable core::Timers timers_; // who looks for the first may rearrange them
    // Set by the first that there is: a program that has none does not link what they do.
    void (*fire_due_)(Loop&) noexcept = nullptr;
    void (*end_cancelled_)(Loop&, core::TaskRecord&) noexcept = nullptr;
#if ROUSE_BUSY_POLLING
    bool (*busy_poll_)(Loop&) noexcept = nullptr;
    Clock::duration busy_poll_for_{};
#endif
    core::Inbox inbox_;
    core::TaskRecord* running_task_ = nullptr;
    core::TaskRecord* sentinel_ = nullptr; // while running: popping it from the ready queue ends the run
    core::FramePool* pool_;
    std::size_t live_ = 0;
    int wakes_owed_ = 0;  // how often `asleep` was replaced, less the wakes that the port has counted
    bool asleep_ = false; // the inbox was put to sleep by us and not yet taken
    bool stop_requested_ = false;
    bool ending_ = false; // run() waits for the last tasks: new ones are cancelled before they start
#if ROUSE_EXCEPTIONS
    core::ExceptionHandler* exception_handler_ = nullptr; // owned; null: the default
    const core::TaskRecord* cancelling_ = nullptr;
#endif
    Loop* older_; // the next in the list of this thread's loops
};

} // namespace rouse::inline ROUSE_ABI

#include <rouse/core/busy_poll.hpp>
#include <rouse/core/loop_run.hpp>
#include <rouse/core/loop_tasks.hpp>
#include <rouse/core/loop_wake.hpp>

// Scheduler: runs the tasks of one loop. It knows their records (TaskRecord), not their types; start.hpp creates tasks
// from a Task<T>, and Loop is the class for users.
//
// A turn of the scheduler: take the inbox, make the tasks ready whose timers are due, resume up to `steps_per_turn`
// tasks from the front of the ready queue, then let the port look for input and output, or sleep if nothing is ready.
//
// How a task runs: the scheduler resumes its innermost frame. A child that ends after it was suspended makes its parent
// the task's new resume point, and the scheduler then resumes the parent. No task is resumed from inside another, so
// the stack does not grow with the number of children.
//
// How a task is cancelled: with exceptions, its next resumption throws CancelledError. Without, its frames are
// destroyed one after the other, the innermost first (destroy_frame).
//
// How a scheduler ends: only after every waiter that a foreign context has taken has arrived (the tasks that wait for
// them cannot end earlier), and after every Port::wake() that it is owed has been counted. Therefore no foreign context
// touches the scheduler or its port afterwards.
//
// How a host sleeps: it watches the port's descriptor, and sleeps outside of poll() or, in a loop of its own that a
// task runs (a modal dialog), inside a step. Whenever code that is not the scheduler's runs, one of these holds:
//
//     quiet    nothing is ready, the inbox is `asleep`, the ready queue is armed, and the port makes the descriptor
//              readable no later than the first timer is due
//     rung     ring() has woken the port, so the descriptor is readable until the next wait takes the wake in
//
//                                a task becomes ready
//              quiet ------------------------------------------> rung
//                ^ |                                              |
//                | '- a send, a timer, input: the port makes -----+--> poll()
//                |    the descriptor readable                     |
//                '------------- before a step, or at its end -----'
//
// poll() takes the wakes in, and before each step goes to `quiet`, if the task was the last one that was ready, or else
// to `rung`. A poll() inside the step does the same, and leaves one of the two states to the step around it. At its end
// poll() first makes the descriptor quiet and then lets the loop fall asleep, so that it takes no wake whose item it
// has not seen. Only ReadyQueue::push() and add_timer() run outside of poll(): they ring, or tell the port the new
// deadline. Nothing of this happens before native_handle() has been called, or in a run.
#pragma once

#include <coroutine>
#include <new>
#include <string_view>
#include <utility>

#include <rouse/core/config.hpp>
#include <rouse/core/detail/exception_handler.hpp>
#include <rouse/core/detail/inbox.hpp>
#include <rouse/core/detail/loop_number.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/port_user.hpp>
#include <rouse/core/detail/ready_queue.hpp>
#include <rouse/core/detail/task_record.hpp>
#include <rouse/core/detail/timer.hpp>
#include <rouse/core/detail/waiter.hpp>
#include <rouse/core/error.hpp>
#include <rouse/core/port.hpp>
// With an operating system there may be a hundred thousand timers and frames of any size, and twelve kilobytes per loop
// do not matter. On firmware there are few of both, and kilobytes matter.
#if ROUSE_HOSTED
#include <rouse/core/detail/frame_pool.hpp>
#include <rouse/core/detail/timer_wheel.hpp>
#else
#include <rouse/core/detail/static_frame_pool.hpp>
#include <rouse/core/detail/timer_heap.hpp>
#endif
#if ROUSE_BUSY_POLLING
#include <algorithm>
#include <chrono>

#include <rouse/core/detail/deadline.hpp>
#endif
#if ROUSE_EXCEPTIONS
#include <cstdio>
#endif

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

struct ThreadSwitch; // defined by the model checker, which runs several threads on one real thread
struct SteppedRun;   // defined by check/, which acts between two steps

#if ROUSE_HOSTED
using Timers = TimerWheel;
#else
using Timers = TimerHeap;
#endif

#if ROUSE_HOSTED
/// What a scheduler knows of its host. See the states above.
struct HostState {
    unsigned polls = 0;             // the calls of poll() that are on the stack
    bool watches = false;           // native_handle() was called
    bool rung = false;              // ring() was called, and the wake has not been taken in since
    bool timers_are_silent = false; // nothing has to be done when a timer is added
    bool loop_ends = false;         // inside ~Scheduler
};

/// An object that must know when a scheduler ends; see Scheduler::listen_for_end. unlink() ends its interest.
struct EndListener : ListNode {
    /// Called at the beginning of ~Scheduler, before any task is destroyed; for a listener that was added by the
    /// destructors of the tasks, after that. The listener has been unlinked.
    virtual void on_loop_end() noexcept = 0;

protected:
    EndListener() = default;
    ~EndListener() = default;
    EndListener(const EndListener&) = delete;
    EndListener& operator=(const EndListener&) = delete;
};

/// Notices the end of a thread, at which its thread-local objects are destroyed. std::exit() destroys those of the
/// thread that calls it, before any object of static storage duration. So a Loop that is destroyed after them while one
/// of its tasks runs is one of those objects: it is the end of the program, and the task is in std::exit().
class ThreadEnd {
public:
    static inline constinit thread_local bool reached = false;

    static void notice() noexcept {
        thread_local const ThreadEnd end;
        static_cast<void>(end);
    }

private:
    ThreadEnd() = default;
    ~ThreadEnd() { reached = true; }
};
#endif

/// Runs the tasks of one loop on a port: the implementation of Loop, and what awaiters use to suspend and wake tasks.
///
/// All members are for the thread of the loop. Foreign contexts reach it only through its inbox. For the order of tasks
/// and timers see Loop. Waking, parking and starting a task take constant time and allocate nothing.
class Scheduler : public PortUser {
public:
    explicit Scheduler(Port& port);

    /// Destroys the frames of the tasks that are left, without resuming them; the innermost frame of each first. Does
    /// nothing if the program ends while the loop runs, see ThreadEnd.
    ~Scheduler();

    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;

    // ---- the scheduler of this thread ----

    /// The scheduler that is running on this thread, else the newest one; UsageError if there is none.
    static Scheduler& current() { return static_cast<Scheduler&>(PortUser::current()); }
    [[nodiscard]] static Scheduler* current_or_null() noexcept { return static_cast<Scheduler*>(current_); }

    /// Identifies this thread, as FramePool::thread() does.
    [[nodiscard]] static const void* this_thread() noexcept { return &current_; }

    /// Whether this is a loop of this thread. Without an operating system there is no other.
    [[nodiscard]] bool on_this_thread() const noexcept {
#if ROUSE_HOSTED
        return pool_->thread() == this_thread();
#else
        return true;
#endif
    }

    /// Whether a scheduler is running on this thread, so that a blocking call would stop it.
    [[nodiscard]] static bool blocking_refused() noexcept {
        const Scheduler* current = current_or_null();
        return current != nullptr && current->running();
    }

    /// For calls that are only for the thread of this loop: if ROUSE_CHECKED, a misuse on any other thread.
    template <bool Checked = ROUSE_CHECKED != 0>
    void check_thread([[maybe_unused]] const char* message) const {
        if constexpr (Checked) {
            if (!on_this_thread()) [[unlikely]]
                misuse(message);
        }
    }

    /// For the destructor of an object in which a task of this loop waits: panics on any other thread, because only
    /// this one may touch the waiter.
    void require_thread_to_destroy([[maybe_unused]] const char* message) const noexcept {
        if (!on_this_thread()) [[unlikely]]
            ROUSE_PANIC(message);
    }

#if ROUSE_HOSTED && !defined(ROUSE_ATOMIC_HEADER)
    [[nodiscard]] std::uint32_t number() const noexcept { return number_.value(); }

    /// Whether the loop of this number is one of this thread.
    static bool exists_on_this_thread(std::uint32_t number) noexcept {
        const Scheduler* each = newest_;
        while (each != nullptr && each->number() != number) each = each->older_;
        return each != nullptr;
    }
#endif

    /// For calls that are only for the thread of the loop of a task: if ROUSE_CHECKED, whether this is another one.
    template <bool Checked = ROUSE_CHECKED != 0>
    [[nodiscard]] static bool on_foreign_thread([[maybe_unused]] TaskRecord& task) noexcept {
        if constexpr (Checked) {
            const FramePool* pool = FramePool::of(task);
            return pool != nullptr && pool->scheduler() != nullptr && pool->thread() != this_thread();
        }
        return false;
    }

    // ---- the implementation of Loop, which documents it ----

    void run_forever();
    void stop() noexcept;
    bool poll();
    [[nodiscard]] TimePoint next_deadline() const noexcept;
    [[nodiscard]] int native_handle();
#if ROUSE_BUSY_POLLING
    void set_busy_poll(Clock::duration longest) noexcept;
#endif
#if ROUSE_HOSTED
    [[nodiscard]] bool running() const noexcept {
        return sentinel_ != nullptr || running_task_ != nullptr || host_.polls != 0;
    }
#else
    [[nodiscard]] bool running() const noexcept { return sentinel_ != nullptr || running_task_ != nullptr; }
#endif
    [[nodiscard]] std::size_t live_tasks() const noexcept { return live_; }
#if ROUSE_EXCEPTIONS
    template <class F>
    void set_exception_handler(F handler);
#endif

#if ROUSE_HOSTED
    /// Whether this sleeps in a run, because nothing is ready. For the port, inside wait_until().
    [[nodiscard]] bool sleeps_in_run() const noexcept { return sentinel_ != nullptr && running_task_ == nullptr; }
#if ROUSE_EXCEPTIONS
    /// Ends the present run, which then throws `error`. For the port, inside wait_until().
    void fail_run(std::exception_ptr error) noexcept;
#endif
#endif

    /// UsageError if a loop is running on this thread already.
    static void refuse_to_nest();

    /// Runs until `task` has ended. UsageError if the loop is stopped first.
    void run_until_done(TaskRecord& task);

    /// Cancels all tasks and runs until they have ended. Tasks created meanwhile are cancelled before they start.
    void cancel_all();

    // ---- for awaiters ----

    /// The record that an awaiter parks: the running task, or the branch that takes its place. UsageError if there is
    /// none.
    static TaskRecord& running_task();

    /// The running task, even if a branch takes its place. UsageError if there is none.
    static TaskRecord& running_task_itself();

    /// As running_task(), but returns null if there is none.
    [[nodiscard]] TaskRecord* running_or_null() const noexcept { return running_task_; }

    /// Suspends the running task at `frame`. It waits in `waiter`; `state` names the object and the class of the
    /// waiter.
    static void park(Waiter& waiter, TaskState state, std::coroutine_handle<> frame);

    /// Undoes the last park(), so that the task continues without being suspended.
    static void unpark(Waiter& waiter) noexcept;

    /// Suspends the running task at `frame` and puts it at the end of the ready queue.
    void park_ready(std::coroutine_handle<> frame);

    /// For await_ready of an awaiter that need not wait: whether the task may continue at once. That is limited to
    /// `most_ready_awaits` in one step, so that a task that never has to wait cannot keep the others from running. When
    /// this returns false, await_suspend must call park_woken(). On firmware the limit is shared by all steps, which
    /// costs a program nothing that does not call this.
    [[nodiscard]] ROUSE_NOINLINE_ON_FIRMWARE static bool may_continue() noexcept {
        return static_cast<int>(--ready_awaits_left_) >= 0;
    }

    /// Starts to count anew: on firmware when a round is taken, else at each step.
    static void allow_ready_awaits() noexcept { ready_awaits_left_ = most_ready_awaits; }

    /// Suspends the running task at `frame` for one round of the ready queue, as if it had waited in `waiter` and had
    /// just been woken.
    static void park_woken(Waiter& waiter, std::coroutine_handle<> frame);

    /// Suspends the running task for one round of the ready queue. It then begins `child`, which it awaits at `parent`.
    static void park_before_child(std::coroutine_handle<> child, std::coroutine_handle<> parent);

    /// Makes the task that waits in `waiter` ready, on its own loop; does nothing if it no longer waits there.
    static void wake(Waiter& waiter) noexcept;

    /// As wake(), but puts the task at the front of the ready queue: for a task that waited for another to run in its
    /// place.
    void wake_next(Waiter& waiter) noexcept;

    /// Calls suspend() with `branch` in place of the running task, so that an awaiter that suspend() calls parks the
    /// branch.
    template <class F>
    static void in_place_of_task(Branch& branch, F suspend);

    /// Removes a waiting task or branch from the object in which it waits. Returns false if its wake is already on its
    /// way, because a foreign context has taken it; the wake then arrives through the inbox.
    bool remove_from_wait(TaskRecord& task) noexcept;

    /// For await_resume: throws CancelledError if the running task has been cancelled. Does nothing without exceptions,
    /// because a cancelled task is not resumed then.
    static void check_cancelled();

    /// As above, but calls give_back() before it throws, to return what was granted to the awaiter, which may exist
    /// long after that.
    template <class F>
    static void check_cancelled(F give_back);

    /// See TaskHandle::cancel.
    bool cancel(TaskRecord& task) noexcept;

    /// For retract() of a wait that cancels tasks: cancels them, in order. Does nothing if it is doing that already (a
    /// task awaits one that waits for it), or if the loop is cancelling all tasks.
    void forward_cancel(CancelForwarder& forwarder) noexcept;

    /// Ends the wait of a task early and makes it ready. Returns false if the task is not waiting, or if its wake is
    /// already on its way.
    bool interrupt(TaskRecord& task) noexcept;

    /// Enters the waiter of a task of this loop into the list of those that wait in objects of several loops.
    void enter_shared_wait(SharedWait& wait, const void* object) noexcept { wait.enter(shared_waits_, object); }

    /// Calls f(wait) for each waiter in `object` of a task of this thread's loops. f may remove it from its list.
    template <class F>
    static void for_each_shared_wait(const void* object, F f) noexcept;

    /// Blocks until arrived() returns true, that is, until an item that a foreign context has taken has arrived.
    /// Between its exchange and its push that context has only a few instructions left; if it was preempted there, this
    /// sleeps.
    template <class F>
    void wait_for_arrival(F arrived) noexcept;

#if ROUSE_EXCEPTIONS
    /// Notes that the running task is being cancelled, for on_cancel.
    static void note_cancellation() noexcept {
        Scheduler& current = *current_or_null();
        current.cancelling_ = current.running_task_;
    }

    /// The task to which CancelledError was thrown in this step, or null.
    [[nodiscard]] const TaskRecord* cancelling() const noexcept { return cancelling_; }
#endif

    /// Starts a timer, whose task and deadline are set.
    void add_timer(Timer& timer) noexcept;
    /// Stops a timer. Does nothing if it is not running.
    void remove_timer(Timer& timer) noexcept { timers_.remove(timer); }
    [[nodiscard]] const Timers& timers() const noexcept { return timers_; }

    [[nodiscard]] FramePool* frame_pool() noexcept { return pool_; }
    [[nodiscard]] Inbox& inbox() noexcept { return inbox_; }

    // ---- for Task, TaskHandle and start.hpp ----

    /// Starts a task whose frame is suspended at its beginning: puts it at the end of the ready queue. If `cancelled`,
    /// its frame is destroyed before it begins. Returns `task`, which may be null.
    TaskRecord* start(TaskRecord* task, bool cancelled) noexcept;

    /// Whether cancel_all() is waiting for the last tasks.
    [[nodiscard]] bool ending() const noexcept { return ending_; }

    /// Starts a task at the front of the ready queue, because the running task will wait for it. It begins even if it
    /// is cancelled before, as a child would.
    void start_next(TaskRecord& task) noexcept;

    /// Gives a started task a name, which is copied; without memory for it the task stays unnamed.
    void set_name(TaskRecord& task, std::string_view name) noexcept;

    /// The JoinWaiter::on_done of an awaiter that waits for one task: makes the awaiting task ready.
    static void resume_awaiter(JoinWaiter& waiter, TaskRecord& ended) noexcept;

    /// Releases one reference to a task; the last one destroys its frame.
    static void release(TaskRecord& task) noexcept;

    /// Called at the final suspend point of a coroutine.
    static void frame_ended(TaskRecord& record) noexcept;

    /// Destroys the frame of a child before its Task is destroyed, which then frees the block.
    static void destroy_child(std::coroutine_handle<> frame) noexcept;

    /// Called by the frame's operator delete: returns the block to its pool, unless the record is still referenced.
    static void frame_destroyed(TaskRecord& record) noexcept;

#if ROUSE_HOSTED
    /// Calls listener.on_loop_end() when this scheduler ends, unless the listener has been unlinked before. Listeners
    /// are called in the order in which they were added.
    void listen_for_end(EndListener& listener) noexcept { end_listeners_.push_back(listener); }

    /// Calls f() with this as the current scheduler of the thread, so that a frame made by f comes from its pool.
    template <class F>
    auto as_current(F f);
#endif

private:
    // The number of tasks that are resumed before the scheduler looks at the inbox, the timers and the port again.
    static constexpr unsigned steps_per_turn = 64;

    // The number of awaits in one step that may continue at once. Large enough that a round costs next to nothing for
    // each of them, and small enough that the other tasks wait for microseconds.
    static constexpr unsigned most_ready_awaits = 128;

    // ---- running ----
    void run_to(TaskRecord& sentinel);
    void throw_failure();
    void begin_turn() noexcept;
    void step(TaskRecord& task) noexcept;
    void take_inbox() noexcept;
    void sleep() noexcept;
    class PollOnStack;
    [[nodiscard]] bool host_may_sleep() noexcept;
#if ROUSE_HOSTED
    void leave_to_host() noexcept;
    [[nodiscard]] bool fall_asleep_for_host() noexcept;
    [[gnu::cold, gnu::noinline]] void ring() noexcept {
        host_.rung = true;
        ++wakes_owed_;
        port_.wake();
    }
    [[gnu::cold]] static void on_push(void* scheduler) noexcept { static_cast<Scheduler*>(scheduler)->ring(); }
    [[gnu::cold, gnu::noinline]] void note_timer(const Timer& timer) noexcept {
        fire_due_ = &Scheduler::fire_due;
        if (!ready_.armed()) {
            host_.timers_are_silent = true;
        } else if (!port_.host_sleeps(timer.deadline)) {
            ring();
        }
    }
#endif
    void wait_until(TimePoint deadline) noexcept { wakes_owed_ -= static_cast<int>(port_.wait_until(deadline)); }
#if ROUSE_BUSY_POLLING
    static bool busy_poll(Scheduler& scheduler) noexcept;
#endif

    // ---- waking ----
    static bool waits_in(const Waiter& waiter) noexcept;
    static void wake_branch(Branch& branch) noexcept;
    void make_ready(Waiter& waiter) noexcept;
    static bool awaits_arrival_of_cancel(const TaskRecord& task) noexcept;
    static void fire_due(Scheduler& scheduler) noexcept;
    void fire(Timer& timer) noexcept;

    // ---- ending ----
    void make_task(TaskRecord& task) noexcept;
    void cancel_each() noexcept;
    void tell_end_listeners() noexcept {
#if ROUSE_HOSTED
        while (!end_listeners_.empty()) static_cast<EndListener&>(end_listeners_.pop_front()).on_loop_end();
#endif
    }
    static bool is_suspended_child(std::coroutine_handle<> frame) noexcept;
    static void free_remains(void* frame) noexcept;
    void destroy_frame(TaskRecord& task) noexcept;
    static void end_cancelled(Scheduler& scheduler, TaskRecord& task) noexcept;
    void finish(TaskRecord& task) noexcept;
    static void release_last(TaskRecord& task) noexcept;
#if ROUSE_HOSTED
    static void release_uncommon(TaskRecord& task) noexcept;
#endif
    static void report(TaskRecord& task) noexcept;
    static void free_record(TaskRecord& record) noexcept;

    friend ThreadSwitch;
    friend SteppedRun;
#if ROUSE_HOSTED
    // The head of the list of this thread's schedulers.
    static inline constinit thread_local Scheduler* newest_ = nullptr;
    // How many awaits may still continue at once in this step; see may_continue(). Beside the scheduler and not in it,
    // so that no pointer need be loaded.
    static inline constinit thread_local unsigned ready_awaits_left_ = most_ready_awaits;
#else
    static inline constinit Scheduler* newest_ = nullptr;
    static inline constinit unsigned ready_awaits_left_ = most_ready_awaits;
    // As in a hosted scheduler, but of all, so that a program that has none keeps no room for them.
    static inline constinit SharedWait* shared_waits_ = nullptr;
#endif

    ReadyQueue ready_;
    mutable Timers timers_; // asking for the first deadline may rearrange them
    // Set by the first timer and the first cancellation, so that a program that has none does not link their code.
    void (*fire_due_)(Scheduler&) noexcept = nullptr;
    void (*end_cancelled_)(Scheduler&, TaskRecord&) noexcept = nullptr;
#if ROUSE_BUSY_POLLING
    bool (*busy_poll_)(Scheduler&) noexcept = nullptr;
    Clock::duration busy_poll_for_{};
#endif
    Inbox inbox_;
#if ROUSE_HOSTED
    HostState host_;
    SharedWait* shared_waits_ = nullptr; // of tasks of this loop, newest first
    WaitList end_listeners_;
    const void* runs_on_ = nullptr; // of the thread on which it ran last: &current_
#endif
    TaskRecord* running_task_ = nullptr;
    TaskRecord* sentinel_ = nullptr; // null: not running. Popping it from the ready queue ends the run
    FramePool* pool_;
    std::size_t live_ = 0;
    int wakes_owed_ = 0;  // the times that senders replaced `asleep`, minus the wakes that the port has counted
    bool asleep_ = false; // this loop has set the inbox to `asleep` and has not taken it since
    bool stop_requested_ = false;
    bool ending_ = false; // cancel_all() is waiting for the last tasks; new ones are cancelled before they start
#if ROUSE_HOSTED
    bool cancelling_each_ = false;          // inside cancel_each()
    CancelForwarder* forwarding_ = nullptr; // the innermost one that has not cancelled all its tasks yet
#endif
#if ROUSE_EXCEPTIONS
    ExceptionHandler* exception_handler_ = nullptr; // owned; null: the default
    const TaskRecord* cancelling_ = nullptr;
#if ROUSE_HOSTED
    std::exception_ptr failure_{}; // of the present run, see fail_run()
#endif
#endif
    [[no_unique_address]] LoopNumber number_;
    Scheduler* older_; // the next in the list of this thread's schedulers
};

// ---- the scheduler of this thread, its turns, and its end ----

inline Scheduler::Scheduler(Port& port)
    : PortUser{port}, inbox_{port, this}, pool_{FramePool::create(this, &current_)}, older_{newest_} {
    newest_ = this;
#if ROUSE_HOSTED
    ThreadEnd::notice();
#endif
    if (!blocking_refused()) current_ = this;
}

inline Scheduler::~Scheduler() {
#if ROUSE_HOSTED
    if (running()) {
        // A running frame is never destroyed, nor is anything that it may refer to.
        if (runs_on_ == &current_ && !ThreadEnd::reached) {
            ROUSE_PANIC(
                "rouse: Loop::~Loop: the loop is running, or one of its tasks is; destroy it after run() or poll() has "
                "returned");
        }
        return;
    }
    host_.loop_ends = true;
    ready_.disarm();
#endif
    // In a child of fork() this may be the loop of a thread that does not exist there.
    Scheduler* const running = current_ != this && blocking_refused() ? current_or_null() : nullptr;
    current_ = this;
    tell_end_listeners();
    // In the order in which cancelling would end them: awaited tasks before the tasks that await them.
    cancel_each();
    while (!ready_.empty()) destroy_frame(ready_.pop());
    take_inbox();
    while (!ready_.empty()) destroy_frame(ready_.pop());
    // The remaining tasks could not be removed from their waits: a foreign context has taken them, or they wait for
    // each other in a circle.
    pool_->for_each_in_use([this](TaskRecord& task) {
        if (task.is_task && !task.finished()) ready_.push(task);
    });
    while (!ready_.empty()) destroy_frame(ready_.pop());
    tell_end_listeners();
    take_inbox();
    while (wakes_owed_ > 0) wait_until(no_deadline);
    pool_->abandon();

    Scheduler** link = &newest_;
    while (*link != this && *link != nullptr) link = &(*link)->older_;
    if (*link == this) *link = older_;
    current_ = running != nullptr ? running : newest_;
#if ROUSE_EXCEPTIONS
    ExceptionHandler::discard(exception_handler_);
#endif
}

inline void Scheduler::refuse_to_nest() {
    if (blocking_refused()) {
        misuse("rouse: run: a loop is running on this thread already; use co_await or create_task inside it");
    }
}

inline void Scheduler::begin_turn() noexcept {
    if (!inbox_.empty()) take_inbox();
    if (!timers_.empty()) fire_due_(*this);
}

inline void Scheduler::take_inbox() noexcept {
    if (!inbox_.take() && asleep_) ++wakes_owed_;
    asleep_ = false;
}

inline void Scheduler::sleep() noexcept {
#if ROUSE_BUSY_POLLING
    if (busy_poll_ != nullptr && busy_poll_(*this)) return;
#endif
#if ROUSE_HOSTED
    if (!inbox_.fall_asleep()) return; // with asleep_ as it was, because a poll() inside a task may have set it
    asleep_ = true;
#else
    asleep_ = inbox_.fall_asleep();
    if (!asleep_) return;
#endif
    wait_until(next_deadline());
    take_inbox();
}

template <class F>
void Scheduler::for_each_shared_wait(const void* object, F f) noexcept {
    const auto each_of_list = [&](SharedWait* wait) {
        while (wait != nullptr) {
            SharedWait* const next = wait->next;
            if (wait->object == object) f(*wait);
            wait = next;
        }
    };
#if ROUSE_HOSTED
    for (const Scheduler* each = newest_; each != nullptr; each = each->older_) each_of_list(each->shared_waits_);
#else
    each_of_list(shared_waits_);
#endif
}

template <class F>
void Scheduler::wait_for_arrival(F arrived) noexcept {
    const bool was_asleep = asleep_; // called between two calls of poll()
    take_inbox();
    while (!arrived()) {
        asleep_ = inbox_.fall_asleep();
        if (asleep_) wait_until(no_deadline);
        take_inbox();
#if ROUSE_HOSTED
        if (host_.watches && arrived()) ring(); // the wait has taken what made the host's descriptor readable
#endif
    }
    if (!was_asleep) return;
    asleep_ = inbox_.fall_asleep();
    if (!asleep_) { // something was sent meanwhile: the host must call poll() again
        ++wakes_owed_;
        port_.wake();
    }
}

inline void Scheduler::run_to(TaskRecord& sentinel) {
#if ROUSE_HOSTED
    ready_.disarm();
#endif
    current_ = this;
    sentinel_ = &sentinel;
#if ROUSE_HOSTED
    ThreadEnd::notice(); // the loop may have been made on another thread
    runs_on_ = &current_;
#endif
    if (std::exchange(stop_requested_, false)) ready_.push(sentinel);
    for (bool ended = false; !ended;) {
        begin_turn();
        for (unsigned steps = 0; steps < steps_per_turn && !ready_.empty(); ++steps) {
            TaskRecord& task = ready_.pop();
            if (&task == &sentinel) {
                ended = true;
                break;
            }
            step(task);
        }
        if (ended) break;
        if (ready_.empty()) {
            sleep();
        } else {
            wait_until(at_once);
        }
    }
    sentinel_ = nullptr;
    current_ = newest_;
#if ROUSE_HOSTED
    if (host_.watches) ring(); // the host is in control again
#endif
}

inline void Scheduler::run_until_done(TaskRecord& task) {
    if (task.finished()) return;
    TaskRecord sentinel;
    sentinel.is_task = true;
    JoinWaiter waiter;
    waiter.task = &sentinel;
    waiter.on_done = &Scheduler::resume_awaiter;
    enter(waiter, task);
    waiter.wants_outcome = true;
    sentinel.state = TaskState::waiting_for_task;
    sentinel.link.waiter = &waiter;
    run_to(sentinel);
    if (waiter.awaited != nullptr) {
        leave(waiter);
        throw_failure();
        misuse("rouse: Loop::run_until_complete: the loop was stopped before the task had ended");
    }
}

inline void Scheduler::cancel_all() {
    if (live_ == 0) return;
    TaskRecord sentinel;
    sentinel.state = TaskState::running; // only finish() puts it into the ready queue
    ending_ = true;
    end_cancelled_ = &Scheduler::end_cancelled;
    cancel_each();
    run_to(sentinel);
    ending_ = false;
    throw_failure();
}

inline void Scheduler::run_forever() {
    refuse_to_nest();
    TaskRecord sentinel;
    sentinel.state = TaskState::running;
    run_to(sentinel);
    throw_failure();
}

inline void Scheduler::throw_failure() {
#if ROUSE_HOSTED && ROUSE_EXCEPTIONS
    if (failure_ != nullptr) [[unlikely]]
        std::rethrow_exception(std::exchange(failure_, nullptr));
#endif
}

#if ROUSE_HOSTED && ROUSE_EXCEPTIONS
inline void Scheduler::fail_run(std::exception_ptr error) noexcept {
    if (failure_ == nullptr) failure_ = std::move(error);
    if (sentinel_ != nullptr && sentinel_->state != TaskState::ready) ready_.push(*sentinel_);
}
#endif

inline void Scheduler::stop() noexcept {
    if (sentinel_ == nullptr || ending_) {
        stop_requested_ = !ending_;
    } else if (sentinel_->state != TaskState::ready) {
        ready_.push(*sentinel_);
    }
}

// Puts back what a nested poll() changes.
class Scheduler::PollOnStack {
public:
    explicit PollOnStack(Scheduler& scheduler) noexcept : scheduler_{scheduler} {
        current_ = &scheduler;
#if ROUSE_HOSTED
        scheduler.runs_on_ = &current_;
        ++scheduler.host_.polls;
#endif
    }
    PollOnStack(const PollOnStack&) = delete;
    PollOnStack& operator=(const PollOnStack&) = delete;
    ~PollOnStack() {
        scheduler_.running_task_ = task_;
#if ROUSE_EXCEPTIONS
        scheduler_.cancelling_ = cancelling_;
#endif
#if ROUSE_HOSTED
        --scheduler_.host_.polls;
#endif
        current_ = outer_ != nullptr ? outer_ : newest_;
    }

private:
    Scheduler& scheduler_;
    Scheduler* const outer_ = blocking_refused() ? current_or_null() : nullptr; // the loop whose step is on the stack
    TaskRecord* const task_ = scheduler_.running_task_;
#if ROUSE_EXCEPTIONS
    const TaskRecord* const cancelling_ = scheduler_.cancelling_;
#endif
};

inline bool Scheduler::poll() {
#if ROUSE_HOSTED
    if (host_.loop_ends) return false; // called by a destructor in a frame
    ready_.disarm();
#else
    if (sentinel_ != nullptr) misuse("rouse: Loop::poll: called inside run(); use co_await or create_task");
#endif
    const PollOnStack on_stack{*this};
    // The present, and not at_once: the port must take in the wakes, or its descriptor stays readable. No other time is
    // in the past of every clock and can be subtracted from its time without an overflow.
    wait_until(port_.now());
#if ROUSE_HOSTED
    host_.rung = false;
#endif
    begin_turn();
    for (unsigned steps = 0; steps < steps_per_turn && !ready_.empty(); ++steps) {
#if ROUSE_HOSTED
        if (&ready_.front() == sentinel_) return false; // the run around this poll() is over
        TaskRecord& task = ready_.pop();
        leave_to_host();
        step(task);
#else
        step(ready_.pop());
#endif
    }
    return !host_may_sleep();
}

// Lets the host sleep if there is nothing to do.
inline bool Scheduler::host_may_sleep() noexcept {
#if ROUSE_HOSTED
    if (ready_.armed() && !host_.rung) return inbox_.asleep_still(); // since before the last step
#endif
    if (asleep_) take_inbox(); // a nested poll() has left it asleep
#if ROUSE_HOSTED
    if (host_.rung && ready_.empty()) {
        wait_until(TimePoint{}); // so that the descriptor is quiet
        host_.rung = false;
    }
    if (ready_.empty() && fall_asleep_for_host()) return true;
    if (host_.watches && !host_.rung) ring();
    return false;
#else
    if (!ready_.empty()) return false;
    asleep_ = inbox_.fall_asleep();
    return asleep_;
#endif
}

#if ROUSE_HOSTED
// Before a step, which may run the host's loop.
inline void Scheduler::leave_to_host() noexcept {
    if (!host_.watches || host_.rung) return;
    if (!ready_.empty() || !fall_asleep_for_host()) ring();
}

inline bool Scheduler::fall_asleep_for_host() noexcept {
    if (!port_.host_sleeps(host_.watches ? next_deadline() : no_deadline) || !inbox_.fall_asleep()) return false;
    asleep_ = true;
    if (host_.watches) {
        ready_.arm(&Scheduler::on_push, this);
        host_.timers_are_silent = false;
    }
    return true;
}

inline int Scheduler::native_handle() {
    const int handle = port_.begin_hosting();
    if (handle < 0 || std::exchange(host_.watches, true)) return handle;
    // The host has polled before, and may sleep already; or it has not, and has to.
    if (!asleep_ || !ready_.empty() || !port_.host_sleeps(next_deadline())) {
        ring();
    } else {
        ready_.arm(&Scheduler::on_push, this);
        host_.timers_are_silent = false;
    }
    return handle;
}
#else
inline int Scheduler::native_handle() { return port_.native_handle(); }
#endif

inline TimePoint Scheduler::next_deadline() const noexcept {
    if (!ready_.empty()) return at_once;
    return timers_.empty() ? no_deadline : timers_.first_deadline();
}

// ---- busy polling ----
//
// Before the loop sleeps, it looks for work for a while. An operating system takes microseconds to wake it from a
// sleep; while it polls, it sees an item as soon as a cache line has moved between two cores. The price is the core's
// time.

#if ROUSE_BUSY_POLLING
/// Tells the CPU that this is a spinning loop, which saves power and leaves more resources to the core's other thread.
inline void spin_pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    asm volatile("yield" ::: "memory");
#endif
}

inline void Scheduler::set_busy_poll(Clock::duration longest) noexcept {
    busy_poll_for_ = std::min<Clock::duration>(longest, std::chrono::hours{24});
    busy_poll_ = longest.count() > 0 ? &Scheduler::busy_poll : nullptr;
}

// Returns whether there is something to do. The word of the inbox stays `empty` meanwhile, so a sender makes no system
// call. An item that is sent after the last look makes fall_asleep() fail, so it is not missed.
inline bool Scheduler::busy_poll(Scheduler& scheduler) noexcept {
    constexpr int looks_per_round = 16;
    constexpr int fastest_round_ns = 64;
    TimePoint now = scheduler.port_.now();
    const TimePoint end = (std::min)(later(now, scheduler.busy_poll_for_), scheduler.next_deadline());
    // The rounds are limited too, so that this ends on a port whose clock advances only while the loop sleeps.
    for (auto left = time_left(now, end).count() / fastest_round_ns; now < end && left > 0; --left) {
        for (int look = 0; look < looks_per_round; ++look) {
            if (!scheduler.inbox_.empty()) return true;
            spin_pause();
        }
        scheduler.wait_until(at_once); // input and output; a system call only if the port watches some
        if (!scheduler.ready_.empty()) return true;
        now = scheduler.port_.now();
    }
    return !scheduler.timers_.empty() && now >= scheduler.timers_.first_deadline();
}
#endif

// ---- waking ----

inline bool Scheduler::waits_in(const Waiter& waiter) noexcept {
    return waiter.task->waiting() && waiter.task->link.waiter == &waiter;
}

inline void Scheduler::wake_branch(Branch& branch) noexcept {
    branch.state = TaskState::running;
    branch.on_wake(branch);
}

inline void Scheduler::make_ready(Waiter& waiter) noexcept {
    if (!waits_in(waiter)) return;
    if (waiter.task->is_task) {
        ready_.push(*waiter.task);
    } else {
        wake_branch(static_cast<Branch&>(*waiter.task));
    }
}

inline void Scheduler::wake(Waiter& waiter) noexcept {
    if (ROUSE_HOSTED && !waiter.task->is_task) { // a branch, which comes from no pool
        if (waits_in(waiter)) wake_branch(static_cast<Branch&>(*waiter.task));
    } else {
        FramePool::of(*waiter.task)->scheduler()->make_ready(waiter);
    }
}

inline void Scheduler::wake_next(Waiter& waiter) noexcept {
    if (waits_in(waiter)) ready_.push_front(*waiter.task);
}

inline void Scheduler::resume_awaiter(JoinWaiter& waiter, TaskRecord& ended) noexcept {
    // Without exceptions there is no way to report the cancellation to the awaiting task, so it is cancelled too.
    if (!ROUSE_EXCEPTIONS && ended.ending == Ending::cancelled && !waiter.wants_outcome) {
        waiter.task->cancel_requested = true;
    }
    current_or_null()->make_ready(waiter); // a task is awaited only on its own loop
}

inline bool Scheduler::interrupt(TaskRecord& task) noexcept {
    if (!task.waiting() || !remove_from_wait(task)) return false;
    ready_.push(task);
    return true;
}

inline bool Scheduler::remove_from_wait(TaskRecord& task) noexcept {
    Waiter& waiter = *task.link.waiter;
    switch (kind_of_waiter(task.state)) {
    case WaiterKind::list: static_cast<ListWaiter&>(waiter).unlink(); return true;
    case WaiterKind::timer: timers_.remove(static_cast<Timer&>(waiter)); return true;
    case WaiterKind::join: leave(static_cast<JoinWaiter&>(waiter)); return true;
    default: return static_cast<RetractableWaiter&>(waiter).retract();
    }
}

// Whether a task has been cancelled and waits only because its waiter could not be retracted at once.
inline bool Scheduler::awaits_arrival_of_cancel(const TaskRecord& task) noexcept {
    return task.cancel_requested && kind_of_waiter(task.state) == WaiterKind::retractable;
}

inline void Scheduler::add_timer(Timer& timer) noexcept {
    timers_.add(timer);
#if ROUSE_HOSTED
    if (!host_.timers_are_silent) [[unlikely]]
        note_timer(timer);
#else
    fire_due_ = &Scheduler::fire_due;
#endif
}

inline void Scheduler::fire(Timer& timer) noexcept {
    switch (timer.action) {
    case Timer::cancel: timer.late = cancel(*timer.task); break;
    case Timer::interrupt: timer.late = !awaits_arrival_of_cancel(*timer.task) && interrupt(*timer.task); break;
    default: make_ready(timer);
    }
}

inline void Scheduler::fire_due(Scheduler& scheduler) noexcept {
    const TimePoint now = scheduler.port_.now();
    while (Timer* timer = scheduler.timers_.take_due(now)) scheduler.fire(*timer);
}

// ---- the life of a task ----

inline TaskRecord& Scheduler::running_task() {
    Scheduler* scheduler = current_or_null();
    if (scheduler == nullptr || scheduler->running_task_ == nullptr) [[unlikely]] {
        misuse("rouse: not in a task; this works only in a coroutine that a loop runs");
    }
    return *scheduler->running_task_;
}

inline TaskRecord& Scheduler::running_task_itself() {
    TaskRecord& running = running_task();
    return running.is_task ? running : *static_cast<Branch&>(running).stands_for;
}

inline void Scheduler::park(Waiter& waiter, TaskState state, std::coroutine_handle<> frame) {
    TaskRecord& task = running_task();
    waiter.task = &task;
    task.link.waiter = &waiter;
    task.resume_point = frame;
    task.state = state;
}

inline void Scheduler::unpark(Waiter& waiter) noexcept {
    waiter.task->state = TaskState::running;
    waiter.task->resume_point = nullptr;
    waiter.task = nullptr;
}

inline void Scheduler::park_ready(std::coroutine_handle<> frame) {
    TaskRecord& task = running_task();
    task.resume_point = frame;
    if (task.is_task) {
        ready_.push(task);
    } else {
        task.state = TaskState::ready; // a branch: its task takes the round of the ready queue, see Race
    }
}

[[gnu::noinline, gnu::cold]] inline void Scheduler::park_woken(Waiter& waiter, std::coroutine_handle<> frame) {
    if (!ROUSE_HOSTED) allow_ready_awaits();
    waiter.task = &running_task();
    current_or_null()->park_ready(frame);
}

[[gnu::noinline, gnu::cold]] inline void Scheduler::park_before_child(std::coroutine_handle<> child,
                                                                      std::coroutine_handle<> parent) {
    if (!ROUSE_HOSTED) allow_ready_awaits();
    TaskRecord& task = running_task();
    TaskRecord::of(child).resume_point = parent;
    task.resume_point = child;
    current_or_null()->ready_.push(task);
    task.state = TaskState::ready_for_child;
}

template <class F>
void Scheduler::in_place_of_task(Branch& branch, F suspend) {
    struct PutBack {
        Scheduler& scheduler;
        TaskRecord* task;
        ~PutBack() { scheduler.running_task_ = task; }
    };
    Scheduler& scheduler = current();
    branch.stands_for = &running_task_itself();
    const PutBack put_back{scheduler, std::exchange(scheduler.running_task_, &branch)};
    suspend();
}

template <class F>
void Scheduler::check_cancelled([[maybe_unused]] F give_back) {
#if ROUSE_EXCEPTIONS
    TaskRecord& task = *current_or_null()->running_task_;
    if (task.cancel_requested) [[unlikely]] {
        task.cancel_requested = false;
        note_cancellation();
        give_back();
        throw CancelledError{};
    }
#endif
}

inline void Scheduler::check_cancelled() {
    check_cancelled([] {});
}

inline bool Scheduler::cancel(TaskRecord& first) noexcept {
    if (first.finished()) return false;
    end_cancelled_ = &Scheduler::end_cancelled;
    const auto join_of = [](TaskRecord& task) -> JoinWaiter& { return static_cast<JoinWaiter&>(*task.link.waiter); };
    // Forward along the chain of awaited tasks. The chain ends, because JoinAwaiter refuses a circle.
    TaskRecord* task = &first;
    while (task->state == TaskState::waiting_for_task) task = join_of(*task).awaited;
    task->cancel_requested = true;
    // The tasks in between are cancelled by the task that they await, with two exceptions. A task that asked for an
    // outcome is not cancelled by getting one. And if the last task is running, it may end before the cancellation is
    // delivered, or it has just ended and is notifying its awaiters. In both cases each task is cancelled itself.
    const bool may_be_late = task->state == TaskState::running || task->finished();
    for (TaskRecord* each = &first; each != task; each = join_of(*each).awaited) {
        if (join_of(*each).wants_outcome || may_be_late) each->cancel_requested = true;
    }
    // A ready or running task is cancelled when it is next resumed or suspended; a task that a foreign context has
    // woken, when the wake arrives.
    interrupt(*task);
    return true;
}

// As cancel() of every task. Where there may be many, each is visited once: what its cancellation would be forwarded to
// is another of them.
inline void Scheduler::cancel_each() noexcept {
#if ROUSE_HOSTED
    cancelling_each_ = true;
    pool_->for_each_in_use([this](TaskRecord& task) {
        if (!task.is_task || task.finished()) return;
        if (task.state == TaskState::waiting_for_task) {
            if (static_cast<JoinWaiter*>(task.link.waiter)->wants_outcome) task.cancel_requested = true;
        } else {
            task.cancel_requested = true;
            interrupt(task);
        }
    });
    cancelling_each_ = false;
#else
    pool_->for_each_in_use([this](TaskRecord& task) {
        if (task.is_task && !task.finished()) cancel(task);
    });
#endif
}

// Cancelling one task may reach another that forwards its cancellation, and so on. Hosted, each continues where the one
// above it has ended, so that the stack does not grow; firmware has too few frames for that to matter.
inline void Scheduler::forward_cancel(CancelForwarder& forwarder) noexcept {
    if (forwarder.active) return;
#if ROUSE_HOSTED
    if (cancelling_each_) return;
    forwarder.active = true;
    forwarder.below = std::exchange(forwarding_, &forwarder);
    if (forwarder.below != nullptr) return;
    CancelForwarder* ended = nullptr; // they stay active to the end, so that each is asked only once
    while (CancelForwarder* const innermost = forwarding_) {
        if (innermost->cancel_next(*innermost)) continue;
        forwarding_ = innermost->below;
        innermost->below = std::exchange(ended, innermost);
    }
    for (; ended != nullptr; ended = ended->below) ended->active = false;
#else
    forwarder.active = true;
    while (forwarder.cancel_next(forwarder)) {
    }
    forwarder.active = false;
#endif
}

inline void Scheduler::make_task(TaskRecord& task) noexcept {
    task.is_task = true;
    task.references = 1;
    task.resume_point = task.frame();
    ++live_;
}

inline void Scheduler::set_name(TaskRecord& task, std::string_view name) noexcept {
    if (name.empty()) return;
    // The name has its own block of the pool, which looks like a frame that was never started.
    void* block = FramePool::allocate(pool_, sizeof(TaskRecord) + sizeof(TaskName) + name.size());
    if (block == nullptr) return;
    auto* record = ::new (block) TaskRecord;
    task.name = ::new (static_cast<void*>(record + 1)) TaskName{nullptr, name.size()};
    // Not name.copy(), which could throw and so, at -O0, would need a heap to link.
    std::char_traits<char>::copy(reinterpret_cast<char*>(task.name + 1), name.data(), name.size());
    task.named = true;
}

ROUSE_NOINLINE_ON_FIRMWARE inline TaskRecord* Scheduler::start(TaskRecord* task, bool cancelled) noexcept {
    if (task == nullptr) return nullptr;
    make_task(*task);
    if (cancelled) [[unlikely]]
        task->cancel_requested = true;
    ready_.push(*task);
    task->state = TaskState::fresh;
    return task;
}

inline void Scheduler::start_next(TaskRecord& task) noexcept {
    make_task(task);
    ready_.push_front(task);
}

inline void Scheduler::step(TaskRecord& task) noexcept {
    if (task.cancel_requested) [[unlikely]] {
        if (!ROUSE_EXCEPTIONS || task.state == TaskState::fresh) {
            end_cancelled_(*this, task);
            return;
        }
        if (task.state == TaskState::ready_for_child) {
            // The child is not begun: it ends as cancelled.
            task.cancel_requested = false;
            TaskRecord& child = TaskRecord::of(task.resume_point);
            child.ending = Ending::cancelled;
            task.resume_point = child.resume_point;
        }
    }
    running_task_ = &task;
    if (ROUSE_HOSTED) allow_ready_awaits();
#if ROUSE_EXCEPTIONS
    cancelling_ = nullptr;
#endif
    task.state = TaskState::running;
    do {
        std::exchange(task.resume_point, nullptr).resume();
    } while (task.state == TaskState::running && task.resume_point != nullptr);
    running_task_ = nullptr;

    if (task.state == TaskState::ready) return;
    if (task.state == TaskState::done) {
        task.frame().destroy(); // the loop's reference keeps the record
        finish(task);
    } else if (task.state == TaskState::running) [[unlikely]] {
        ROUSE_PANIC(
            "rouse: a task was suspended by an awaitable that is not rouse's and cannot be resumed; co_await "
            "foreign(awaitable), or derive its awaiter from AwaiterBase");
    } else if (task.cancel_requested && task.waiting()) [[unlikely]] {
        end_cancelled_(*this, task); // it was cancelled while it ran, through a task that awaits it
    }
}

inline void Scheduler::end_cancelled(Scheduler& scheduler, TaskRecord& task) noexcept {
    if (task.waiting()) {
        scheduler.cancel(task);
    } else {
        scheduler.destroy_frame(task);
    }
}

inline void Scheduler::destroy_frame(TaskRecord& task) noexcept {
    TaskRecord* const before = std::exchange(running_task_, &task);
    task.state = TaskState::destroyed;
    // From the innermost outwards. A frame would destroy its child itself, but one inside the other.
    std::coroutine_handle<> frame = std::exchange(task.resume_point, nullptr);
    while (frame != task.frame() && is_suspended_child(frame)) {
        const std::coroutine_handle<> parent = TaskRecord::of(frame).resume_point;
        destroy_child(frame);
        frame = parent;
    }
    task.frame().destroy(); // the loop's reference keeps the record
    task.ending = Ending::cancelled;
    running_task_ = before;
    finish(task);
}

ROUSE_NOINLINE_ON_FIRMWARE inline void Scheduler::frame_ended(TaskRecord& record) noexcept {
    if (record.is_task) {
        record.state = TaskState::done;
    } else if (record.resume_point != nullptr) {
        running_task().resume_point = record.resume_point;
    }
}

// False for the frame of a coroutine that is not a Task and runs inside one: it does not come from the pool. Hosted, a
// frame may be in any slab, but what precedes that of another library is the heap's, and no record.
#if ROUSE_ASAN
[[gnu::no_sanitize_address]]
#endif
inline bool Scheduler::is_suspended_child(std::coroutine_handle<> frame) noexcept {
#if ROUSE_HOSTED
    if (frame == nullptr) return false;
    const TaskRecord& record = TaskRecord::of(frame);
    return record.references == 0 && record.state == TaskState::running && record.ending == Ending::none &&
           !record.is_task;
#else
    return FramePool::owns(frame);
#endif
}

// The Task that owns the frame is inside another frame, and will destroy it again. So the block stays, and in it the
// function that destroy() of a handle calls: every compiler keeps it in the second word of a frame.
ROUSE_NOINLINE_ON_FIRMWARE inline void Scheduler::destroy_child(std::coroutine_handle<> frame) noexcept {
    TaskRecord::of(frame).references = 1;
    frame.destroy();
    void* const address = frame.address();
    static_cast<void (**)(void*) noexcept>(address)[1] = &free_remains;
    asm volatile("" : : "r"(address) : "memory"); // the compiler need not know that destroy() reads it
}

inline void Scheduler::free_remains(void* frame) noexcept { free_record(*(static_cast<TaskRecord*>(frame) - 1)); }

ROUSE_NOINLINE_ON_FIRMWARE inline void Scheduler::frame_destroyed(TaskRecord& record) noexcept {
    if (record.references == 0) free_record(record);
}

inline void Scheduler::finish(TaskRecord& task) noexcept {
    if (JoinWaiter* newest = std::exchange(task.awaiters(), nullptr)) {
        task.ending_observed = true;
        JoinWaiter* in_order = nullptr;
        do {
            JoinWaiter* older = newest->next;
            newest->next = std::exchange(in_order, newest);
            newest = older;
        } while (newest != nullptr);
        do {
            JoinWaiter& waiter = *in_order;
            in_order = waiter.next;
            waiter.awaited = nullptr;
            waiter.on_done(waiter, task);
        } while (in_order != nullptr);
    }
    if (--live_ == 0 && ending_ && sentinel_ != nullptr) ready_.push(*sentinel_);
    release(task);
}

ROUSE_NOINLINE_ON_FIRMWARE inline void Scheduler::release(TaskRecord& task) noexcept {
    if (--task.references == 0) release_last(task);
}

#if ROUSE_HOSTED
[[gnu::noinline]] inline void Scheduler::release_last(TaskRecord& task) noexcept {
    if (task.ending != Ending::value || task.destroy_value != nullptr || task.named) [[unlikely]] {
        release_uncommon(task);
    } else {
        task.state = TaskState::unused;
        FramePool::release(task);
    }
}

[[gnu::noinline]] inline void Scheduler::release_uncommon(TaskRecord& task) noexcept {
    if (task.ending == Ending::error && !task.ending_observed) report(task);
    if (task.destroy_value != nullptr) {
        // A value may hold the last handle of a task, whose value holds the next: one after the other, not nested.
        TaskRecord**& later = FramePool::of(task)->values_to_destroy;
        if (later != nullptr) {
            task.link.next = std::exchange(*later, &task);
            return;
        }
        TaskRecord* first = nullptr;
        later = &first;
        task.destroy_value(task);
        while (first != nullptr) {
            TaskRecord& next = *std::exchange(first, first->link.next);
            next.destroy_value(next);
            free_record(next);
        }
        later = nullptr;
    }
    free_record(task);
}
#else
inline void Scheduler::release_last(TaskRecord& task) noexcept {
    if (ROUSE_EXCEPTIONS && task.ending == Ending::error && !task.ending_observed) report(task);
    if (task.destroy_value != nullptr) task.destroy_value(task);
    free_record(task);
}
#endif

inline void Scheduler::free_record(TaskRecord& record) noexcept {
    if (record.named) [[unlikely]] {
        TaskRecord& name = *(reinterpret_cast<TaskRecord*>(record.name) - 1);
        name.state = TaskState::unused;
        FramePool::release(name);
    }
    record.clear();
    FramePool::release(record);
}

inline void Scheduler::report(TaskRecord& task) noexcept {
    task.ending_observed = true;
#if ROUSE_EXCEPTIONS
    const std::string_view name = task.named ? task.name->text() : "(unnamed)";
    const Scheduler* scheduler = FramePool::of(task)->scheduler();
    if (scheduler != nullptr && scheduler->exception_handler_ != nullptr) {
        scheduler->exception_handler_->call(name, task.error());
        return;
    }
    const auto print = [name](const char* what) {
        std::fprintf(stderr, "rouse: task %.*s ended with an exception that no one awaited: %s\n",
                     static_cast<int>(name.size()), name.data(), what);
    };
    try {
        std::rethrow_exception(task.error());
    } catch (const std::exception& error) {
        print(error.what());
    } catch (...) {
        print("not a std::exception");
    }
#endif
}

#if ROUSE_EXCEPTIONS
template <class F>
void Scheduler::set_exception_handler(F handler) {
    ExceptionHandler::discard(std::exchange(exception_handler_, new ExceptionHandlerOf<F>{std::move(handler)}));
}
#endif

#if ROUSE_HOSTED
template <class F>
auto Scheduler::as_current(F f) {
    PortUser* const before = std::exchange(current_, this);
    auto result = f();
    current_ = before;
    return result;
}
#endif

} // namespace detail

} // namespace ROUSE_ABI
} // namespace rouse

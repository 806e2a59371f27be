// Loop: runs the tasks of one thread or one core. run() and create_task() are what most programs need of it.
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include <rouse/core/detail/deadline.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/detail/start.hpp>
#include <rouse/core/detail/stored_call.hpp>
#include <rouse/core/task.hpp>
#include <rouse/core/task_handle.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

class Loop;

/// The name of a task that is made of a callable: `create_task(named{"x"}, callable, arguments...)`.
struct named {
    std::string_view name; ///< it is copied
};

namespace detail {

/// The scheduler of a loop, for functions of the library that take a Loop.
Scheduler& scheduler_of(Loop& loop) noexcept;

/// `type` is the port that run() makes. ports/default_port.hpp specialises it; without that header run() is this error.
template <class T, class = void>
struct DefaultPortOf {
    static_assert(
        !std::is_same_v<T, T>,
        "rouse: run: there is no default port here: include <rouse/rouse.hpp> or <rouse/ports/default_port.hpp>; if "
        "this platform has none, make a port and a loop: Loop loop{port}; loop.run(main());");
};

} // namespace detail

/// Runs the tasks of one thread or one core on a port. A program normally needs no Loop of its own, because run() makes
/// one. Make one to choose the port, to set an exception handler, or to drive the tasks from a host's event loop.
///
/// All members are for the thread that made the loop. Other threads, other cores, signal handlers and interrupts reach
/// its tasks only through the objects in threadsafe/, which they may use at any time.
///
/// The ready queue is first in, first out: a task that makes others ready never runs before those already queued.
/// Timers due at the same instant fire in the order in which they were set. A running coroutine is never interrupted by
/// another. While there is nothing to do, the loop sleeps in its port.
///
/// With an operating system, a loop allocates its pool of coroutine frames, which grows by 16 KiB at a time and reuses
/// frames, so that a program that has warmed up allocates nothing. On firmware, all frames come from a static pool.
class Loop : detail::Scheduler {
public:
    /// Makes a loop on a port, which must outlive it. Until it is destroyed it is the current loop of this thread,
    /// unless another is running or is made later.
    explicit Loop(Port& port) : Scheduler{port} {}

    /// Destroys the frames of the remaining tasks without resuming them, the innermost frame of each task first; in
    /// linear time, however they are nested or await each other. Returns only when no foreign context is about to touch
    /// the loop. Panics if the loop, or one of its tasks, is running on this thread; but if std::exit() was called
    /// there and the loop is a global, or if it is running on another thread at the end of the program, it leaves all
    /// frames as they are, like std::exit() itself.
    ~Loop() = default;

    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// The loop that is running on this thread; if none is running, the one made last. UsageError if there is none.
    static Loop& current() { return static_cast<Loop&>(Scheduler::current()); }

    /// As current(), but returns null if there is none.
    [[nodiscard]] static Loop* current_or_null() noexcept { return static_cast<Loop*>(Scheduler::current_or_null()); }

    /// Runs `main` until it ends, then cancels the remaining tasks and waits for them to finish. Returns what main
    /// returned, or throws what it threw. UsageError if a loop is already running on this thread, or if `main` is
    /// empty.
    template <class T>
    T run(Task<T> main) {
        check_thread("rouse: Loop::run: called on another thread than that of the loop; make a loop on each thread");
        refuse_to_nest();
        TaskHandle<T> task = create_task(std::move(main), "main");
        if (!task) detail::misuse("rouse: run: an empty task: moved from, or its frame could not be allocated");
        run_until_done(*record_of(task));
        cancel_all();
        return std::move(task).result();
    }

    /// Starts a task: puts it at the end of the ready queue and returns at once, in constant time. The loop owns the
    /// task; dropping the handle does not stop it. Allocates nothing, because the frame exists already. The handle is
    /// empty if `task` is empty, that is, if its frame could not be allocated. UsageError if `task` was awaited before,
    /// or was made on the thread of another loop.
    template <class T>
    TaskHandle<T> create_task(Task<T>&& task) {
        check_thread(created_elsewhere);
        return detail::start(*this, std::move(task));
    }
    /// As above. The name appears in messages and in the task list; it is copied.
    template <class T>
    TaskHandle<T> create_task(Task<T>&& task, std::string_view name) {
        check_thread(created_elsewhere);
        return detail::start(*this, std::move(task), name);
    }

    /// `create_task(callable, arguments...)`: starts a task that calls the callable, which returns a Task, and runs
    /// that Task. Stores copies of the callable, with its captures, and of the arguments until the task has ended. So
    /// this is the way to start a lambda that is a coroutine and has captures: otherwise its frame refers to captures
    /// that are gone. What is moved in may be move-only; use std::ref to pass a reference. The callable is called when
    /// the task first runs, and not at all if it is cancelled before. The handle is empty if there is no memory.
    ///
    /// Costs a second coroutine frame, which holds the callable and the arguments. With GCC 12, do not write a lambda
    /// whose captures have destructors inside a co_await expression, because they are destroyed twice: keep the handle,
    /// and await that.
    template <class F, class... Arguments>
        requires detail::Storable<F, Arguments...>
    auto create_task(F&& callable, Arguments&&... arguments) {
        return create_task(detail::store_call(std::forward<F>(callable), std::forward<Arguments>(arguments)...));
    }
    /// As above, with a name for the task.
    template <class F, class... Arguments>
        requires detail::Storable<F, Arguments...>
    auto create_task(named name, F&& callable, Arguments&&... arguments) {
        return create_task(detail::store_call(std::forward<F>(callable), std::forward<Arguments>(arguments)...),
                           name.name);
    }

    /// Runs until `task` has ended, and returns its result or throws its error. Unlike run(), it does not cancel the
    /// other tasks; they continue in the next run. UsageError if stop() ends the run first.
    template <class T>
    T run_until_complete(Task<T> task) {
        check_thread(completed_elsewhere);
        refuse_to_nest();
        return run_until_complete(create_task(std::move(task)));
    }
    /// As above, for a task of this loop that has been started already.
    template <class T>
    T run_until_complete(const TaskHandle<T>& task) {
        const detail::TaskReference kept = run_until_handle_done(task); // `task` may change meanwhile
        return detail::result_of_task<T, detail::Handle::kept>(*record_of(kept));
    }
    /// As above, for a handle that is given up: moves the value; see TaskHandle.
    template <class T>
    T run_until_complete(TaskHandle<T>&& task) {
        const detail::TaskReference given_up = run_until_handle_done(std::move(task));
        return detail::result_of_task<T, detail::Handle::given_up>(*record_of(given_up));
    }

    /// Runs until stop() is called. Does not return when all tasks have ended.
    void run_forever() {
        check_thread(
            "rouse: Loop::run_forever: called on another thread than that of the loop; make a loop on each thread");
        Scheduler::run_forever();
    }

    /// Ends the present run after each task that is ready now has been resumed once: run_forever() returns, and
    /// run_until_complete() throws a UsageError. If the loop is not running, ends the next run in the same way. Has no
    /// effect once run() is cancelling the remaining tasks.
    void stop() {
        check_thread(
            "rouse: Loop::stop: called on another thread than that of the loop; let a task of the loop do it, to which "
            "a thread-safe object sends a message");
        Scheduler::stop();
    }

    /// Does part of the pending work without sleeping, for a host that has an event loop of its own. Returns true if
    /// more work is ready. The host calls it whenever native_handle() is readable; if the host is told of that only
    /// once (edge-triggered), it calls until poll() returns false.
    ///
    /// May be called inside a task, by a host's loop that the task runs, such as that of a modal dialog: the other
    /// tasks continue, and the task stays where it is until that loop returns. If the task belongs to a run(), poll()
    /// returns false once that run is to end, and the host must call it once before it relies on native_handle(). On
    /// firmware, UsageError inside a run.
    bool poll() {
        check_thread(
            "rouse: Loop::poll: called on another thread than that of the loop; call it in the host loop of that "
            "thread");
        return Scheduler::poll();
    }

    /// The time by which poll() must be called again: `at_once`, an instant, or `no_deadline`. For a host that has no
    /// native_handle(): it asks before each sleep. What a sender does meanwhile calls Port::wake().
    [[nodiscard]] TimePoint next_deadline() const {
        check_thread(
            "rouse: Loop::next_deadline: called on another thread than that of the loop; call it in the host loop of "
            "that thread");
        return Scheduler::next_deadline();
    }

    /// The descriptor that a host watches; -1 where the platform has none. From the first call on it is readable
    /// whenever poll() has something to do: something was set from another context, a timer is due, a watched
    /// descriptor is ready, or the host itself has made a task ready (created, cancelled, or woken it). This also holds
    /// inside a task that runs the host's loop. Nothing else needs to be watched or asked.
    ///
    /// On Linux the first call makes a timerfd, and throws std::system_error if there is no descriptor left for it.
    /// What becomes ready while the host sleeps costs one system call, and so does a deadline that is earlier than the
    /// last.
    [[nodiscard]] int native_handle() { return Scheduler::native_handle(); }

#if ROUSE_BUSY_POLLING
    /// Turns busy polling on or off: before each sleep, the loop looks for work (input and output included) for up to
    /// `longest`. Work that arrives meanwhile starts sooner and costs its sender no system call, but the core is busy
    /// all that time. Zero, the default, turns it off. Has no effect on poll().
    template <class Rep, class Period>
    void set_busy_poll(std::chrono::duration<Rep, Period> longest) {
        check_thread(
            "rouse: Loop::set_busy_poll: called on another thread than that of the loop; let a task of the loop do it, "
            "to which a thread-safe object sends a message");
        Scheduler::set_busy_poll(detail::wait_of(longest));
    }
#endif

    /// Whether the loop is inside run() or one of the other runs, or a task of it is being resumed.
    [[nodiscard]] bool running() const {
        check_thread(
            "rouse: Loop::running: called on another thread than that of the loop; let a task of the loop do it, to "
            "which a thread-safe object sends a message");
        return Scheduler::running();
    }

    /// The number of tasks that have been started and have not ended. Children that are awaited in place do not count.
    [[nodiscard]] std::size_t live_tasks() const {
        check_thread(
            "rouse: Loop::live_tasks: called on another thread than that of the loop; let a task of the loop do it, to "
            "which a thread-safe object sends a message");
        return Scheduler::live_tasks();
    }

    /// The port that the loop was made with.
    [[nodiscard]] Port& port() noexcept { return Scheduler::port(); }

#if ROUSE_EXCEPTIONS
    /// Sets the function that is called when an exception has ended a task and no one awaits it. It is called as
    /// handler(std::string_view task_name, std::exception_ptr error), on the thread of the loop, once per task, when
    /// the task has ended and its last handle is gone. It must not throw. It may set another handler, and is then
    /// destroyed when it has returned. The default prints the name and what() to stderr.
    template <class F>
    void set_exception_handler(F handler) {
        check_thread(
            "rouse: Loop::set_exception_handler: called on another thread than that of the loop; let a task of the "
            "loop do it, to which a thread-safe object sends a message");
        Scheduler::set_exception_handler(std::move(handler));
    }
#endif

private:
    detail::TaskReference run_until_handle_done(detail::TaskReference task) {
        check_thread(completed_elsewhere);
        refuse_to_nest();
        if (!task) {
            detail::misuse(
                "rouse: Loop::run_until_complete: an empty task: moved from, or its frame could not be allocated");
        }
        detail::TaskRecord& record = *record_of(task);
        if (!record.finished() && detail::FramePool::of(record) != frame_pool()) {
            detail::misuse("rouse: Loop::run_until_complete: the task belongs to another loop");
        }
        run_until_done(record);
        return task;
    }

    static constexpr const char* completed_elsewhere =
        "rouse: Loop::run_until_complete: called on another thread than that of the loop; make a loop on each thread";
    static constexpr const char* created_elsewhere =
        "rouse: Loop::create_task: the loop runs on another thread; send it a message through a thread-safe object, "
        "and let a task of that loop create this one";

    friend detail::Scheduler& detail::scheduler_of(Loop& loop) noexcept;
};

namespace detail {

inline Scheduler& scheduler_of(Loop& loop) noexcept { return loop; }

} // namespace detail

/// Runs `main` on a new loop on the default port of this platform; see Loop::run. Returns what main returns, or throws
/// what it throws, after the remaining tasks have been cancelled and have finished. UsageError if a loop is already
/// running on this thread.
///
/// Needs ports/default_port.hpp, which rouse.hpp includes where there is an operating system.
template <class T>
T run(Task<T> main) {
    typename detail::DefaultPortOf<T>::type port;
    Loop loop{port};
    return loop.run(std::move(main));
}

/// Starts a task on the current loop; see Loop::create_task. UsageError if this thread has no loop.
template <class T>
ROUSE_NOINLINE_ON_FIRMWARE TaskHandle<T> create_task(Task<T>&& task) {
    return detail::start(detail::Scheduler::current(), std::move(task));
}
/// As above, with a name, which is copied.
template <class T>
TaskHandle<T> create_task(Task<T>&& task, std::string_view name) {
    return detail::start(detail::Scheduler::current(), std::move(task), name);
}
/// Starts a task that stores a callable with its captures, and the arguments, and runs the coroutine that it makes; see
/// Loop::create_task.
template <class F, class... Arguments>
    requires detail::Storable<F, Arguments...>
auto create_task(F&& callable, Arguments&&... arguments) {
    return create_task(detail::store_call(std::forward<F>(callable), std::forward<Arguments>(arguments)...));
}
/// As above, with a name for the task: `create_task(named{"x"}, callable, arguments...)`.
template <class F, class... Arguments>
    requires detail::Storable<F, Arguments...>
auto create_task(named name, F&& callable, Arguments&&... arguments) {
    return create_task(detail::store_call(std::forward<F>(callable), std::forward<Arguments>(arguments)...), name.name);
}

} // namespace ROUSE_ABI
} // namespace rouse

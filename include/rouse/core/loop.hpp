// Loop: runs the tasks of one thread or one core. run() and create_task() are what most programs need of it.
#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/detail/start.hpp>
#include <rouse/core/task.hpp>
#include <rouse/core/task_handle.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

class Loop;

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
        refuse_to_nest();
        TaskHandle<T> task = create_task(std::move(main), "main");
        if (!task) detail::misuse("rouse: run: an empty task: moved from, or its frame could not be allocated");
        run_until_done(*record_of(task));
        cancel_all();
        return task.result();
    }

    /// Starts a task: puts it at the end of the ready queue and returns at once, in constant time. The loop owns the
    /// task; dropping the handle does not stop it. Allocates nothing, because the frame exists already. The handle is
    /// empty if `task` is empty, that is, if its frame could not be allocated. UsageError if `task` was awaited before,
    /// or was made on the thread of another loop.
    template <class T>
    TaskHandle<T> create_task(Task<T>&& task) {
        return detail::start(*this, std::move(task));
    }
    /// As above. The name appears in messages and in the task list; it is copied.
    template <class T>
    TaskHandle<T> create_task(Task<T>&& task, std::string_view name) {
        return detail::start(*this, std::move(task), name);
    }

    /// Runs until `task` has ended, and returns its result or throws its error. Unlike run(), it does not cancel the
    /// other tasks; they continue in the next run. UsageError if stop() ends the run first.
    template <class T>
    T run_until_complete(Task<T> task) {
        refuse_to_nest();
        return run_until_complete(create_task(std::move(task)));
    }
    /// As above, for a task of this loop that has been started already.
    template <class T>
    T run_until_complete(TaskHandle<T> task) {
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
        return task.result();
    }

    /// Runs until stop() is called. Does not return when all tasks have ended.
    void run_forever() { Scheduler::run_forever(); }

    /// Ends the present run after each task that is ready now has been resumed once: run_forever() returns, and
    /// run_until_complete() throws a UsageError. If the loop is not running, ends the next run in the same way. Has no
    /// effect once run() is cancelling the remaining tasks.
    void stop() noexcept { Scheduler::stop(); }

    /// Does part of the pending work without sleeping, for a host that has an event loop of its own. If it returns
    /// true, more work is ready and the host calls again soon. Otherwise the host calls again when native_handle() is
    /// readable or next_deadline() has passed. UsageError if a loop is running on this thread.
    bool poll() { return Scheduler::poll(); }

    /// The time by which poll() must be called again: `at_once`, an instant, or `forever`.
    [[nodiscard]] TimePoint next_deadline() const noexcept { return Scheduler::next_deadline(); }

    /// A descriptor of the port that is readable when poll() has something to do; -1 where the platform has none.
    [[nodiscard]] int native_handle() const noexcept { return Scheduler::port().native_handle(); }

#if ROUSE_BUSY_POLLING
    /// Turns busy polling on or off: before each sleep, the loop looks for work (input and output included) for up to
    /// `longest`. Work that arrives meanwhile starts sooner and costs its sender no system call, but the core is busy
    /// all that time. Zero, the default, turns it off. Has no effect on poll().
    void set_busy_poll(Clock::duration longest) noexcept { Scheduler::set_busy_poll(longest); }
#endif

    /// Whether the loop is inside run() or one of the other runs, or a task of it is being resumed.
    [[nodiscard]] bool running() const noexcept { return Scheduler::running(); }

    /// The number of tasks that have been started and have not ended. Children that are awaited in place do not count.
    [[nodiscard]] std::size_t live_tasks() const noexcept { return Scheduler::live_tasks(); }

    /// The port that the loop was made with.
    [[nodiscard]] Port& port() noexcept { return Scheduler::port(); }

#if ROUSE_EXCEPTIONS
    /// Sets the function that is called when an exception has ended a task and no one awaits it. It is called as
    /// handler(std::string_view task_name, std::exception_ptr error), on the thread of the loop, once per task, when
    /// the task has ended and its last handle is gone. It must not throw. It may set another handler, and is then
    /// destroyed when it has returned. The default prints the name and what() to stderr.
    template <class F>
    void set_exception_handler(F handler) {
        Scheduler::set_exception_handler(std::move(handler));
    }
#endif

private:
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

} // namespace ROUSE_ABI
} // namespace rouse

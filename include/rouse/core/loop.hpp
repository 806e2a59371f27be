// Loop: the scheduler of one thread or one core, and what starts it: run() and create_task().
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

/// The scheduler of a loop, for the headers of the library that are given a Loop.
Scheduler& scheduler_of(Loop& loop) noexcept;

/// `type` is the port that run() makes; defined by ports/default_port.hpp.
template <class T, class = void>
struct DefaultPortOf {
    static_assert(
        !std::is_same_v<T, T>,
        "rouse: run: there is no default port here: include <rouse/rouse.hpp> or <rouse/ports/default_port.hpp>; if "
        "this platform has none, make a port and a loop: Loop loop{port}; loop.run(main());");
};

} // namespace detail

/// Runs the tasks of one thread, or of one core, on a port.
///
/// All members are for the thread that made the loop. Other contexts reach it only through the objects in threadsafe/,
/// which they may use at any time.
///
/// The ready queue is first in, first out; a task that makes others ready never runs before those already queued.
/// Timers due at the same instant fire in the order in which they were set. While there is nothing to do the loop
/// sleeps in its port.
///
/// Costs one allocation per loop for the pool of coroutine frames, which grows in steps of 16 KiB; on firmware nothing
/// is allocated. A program normally has no Loop of its own: run() makes one.
class Loop : detail::Scheduler {
public:
    /// Makes a loop on a port, which must outlive it. It is the current loop of this thread until it is destroyed.
    explicit Loop(Port& port) : Scheduler{port} {}

    /// Destroys the frames of the tasks that are left, without resuming them; the innermost frame of each first.
    ~Loop() = default;

    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// The loop that is running on this thread, else the one made last; UsageError if there is none.
    static Loop& current() { return static_cast<Loop&>(Scheduler::current()); }

    /// As current(), but null if there is none.
    [[nodiscard]] static Loop* current_or_null() noexcept { return static_cast<Loop*>(Scheduler::current_or_null()); }

    /// Runs `main` to its end, cancels the tasks that are left, lets them finish, and returns what main returned or
    /// throws what it threw. UsageError if a loop is already running on this thread, or if `main` is empty.
    template <class T>
    T run(Task<T> main) {
        refuse_to_nest();
        TaskHandle<T> task = create_task(std::move(main), "main");
        if (!task) detail::misuse("rouse: run: an empty task: moved from, or its frame could not be allocated");
        run_until_done(*record_of(task));
        cancel_all();
        return task.result();
    }

    /// Starts a task: queues it and returns at once, in constant time. Allocates nothing, because the frame exists
    /// already. The handle is empty if `task` is, that is, if its frame could not be allocated.
    template <class T>
    TaskHandle<T> create_task(Task<T>&& task) {
        return detail::start(*this, std::move(task));
    }
    /// As above. The name appears in messages and in the task list; it is copied.
    template <class T>
    TaskHandle<T> create_task(Task<T>&& task, std::string_view name) {
        return detail::start(*this, std::move(task), name);
    }

    /// Runs until `task` has ended, and returns its result or throws its error. The other tasks stay as they are.
    /// UsageError if stop() ends the run first.
    template <class T>
    T run_until_complete(Task<T> task) {
        refuse_to_nest();
        return run_until_complete(create_task(std::move(task)));
    }
    /// As above, for a task that has been started already.
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

    /// Runs until stop().
    void run_forever() { Scheduler::run_forever(); }

    /// Makes run_forever() return after the tasks that are ready now have run once; run_until_complete() then ends with
    /// a UsageError. Called while the loop is not running, it does so to the next run.
    void stop() noexcept { Scheduler::stop(); }

    /// For a host's own event loop: does what there is to do, without sleeping. Returns true if there is more to do at
    /// once; otherwise the host calls again when native_handle() is readable or next_deadline() has passed.
    bool poll() { return Scheduler::poll(); }

    /// The latest time at which poll() must be called again: `at_once`, an instant, or `forever`.
    [[nodiscard]] TimePoint next_deadline() const noexcept { return Scheduler::next_deadline(); }

    /// A descriptor of the port that is readable when poll() has something to do; -1 where the platform has none.
    [[nodiscard]] int native_handle() const noexcept { return Scheduler::port().native_handle(); }

#if ROUSE_BUSY_POLLING
    /// GrantQueue on busy polling: before each sleep the loop looks for work, input and output included, for up to
    /// `longest`. Work that arrives meanwhile starts sooner and costs its sender no system call; the core is busy all
    /// that time. Zero, the default, sleeps at once. Has no effect on poll().
    void set_busy_poll(Clock::duration longest) noexcept { Scheduler::set_busy_poll(longest); }
#endif

    /// Whether the loop, or a task of it, is running.
    [[nodiscard]] bool running() const noexcept { return Scheduler::running(); }

    /// The number of tasks that have been started and have not ended.
    [[nodiscard]] std::size_t live_tasks() const noexcept { return Scheduler::live_tasks(); }

    /// The port that the loop was made with.
    [[nodiscard]] Port& port() noexcept { return Scheduler::port(); }

#if ROUSE_EXCEPTIONS
    /// Sets the function that is called, once and on the loop, for an exception that ends a task that no one awaits:
    /// handler(std::string_view task_name, std::exception_ptr error). It must not throw. The default prints the name
    /// and what() to stderr.
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

/// Runs `main` on a new loop on the default port, and returns what it returns or throws what it throws. Tasks that are
/// left when it ends are cancelled first, and finish. Needs ports/default_port.hpp, which rouse.hpp includes where
/// there is an operating system.
template <class T>
T run(Task<T> main) {
    typename detail::DefaultPortOf<T>::type port;
    Loop loop{port};
    return loop.run(std::move(main));
}

/// Starts a task on the current loop; see Loop::create_task.
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

// run_interruptible: run() that ends cleanly on Ctrl-C. POSIX.
#pragma once

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include <rouse/combine/select.hpp>
#include <rouse/combine/wait_for.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/loop.hpp>
#include <rouse/core/sleep.hpp>
#include <rouse/core/task_handle.hpp>
#include <rouse/io/reply.hpp>
#include <rouse/ports/default_port.hpp>
#include <rouse/threadsafe/thread_safe_flag.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// The category of the error that run_interruptible() returns without exceptions: the value is the number of the
/// signal.
[[nodiscard]] inline const std::error_category& signal_category() noexcept {
    struct Category final : std::error_category {
        const char* name() const noexcept override { return "signal"; }
        // NOLINTNEXTLINE(concurrency-mt-unsafe): thread-local, or a constant
        std::string message(int code) const override { return ::strsignal(code); }
    };
    static const Category category;
    return category;
}

#if ROUSE_EXCEPTIONS
/// Thrown by run_interruptible() when a signal has ended main. It is thrown outside of the loop, never inside a task.
class Interrupted : public std::runtime_error {
public:
    /// For the library and for tests.
    Interrupted(int number, std::size_t left)
        : runtime_error{"rouse: run_interruptible: main was cancelled by a signal: " +
                        signal_category().message(number)},
          signal{number},
          abandoned{left} {}

    /// What a program that is ended by this signal should return: 128 + signal, as in a shell.
    [[nodiscard]] int exit_status() const noexcept { return 128 + signal; }

    int signal;            ///< SIGINT or SIGTERM.
    std::size_t abandoned; ///< The number of tasks that had not ended in time, and were destroyed.
};
#endif

namespace detail {

/// The handlers of SIGINT and SIGTERM while run_interruptible() runs. A signal that the program handles or ignores is
/// left alone. The first signal sets a flag, and the default actions are back from then on, so that the next one ends
/// the program even if the loop is stuck.
class InterruptHandlers {
public:
    InterruptHandlers() {
        if (active_.exchange(true))
            misuse("rouse: run_interruptible: it is running on another thread already; use run() there");
        first_.store(0);
        flag_.clear();
        for (const int number : {SIGINT, SIGTERM}) {
            if (handler_of(number) == SIG_DFL) set_handler(number, on_signal);
        }
    }
    InterruptHandlers(const InterruptHandlers&) = delete;
    InterruptHandlers& operator=(const InterruptHandlers&) = delete;

    /// A signal that came too late to cancel main takes its default action.
    ~InterruptHandlers() {
        restore();
        const int number = taken_ ? 0 : first_.load();
        active_.store(false);
        if (number != 0) ::raise(number);
    }

    /// Waits for the first signal. For one task.
    [[nodiscard]] static auto wait() noexcept { return flag_.wait(); }

    /// The first signal has its effect now: it cancels main.
    void take() noexcept { taken_ = true; }

    /// The number of the signal that has cancelled main, or 0.
    [[nodiscard]] int taken() const noexcept { return taken_ ? first_.load() : 0; }

    /// Back to the default actions.
    static void restore() noexcept {
        for (const int number : {SIGINT, SIGTERM}) {
            if (handler_of(number) == on_signal) set_handler(number, SIG_DFL);
        }
    }

private:
    using Handler = void (*)(int);

    static Handler handler_of(int number) noexcept {
        struct sigaction action{};
        ::sigaction(number, nullptr, &action);
        return action.sa_handler;
    }
    static void set_handler(int number, Handler handler) noexcept {
        struct sigaction action{};
        action.sa_handler = handler;
        action.sa_flags = SA_RESTART;
        ::sigaction(number, &action, nullptr);
    }

    static void on_signal(int number) noexcept {
        const int saved = errno;
        restore();
        int none = 0;
        if (first_.compare_exchange_strong(none, number)) {
            flag_.set();
        } else { // a Signal has put this handler back after the first
            ::raise(number);
        }
        errno = saved;
    }

    static_assert(std::atomic<int>::is_always_lock_free, "rouse: run_interruptible: needs atomics in a handler");

    static inline constinit ThreadSafeFlag flag_{};
    static inline constinit std::atomic<int> first_{0}; // written by a handler
    static inline constinit std::atomic<bool> active_{false};
    bool taken_ = false;
};

/// Waits for main to end, cancels the other tasks, and waits for them. Not by awaiting them, as their exceptions are to
/// be reported as if no one had. `attendant` waits for this task.
inline Task<> wind_down(TaskHandle<> main, TaskHandle<> attendant) {
    using namespace std::chrono_literals;
    std::unordered_map<TaskRecord*, TaskHandle<>> cancelled; // each once
    for (auto pause = 0ms;; pause = std::clamp(2 * pause, 1ms, 16ms)) {
        if (main.done()) {
            std::vector<TaskHandle<>> others;
            Scheduler::current().frame_pool()->for_each_in_use([&](TaskRecord& task) {
                if (!task.is_task || task.finished() || cancelled.contains(&task)) return;
                TaskHandle<> handle = handle_of<void>(&task);
                if (handle != attendant && handle != current_task()) others.push_back(std::move(handle));
            });
            std::erase_if(cancelled, [](const auto& each) { return each.second.done(); });
            if (others.empty() && cancelled.empty()) co_return;
            for (const auto& each : others) {
                each.cancel();
                cancelled.emplace(record_of(each), each);
            }
        }
        co_await sleep(pause);
    }
}

/// Waits until main has ended, or a signal has come and main and the other tasks have ended or the time is up.
template <class Duration>
Task<> attend(TaskHandle<> main, InterruptHandlers& handlers, Duration grace) {
    const auto first = co_await select(main.outcome(), InterruptHandlers::wait());
    if (first.index() == 0 || !main.cancel()) co_return;
    handlers.take();
    static_cast<void>(co_await try_wait_for(wind_down(main, current_task()), grace));
}

} // namespace detail

/// Like run(), but Ctrl-C (SIGINT) and SIGTERM cancel main, as in asyncio.run(). Main may catch the cancellation and
/// clean up; when it has ended, the remaining tasks are cancelled. All of them have the time `grace` to end. After
/// that, the frames of those that have not are destroyed. A second signal takes its default action at once: it ends the
/// program, even if a task blocks the loop.
///
/// Returns what main returns, or throws what it throws, like run(). If the signal has ended main, throws Interrupted,
/// whose exit_status() the program should return; without exceptions, the Result has an Error in signal_category(). (If
/// main was cancelled in another way, that is ECANCELED.)
///
/// Once main has ended by itself, the default actions are back. A signal that the program has a handler for, or ignores
/// (as shells make background programs ignore SIGINT), is left alone; a Signal in a task takes it over while it lives.
/// One call at a time in a process: UsageError if another thread is in it, or a loop is running on this thread.
template <class T, class Rep, class Period>
Reply<T> run_interruptible(Task<T> main, std::chrono::duration<Rep, Period> grace) {
    detail::Scheduler::refuse_to_nest();
    detail::InterruptHandlers handlers;
    typename detail::DefaultPortOf<T>::type port;
    Loop loop{port};
    const TaskHandle<T> task = loop.create_task(std::move(main), "main");
    if (!task)
        detail::misuse("rouse: run_interruptible: an empty task: moved from, or its frame could not be allocated");
    loop.run_until_complete(loop.create_task(detail::attend(TaskHandle<>{task}, handlers, grace), "run_interruptible"));
    if (handlers.taken() == 0) {
        detail::InterruptHandlers::restore();
        detail::scheduler_of(loop).cancel_all();
    }
    const bool interrupted = handlers.taken() != 0 && (!task.done() || task.cancelled());
#if ROUSE_EXCEPTIONS
    if (interrupted) throw Interrupted{handlers.taken(), loop.live_tasks()};
    return task.result();
#else
    const std::string what = "main was cancelled";
    if (interrupted) return Error{std::error_code{handlers.taken(), signal_category()}, what + " by a signal"};
    if (task.cancelled()) return Error{ECANCELED, what};
    if constexpr (std::is_void_v<T>) {
        return detail::done();
    } else {
        return task.result();
    }
#endif
}
/// As above, with five seconds.
template <class T>
Reply<T> run_interruptible(Task<T> main) {
    return run_interruptible(std::move(main), std::chrono::seconds{5});
}

} // namespace ROUSE_ABI
} // namespace rouse

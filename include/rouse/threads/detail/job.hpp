// Job: a function that runs on a thread, and the result that a task waits for.
//
// The thread and the waiting coroutine share its ownership; the last of them destroys it, together with the result. So
// a waiter that is cancelled simply releases the job, and the function runs to its end.
#pragma once

#include <coroutine>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <rouse/core/detail/current_error.hpp>
#include <rouse/core/detail/dangling.hpp>
#include <rouse/core/detail/stored_call.hpp>
#include <rouse/core/outcome.hpp>
#include <rouse/core/task.hpp>
#include <rouse/threadsafe/thread_safe_flag.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// `co_await Refused{}` cancels the running task, in builds with and without exceptions: with them it throws
/// CancelledError.
class Refused {
public:
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> frame) {
        Scheduler& loop = Scheduler::current();
        loop.park_ready(frame);
        loop.cancel(Scheduler::running_task());
    }
    void await_resume() const { Scheduler::check_cancelled(); }
};

/// Tells the port, as long as it exists, that the running task waits for a thread.
class WaitForThread {
public:
    WaitForThread() : port_{Scheduler::current().port()} { port_.await_thread(1); }
    ~WaitForThread() { port_.await_thread(-1); }
    WaitForThread(const WaitForThread&) = delete;
    WaitForThread& operator=(const WaitForThread&) = delete;

private:
    Port& port_;
};

/// A call to be made on a thread, whatever its types. run() and refuse() are for other threads, done() is for the one
/// task that waits.
class Job {
public:
    Job() = default;
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;
    virtual ~Job() = default;

    /// Calls the function and wakes the task. Called once, on the thread.
    void run() noexcept {
        call();
        done_.set();
    }

    /// Called instead of run(): the function is not called, and the task gets a CancelledError. May be called on any
    /// thread.
    void refuse() noexcept { done_.set(); }

    /// Waits until run() or refuse() has returned.
    [[nodiscard]] auto done() noexcept { return done_.wait(); }

private:
    virtual void call() noexcept = 0;

    ThreadSafeFlag done_; // set() releases the outcome, and the wait acquires it
};

/// The result of calling a copy of an F once with copies of the arguments, without a const before its value.
template <class F, class... Arguments>
using ResultOfCall = std::remove_cv_t<std::invoke_result_t<std::decay_t<F>, std::decay_t<Arguments>...>>;

/// Refuses at compile time what would leave a reference dangling.
template <class F, class... Arguments>
constexpr void check_call() {
    using Result = ResultOfCall<F, Arguments...>;
    static_assert(
        safe_in_await<F>,
        "rouse: Context::assign, unblock: this compiler destroys a lambda that is written inside a co_await expression "
        "twice; give the lambda a name first, and pass what cannot be copied as an argument");
    static_assert(
        !is_a_task<Result>,
        "rouse: Context::assign, unblock: they call functions that block; a coroutine would refer to a callable and "
        "arguments that are gone: co_await it in a task");
    static_assert(
        !AnyParameter<ReturnedBy<Result>::template Check, std::decay_t<Arguments>...>::template of<std::decay_t<F>>(),
        "rouse: Context::assign, unblock: the function may return a reference to its argument, which is a copy that is "
        "destroyed after the call; return a value, or pass the argument by std::ref");
}

/// A Job that calls an F with these arguments, all of which it owns. The function and the arguments are destroyed on
/// the thread, right after the call.
template <class F, class... Arguments>
class Call final : public Job {
    static_assert(std::is_same_v<F, std::decay_t<F>> && (std::is_same_v<Arguments, std::decay_t<Arguments>> && ...));

public:
    using Result = ResultOfCall<F, Arguments...>;

    explicit Call(F function, Arguments... arguments)
        : call_{std::in_place, std::move(function), std::tuple<Arguments...>{std::move(arguments)...}} {}

    /// Whether the function was called. Valid after done().
    [[nodiscard]] bool called() const noexcept { return outcome_.has_value(); }

    /// Returns the function's result or throws its exception. Only if called().
    Result result() {
        // Moved out, because the thread may be the last owner of the job and would destroy the result there.
        std::optional<Outcome<Result>> outcome = std::exchange(outcome_, std::nullopt);
        return std::move(*outcome).value();
    }

private:
    struct Callee {
        Callee(F f, std::tuple<Arguments...> a) : function{std::move(f)}, arguments{std::move(a)} {}
        F function;
        std::tuple<Arguments...> arguments;
    };

    void call() noexcept override {
#if ROUSE_EXCEPTIONS
        try {
            call_function();
        } catch (...) {
            outcome_.emplace(Outcome<Result>::of_error(current_error()));
        }
#else
        call_function();
#endif
        call_.reset();
    }

    void call_function() {
        if constexpr (std::is_void_v<Result>) {
            std::apply(std::move(call_->function), std::move(call_->arguments));
            outcome_.emplace(Outcome<Result>::of_value());
        } else {
            outcome_.emplace(
                Outcome<Result>::of_value(std::apply(std::move(call_->function), std::move(call_->arguments))));
        }
    }

    std::optional<Callee> call_;
    std::optional<Outcome<Result>> outcome_; // empty: not called (yet)
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

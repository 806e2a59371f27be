// Job: a function that runs on a thread, and the task that waits for what it gives.
//
// It belongs to both: to the thread until it has run, and to the coroutine that waits. Whoever comes last destroys it,
// with what the function gave; so a waiter that is cancelled just goes, and the function runs on, unheard.
#pragma once

#include <coroutine>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <rouse/core/outcome.hpp>
#include <rouse/core/task.hpp>
#include <rouse/threadsafe/thread_safe_flag.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// `co_await Refused{}`: ends the task by a cancellation, as CancelledError does where there are exceptions.
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

class Job {
public:
    Job() = default;
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;
    virtual ~Job() = default;

    /// On the thread, once: calls the function, and tells the task.
    void run() noexcept {
        call();
        done_.set();
    }

    /// In place of run(): the function is not called, and the task gets CancelledError. From any thread.
    void refuse() noexcept { done_.set(); }

    /// Waits until either has been done. For one task.
    [[nodiscard]] auto done() noexcept { return done_.wait(); }

private:
    virtual void call() noexcept = 0;

    ThreadSafeFlag done_; // its release and acquire hand over the outcome
};

/// What a copy of an F gives when it is called once with copies of the arguments.
template <class F, class... Arguments>
using ResultOfCall = std::invoke_result_t<std::decay_t<F>, std::decay_t<Arguments>...>;

/// A call of F with these arguments, all of which it owns. Once called, the function and its arguments are destroyed on
/// the thread.
template <class F, class... Arguments>
class Call final : public Job {
    static_assert(std::is_same_v<F, std::decay_t<F>> && (std::is_same_v<Arguments, std::decay_t<Arguments>> && ...));

public:
    using Result = std::invoke_result_t<F, Arguments...>;

    explicit Call(F function, Arguments... arguments)
        : call_{std::in_place, std::move(function), std::tuple<Arguments...>{std::move(arguments)...}} {}

    /// Whether it was called; after done().
    [[nodiscard]] bool called() const noexcept { return outcome_.has_value(); }

    /// If it was called(): what the function returned; or throws what it threw.
    Result result() {
        // Taken out of the job, which may end on the thread at this moment.
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
            outcome_.emplace(Outcome<Result>::of_error(std::current_exception()));
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
    std::optional<Outcome<Result>> outcome_; // none: not called
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

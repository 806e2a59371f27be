// gather: waits for several things at once and returns all results.
#pragma once

#include <array>
#include <coroutine>
#include <cstddef>
#include <iterator>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <rouse/combine/detail/as_handle.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/waiter.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// The type of `return_exceptions`.
struct return_exceptions_t {};
/// Tag: gather(return_exceptions, ...) returns Outcomes, and a failure does not end it early.
inline constexpr return_exceptions_t return_exceptions{};

namespace detail {

// The type of a result in a tuple or a vector: Nothing for a void task.
template <class T>
using Gathered = std::conditional_t<std::is_void_v<T>, Nothing, T>;

// The type that gather returns for a task: its Outcome with return_exceptions, else its value.
template <bool outcomes, class T>
using ResultFor = std::conditional_t<outcomes, Outcome<T>, Gathered<T>>;

template <bool outcomes, class T>
ResultFor<outcomes, T> result_of(const TaskHandle<T>& task) {
    record_of(task)->ending_observed = true;
    if constexpr (outcomes) {
        return outcome_of<T>(*record_of(task));
    } else if constexpr (std::is_void_v<T>) {
        return Nothing{};
    } else {
        return take_value<T>(*record_of(task));
    }
}

class GatherAwaiter;

/// The waiter of a gather in the record of one of the gathered tasks.
struct GatherMember : JoinWaiter {
    GatherAwaiter* gather;
};

/// Waits until all tasks of a span have ended; with `failure_ends`, only until the first of them ends without a value.
/// Each task has one of the waiters. Cancelling the waiting task cancels all tasks of the span and waits until they
/// have ended.
class GatherAwaiter : RetractableWaiter, CancelForwarder {
public:
    GatherAwaiter(std::span<const TaskReference> tasks, std::span<GatherMember> waiters, bool failure_ends) noexcept
        : CancelForwarder{cancel_next_member}, tasks_{tasks}, waiters_{waiters}, failure_ends_{failure_ends} {}
    GatherAwaiter(const GatherAwaiter&) = delete;
    GatherAwaiter& operator=(const GatherAwaiter&) = delete;
    ~GatherAwaiter() {
        for (GatherMember& waiter : waiters_) leave(waiter);
    }

    bool await_ready() {
        for (const TaskReference& each : tasks_) {
            check_awaitable(each);
            if (!each.done()) {
                ++pending_;
            } else if (record_of(each)->ending != Ending::value && failed_ == nullptr) {
                failed_ = record_of(each);
            }
        }
        if (failed_ != nullptr && failure_ends_) return ROUSE_EXCEPTIONS; // without them, see await_suspend
        return pending_ == 0;
    }

    void await_suspend(std::coroutine_handle<> frame) {
        if (failed_ != nullptr && failure_ends_) {
            // Without exceptions, awaiting a cancelled task cancels the awaiting task.
            Scheduler::running_task().cancel_requested = true;
            Scheduler::current().park_ready(frame);
            return;
        }
        for (const TaskReference& each : tasks_) {
            if (record_of(each) == &Scheduler::running_task()) misuse("rouse: gather: a task cannot await itself");
        }
        Scheduler::park(*this, TaskState::waiting_in_gather, frame);
        for (std::size_t i = 0; i < tasks_.size(); ++i) {
            if (tasks_[i].done()) continue;
            waiters_[i].gather = this;
            waiters_[i].on_done = [](JoinWaiter& member, TaskRecord& ended) noexcept {
                static_cast<GatherMember&>(member).gather->on_member_done(ended);
            };
            enter(waiters_[i], *record_of(tasks_[i]));
        }
    }

    /// If a failure has ended the wait, rethrows the exception of the first task that failed.
    void await_resume() {
        if (task != nullptr) Scheduler::check_cancelled();
        if (failed_ == nullptr || !failure_ends_) return;
#if ROUSE_EXCEPTIONS
        for (const TaskReference& each : tasks_)
            record_of(each)->ending_observed = true; // the others continue, unreported
        throw_ending(*failed_);
#endif
    }

private:
    void on_member_done(TaskRecord& ended) noexcept {
        const bool failure = ended.ending != Ending::value && failed_ == nullptr;
        if (failure) failed_ = &ended;
        const bool ends = --pending_ == 0 || (failure && failure_ends_);
        // Without exceptions the waiting task is cancelled, too, like the awaiter of a single task (see
        // Scheduler::resume_awaiter).
        if (!ROUSE_EXCEPTIONS && failure && failure_ends_) task->cancel_requested = true;
        if (ends) Scheduler::wake(*this);
    }

    // The waiting task is cancelled: cancels all gathered tasks; the wait ends when they have ended.
    bool retract() noexcept override {
        failure_ends_ = false;
        failed_ = nullptr;
        if (!active) next_to_cancel_ = 0; // active: a circle of gathers, which hangs
        FramePool::of(*task)->scheduler()->forward_cancel(*this);
        return false; // a task is left, or this waiter would have been woken
    }

    static bool cancel_next_member(CancelForwarder& forwarder) noexcept {
        auto& self = static_cast<GatherAwaiter&>(forwarder);
        while (self.next_to_cancel_ < self.tasks_.size()) {
            const TaskReference& each = self.tasks_[self.next_to_cancel_++];
            if (each.done()) continue;
            FramePool::of(*record_of(each))->scheduler()->cancel(*record_of(each));
            return true;
        }
        return false;
    }

    std::span<const TaskReference> tasks_;
    std::span<GatherMember> waiters_;
    std::size_t pending_ = 0;        // the number of tasks that have not ended
    std::size_t next_to_cancel_ = 0; // while active: the index of the next task
    TaskRecord* failed_ = nullptr;   // the first task that ended without a value
    bool failure_ends_;              // whether a failure ends the wait
};

// The tasks are passed as a tuple because the elements of a braced list are created, and so started, from left to
// right.
template <bool outcomes, class... Ts>
Task<std::tuple<ResultFor<outcomes, Ts>...>> gather_tuple(std::tuple<TaskHandle<Ts>...> tasks) {
    const auto all = std::apply([](auto&... each) { return std::array<TaskReference, sizeof...(Ts)>{each...}; }, tasks);
    std::array<GatherMember, sizeof...(Ts)> waiters;
    co_await GatherAwaiter{all, waiters, !outcomes};
    co_return std::apply(
        [](auto&... each) { return std::tuple<ResultFor<outcomes, Ts>...>{result_of<outcomes>(each)...}; }, tasks);
}

template <bool outcomes, class T>
Task<std::vector<ResultFor<outcomes, T>>> gather_vector(std::vector<TaskHandle<T>> tasks) {
    const std::vector<TaskReference> all{tasks.begin(), tasks.end()};
    std::vector<GatherMember> waiters(all.size());
    co_await GatherAwaiter{all, waiters, !outcomes};
    std::vector<ResultFor<outcomes, T>> results;
    results.reserve(tasks.size());
    for (const TaskHandle<T>& task : tasks) results.push_back(result_of<outcomes>(task));
    co_return results;
}

// Copies the TaskHandles of a range; starts its Tasks, which are moved out of the range.
template <class Range>
auto handles_of(Range&& range) {
    using Item = std::remove_cvref_t<decltype(*std::begin(range))>;
    using T = typename ResultOf<Item>::type;
    std::vector<TaskHandle<T>> handles;
    for (auto&& item : range) {
        if constexpr (std::is_copy_constructible_v<Item>) {
            handles.push_back(as_handle(Item{item})); // a handle, copied because the range may be a view
        } else {
            handles.push_back(as_handle(Item{std::move(item)}));
        }
    }
    return handles;
}

template <class R>
concept RangeOfAwaitables = requires(R& range) {
    std::begin(range);
    std::end(range);
};

} // namespace detail

/// `auto [x, y] = co_await gather(a, b, ...)`: runs Tasks, TaskHandles and objects' waits concurrently, and returns
/// their results in the order of the arguments (Nothing for void). Tasks and objects' waits are started by gather.
///
/// For the tasks of one loop. The first argument that throws or is cancelled ends the gather: its exception is thrown
/// at once, and the other tasks continue. (Without exceptions, a cancelled argument cancels the waiting task.) If the
/// waiting task is cancelled, all arguments are cancelled, and gather ends when they have ended.
///
/// Costs one coroutine frame, and one for each object's wait.
template <class... As>
    requires(sizeof...(As) != 1 || !(detail::RangeOfAwaitables<As> && ...))
[[nodiscard]] auto gather(As... awaitables) {
    return detail::gather_tuple<false>(std::tuple{detail::as_handle(std::move(awaitables))...});
}

/// Like gather(a, b, ...), but returns Outcomes, and a failure does not end it early.
template <class... As>
    requires(sizeof...(As) != 1 || !(detail::RangeOfAwaitables<As> && ...))
[[nodiscard]] auto gather(return_exceptions_t, As... awaitables) {
    return detail::gather_tuple<true>(std::tuple{detail::as_handle(std::move(awaitables))...});
}

/// `auto results = co_await gather(range)`: like gather(a, b, ...), for a range of TaskHandles or an rvalue range of
/// Tasks. Returns a vector; further vectors are allocated for the handles and the waiters.
template <detail::RangeOfAwaitables Range>
[[nodiscard]] auto gather(Range&& range) {
    return detail::gather_vector<false>(detail::handles_of(std::forward<Range>(range)));
}

/// Like gather(range), but returns Outcomes, and a failure does not end it early.
template <detail::RangeOfAwaitables Range>
[[nodiscard]] auto gather(return_exceptions_t, Range&& range) {
    return detail::gather_vector<true>(detail::handles_of(std::forward<Range>(range)));
}

} // namespace ROUSE_ABI
} // namespace rouse

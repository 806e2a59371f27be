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
#include <rouse/combine/detail/range_of_awaitables.hpp>
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

/// A handle that the caller of gather keeps: its result is copied.
template <class T>
struct KeptHandle {
    static constexpr bool owned = false, moved = false;
    using Result = T;
    TaskHandle<T> handle;

    void check_argument() const { check_awaitable(handle); }
    TaskReference start() { return std::move(handle); }
};

/// A temporary handle, which the caller gives up: the result is moved, as by `co_await create_task(f())`.
template <class T>
struct GivenHandle : KeptHandle<T> {
    static constexpr bool moved = true;
};

/// A Task that gather owns: it starts it, and cancels it after a failure.
template <class T>
struct OwnedTask {
    static constexpr bool owned = true, moved = true;
    using Result = T;
    Task<T> task;

    void check_argument() const {
        if (!task) misuse("rouse: gather: an empty Task: it was moved from, or its frame could not be allocated");
        check_unstarted(record_of(task));
    }
    TaskReference start() { return as_handle(std::move(task)); }
};

template <class T>
KeptHandle<T> gatherable(const TaskHandle<T>& handle) {
    return {handle};
}
template <class T>
KeptHandle<T> gatherable(TaskHandle<T>& handle) {
    return {handle};
}
template <class T>
GivenHandle<T> gatherable(TaskHandle<T>&& handle) {
    return {{std::move(handle)}};
}
template <class T>
OwnedTask<T> gatherable(Task<T>&& task) {
    return {std::move(task)};
}
template <class T>
OwnedTask<T> gatherable(Task<T>& task) {
    static_assert(!std::is_same_v<T, T>, "rouse: gather: it takes over its Tasks: pass a named one by std::move(task)");
    return {std::move(task)};
}
template <class A>
auto gatherable(A&& awaitable) {
    return gatherable(as_task(std::remove_cvref_t<A>{std::forward<A>(awaitable)}));
}

/// What gather makes of an argument.
template <class A>
using Gatherable = decltype(gatherable(std::declval<A>()));

class GatherAwaiter;

/// One of the gathered tasks, and the waiter of the gather in its record.
struct GatherMember : JoinWaiter {
    GatherMember() noexcept = default;
    GatherMember(const GatherMember&) = delete;
    GatherMember& operator=(const GatherMember&) = delete;
    // An owned task is left only if another could not be started or the loop is being destroyed.
    ~GatherMember() {
        leave(*this);
        cancel_if_owned();
    }

    template <class G>
    void start(G& gatherable, [[maybe_unused]] bool has_failed) {
        if (G::owned && has_failed) return;
        gathered = gatherable.start();
        owned = G::owned;
    }
    void cancel() const noexcept { FramePool::of(*record_of(gathered))->scheduler()->cancel(*record_of(gathered)); }
    void cancel_if_owned() const noexcept {
        if (owned && !gathered.done()) cancel();
    }

    GatherAwaiter* gather = nullptr;
    TaskReference gathered;
    bool owned = false; // the task belongs to the gather
};

/// Waits until all members have ended. With `failure_ends`, the first that ends without a value ends the wait: the
/// owned ones are cancelled, and only they are waited for. Cancelling the waiting task cancels all members and waits
/// until they have ended.
class GatherAwaiter : RetractableWaiter, CancelForwarder {
public:
    GatherAwaiter(std::span<GatherMember> members, bool failure_ends) noexcept
        : CancelForwarder{cancel_next_member}, members_{members}, failure_ends_{failure_ends} {}
    GatherAwaiter(const GatherAwaiter&) = delete;
    GatherAwaiter& operator=(const GatherAwaiter&) = delete;
    ~GatherAwaiter() {
        for (GatherMember& each : members_) leave(each);
    }

    /// Whether the task of a handle has ended without a value, which ends the wait before it begins.
    bool fails_with(TaskRecord& handled) noexcept {
        if (!failure_ends_ || !handled.finished() || handled.ending == Ending::value) return false;
        if (failed_ == nullptr) failed_ = &handled;
        return true;
    }

    bool await_ready() noexcept {
        if (failed_ != nullptr) return ROUSE_EXCEPTIONS; // without them, see await_suspend
        for (const GatherMember& each : members_) {
            if (each.gathered.done()) continue;
            ++pending_;
            if (each.owned) ++owned_pending_;
        }
        return pending_ == 0 && Scheduler::may_continue();
    }

    void await_suspend(std::coroutine_handle<> frame) {
        if (failed_ != nullptr) {
            // Without exceptions, awaiting a cancelled task cancels the awaiting task.
            Scheduler::running_task().cancel_requested = true;
            Scheduler::current().park_ready(frame);
            return;
        }
        if (pending_ == 0) return Scheduler::park_woken(*this, frame);
        Scheduler::park(*this, TaskState::waiting_in_gather, frame);
        for (GatherMember& each : members_) {
            if (each.gathered.done()) continue;
            each.gather = this;
            each.on_done = [](JoinWaiter& member, TaskRecord& ended) noexcept {
                static_cast<GatherMember&>(member).gather->on_member_done(static_cast<GatherMember&>(member), ended);
            };
            enter(each, *record_of(each.gathered));
        }
    }

    /// If a failure has ended the wait, rethrows the exception of the first task that failed.
    void await_resume() {
        if (task != nullptr) Scheduler::check_cancelled();
        if (failed_ == nullptr) return;
#if ROUSE_EXCEPTIONS
        for (const GatherMember& each : members_) {
            if (each.gathered) record_of(each.gathered)->ending_observed = true; // the others are not reported
        }
        failed_->ending_observed = true;
        throw_ending(*failed_);
#endif
    }

private:
    void on_member_done(const GatherMember& member, TaskRecord& ended) noexcept {
        --pending_;
        if (member.owned) --owned_pending_;
        if (failure_ends_ && failed_ == nullptr && ended.ending != Ending::value) {
            failed_ = &ended;
            cancel_members();
        }
        if (!finished()) return;
        // Without exceptions the waiting task is cancelled, too, like the awaiter of a single task (see
        // Scheduler::resume_awaiter).
        if (!ROUSE_EXCEPTIONS && failed_ != nullptr) task->cancel_requested = true;
        Scheduler::wake(*this);
    }

    // After a failure the handles are no longer waited for.
    [[nodiscard]] bool finished() const noexcept { return (failed_ != nullptr ? owned_pending_ : pending_) == 0; }

    // The waiting task is cancelled: cancels all members; the wait ends when they have ended. After a failure, cancels
    // the owned ones a second time.
    bool retract() noexcept override {
        if (failed_ == nullptr) failure_ends_ = false;
        cancel_members();
        return false; // a task is left, or this waiter would have been woken
    }

    void cancel_members() noexcept {
        if (!active) next_to_cancel_ = 0; // active: a circle of gathers, which hangs
        FramePool::of(*task)->scheduler()->forward_cancel(*this);
    }

    static bool cancel_next_member(CancelForwarder& forwarder) noexcept {
        auto& gather = static_cast<GatherAwaiter&>(forwarder);
        while (gather.next_to_cancel_ < gather.members_.size()) {
            const GatherMember& each = gather.members_[gather.next_to_cancel_++];
            if (each.gathered.done() || (!each.owned && gather.failed_ != nullptr)) continue;
            each.cancel();
            return true;
        }
        return false;
    }

    std::span<GatherMember> members_;
    std::size_t pending_ = 0;        // the number of tasks that have not ended
    std::size_t owned_pending_ = 0;  // the number of owned ones among them
    std::size_t next_to_cancel_ = 0; // while active: the index of the next member
    TaskRecord* failed_ = nullptr;   // the first task that ended without a value, if that ends the wait
    bool failure_ends_;              // whether a failure ends the wait
};

// The result of a task that has ended: moved if the task was given up.
template <bool outcomes, class G>
auto result_of(TaskRecord& ended) -> ResultFor<outcomes, typename G::Result> {
    using T = typename G::Result;
    constexpr Handle handle = G::moved ? Handle::given_up : Handle::kept;
    ended.ending_observed = true;
    if constexpr (outcomes) {
        return outcome_of<T, handle>(ended);
    } else if constexpr (std::is_void_v<T>) {
        return Nothing{};
    } else {
        return take_value<T, handle>(ended);
    }
}

// Called for each argument before any is started, so that a mistake is found while none of them runs. Returns whether
// it ends the wait before it begins.
template <class G>
bool check_gathered(GatherAwaiter& awaiter, const G& gatherable) {
    gatherable.check_argument();
    if constexpr (!G::owned) {
        TaskRecord& task = *record_of(gatherable.handle);
        if (&task == &Scheduler::running_task()) misuse("rouse: gather: a task cannot await itself");
        return awaiter.fails_with(task);
    } else {
        return false;
    }
}

template <bool outcomes, class... Gs, std::size_t... i>
auto results_of(const std::array<GatherMember, sizeof...(Gs)>& members, std::index_sequence<i...>) {
    // A braced list is evaluated from left to right.
    return std::tuple<ResultFor<outcomes, typename Gs::Result>...>{
        result_of<outcomes, Gs>(*record_of(members[i].gathered))...};
}

template <bool outcomes, class... Gs>
Task<std::tuple<ResultFor<outcomes, typename Gs::Result>...>> gather_tuple(std::tuple<Gs...> gathered) {
    std::array<GatherMember, sizeof...(Gs)> members;
    GatherAwaiter awaiter{members, !outcomes};
    std::apply(
        [&](Gs&... each) {
            [[maybe_unused]] bool failed = false;
            ((failed = check_gathered(awaiter, each) || failed), ...);
            [[maybe_unused]] auto member = members.begin();
            ((member++)->start(each, failed), ...);
        },
        gathered);
    co_await awaiter;
    co_return results_of<outcomes, Gs...>(members, std::index_sequence_for<Gs...>{});
}

template <bool outcomes, class G>
Task<std::vector<ResultFor<outcomes, typename G::Result>>> gather_vector(std::vector<G> gathered) {
    std::vector<GatherMember> members(gathered.size());
    GatherAwaiter awaiter{members, !outcomes};
    bool failed = false;
    for (const G& each : gathered) failed = check_gathered(awaiter, each) || failed;
    for (std::size_t i = 0; i < gathered.size(); ++i) members[i].start(gathered[i], failed);
    co_await awaiter;
    std::vector<ResultFor<outcomes, typename G::Result>> results;
    results.reserve(members.size());
    for (const GatherMember& each : members) results.push_back(result_of<outcomes, G>(*record_of(each.gathered)));
    co_return std::move(results);
}

// Copies the TaskHandles of a range; moves its Tasks out of it.
template <class Range>
auto gatherables_of(Range&& range) {
    using Passed = PassedItem<Range>;
    std::vector<Gatherable<Passed>> gathered;
    for (auto&& item : range) gathered.push_back(gatherable(static_cast<Passed>(item)));
    return gathered;
}

} // namespace detail

/// `auto [x, y] = co_await gather(a, b, ...)`: runs Tasks, TaskHandles and other awaitables (such as objects' waits)
/// concurrently, and returns their results in the order of the arguments (Nothing for void).
///
/// For the tasks of one loop. gather owns the Tasks and other awaitables: they start at the co_await, in their order. A
/// TaskHandle belongs to someone else, and its task may be running already.
///
/// The first argument that throws or is cancelled ends the gather. It cancels the Tasks that it owns, waits until they
/// have ended, and then throws the first exception; so the Tasks may refer to variables of the caller. The exceptions
/// of the others are discarded. The tasks of TaskHandles continue. (Without exceptions, an argument that is cancelled
/// cancels the waiting task after the others have ended.) If a TaskHandle's task has failed before, no Task is started.
/// If the waiting task is cancelled, all arguments are cancelled, and gather ends when they have ended.
///
/// Results are moved, but copied from a TaskHandle that is an lvalue or is in a range. UsageError if a Task or a handle
/// is empty or belongs to another loop, or if a task gathers itself; then nothing is started.
///
/// Costs one coroutine frame, and one for each object's wait.
template <class... As>
    requires(sizeof...(As) != 1 || !(detail::RangeOfAwaitables<As> && ...))
[[nodiscard]] auto gather(As&&... awaitables) {
    return detail::gather_tuple<false>(
        std::tuple<detail::Gatherable<As>...>{detail::gatherable(std::forward<As>(awaitables))...});
}

/// Like gather(a, b, ...), but returns Outcomes, and a failure does not end it early.
template <class... As>
    requires(sizeof...(As) != 1 || !(detail::RangeOfAwaitables<As> && ...))
[[nodiscard]] auto gather(return_exceptions_t, As&&... awaitables) {
    return detail::gather_tuple<true>(
        std::tuple<detail::Gatherable<As>...>{detail::gatherable(std::forward<As>(awaitables))...});
}

/// `auto results = co_await gather(range)`: like gather(a, b, ...), for a range of TaskHandles or an rvalue range of
/// Tasks. Returns a vector; further vectors are allocated for the arguments and the waiters.
template <detail::RangeOfAwaitables Range>
[[nodiscard]] auto gather(Range&& range) {
    return detail::gather_vector<false>(detail::gatherables_of(std::forward<Range>(range)));
}

/// Like gather(range), but returns Outcomes, and a failure does not end it early.
template <detail::RangeOfAwaitables Range>
[[nodiscard]] auto gather(return_exceptions_t, Range&& range) {
    return detail::gather_vector<true>(detail::gatherables_of(std::forward<Range>(range)));
}

} // namespace ROUSE_ABI
} // namespace rouse

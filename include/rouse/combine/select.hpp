// select: the first of several things, and which one it was.
#pragma once

#include <array>
#include <coroutine>
#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <rouse/combine/detail/as_handle.hpp>
#include <rouse/combine/detail/race.hpp>
#include <rouse/core/detail/misuse.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

/// An argument of select, and its wait. This one is an object's wait.
template <class A>
class Entrant {
    static_assert(
        !requires { A::needs_own_task; },
        "rouse: select: a Condition's wait ends only when it has the lock again; let a Task of its own wait");

public:
    using Result = Awaited<A>;

    explicit Entrant(A&& awaitable) : awaiter_{std::move(awaitable)} {}
    static bool cancels() noexcept { return false; }
    bool ready() { return awaiter_.await_ready(); }
    void enter(Contender&) {}
    A& awaiter() noexcept { return awaiter_; }

private:
    A awaiter_;
};

/// A task that goes on if it loses.
template <class T>
class Entrant<TaskHandle<T>> {
public:
    using Result = T;
    using Awaiter = ValueAwaiter<T>;

    explicit Entrant(TaskHandle<T> handle) : handle_{std::move(handle)}, awaiter_{handle_, false} {}
    // Without exceptions, who waits for a task that was cancelled is cancelled too.
    bool cancels() const noexcept { return !ROUSE_EXCEPTIONS && handle_.cancelled(); }
    bool ready() {
        if (record_of(handle_) == &Scheduler::running_task()) misuse("rouse: select: a task cannot await itself");
        return awaiter_.await_ready();
    }
    void enter(Contender&) {}
    Awaiter& awaiter() noexcept { return awaiter_; }

private:
    TaskHandle<T> handle_;
    Awaiter awaiter_;
};

/// A Task: started when the wait begins, cancelled and waited for if it loses.
template <class T>
class Entrant<Task<T>> {
public:
    using Result = T;
    using Awaiter = ValueAwaiter<T>;

    explicit Entrant(Task<T> task) : task_{std::move(task)} {}
    static bool cancels() noexcept { return false; }
    bool ready() {
        if (!task_) misuse("rouse: select: an empty Task: it was moved from, or its frame could not be allocated");
        return false;
    }
    void enter(Contender& contender) {
        TaskHandle<T> handle = as_handle(std::move(task_));
        contender.own_task = record_of(handle);
        awaiter_.emplace(handle, false);
    }
    Awaiter& awaiter() noexcept { return *awaiter_; }

private:
    Task<T> task_;
    std::optional<Awaiter> awaiter_;
};

// What stands for a result in the variant.
template <class T>
using Selected = std::conditional_t<std::is_void_v<T>, Nothing,
                                    std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>>;

template <class... As>
class SelectAwaiter final : Race {
    static constexpr std::size_t count = sizeof...(As);
    using Result = std::variant<Selected<typename Entrant<As>::Result>...>;

public:
    explicit SelectAwaiter(As&&... awaitables) : entrants_{std::move(awaitables)...} {}
    SelectAwaiter(SelectAwaiter&& other) noexcept : entrants_{std::move(other.entrants_)} {} // before it is awaited
    SelectAwaiter(const SelectAwaiter&) = delete;
    SelectAwaiter& operator=(const SelectAwaiter&) = delete;
    ~SelectAwaiter() { abandon(); }

    bool await_ready() {
        first_ = first_ready<0>();
        return first_ < count && !first_cancels_;
    }

    bool await_suspend(std::coroutine_handle<> frame) {
        if (first_cancels_) {
            Scheduler::running_task().cancel_requested = true;
            Scheduler::current().park_ready(frame);
            return true;
        }
        prepare(contenders_);
        const std::size_t first = first_that_need_not_wait<0>(frame);
        return begin(first < count ? &contenders_[first] : nullptr, frame);
    }

    Result await_resume() {
        // A winner that has waited tells of a cancellation itself, and gives back what it was given.
        if (task != nullptr && (winner() == nullptr || won_at_once())) Scheduler::check_cancelled();
        if (winner() != nullptr) first_ = index_of_winner();
        return resume<0>();
    }

    /// For wait_for: whether the wait was given up because the time was up.
    [[nodiscard]] bool interrupted() {
        if (task == nullptr) return false;
        return winner() == nullptr || interrupted<0>(index_of_winner());
    }

private:
    [[nodiscard]] std::size_t index_of_winner() const noexcept {
        return static_cast<std::size_t>(static_cast<const Contender*>(winner()) - contenders_.data());
    }

    template <std::size_t i>
    std::size_t first_ready() {
        if constexpr (i == count) {
            return count;
        } else {
            auto& entrant = std::get<i>(entrants_);
            first_cancels_ = entrant.cancels();
            return first_cancels_ || entrant.ready() ? i : first_ready<i + 1>();
        }
    }

    // Makes all of them wait, up to the first that has what it waits for.
    template <std::size_t i>
    std::size_t first_that_need_not_wait(std::coroutine_handle<> frame) {
        if constexpr (i == count) {
            return count;
        } else {
            auto& entrant = std::get<i>(entrants_);
            Contender& contender = contenders_[i];
            entrant.enter(contender);
            Scheduler::in_place_of_task(contender, [&] { static_cast<void>(entrant.awaiter().await_suspend(frame)); });
            if (winner() != nullptr) return count; // one that waits was woken by that
            return contender.waiting() ? first_that_need_not_wait<i + 1>(frame) : i;
        }
    }

    template <std::size_t i>
    Result resume() {
        if (i != first_) {
            if constexpr (i + 1 < count) return resume<i + 1>();
        }
        using R = typename std::tuple_element_t<i, decltype(entrants_)>::Result;
        if constexpr (std::is_void_v<R>) {
            std::get<i>(entrants_).awaiter().await_resume();
            return Result{std::in_place_index<i>};
        } else if constexpr (std::is_reference_v<R>) {
            return Result{std::in_place_index<i>, &std::get<i>(entrants_).awaiter().await_resume()};
        } else {
            return Result{std::in_place_index<i>, std::get<i>(entrants_).awaiter().await_resume()};
        }
    }

    template <std::size_t i>
    bool interrupted(std::size_t index) {
        if (i != index) {
            if constexpr (i + 1 < count) return interrupted<i + 1>(index);
        }
        return was_interrupted(std::get<i>(entrants_).awaiter());
    }

    std::array<Contender, count> contenders_; // outlive the entrants, which may still arrive when they are destroyed
    std::tuple<Entrant<As>...> entrants_;
    std::size_t first_ = count;  // the one that has what it waits for
    bool first_cancels_ = false; // as that is a task which was cancelled, see Entrant::cancels
};

} // namespace detail

/// `auto first = co_await select(a, b, ...)`: waits for the first of several Tasks, TaskHandles and waits of objects,
/// and returns its result in a std::variant: first.index() is which one it was, std::get<0>(first) what `a` returned
/// (Nothing for void, a pointer for a reference). If it throws, so does select. If several have what they
/// wait for at once, the first argument wins; else the one that was woken first. (sleep(0s) and yield() have it at
/// once.)
///
/// The others lose nothing: an item stays in its queue, a flag set, a lock goes to the next. A TaskHandle's task goes
/// on. A Task belongs to the select: it is started when the wait begins, not run at all if something else is there
/// already, and if it loses it is cancelled, and select returns when it has ended. What it returns then is dropped,
/// what it throws goes to the exception handler.
///
/// If the waiting task is cancelled, so are the Tasks; nothing else is. Nothing is allocated. To be awaited in the
/// expression that makes it if an argument refers to something in that expression, as a queue's put does to its value.
template <class... As>
[[nodiscard]] detail::SelectAwaiter<As...> select(As... awaitables) {
    static_assert(sizeof...(As) > 0, "rouse: select of nothing would never return");
    return detail::SelectAwaiter<As...>{std::move(awaitables)...};
}

} // namespace ROUSE_ABI
} // namespace rouse

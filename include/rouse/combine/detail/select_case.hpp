// SelectCase: one of the things that select waits for.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include <rouse/combine/detail/as_handle.hpp>
#include <rouse/combine/detail/race.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/outcome.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// An argument of select with its awaiter. The primary template is for an object's wait. Only a TaskHandle can be kept.
template <class A, Handle handle = Handle::kept>
class SelectCase {
    static_assert(
        !requires { A::needs_own_task; },
        "rouse: select: a Condition's wait ends only when it holds the lock again; wait in a separate Task");

public:
    using Result = Awaited<A>;

    explicit SelectCase(A awaitable) : awaiter_{std::move(awaitable)} {}
    static bool cancels_awaiter() noexcept { return false; }
    bool ready() { return awaiter_.await_ready(); }
    void start(Contender&) {}
    A& awaiter() noexcept { return awaiter_; }

private:
    A awaiter_;
};

/// A TaskHandle: its task continues if it loses.
template <class T, Handle handle>
class SelectCase<TaskHandle<T>, handle> {
public:
    using Result = T;
    using Awaiter = ValueAwaiter<T, handle>;

    explicit SelectCase(TaskHandle<T> task) : handle_{std::move(task)}, awaiter_{handle_, false} {}
    // Without exceptions, awaiting a cancelled task cancels the awaiting task.
    bool cancels_awaiter() const noexcept { return !ROUSE_EXCEPTIONS && handle_.cancelled(); }
    bool ready() {
        if (record_of(handle_) == &Scheduler::running_task()) misuse("rouse: select: a task cannot await itself");
        return awaiter_.await_ready();
    }
    void start(Contender&) {}
    Awaiter& awaiter() noexcept { return awaiter_; }

private:
    TaskHandle<T> handle_;
    Awaiter awaiter_;
};

/// A Task: started when the wait begins; if it loses, cancelled and awaited.
template <class T, Handle handle>
class SelectCase<Task<T>, handle> {
public:
    using Result = T;
    using Awaiter = ValueAwaiter<T, Handle::given_up>;

    explicit SelectCase(Task<T> task) : task_{std::move(task)} {}
    static bool cancels_awaiter() noexcept { return false; }
    bool ready() {
        if (!task_) misuse("rouse: select: an empty Task: it was moved from, or its frame could not be allocated");
        return false;
    }
    void start(Contender& contender) {
        TaskHandle<T> started = as_handle(std::move(task_));
        contender.own_task = record_of(started);
        awaiter_.emplace(std::move(started), false);
    }
    Awaiter& awaiter() noexcept { return *awaiter_; }

private:
    Task<T> task_;
    std::optional<Awaiter> awaiter_;
};

/// What has an operator co_await, such as the result of foreign(): awaited in a Task of its own.
template <class A, Handle handle>
    requires AwaitedByOther<A>
class SelectCase<A, handle> : public SelectCase<Task<Awaited<A>>, Handle::given_up> {
public:
    explicit SelectCase(A awaitable) : SelectCase<Task<Awaited<A>>, Handle::given_up>{as_task(std::move(awaitable))} {}
};

// The type of a result in the variant: Nothing for void, a pointer for a reference.
template <class T>
using Selected = std::conditional_t<std::is_void_v<T>, Nothing,
                                    std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>>;

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

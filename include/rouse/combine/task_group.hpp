// TaskGroup: structured concurrency; leaving the group waits for its tasks.
#pragma once

#include <coroutine>
#include <string_view>
#include <type_traits>
#include <utility>

#include <rouse/combine/detail/as_handle.hpp>
#include <rouse/combine/exception_group.hpp>
#include <rouse/core/detail/current_error.hpp>
#include <rouse/core/detail/dangling.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/start.hpp>
#include <rouse/core/detail/stored_call.hpp>
#include <rouse/core/detail/waiter.hpp>
#include <rouse/core/loop.hpp>
#include <rouse/core/task_handle.hpp>
#include <rouse/sync/event.hpp>

#if ROUSE_EXCEPTIONS
#include <vector>
#endif

namespace rouse {
inline namespace ROUSE_ABI {

/// The type of `first_error`.
struct first_error_t {};
/// Tag: TaskGroup::run(first_error, body) throws the first error itself instead of an ExceptionGroup.
inline constexpr first_error_t first_error{};

/// Structured concurrency: run() executes a body of code that starts tasks in a group, and returns when all of them
/// have ended. Like Python's `async with TaskGroup() as group:`
///
///     co_await TaskGroup::run([&](TaskGroup& group) -> Task<> {
///         group.create_task(serve(a));
///         group.create_task(serve(b));
///         co_await sleep(1s);
///     });
///
/// So the tasks may refer to variables around run(). They must not refer to variables of the body, which are destroyed
/// when the body ends. (In Python they live until the tasks have ended; a coroutine cannot do that.)
///
/// For the tasks of one loop: the body and the tasks of the group may call create_task() and cancel().
///
/// If a task or the body fails, all others are cancelled; when all have ended, run() throws an ExceptionGroup of the
/// errors. run(first_error, body) throws the first of them instead, so that it can be caught by its type. A task that
/// is cancelled has not failed. If the task that awaits run() is cancelled, everything in the group is cancelled, and
/// run() ends when all have ended. Then it throws CancelledError; or, if there are errors, those, and the cancellation
/// is delivered at the next co_await that waits.
///
/// Each task of the group costs a block of the loop's frame pool in addition to its frame.
//
// The body is itself a task of the group and runs in place of the task that awaits run(): it starts ahead of all ready
// tasks; cancelling the awaiting task cancels the body instead; and if the body is the last to end, the awaiting task
// resumes ahead of all ready tasks. So the two cannot be distinguished, except by current_task(). As a separate task,
// the body can be cancelled because a task has failed without that being mistaken for a cancellation from outside, and
// no exception can leave the group while its tasks run.
class TaskGroup : detail::CancelForwarder {
public:
    /// `co_await TaskGroup::run(body)`: runs the coroutine body(group), and waits for all tasks that the body and these
    /// tasks start in the group. A body that is an lvalue is referred to; an rvalue is moved into the wait, so its
    /// captures live as long as it runs.
    template <class Body>
    static Task<> run(Body&& body) {
        static_assert(
            detail::safe_in_await<Body>,
            "rouse: TaskGroup::run: this compiler destroys a lambda that is written inside a co_await expression "
            "twice; capture by reference, or give the lambda a name first");
        return run_body<Body>(std::forward<Body>(body), false);
    }
    /// `co_await TaskGroup::run(first_error, body)`: as above, but throws the error of the task, or the body, that
    /// failed first, for callers that expect a certain type. The errors of the others are discarded, as by gather.
    template <class Body>
    static Task<> run(first_error_t, Body&& body) {
        static_assert(
            detail::safe_in_await<Body>,
            "rouse: TaskGroup::run: this compiler destroys a lambda that is written inside a co_await expression "
            "twice; capture by reference, or give the lambda a name first");
        return run_body<Body>(std::forward<Body>(body), true);
    }

    /// Starts a task in the group and returns its handle. The handle is empty if `task` is empty or if there is no
    /// memory. In a group that is being cancelled, the task is cancelled before it starts. UsageError if all tasks of
    /// the group have ended.
    template <class T>
    TaskHandle<T> create_task(Task<T> task, std::string_view name = {}) {
        if (run_awaiter_ != nullptr && size_ == 0) detail::misuse("rouse: TaskGroup::create_task: the group has ended");
        return add(std::move(task),
                   [&](Task<T> each) { return detail::start_awaited(scheduler_, std::move(each), name); });
    }

    /// As above, for a TaskHandle or any other awaitable, such as an object's wait: starts a task in the group that
    /// awaits it. If the group is cancelled, so is the task of the handle. Costs a coroutine frame.
    template <detail::Awaitable A>
    auto create_task(A awaitable, std::string_view name = {}) {
        return create_task(detail::as_task(std::move(awaitable)), name);
    }

    /// `create_task(callable, arguments...)`: stores the callable with its captures, and the arguments, until the task
    /// has ended; see Loop::create_task.
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

    /// `while (auto task = co_await group.next_ended())`: waits for the next task of the group to end, in whatever way,
    /// and returns its handle, in the order in which they end. An empty handle says that none is left. To know which it
    /// is, compare it with the handle that create_task() has returned, which has the value.
    ///
    /// For the body and what it awaits; the body itself is not among the tasks. A task that fails cancels the body, so
    /// also this wait. From the first call on, the group keeps each ended task, with its value, until it is returned or
    /// the group ends; tasks that have ended before are not returned. UsageError in a task of the group, which would
    /// wait for itself. Costs a coroutine frame.
    [[nodiscard]] Task<TaskHandle<>> next_ended();

    /// Cancels everything in the group, including the body. A task of the group that calls this is itself cancelled at
    /// its next co_await that waits. This is not an error: run() returns when all have ended.
    void cancel() noexcept;

    /// The number of tasks in the group that have not ended, including the body.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

private:
    class RunAwaiter;

    // A task of the group; lives in a block of the frame pool.
    struct Member : detail::Branch, detail::ListNode {
        explicit Member(TaskGroup& of_group) noexcept : Branch{on_member_wake}, group{of_group} {}
        static void on_member_wake(detail::Branch& branch) noexcept {
            auto& member = static_cast<Member&>(branch);
            member.group.on_member_done(member);
        }

        TaskGroup& group;
        detail::TaskRecord* task = nullptr; // valid until on_member_wake() returns, and in ended_
        detail::JoinWaiter waiter;
    };

    explicit TaskGroup(detail::Scheduler& loop) noexcept : CancelForwarder{cancel_next_member}, scheduler_{loop} {}
    ~TaskGroup() {
        while (!members_.empty()) remove(first_member()); // not empty only when the loop is being destroyed
        while (!ended_.empty()) static_cast<void>(take_ended());
    }

    template <class Body>
    static Task<> run_body(Body body, bool only_first_error);
    template <class Body>
    bool start_body(Body& body);
    template <class T, class Start>
    TaskHandle<T> add(Task<T> task, Start start);
    bool make_room_for_error() noexcept;
    Member& first_member() noexcept { return static_cast<Member&>(members_.pop_front()); }
    void remove(Member& member) noexcept;
    static void free(Member& member) noexcept;
    static void keep(TaskGroup& group, Member& member) noexcept;
    TaskHandle<> take_ended() noexcept;
    [[nodiscard]] bool is_member(detail::TaskRecord& task) const noexcept;
    static bool cancel_next_member(CancelForwarder& forwarder) noexcept;
    void on_member_done(Member& member) noexcept;

    detail::Scheduler& scheduler_;
    detail::WaitList members_;
    std::size_t size_ = 0;
    std::size_t left_to_cancel_ = 0;     // while active: the number of members, from the first on, not yet cancelled
    detail::TaskRecord* body_ = nullptr; // the body; null after it has ended
    RunAwaiter* run_awaiter_ = nullptr;  // set when run() waits
    // Those that next_ended() has yet to return. Its function is called by way of a pointer, which it sets, so that a
    // program that does not call it does not link the code for it.
    void (*keep_ended_)(TaskGroup&, Member&) noexcept = nullptr;
    detail::WaitList ended_;
    Event one_ended_;             // set and cleared again when one is added
    bool cancelled_ = false;      // cancel() has been called, so later tasks are cancelled, too
    bool body_cancelled_ = false; // the body was cancelled, but not by the group
#if ROUSE_EXCEPTIONS
    std::vector<std::exception_ptr> errors_; // capacity for the errors of all members
    std::exception_ptr error_of_body_;       // last in the ExceptionGroup
    bool body_failed_first_ = false;         // no other had failed when it did
    bool only_first_error_ = false;          // see run(first_error, body)
#endif
};

// The awaiter of run(): waits until all tasks of the group have ended.
/// @cond internal
class TaskGroup::RunAwaiter : detail::RetractableWaiter, detail::CancelForwarder {
public:
    explicit RunAwaiter(TaskGroup& group) noexcept : CancelForwarder{cancel_body}, group_{group} {}

    bool await_ready() const noexcept { return group_.size_ == 0; }
    void await_suspend(std::coroutine_handle<> frame) {
        detail::Scheduler::park(*this, detail::TaskState::waiting_in_task_group, frame);
        group_.run_awaiter_ = this;
    }
    void await_resume() {
#if ROUSE_EXCEPTIONS
        if (group_.error_of_body_) group_.errors_.push_back(std::move(group_.error_of_body_));
        const bool failed = !group_.errors_.empty();
        if (group_.body_cancelled_ && (cancelled_from_outside_ || !failed))
            detail::Scheduler::running_task().cancel_requested = true;
        if (failed) throw_errors();
#endif
        if (task != nullptr) detail::Scheduler::check_cancelled();
    }

private:
    friend TaskGroup;

    // While the body runs it stands for the task that waits here: the cancellation goes to the body, and the way in
    // which the body ends decides. If the group is already being cancelled, or the body has ended, the cancellation
    // applies to the waiting task.
    bool retract() noexcept override {
        if (active) return false; // the body awaits the task that runs it, which hangs
        if (group_.body_ != nullptr && !group_.cancelled_) {
            task->cancel_requested = false;
            cancelled_from_outside_ = true;
            body_cancelled_ = false;
            group_.scheduler_.forward_cancel(*this);
        } else {
            group_.cancel(); // cancels the tasks a second time if they were cancelled before
        }
        return false; // a task is left, or this waiter would have been woken
    }

    static bool cancel_body(detail::CancelForwarder& forwarder) noexcept {
        auto& awaiter = static_cast<RunAwaiter&>(forwarder);
        if (std::exchange(awaiter.body_cancelled_, true)) return false;
        awaiter.group_.scheduler_.cancel(*awaiter.group_.body_);
        return true;
    }

#if ROUSE_EXCEPTIONS
    [[noreturn]] void throw_errors() {
        const std::size_t first = group_.body_failed_first_ ? group_.errors_.size() - 1 : 0;
        if (group_.only_first_error_) std::rethrow_exception(group_.errors_[first]);
        throw ExceptionGroup{std::move(group_.errors_), first};
    }
#endif

    TaskGroup& group_;
    bool body_cancelled_ = false;         // while active: cancel_body() has cancelled it
    bool cancelled_from_outside_ = false; // a cancellation of the waiting task was passed to the body
};
/// @endcond

template <class Body>
Task<> TaskGroup::run_body(Body body, [[maybe_unused]] bool only_first_error) {
    TaskGroup group{detail::Scheduler::current()};
#if ROUSE_EXCEPTIONS
    group.only_first_error_ = only_first_error;
#endif
    const bool started = group.start_body(body);
    co_await RunAwaiter{group};
    if (!started)
        detail::misuse("rouse: TaskGroup::run: the body returned an empty Task, or its frame could not be allocated");
}

// Returns false if there is no body to run. A body that is not a coroutine may start tasks and then throw.
template <class Body>
bool TaskGroup::start_body(Body& body) {
    const auto start = [this](Task<> task) {
        TaskHandle<> started = detail::start_next(scheduler_, std::move(task));
        body_ = record_of(started);
        return started;
    };
#if ROUSE_EXCEPTIONS
    try {
        if (add(body(*this), start)) return true;
    } catch (...) {
        error_of_body_ = detail::current_error();
        body_failed_first_ = true; // the tasks that it has started have not run
    }
    cancel();
    return error_of_body_ != nullptr;
#else
    if (add(body(*this), start)) return true;
    cancel();
    return false;
#endif
}

template <class T, class Start>
TaskHandle<T> TaskGroup::add(Task<T> task, Start start) {
    if (!task) return {};
    if (!make_room_for_error()) return {};
    void* memory = detail::FramePool::allocate(scheduler_.frame_pool(), sizeof(Member));
    if (memory == nullptr) return {};
    struct Guard {
        TaskGroup& group;
        Member* member;
        ~Guard() {
            if (member != nullptr) group.remove(*member);
        }
    } guard{*this, ::new (memory) Member{*this}};
    ++size_;
    TaskHandle<T> handle = start(std::move(task));
    if (!handle) return {};
    Member& member = *std::exchange(guard.member, nullptr);
    member.task = record_of(handle);
    member.waiter.on_done = &detail::Scheduler::resume_awaiter;
    member.waiter.wants_outcome = true;
    member.wait_in(member.waiter, detail::TaskState::waiting_for_task);
    detail::enter(member.waiter, *record_of(handle));
    members_.push_back(member);
    if (cancelled_) scheduler_.cancel(*record_of(handle));
    return handle;
}

// Reserves memory for one more error, so that nothing is allocated when a task fails.
inline bool TaskGroup::make_room_for_error() noexcept {
#if ROUSE_EXCEPTIONS
    const std::size_t room = errors_.size() + size_ + 1;
    if (room <= errors_.capacity()) return true;
    try {
        errors_.reserve(2 * room);
    } catch (...) {
        return false;
    }
#endif
    return true;
}

inline void TaskGroup::remove(Member& member) noexcept {
    detail::leave(member.waiter);
    member.unlink();
    free(member);
    --size_;
}

inline void TaskGroup::free(Member& member) noexcept {
    member.state = detail::TaskState::unused;
    detail::FramePool::release(member);
}

inline Task<TaskHandle<>> TaskGroup::next_ended() {
    if (is_member(detail::Scheduler::running_task_itself()))
        detail::misuse("rouse: TaskGroup::next_ended: a task of the group would wait for itself; call it in the body");
    keep_ended_ = keep;
    while (ended_.empty() && size_ != (body_ != nullptr ? 1U : 0U)) co_await one_ended_.wait();
    if (ended_.empty()) co_return TaskHandle<>{};
    co_return take_ended();
}

// Instead of remove(): moves the member to ended_, and keeps its record.
inline void TaskGroup::keep(TaskGroup& group, Member& member) noexcept {
    member.task->add_reference();
    member.unlink();
    group.ended_.push_back(member);
    --group.size_;
    group.one_ended_.set();
    group.one_ended_.clear();
}

inline TaskHandle<> TaskGroup::take_ended() noexcept {
    Member& member = static_cast<Member&>(ended_.pop_front());
    TaskHandle<> handle = detail::handle_of<void>(member.task);
    detail::Scheduler::release(*member.task);
    free(member);
    return handle;
}

// A task is awaited by the Member of its group.
inline bool TaskGroup::is_member(detail::TaskRecord& task) const noexcept {
    if (&task == body_) return false;
    for (const detail::JoinWaiter* each = task.awaiters(); each != nullptr; each = each->next) {
        if (each->task == nullptr || each->task->is_task) continue;
        const auto& branch = static_cast<const detail::Branch&>(*each->task);
        if (branch.on_wake == Member::on_member_wake && &static_cast<const Member&>(branch).group == this) return true;
    }
    return false;
}

inline void TaskGroup::cancel() noexcept {
    cancelled_ = true;
    if (active) return; // a task of the group awaits the task that runs it, which hangs
    left_to_cancel_ = size_;
    scheduler_.forward_cancel(*this);
}

inline bool TaskGroup::cancel_next_member(detail::CancelForwarder& forwarder) noexcept {
    auto& group = static_cast<TaskGroup&>(forwarder);
    if (group.left_to_cancel_ == 0) return false;
    --group.left_to_cancel_;
    Member& member = group.first_member();
    group.members_.push_back(member);
    group.scheduler_.cancel(*member.task);
    return true;
}

inline void TaskGroup::on_member_done(Member& member) noexcept {
    detail::TaskRecord& task = *member.task;
    const bool is_body = &task == body_;
    const bool failed = task.ending == detail::Ending::error;
    if (is_body) {
        // Was the body cancelled by the group or from outside? If by both, or if it ended before the cancellation was
        // delivered, it counts as from outside.
        const bool from_outside = run_awaiter_->cancelled_from_outside_;
        body_cancelled_ = task.ending == detail::Ending::cancelled ? from_outside || !cancelled_
                                                                   : from_outside && task.cancel_requested;
    }
#if ROUSE_EXCEPTIONS
    if (failed && is_body) {
        error_of_body_ = task.error();
        body_failed_first_ = errors_.empty();
    }
    if (failed && !is_body) errors_.push_back(task.error());
#endif
    if (is_body) body_ = nullptr;
    if (keep_ended_ != nullptr && !is_body) {
        keep_ended_(*this, member);
    } else {
        remove(member);
    }
    if ((failed || body_cancelled_) && !cancelled_) cancel();
    if (size_ != 0) return;
    // Without exceptions, awaiting a cancelled task cancels the awaiting task.
    if (!ROUSE_EXCEPTIONS && body_cancelled_) run_awaiter_->task->cancel_requested = true;
    if (is_body) {
        scheduler_.wake_next(*run_awaiter_);
    } else {
        detail::Scheduler::wake(*run_awaiter_);
    }
}

} // namespace ROUSE_ABI
} // namespace rouse

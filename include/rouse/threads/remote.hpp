// Remote: calls functions and starts tasks on a loop, from any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <rouse/core/config.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/stored_call.hpp>
#include <rouse/core/loop.hpp>
#include <rouse/threads/detail/remote_state.hpp>
#include <rouse/threadsafe/thread_safe_queue.hpp>
#if ROUSE_EXCEPTIONS
#include <exception>
#include <future>

#include <rouse/core/detail/current_error.hpp>
#endif

namespace rouse {
inline namespace ROUSE_ABI {

#if ROUSE_EXCEPTIONS
/// What the future of Remote::spawn throws if the task could not be started.
class RemoteRefused : public std::exception {
public:
    /// The reason: either that the loop has ended, or that too many calls are waiting; a string literal.
    [[nodiscard]] const char* what() const noexcept override {
        return loop_ended_ ? "rouse: Remote::spawn: the loop has ended"
                           : "rouse: Remote::spawn: too many calls are waiting; wait for room with "
                             "spawn(make_task, block)";
    }
    /// Whether the reason is that the loop has ended.
    [[nodiscard]] bool loop_ended() const noexcept { return loop_ended_; }
    /// For stand-ins and tests.
    explicit RemoteRefused(bool loop_ended) noexcept : loop_ended_{loop_ended} {}

private:
    bool loop_ended_;
};
#endif

namespace detail {

/// A RemoteCall that calls an F.
template <class F>
class RemoteFunction final : public RemoteCall {
public:
    std::optional<F> function; // empty until the call is accepted

private:
    void run() override { static_cast<void>((*function)()); }
};

#if ROUSE_EXCEPTIONS
/// The promise of a future that is never left waiting: if it is destroyed unset, the future gets a CancelledError.
template <class T>
class SpawnPromise {
public:
    SpawnPromise() = default;
    SpawnPromise(SpawnPromise&& other) noexcept
        : promise_{std::move(other.promise_)}, open_{std::exchange(other.open_, false)} {}
    SpawnPromise& operator=(SpawnPromise&&) = delete;
    ~SpawnPromise() {
        if (open_) set_error(std::make_exception_ptr(CancelledError{}));
    }

    [[nodiscard]] std::future<T> future() { return promise_.get_future(); }

    template <class... Value>
    void set_value(Value&&... value) {
        promise_.set_value(std::forward<Value>(value)...);
        open_ = false;
    }
    void set_error(std::exception_ptr error) {
        open_ = false;
        promise_.set_exception(std::move(error));
    }

private:
    std::promise<T> promise_;
    bool open_ = true;
};

/// Runs the task of a spawn(). When the future becomes ready, the callable and the locals of the task are gone.
template <class T>
Task<> fulfil(Task<T> task, SpawnPromise<T> promise) {
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(task);
            promise.set_value();
        } else {
            promise.set_value(co_await std::move(task));
        }
    } catch (const CancelledError&) {
        throw; // the destructor of the promise says so
    } catch (...) {
        promise.set_error(current_error());
    }
}

/// A RemoteCall that starts the task that an F makes.
template <class F, class T>
class RemoteSpawn final : public RemoteCall {
public:
    [[nodiscard]] SpawnPromise<T>& promise() noexcept { return promise_; }

    std::optional<F> make; // empty until the call is accepted

private:
    void run() override { Loop::current().create_task(fulfil<T>(store_call(std::move(*make)), std::move(promise_))); }

    SpawnPromise<T> promise_;
};
#endif

} // namespace detail

/// Calls functions and starts tasks on a loop, from other threads: what asyncio calls call_soon_threadsafe and
/// run_coroutine_threadsafe. Use it for what happens rarely or is different each time; for a stream of items a
/// ThreadSafeQueue costs a fraction.
///
/// The constructor is for the thread of the loop. Everything else, copying included, may be used on any thread, at the
/// same time: that of the loop, its tasks, and other loops of the same thread included. Not for signal handlers or
/// interrupts, because it locks a mutex and allocates. A Remote may outlive the loop.
///
/// What one thread sends through a Remote and its copies begins in the order of sending; two Remotes that were made
/// separately have no common order. A function is never called inside call(), even on the loop's own thread; it is
/// called later, in a task of the loop, so it may create and cancel tasks. It should return soon, as it keeps the
/// loop's other tasks from running; 64 functions at most are called before those get a turn. If it throws, the loop's
/// exception handler is told, and the next function is called.
///
/// The loop ends when it is destroyed; for run() that is before run() returns. From then on everything is refused. What
/// was accepted and has not begun is then destroyed without having been called, on the thread of the loop and outside
/// of any lock. Until the loop is destroyed, calls that are sent while it does not run wait for its next run.
///
/// A call costs one allocation, a lock that is held for a few instructions, and a push to the loop's inbox if no other
/// call is waiting.
class Remote {
public:
    /// Makes a Remote of `loop`. At most `waiting` calls can wait to begin; see call(). Only on the thread of the loop.
    /// Raises a UsageError if `waiting` is zero, or, in a checked build, on another thread.
    explicit Remote(Loop& loop, std::size_t waiting = 1024) {
        if (waiting == 0) detail::misuse("rouse: Remote: needs room for at least one waiting call");
        detail::Scheduler& scheduler = detail::scheduler_of(loop);
        scheduler.check_thread(
            "rouse: Remote: made on another thread than that of the loop; make it there, and give this thread a copy");
        owner_ = std::make_shared<Owner>(std::make_shared<detail::RemoteState>(scheduler, waiting));
        owner_->state->attach();
    }
    /// A copy sends to the same loop, in one order with the original. May be made and destroyed on any thread. There is
    /// no empty Remote: moving one copies it.
    Remote(const Remote&) = default;
    /// Sends to the loop of the other one from now on. Not while another thread uses this object.
    Remote& operator=(const Remote&) = default;
    ~Remote() = default;

    /// Calls `function()` on the loop and ignores what it returns. Returns false if the loop has ended, or if too many
    /// calls are waiting; then an rvalue `function` is untouched. May be called on any thread.
    ///
    /// The function is moved, or copied, under the lock or before it; it is destroyed on the loop, right after the
    /// call. Its constructors must not use this Remote.
    template <class F>
    [[nodiscard]] bool call(F&& function) {
        return call_until(std::forward<F>(function), (Time::min)());
    }

    /// Like call(), but blocks the calling thread while too many calls are waiting. Returns false only if the loop has
    /// ended. Raises a UsageError on a thread on which a loop is running, because it would stop that loop.
    template <class F>
    [[nodiscard]] bool call(F&& function, block_t) {
        refuse_to_block(call_blocks);
        return call_until(std::forward<F>(function), (Time::max)());
    }

    /// Like `call(function, block)`, but blocks for at most `timeout`, and also returns false when that has expired.
    template <class F, class Rep, class Period>
    [[nodiscard]] bool call(F&& function, std::chrono::duration<Rep, Period> timeout) {
        refuse_to_block(call_blocks);
        return call_until(std::forward<F>(function), detail::blocking_deadline(timeout));
    }

#if ROUSE_EXCEPTIONS
    /// Calls `make_task()` on the loop, which returns a Task, and starts that task. The future gets its value or its
    /// exception; a CancelledError if the task is cancelled or the loop ends before the task does; a RemoteRefused if
    /// the loop has ended or too many calls are waiting, and then an rvalue `make_task` is untouched. So it is never
    /// left waiting for a loop that has ended. May be called on any thread.
    ///
    /// `make_task` is kept until the task has ended, so it may be a lambda with captures that is a coroutine. When the
    /// future becomes ready, `make_task` and the local variables of the task have been destroyed.
    ///
    /// Do not call get() or wait() of the future on the thread of the loop, unless it is ready: they block that thread,
    /// so the task could never run. std::future has no means to detect this. Inside the loop, use create_task() and
    /// `co_await` instead.
    template <class F>
    [[nodiscard]] auto spawn(F&& make_task) {
        return spawn_until(std::forward<F>(make_task), (Time::min)());
    }

    /// Like spawn(), but blocks the calling thread while too many calls are waiting. Raises a UsageError on a thread on
    /// which a loop is running, because it would stop that loop.
    template <class F>
    [[nodiscard]] auto spawn(F&& make_task, block_t) {
        refuse_to_block(spawn_blocks);
        return spawn_until(std::forward<F>(make_task), (Time::max)());
    }

    /// Like `spawn(make_task, block)`, but blocks for at most `timeout`; if that has expired, the future gets a
    /// RemoteRefused.
    template <class F, class Rep, class Period>
    [[nodiscard]] auto spawn(F&& make_task, std::chrono::duration<Rep, Period> timeout) {
        refuse_to_block(spawn_blocks);
        return spawn_until(std::forward<F>(make_task), detail::blocking_deadline(timeout));
    }
#else
    template <class F, class... How>
    void spawn(F&&, How...) {
        static_assert(sizeof(F) == 0,
                      "rouse: Remote::spawn: its future could not report a cancellation without exceptions; use call() "
                      "with a function that creates the task");
    }
#endif

    /// Whether the loop has ended, so that everything is refused. If the result is false, that may change at once. May
    /// be called on any thread.
    [[nodiscard]] bool loop_ended() const noexcept { return owner_->state->closed(); }

    /// How many calls are waiting to begin; up to 64 that have begun may be among them. May be called on any thread.
    [[nodiscard]] std::size_t waiting() const noexcept { return owner_->state->waiting(); }

private:
    using Time = detail::RemoteState::Time;

    // What the copies share. Its end tells the loop that no Remote is left.
    struct Owner {
        explicit Owner(std::shared_ptr<detail::RemoteState> s) noexcept : state{std::move(s)} {}
        Owner(const Owner&) = delete;
        Owner& operator=(const Owner&) = delete;
        ~Owner() { state->abandon(); }
        const std::shared_ptr<detail::RemoteState> state;
    };

    static constexpr const char* call_blocks =
        "rouse: Remote::call: would block the loop that runs on this thread; use call(function), and try again later "
        "if it returns false";
    static constexpr const char* spawn_blocks =
        "rouse: Remote::spawn: would block the loop that runs on this thread; use spawn(make_task), and try again "
        "later if it is refused";

    static void refuse_to_block(const char* message) {
        if (detail::Scheduler::blocking_refused()) detail::misuse(message);
    }

    // Puts what the caller has passed into `place`. An lvalue is copied before the lock is taken; an rvalue is moved
    // only if the call is accepted.
    template <class F, class Stored>
    detail::RemoteState::Posted post(std::unique_ptr<detail::RemoteCall>& call, std::optional<Stored>& place,
                                     std::remove_reference_t<F>& function, Time deadline) {
        if constexpr (std::is_lvalue_reference_v<F>) {
            place.emplace(function);
            return owner_->state->post(call, deadline, [] {});
        } else {
            return owner_->state->post(call, deadline, [&] { place.emplace(std::move(function)); });
        }
    }

    template <class F>
    bool call_until(F&& function, Time deadline) {
        using Stored = std::decay_t<F>;
        static_assert(std::is_invocable_v<Stored&>,
                      "rouse: Remote::call: the function must be callable without arguments");
        static_assert(!detail::is_a_task<std::remove_cv_t<std::invoke_result_t<Stored&>>>,
                      "rouse: Remote::call: the function returns a Task, which would never run; use spawn()");
        auto made = std::make_unique<detail::RemoteFunction<Stored>>();
        std::optional<Stored>& place = made->function;
        std::unique_ptr<detail::RemoteCall> call = std::move(made);
        return post<F>(call, place, function, deadline) == detail::RemoteState::Posted::accepted;
    }

#if ROUSE_EXCEPTIONS
    template <class F>
    auto spawn_until(F&& make_task, Time deadline) {
        using Stored = std::decay_t<F>;
        using Returned = std::invoke_result_t<Stored&>;
        static_assert(detail::is_a_task<Returned>,
                      "rouse: Remote::spawn: the callable must return a Task, as a coroutine does; use call()");
        // Named here, because GCC warns of the coroutine's frame if its type is first used in a virtual function.
        using Value = typename decltype(detail::store_call(std::declval<Stored>()))::value_type;
        using Posted = detail::RemoteState::Posted;
        auto made = std::make_unique<detail::RemoteSpawn<Stored, Value>>();
        detail::RemoteSpawn<Stored, Value>& spawn = *made;
        std::future<Value> future = spawn.promise().future();
        std::unique_ptr<detail::RemoteCall> call = std::move(made);
        const Posted posted = post<F>(call, spawn.make, make_task, deadline);
        if (posted != Posted::accepted) { // so `call` still owns `spawn`
            spawn.promise().set_error(std::make_exception_ptr(RemoteRefused{posted == Posted::loop_ended}));
        }
        return future;
    }
#endif

    std::shared_ptr<Owner> owner_;
};

} // namespace ROUSE_ABI
} // namespace rouse

// Context: threads on which blocking functions run.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/sync/lock.hpp>
#include <rouse/threads/detail/job.hpp>
#include <rouse/threadsafe/thread_safe_event.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

/// The jobs that wait for a thread. put(), close() and size() are for one loop; take() is for the threads.
class JobQueue {
public:
    explicit JobQueue(std::size_t capacity) noexcept : capacity_{capacity} {}

    /// Queues the job, waiting for room. Tasks that wait for room are served in order. Throws CancelledError once the
    /// queue is closed.
    static Task<> put(std::shared_ptr<JobQueue> queue, std::shared_ptr<Job> job) {
        const auto turn = co_await queue->put_order_.scoped();
        for (;;) {
            queue->room_.clear(); // before try_put(): a job that is taken after that sets it again
            const Put put = queue->try_put(job);
            if (put == Put::done) co_return;
            if (put == Put::closed) co_await Refused{};
            co_await queue->room_.wait();
        }
    }

    /// Blocks the calling thread until there is a job. Returns null once the queue is closed.
    std::shared_ptr<Job> take() {
        std::shared_ptr<Job> job;
        {
            std::unique_lock lock{mutex_};
            changed_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
            if (closed_) return nullptr;
            job = std::move(jobs_.front());
            jobs_.pop_front();
        }
        room_.set();
        return job;
    }

    /// From now on no job is queued or taken. The jobs still in the queue, and tasks that wait for room, are refused.
    void close() noexcept {
        {
            const std::lock_guard lock{mutex_};
            closed_ = true;
        }
        changed_.notify_all();
        for (const auto& job : jobs_) job->refuse(); // no thread touches them once closed_ is set
        room_.set();
    }

    [[nodiscard]] std::size_t size() const {
        const std::lock_guard lock{mutex_};
        return jobs_.size();
    }

private:
    enum class Put : unsigned char { done, full, closed };

    Put try_put(const std::shared_ptr<Job>& job) {
        {
            const std::lock_guard lock{mutex_};
            if (closed_) return Put::closed;
            if (jobs_.size() == capacity_) return Put::full;
            jobs_.push_back(job);
        }
        changed_.notify_one();
        return Put::done;
    }

    Lock put_order_;                  // held by the one task that may wait for room_; queues the others
    ThreadSafeEvent room_;            // set by a thread that has taken a job, and by close(); cleared by the loop
    mutable std::mutex mutex_;        // protects jobs_ and closed_; held only while a pointer is moved
    std::condition_variable changed_; // notified when a job was queued, or the queue closed
    std::deque<std::shared_ptr<Job>> jobs_;
    const std::size_t capacity_;
    bool closed_ = false;
};

/// The task of Context::assign(). It shares the queue, because it may outlive the Context while it waits for room.
template <class F, class... Arguments>
Task<ResultOfCall<F, Arguments...>> run_in(std::shared_ptr<JobQueue> queue, F function, Arguments... arguments) {
    const auto job = std::make_shared<Call<F, Arguments...>>(std::move(function), std::move(arguments)...);
    const WaitForThread wait; // also for room, which a function that no one waits for may take
    co_await JobQueue::put(queue, job);
    co_await job->done();
    if (!job->called()) co_await Refused{};
    co_return job->result();
}

} // namespace detail

/// One or more threads that run blocking functions for tasks: file input, DNS, compression, a third-party driver.
///
/// A Context is for the tasks of one loop. It must be created, used and destroyed on that loop's thread.
///
/// A Context of one thread calls the functions one after the other, in the order in which their Tasks were started, so
/// these functions can share data without a lock. Several threads take them from the queue in that order, but may begin
/// them in another. A function that has begun always runs to its end; see assign() for cancellation.
///
/// Each assign() costs one or two allocations and the hand-over to a thread and back: some tens of microseconds if that
/// thread sleeps. The lock between the loop and the threads is held only while a pointer is moved.
class Context {
public:
    /// Starts the threads. At most `waiting` functions can wait for a thread; beyond that, assign() waits for room.
    /// Raises a UsageError if either number is zero. Throws std::system_error if the system cannot start another
    /// thread; without exceptions this ends the program.
    explicit Context(std::size_t threads = 1, std::size_t waiting = 16)
        : queue_{std::make_shared<detail::JobQueue>(waiting)} {
        if (threads == 0) detail::misuse("rouse: Context: needs at least one thread");
        if (waiting == 0) detail::misuse("rouse: Context: needs room for at least one waiting function");
        // If a thread cannot be started, ends those that were.
        struct Guard {
            Context* context;
            ~Guard() {
                if (context != nullptr) context->end();
            }
        } guard{this};
        for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back(work, std::ref(*queue_));
        guard.context = nullptr;
    }
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    /// Blocks the thread, and so the loop, until the running functions have returned. None of them may therefore wait
    /// for a task of this loop. Functions that have not begun are not called. The tasks that wait for them, or for
    /// room, get a CancelledError.
    ~Context() { end(); }

    /// `co_await context.assign(function, arguments...)` calls the function on a thread of the Context while other
    /// tasks continue, and returns its result or throws its exception. Like std::thread, it copies or moves the
    /// function and the arguments; use std::ref to pass a reference.
    ///
    /// If the task is cancelled before the function has been queued, the function is not called. After that it is
    /// called all the same. Its result is then destroyed on its thread, or on the loop's thread if it had already
    /// returned. So the function must not refer to anything that ends with the task. Throws CancelledError if the
    /// Context is destroyed before the function has begun. Calling assign() on a thread other than the one that created
    /// the Context raises a UsageError at once.
    ///
    /// What would dangle does not compile: a coroutine, a function that may return a reference to the copy of an
    /// argument, and, with GCC before 14, a lambda whose captures have destructors, because one that is written inside
    /// a co_await expression is destroyed twice. Give it a name first; pass what cannot be copied as an argument.
    template <class F, class... Arguments>
    [[nodiscard]] Task<detail::ResultOfCall<F, Arguments...>> assign(F&& function, Arguments&&... arguments) {
        detail::check_call<F, Arguments...>();
        if (std::this_thread::get_id() != home_)
            detail::misuse(
                "rouse: Context::assign: called on another thread than the one that created the Context; each loop "
                "needs its own Context");
        return detail::run_in<std::decay_t<F>, std::decay_t<Arguments>...>(queue_, std::forward<F>(function),
                                                                           std::forward<Arguments>(arguments)...);
    }

    /// How many functions are waiting for a thread.
    [[nodiscard]] std::size_t waiting() const { return queue_->size(); }

    /// How many threads the Context has.
    [[nodiscard]] std::size_t threads() const noexcept { return threads_.size(); }

private:
    static void work(detail::JobQueue& queue) {
        while (const auto job = queue.take()) job->run();
    }

    void end() noexcept {
        queue_->close();
        for (std::thread& thread : threads_) thread.join();
        threads_.clear();
    }

    std::shared_ptr<detail::JobQueue> queue_; // shared with the tasks of assign()
    std::vector<std::thread> threads_;
    const std::thread::id home_ = std::this_thread::get_id();
};

} // namespace ROUSE_ABI
} // namespace rouse

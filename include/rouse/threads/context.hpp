// Context: threads on which functions run that block.
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

/// The jobs that wait for a thread. put() is for the tasks of one loop, take() is for the threads.
class JobQueue {
public:
    explicit JobQueue(std::size_t longest) noexcept : longest_{longest} {}

    /// Takes the job, in the order of those who ask, as soon as there is room. CancelledError once it is closed.
    static Task<> put(std::shared_ptr<JobQueue> queue, std::shared_ptr<Job> job) {
        const auto turn = co_await queue->turns_.scoped();
        for (;;) {
            queue->room_.clear(); // before the look: a job that is taken after it sets this again
            const Put put = queue->try_put(job);
            if (put == Put::done) co_return;
            if (put == Put::closed) co_await Refused{};
            co_await queue->room_.wait();
        }
    }

    /// Waits for a job, on a thread; null once the queue is closed.
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

    /// No job is taken any more; those that wait are refused.
    void close() noexcept {
        {
            const std::lock_guard lock{mutex_};
            closed_ = true;
        }
        changed_.notify_all();
        for (const auto& job : jobs_) job->refuse(); // nobody else touches them now
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
            if (jobs_.size() == longest_) return Put::full;
            jobs_.push_back(job);
        }
        changed_.notify_one();
        return Put::done;
    }

    Lock turns_; // of those who wait for room
    ThreadSafeEvent room_;
    mutable std::mutex mutex_; // held for the move of a pointer
    std::condition_variable changed_;
    std::deque<std::shared_ptr<Job>> jobs_;
    const std::size_t longest_;
    bool closed_ = false;
};

template <class F, class... Arguments>
Task<std::invoke_result_t<F, Arguments...>> run_in(std::shared_ptr<JobQueue> queue, F function,
                                                   Arguments... arguments) {
    const auto job = std::make_shared<Call<F, Arguments...>>(std::move(function), std::move(arguments)...);
    co_await JobQueue::put(queue, job);
    co_await job->done();
    if (!job->called()) co_await Refused{};
    co_return job->result();
}

} // namespace detail

/// One thread, or a few, that run functions which block: file input, DNS, compression, a driver of somebody else's. For
/// the tasks of one loop, and to be made, used and destroyed on its thread. An assign() costs an allocation or two and
/// the hand-over to a thread and back, some tens of microseconds if that sleeps; the lock is held for the move of a
/// pointer.
///
/// With one thread the functions run one after the other, in the order in which their Tasks were begun; so a Context of
/// one thread can own what they share. More threads take them in that order, and may begin them in another.
class Context {
public:
    /// Starts the threads. At most `waiting` functions wait for one; then assign() waits until there is room.
    /// UsageError for no threads or no room; std::system_error if there can be no more threads (without exceptions: the
    /// program ends).
    explicit Context(std::size_t threads = 1, std::size_t waiting = 16)
        : queue_{std::make_shared<detail::JobQueue>(waiting)} {
        if (threads == 0) detail::misuse("rouse: Context: needs at least one thread");
        if (waiting == 0) detail::misuse("rouse: Context: needs room for at least one function that waits");
        // Ends those that were started, if there can be no more.
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

    /// Blocks until the functions that run have returned, and the loop with it; so none of these may wait for a task of
    /// this loop. Those that have not begun are not called: the tasks that wait for them, or for room, get
    /// CancelledError.
    ~Context() { end(); }

    /// `co_await context.assign(function, arguments...)`: calls the function on a thread of the context, while the
    /// other tasks go on, and returns what it returned or throws what it threw. Function and arguments are copied (or
    /// moved), as by std::thread; std::ref hands over a reference.
    ///
    /// If the task is cancelled before the function has been queued, it is not called. After that it is, and what it
    /// gives is destroyed on its thread, or on the loop's if it had returned by then; so it must not refer to what ends
    /// with the task. CancelledError if the Context ends before the function has begun. UsageError, at the call of
    /// assign(), on another thread than the Context was made on.
    ///
    /// GCC 12 destroys a lambda twice that has captures with destructors and is written inside of a co_await
    /// expression: give it a name first.
    template <class F, class... Arguments>
    [[nodiscard]] Task<detail::ResultOfCall<F, Arguments...>> assign(F&& function, Arguments&&... arguments) {
        if (std::this_thread::get_id() != home_)
            detail::misuse(
                "rouse: Context: assign() is for the tasks of one loop, on the thread that the Context was made on");
        return detail::run_in<std::decay_t<F>, std::decay_t<Arguments>...>(queue_, std::forward<F>(function),
                                                                           std::forward<Arguments>(arguments)...);
    }

    /// How many functions wait for a thread.
    [[nodiscard]] std::size_t waiting() const { return queue_->size(); }

    /// How many threads it has.
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

    std::shared_ptr<detail::JobQueue> queue_; // shared with the tasks that wait for room
    std::vector<std::thread> threads_;
    const std::thread::id home_ = std::this_thread::get_id();
};

} // namespace ROUSE_ABI
} // namespace rouse

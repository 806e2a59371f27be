// RemoteState: the mailbox between the Remotes of a loop and that loop.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

#include <rouse/core/detail/inbox.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/detail/start.hpp>
#include <rouse/core/sleep.hpp>
#include <rouse/core/task.hpp>
#include <rouse/ports/detail/parked_thread.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// A function to be called on the loop, whatever its type.
class RemoteCall {
public:
    RemoteCall() = default;
    RemoteCall(const RemoteCall&) = delete;
    RemoteCall& operator=(const RemoteCall&) = delete;
    virtual ~RemoteCall() = default;

    /// Calls the function. Called at most once, in a task of the loop.
    virtual void run() = 0;

    RemoteCall* next = nullptr; // the call that was queued after this one; its owner is the list
};

/// The calls that other threads have sent to a loop and that have not begun. Shared by the loop and the copies of a
/// Remote. post() and abandon() may be called on any thread, everything else is for the loop.
//
// The threads append to a list under the mutex. The loop takes the whole list at once and runs it in a task, the
// *server*, which exists only while there is something to run. The mutex is never held while a call runs or is
// destroyed.
//
//                post(), abandon(): the thread wakes the item              arrive()
//        idle --------------------------------------------> sent --------------------------> serving
//         ^                                                 ^                                   |
//         |                                                 '-- the server has ended early -----|
//         '------------------------- take_more(): nothing is left ------------------------------'
//
//     idle       notified_ is false: the next post() sends the item to the loop's inbox
//     sent       notified_ is true, arrived_ is false: the item is on its way to the inbox, or in it
//     serving    both are true: the server looks into the list again before it ends
//
// A server that ends early (it was cancelled, or a call threw) sends the item itself, so the remaining calls get a new
// server.
//
// The end: on_loop_end() sets closed_ under the mutex. From then on no thread sends the item; if one is about to, the
// loop waits for the item. So no thread touches the loop after that, and what is left in the list is the loop's.
class RemoteState final : InboxItem, EndListener, public std::enable_shared_from_this<RemoteState> {
public:
    enum class Posted : unsigned char { accepted, full, loop_ended };
    using Time = ParkedThread::Time;

    RemoteState(Scheduler& scheduler, std::size_t capacity) noexcept : capacity_{capacity} {
        inbox_ = &scheduler.inbox();
    }
    RemoteState(const RemoteState&) = delete;
    RemoteState& operator=(const RemoteState&) = delete;
    ~RemoteState() = default;

    /// Makes the loop an owner, until it ends or abandon() has arrived.
    void attach() {
        own_ = shared_from_this();
        scheduler().listen_for_end(*this);
    }

    /// Queues the call. Waits for room until `deadline`; not at all if that is Time::min(). fill() is called only if
    /// the call is accepted, under the mutex: it completes the call, and may throw.
    template <class Fill>
    Posted post(std::unique_ptr<RemoteCall>& call, Time deadline, Fill fill) {
        bool first = false;
        {
            std::unique_lock lock{mutex_};
            while (!closed_ && waiting_ == capacity_) {
                if (!wait_for_room(lock, deadline)) return Posted::full;
            }
            if (closed_) return Posted::loop_ended;
            fill();
            ++waiting_;
            RemoteCall* const added = call.release();
            (newest_ != nullptr ? newest_->next : oldest_) = added;
            newest_ = added;
            first = !std::exchange(notified_, true);
        }
        // If this thread is the one to send the item, neither the item nor the loop can end before it has arrived.
        if (first) InboxItem::wake();
        return Posted::accepted;
    }

    /// Called when no Remote is left: the loop releases this when the calls that are queued have been run.
    void abandon() noexcept {
        {
            const std::lock_guard lock{mutex_};
            abandoned_ = true;
            if (closed_ || std::exchange(notified_, true)) return;
        }
        InboxItem::wake();
    }

    /// Whether the loop has ended.
    [[nodiscard]] bool closed() const noexcept {
        const std::lock_guard lock{mutex_};
        return closed_;
    }

    /// How many calls have not begun.
    [[nodiscard]] std::size_t waiting() const noexcept {
        const std::lock_guard lock{mutex_};
        return waiting_;
    }

private:
    // After so many calls the other tasks of the loop get a turn. So many may also count as waiting after they have
    // begun, as the mutex is taken once for all of them.
    static constexpr unsigned most_in_step = 64;

    // Owns the state as long as the server exists, and notices its end, also if the server is destroyed.
    struct Server {
        explicit Server(std::shared_ptr<RemoteState> s) noexcept : state{std::move(s)} {}
        Server(Server&&) noexcept = default;
        ~Server() {
            if (state != nullptr && state->serving_) state->server_ended_early();
        }
        std::shared_ptr<RemoteState> state;
    };

    static Task<> serve(Server server) {
        RemoteState& state = *server.state;
        for (;;) {
            state.run_some();
            if (!state.take_more()) co_return;
            // While run() waits for the last tasks, one server must not serve for ever.
            if (state.scheduler().ending()) co_return;
            co_await yield();
        }
    }

    [[nodiscard]] Scheduler& scheduler() const noexcept { return inbox_->scheduler(); }

    bool wait_for_room(std::unique_lock<std::mutex>& lock, Time deadline) {
        if (deadline == (Time::min)()) return false;
        ++blocked_;
        bool in_time = true;
        if (deadline == (Time::max)()) {
            room_.wait(lock);
        } else {
            in_time = room_.wait_until(lock, deadline) != std::cv_status::timeout;
        }
        --blocked_;
        return in_time || closed_ || waiting_ != capacity_;
    }

    void arrive() noexcept override {
        arrived_ = true;
        if (ended_ || !take_more()) return; // this may be gone
        Task<> server = scheduler().as_current([this] { return serve(Server{shared_from_this()}); });
        if (!server) { // there is no memory: try again in the next turn
            send_again();
            return;
        }
        serving_ = true;
        start_awaited(scheduler(), std::move(server)); // even if the loop is cancelling its tasks
    }

    // Whether there are calls to run; takes those in the list if none were left. If there are none, becomes idle; then
    // the loop may cease to own this.
    bool take_more() noexcept {
        std::shared_ptr<RemoteState> released;
        const std::lock_guard lock{mutex_};
        waiting_ -= std::exchange(begun_, 0);
        if (blocked_ != 0) room_.notify_all();
        if (taken_ == nullptr) {
            taken_ = std::exchange(oldest_, nullptr);
            newest_ = nullptr;
        }
        if (taken_ != nullptr) return true;
        notified_ = arrived_ = serving_ = false;
        if (abandoned_) {
            EndListener::unlink();
            released = std::move(own_);
        }
        return false;
    }

    std::unique_ptr<RemoteCall> take_one() noexcept {
        std::unique_ptr<RemoteCall> call{taken_};
        taken_ = call->next;
        ++begun_;
        return call;
    }

    void run_some() {
        for (unsigned step = 0; step < most_in_step && taken_ != nullptr; ++step) {
            const std::unique_ptr<RemoteCall> call = take_one();
#if ROUSE_EXCEPTIONS
            try {
                call->run();
            } catch (...) {
                // Ends the server, so that the exception reaches the loop's handler, which is told this name.
                scheduler().set_name(Scheduler::running_task_itself(), "Remote::call");
                throw;
            }
#else
            call->run();
#endif
        }
    }

    void server_ended_early() noexcept {
        serving_ = false;
        if (!ended_) send_again();
    }

    void send_again() noexcept {
        arrived_ = false;
        InboxItem::wake();
    }

    void on_loop_end() noexcept override {
        bool sent = false;
        {
            const std::lock_guard lock{mutex_};
            closed_ = true;
            sent = notified_ && !arrived_;
        }
        room_.notify_all();
        ended_ = true;
        if (sent) scheduler().wait_for_arrival([this] { return arrived_; });
        const std::shared_ptr<RemoteState> own = std::move(own_);
        while (taken_ != nullptr) take_one();
        taken_ = std::exchange(oldest_, nullptr); // no thread appends to a list that is closed
        while (taken_ != nullptr) take_one();
    }

    mutable std::mutex mutex_; // protects what follows, up to arrived_
    std::condition_variable room_;
    RemoteCall* oldest_ = nullptr; // the list of calls that the loop has not taken
    RemoteCall* newest_ = nullptr;
    std::size_t waiting_ = 0; // in the list or taken, and not known to have begun
    std::size_t blocked_ = 0; // threads that wait for room
    bool notified_ = false;   // see the states above
    bool abandoned_ = false;  // no Remote is left
    bool closed_ = false;     // the loop has ended, or is ending
    const std::size_t capacity_;

    // Only for the loop:
    bool arrived_ = false;             // see the states above
    bool serving_ = false;             // there is a server
    bool ended_ = false;               // on_loop_end() was called
    std::size_t begun_ = 0;            // calls that still count in waiting_
    RemoteCall* taken_ = nullptr;      // the calls to run next
    std::shared_ptr<RemoteState> own_; // the loop's ownership
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

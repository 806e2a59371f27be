// ThreadSafeEvent: lets any context wake any number of tasks.
#pragma once

#include <coroutine>
#include <cstdint>

#include <rouse/core/detail/atomic.hpp>
#include <rouse/core/detail/inbox.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/detail/waiter.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// An event that any context sets and any number of tasks wait for. It stays set until it is cleared.
///
/// `set()` and `is_set()` may be called from any context: a task, another thread or core, a signal handler, an
/// interrupt. Everything else, the destructor included, is for one loop: the one whose tasks wait. A task that begins
/// to wait while tasks of another loop are waiting gets a UsageError. Two loops that begin at the same instant are not
/// detected, so they must not share an event.
///
/// Waiting tasks become ready in the order in which they began to wait, and their waits return even if the event is
/// cleared before they run. Whatever the setter wrote before `set()` is visible after `wait()`. A cancelled wait
/// changes nothing. If the event is destroyed, tasks that have not been woken stay suspended until cancelled;
/// destroying it on another thread than that of their loop panics.
///
/// `set()` is one exchange, and a push to the loop's inbox if a task waits. Nothing is allocated; the event can be
/// `constinit`.
//
// The states of the word `state_`; every change is a read-modify-write. (A byte would do, but RISC-V has no
// read-modify-write of bytes, and compilers call a library for it.)
//
//              first wait()                  set(): the setter must now send the event
//     clear ----------------> armed ------------------------------------------.
//      ^ ^ |   last waiter      |                                             v
//      | | |   is cancelled     |                                            set
//      | | '--------------------|------- set(): no task waits --------------> |
//      | '----------------------'                                             |
//      '------------------------------- clear() ------------------------------'
//
// The waiters are in a list that only the loop touches; a setter sends the event itself to the loop's inbox. The event
// is *in flight* from the moment when a setter finds it armed until it arrives. The loop recognises this by `armed_`
// being true while the word is not `armed`. While the event is in flight, no setter can send it a second time, because
// the word is not armed again before the arrival; a cancelled waiter stays suspended until the arrival; and the
// destructor waits for the arrival.
class ThreadSafeEvent final : detail::InboxItem {
    class Awaiter;

public:
    constexpr ThreadSafeEvent() noexcept = default;
    ThreadSafeEvent(const ThreadSafeEvent&) = delete;
    ThreadSafeEvent& operator=(const ThreadSafeEvent&) = delete;
    ~ThreadSafeEvent();

    /// Sets the event and wakes all waiting tasks. May be called from any context. Makes a system call only if the loop
    /// sleeps.
    void set() noexcept {
        // release: what the caller wrote, for the acquires in is_set() and change(). acquire: inbox_, for which it
        // pairs with the release of arm(). Nothing of the event is touched after wake(), as a waiter may destroy it.
        if (state_.exchange(is_set_state, std::memory_order_acq_rel) == armed_state) InboxItem::wake();
    }

    /// Clears the event. Tasks that a set() has already woken still return from their waits. Only on the loop.
    void clear();

    /// Whether wait() would return at once. May be called from any context, but another may change the answer at once.
    /// If the result is true, whatever the setter wrote before set() is visible.
    [[nodiscard]] bool is_set() const noexcept {
        return state_.load(std::memory_order_acquire) == is_set_state; // pairs with the release in set()
    }

    /// `co_await event.wait()` suspends the task until the event is set. Returns at once if it is set already. Raises a
    /// UsageError if tasks of another loop are waiting.
    [[nodiscard]] Awaiter wait() noexcept;

private:
    static constexpr std::uint32_t clear_state = 0;
    static constexpr std::uint32_t is_set_state = 1;
    static constexpr std::uint32_t armed_state = 2; // clear, and a task waits

    bool change(std::uint32_t from, std::uint32_t to) noexcept {
        // release: inbox_, when arming, for the acquire in set(). acquire: pairs with the release in set(); shows the
        // setter's writes when arming fails because the event is set, and when clear() takes a set() for which waiters
        // are due.
        return state_.compare_exchange_strong(from, to, std::memory_order_acq_rel, std::memory_order_acquire);
    }

    // Loop side: lets the next set() send the event. Returns false if the event is set.
    bool arm() noexcept {
        if (!armed_) armed_ = change(clear_state, armed_state);
        return armed_;
    }
    // Loop side: undoes arm(). Returns false if the event is in flight.
    bool disarm() noexcept {
        if (armed_ && !change(armed_state, clear_state)) return false;
        armed_ = false;
        return true;
    }
    [[nodiscard]] bool in_flight() const noexcept {
        return armed_ && state_.load(std::memory_order_relaxed) != armed_state;
    }

    void arrive() noexcept override;
    static void wake_all(detail::WaitList& list) noexcept;

    detail::WaitList waiting_; // in the order of waiting
    detail::WaitList due_;     // to be woken when the event arrives, even if it has been cleared by then
    detail::Atomic<std::uint32_t> state_{clear_state}; // written and read by any context
    bool armed_ = false;                               // the loop's: armed, and neither disarmed nor arrived since
};

class ThreadSafeEvent::Awaiter final : detail::RetractableWaiter, detail::ListNode {
public:
    explicit Awaiter(ThreadSafeEvent& event) noexcept : event_{event} {}
    Awaiter(Awaiter&& other) noexcept : Awaiter{other.event_} {} // only before it is awaited
    ~Awaiter() {
        if (!linked() || retract()) return;
        event_.inbox_->scheduler().wait_for_arrival([this] { return !linked(); });
    }

    bool await_ready() const noexcept { return event_.is_set() && detail::Scheduler::may_continue(); }

    ROUSE_NOINLINE_ON_FIRMWARE bool await_suspend(std::coroutine_handle<> frame) {
        if (event_.is_set()) {
            detail::Scheduler::park_woken(*this, frame);
            return true;
        }
        detail::Inbox& inbox = detail::Scheduler::current().inbox();
        if (!event_.armed_) {
            event_.inbox_ = &inbox;
        } else if (event_.inbox_ != &inbox) {
            detail::misuse(
                "rouse: ThreadSafeEvent::wait: tasks of another loop are waiting; only one loop at a time may wait: "
                "give each loop its own event");
        }
        detail::Scheduler::park(*this, detail::TaskState::waiting_in_thread_safe_event, frame);
        if (!event_.arm()) {
            detail::Scheduler::unpark(*this);
            return false;
        }
        event_.waiting_.push_back(*this);
        return true;
    }

    void await_resume() const {
        if (task != nullptr) detail::Scheduler::check_cancelled();
    }

    /// For wait_for and select: whether the wait was given up and ended only because of a set() from before it began.
    [[nodiscard]] bool interrupted() const noexcept { return given_up_; }

private:
    friend ThreadSafeEvent;

    bool retract() noexcept override {
        if (!linked()) return true; // the event has been destroyed
        const bool in_flight = event_.in_flight();
        unlink();
        if (in_flight) { // wake on arrival, even if this wait began after the clear()
            given_up_ = given_up_ || (!due_ && !event_.is_set());
            event_.due_.push_back(*this);
            return false;
        }
        if (!event_.waiting_.empty() || event_.disarm()) return true;
        // A setter came first, just now: this last waiter has to wait for the event's arrival.
        event_.due_.push_back(*this);
        return false;
    }

    ThreadSafeEvent& event_; // may have been destroyed, so only to be used while in one of its lists
    bool due_ = false;       // was waiting when the event was set
    bool given_up_ = false;  // see interrupted()
};

inline ThreadSafeEvent::Awaiter ThreadSafeEvent::wait() noexcept { return Awaiter{*this}; }

inline void ThreadSafeEvent::wake_all(detail::WaitList& list) noexcept {
    while (!list.empty()) detail::Scheduler::wake(static_cast<Awaiter&>(list.pop_front()));
}

inline void ThreadSafeEvent::clear() {
    if (armed_)
        inbox_->scheduler().check_thread(
            "rouse: ThreadSafeEvent::clear: called on another thread than that of the loop whose tasks wait; only "
            "set() and is_set() may be called from there");
    if (!change(is_set_state, clear_state)) return;
    // In flight: tasks that wait now are due, those that begin to wait after this are not.
    while (armed_ && !waiting_.empty()) {
        auto& waiter = static_cast<Awaiter&>(waiting_.pop_front());
        waiter.due_ = true;
        due_.push_back(waiter);
    }
}

inline void ThreadSafeEvent::arrive() noexcept {
    armed_ = false;
    wake_all(due_);
    if (!waiting_.empty() && !arm()) wake_all(waiting_);
}

inline ThreadSafeEvent::~ThreadSafeEvent() {
    if (armed_) {
        inbox_->scheduler().require_thread_to_destroy(
            "rouse: ~ThreadSafeEvent (also in a Message): tasks of a loop of another thread wait; destroy it after "
            "those tasks have ended, or on that thread");
    }
    while (!disarm()) inbox_->scheduler().wait_for_arrival([this] { return !in_flight(); });
    // The destructors of the lists unlink the remaining waiters, whose tasks stay suspended until cancelled.
}

} // namespace ROUSE_ABI
} // namespace rouse

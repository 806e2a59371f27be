// ThreadSafeEvent: any context rouses any number of tasks.
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

/// An Event that any context can set. It stays set until it is cleared.
///
/// set() and is_set() may be called from any context: a task, another thread or core, a signal handler, an interrupt.
/// The rest belongs to one loop, that of the tasks that wait.
///
/// Waiters become ready in the order in which they began to wait, and return even if the event is cleared before they
/// run. What was written before set() is seen after wait(). A cancelled wait changes nothing. Tasks of two loops get a
/// UsageError if those of one wait already (not if both begin at the same instant: they must not share an event). set()
/// is one exchange, and a push into the loop's inbox if somebody waits. `constinit`-able, and nothing is allocated.
//
// The word `state_`, of which every change is a read-modify-write (a byte would do, but RISC-V has none for bytes, and
// compilers call a library for it):
//
//              first wait()                  set(): the setter now owes the event's arrival
//     clear ----------------> armed ------------------------------------------.
//      ^ ^ |   last waiter      |                                             v
//      | | |   is cancelled     |                                            set
//      | | '--------------------|------- set(): nobody waits ---------------> |
//      | '----------------------'                                             |
//      '------------------------------- clear() ------------------------------'
//
// The waiters are in a list that only the loop touches; a setter sends the event itself to the loop's inbox. The
// event is *in flight* from the moment a setter has found it armed until it arrives; the loop sees that as
// `armed_` while the byte is not `armed`. While it is in flight nobody can send it a second time, because the byte is
// not armed again before it has arrived; no waiter can be cancelled; and the destructor waits for it.
class ThreadSafeEvent final : detail::InboxItem {
    class Awaiter;

public:
    constexpr ThreadSafeEvent() noexcept = default;
    ThreadSafeEvent(const ThreadSafeEvent&) = delete;
    ThreadSafeEvent& operator=(const ThreadSafeEvent&) = delete;
    ~ThreadSafeEvent();

    /// Sets the event and rouses all that wait. From any context; a system call only if the loop sleeps.
    void set() noexcept {
        // release: what the caller wrote before. acquire: inbox_, as the loop published it by arming.
        if (state_.exchange(is_set_state, std::memory_order_acq_rel) == armed_state) InboxItem::wake();
    }

    /// From now on wait() waits. On the loop.
    void clear() noexcept;

    /// Whether wait() would return at once. From any context; if so, what was written before set() is seen.
    [[nodiscard]] bool is_set() const noexcept {
        return state_.load(std::memory_order_acquire) == is_set_state; // pairs with the release in set()
    }

    /// `co_await event.wait()`: returns once the event is set; at once if it is.
    [[nodiscard]] Awaiter wait() noexcept;

private:
    static constexpr std::uint32_t clear_state = 0;
    static constexpr std::uint32_t is_set_state = 1;
    static constexpr std::uint32_t armed_state = 2; // clear, and somebody waits

    bool change(std::uint32_t from, std::uint32_t to) noexcept {
        // release: of inbox_, when arming. acquire: of the setter's writes, when it fails because the event is set, and
        // when clear() takes a set() for which waiters are due.
        return state_.compare_exchange_strong(from, to, std::memory_order_acq_rel, std::memory_order_acquire);
    }

    // False if the event is set.
    bool arm() noexcept {
        if (!armed_) armed_ = change(clear_state, armed_state);
        return armed_;
    }
    // False if the event is in flight.
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
    detail::WaitList due_;     // to be woken when the event arrives, whatever has become of it until then
    detail::Atomic<std::uint32_t> state_{clear_state}; // written by everybody
    bool armed_ = false;                               // loop side: armed by us, and neither disarmed nor arrived
};

class ThreadSafeEvent::Awaiter final : detail::RetractableWaiter, detail::ListNode {
public:
    explicit Awaiter(ThreadSafeEvent& event) noexcept : event_{event} {}
    Awaiter(Awaiter&& other) noexcept : Awaiter{other.event_} {} // before it is awaited
    ~Awaiter() {
        if (!linked() || retract()) return;
        event_.inbox_->scheduler().wait_for_arrival([this] { return !linked(); });
    }

    bool await_ready() const noexcept { return event_.is_set(); }

    ROUSE_NOINLINE_ON_FIRMWARE bool await_suspend(std::coroutine_handle<> frame) {
        detail::Inbox& inbox = detail::Scheduler::current().inbox();
        if (!event_.armed_) {
            event_.inbox_ = &inbox;
        } else if (event_.inbox_ != &inbox) {
            detail::misuse("rouse: ThreadSafeEvent::wait: tasks of another loop are waiting; one loop at a time may");
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

    /// For wait_for and select: whether the wait was given up, and ended only because of a set() from before it began.
    [[nodiscard]] bool interrupted() const noexcept { return given_up_; }

private:
    friend ThreadSafeEvent;

    bool retract() noexcept override {
        if (!linked()) return true; // the event is gone
        const bool in_flight = event_.in_flight();
        unlink();
        if (in_flight) { // to be woken when it arrives, also if we began to wait after the clear()
            given_up_ = given_up_ || (!due_ && !event_.is_set());
            event_.due_.push_back(*this);
            return false;
        }
        if (!event_.waiting_.empty() || event_.disarm()) return true;
        // A setter was faster, just now: we are the only one who waits for its arrival.
        event_.due_.push_back(*this);
        return false;
    }

    ThreadSafeEvent& event_; // not to be touched while not in a list: it may be gone
    bool due_ = false;       // waited when the event was set
    bool given_up_ = false;
};

inline ThreadSafeEvent::Awaiter ThreadSafeEvent::wait() noexcept { return Awaiter{*this}; }

inline void ThreadSafeEvent::wake_all(detail::WaitList& list) noexcept {
    while (!list.empty()) detail::Scheduler::wake(static_cast<Awaiter&>(list.pop_front()));
}

inline void ThreadSafeEvent::clear() noexcept {
    if (!change(is_set_state, clear_state)) return;
    // In flight: those who wait now are due, those who begin from here on are not.
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
    while (!disarm()) inbox_->scheduler().wait_for_arrival([this] { return !in_flight(); });
    // The lists let go of those who are left: they wait until they are cancelled.
}

} // namespace ROUSE_ABI
} // namespace rouse

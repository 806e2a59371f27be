// Event: any number of tasks wait until something has happened.
#pragma once

#include <coroutine>

#include <rouse/core/detail/loop_owner.hpp>
#include <rouse/core/detail/scheduler.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// A flag that any number of tasks can wait for. It stays set until it is cleared.
///
/// Only for the tasks of one loop. To set an event from another context use ThreadSafeEvent, which has the same
/// interface.
///
/// set() makes the waiting tasks ready in the order in which they began to wait. Each of them returns from wait() even
/// if the event is cleared before the task runs. Cancelling a wait changes nothing. Tasks that wait when the event is
/// destroyed are not woken; they stay suspended until cancelled.
///
/// Nothing is allocated. set() takes time in proportion to the number of waiting tasks.
class Event {
    class Awaiter;

public:
    constexpr Event() noexcept = default;
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    ~Event() {
        if (!waiting_.empty())
            owner_.check_in_destructor(
                "rouse: ~Event: tasks of a loop of another thread wait; destroy it on that thread");
    }

    /// Sets the event and makes all waiting tasks ready.
    void set();

    /// Clears the event: later calls of wait() suspend until the next set().
    void clear() {
        owner_.check_thread(
            "rouse: Event::clear: called on another thread than that of the loop whose tasks use it; use a "
            "ThreadSafeEvent");
        set_ = false;
    }

    /// Whether wait() would return at once.
    [[nodiscard]] bool is_set() const {
        owner_.check_thread(
            "rouse: Event::is_set: called on another thread than that of the loop whose tasks use it; use a "
            "ThreadSafeEvent");
        return set_;
    }

    /// `co_await event.wait()`: returns when the event is set, at once if it is set already.
    [[nodiscard]] Awaiter wait() noexcept;

private:
    detail::WaitList waiting_;
    bool set_ = false;
    [[no_unique_address]] detail::LoopOwner owner_;
};

class Event::Awaiter : detail::ListWaiter {
public:
    explicit Awaiter(Event& event) noexcept : event_{event} {}
    Awaiter(Awaiter&& other) noexcept : Awaiter{other.event_} {} // before it is awaited
    bool await_ready() const {
        event_.owner_.check_thread(
            "rouse: Event::wait: called on another thread than that of the loop whose tasks use it; use a "
            "ThreadSafeEvent");
        return event_.set_ && detail::Scheduler::may_continue();
    }
    void await_suspend(std::coroutine_handle<> frame) {
        if (event_.set_) [[unlikely]]
            return detail::Scheduler::park_woken(*this, frame);
        detail::Scheduler::park(*this, detail::TaskState::waiting_in_event, frame);
        event_.waiting_.push_back(*this);
    }
    void await_resume() const {
        if (task != nullptr) detail::Scheduler::check_cancelled();
    }

private:
    friend Event;
    Event& event_;
};

inline Event::Awaiter Event::wait() noexcept { return Awaiter{*this}; }

inline void Event::set() {
    owner_.check_thread(
        "rouse: Event::set: called on another thread than that of the loop whose tasks use it; use a ThreadSafeEvent");
    set_ = true;
    while (!waiting_.empty()) detail::Scheduler::wake(static_cast<Awaiter&>(waiting_.pop_front()));
}

} // namespace ROUSE_ABI
} // namespace rouse

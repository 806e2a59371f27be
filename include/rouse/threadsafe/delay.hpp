// Delay: a timer that any context can restart while it runs.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <type_traits>

#include <rouse/core/detail/atomic.hpp>
#include <rouse/core/detail/deadline.hpp>
#include <rouse/core/detail/inbox.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/detail/waiter.hpp>
#include <rouse/core/loop.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// A retriggerable timer: it elapses when it has not been triggered for a certain time. Use it for a light that goes
/// out a minute after the last movement, or a link that counts as dead if nothing arrives for a second.
///
/// `trigger()` and `stop()` may be called from any context: a task, another thread or core, a signal handler, an
/// interrupt. Everything else, the destructor included, is for the thread of one loop, to which the delay is bound: the
/// current loop when it is made, or else when that loop first uses it. Until then trigger() is remembered, and the time
/// counts from that first use. When the loop ends, the delay is free for another one. (Without an operating system it
/// does not notice the end: do not trigger or stop it then until another loop uses it.)
///
/// What another context does takes effect when it arrives at the loop, in its next turn; of several calls before that,
/// the last one counts. The time counts from the arrival, so the delay elapses late rather than early. What a task does
/// takes effect before its next `co_await`, or its next use of the delay.
///
/// Any number of tasks may wait, also before the delay is triggered. Once it has elapsed, `wait()` returns at once
/// until the delay is triggered again or stopped. Waiters resume in the order in which they began to wait, even if the
/// delay is triggered again before they run. A cancelled wait changes nothing. If the delay is destroyed, its waiting
/// tasks stay suspended until cancelled; destroying it on another thread than that of its loop panics.
///
/// Nothing is allocated. `trigger()` and `stop()` are one exchange, and the first one in a turn also pushes the delay
/// to the loop's inbox. Each waiting task costs one timer.
//
// The word `word_` holds the last command that the loop has not seen yet, and tells who sends the delay to the loop.
//
//     no command --- trigger(), stop() -------------------------------> command
//     armed      --- trigger(), stop(): must now send the delay ------> command
//     command    --- trigger(), stop(): the last one counts ----------> command
//     command    --- settle(): a loop-side call obeys it -------------> no command
//     any        --- bind(), arrive(): the loop obeys the command ----> armed
//     armed      --- unbind() ----------------------------------------> no command
//
// While the delay is bound and the word is not `armed`, the delay is *in flight*: a context has taken it and is sending
// it, or has sent it. It is not armed again before it has arrived, so no context sends it a second time, and unbind(),
// which the destructor and the end of the loop call, waits for the arrival. A loop-side call need not wait for it:
// settle() takes the command out of the word, and what arrives later finds nothing to do.
#if ROUSE_HOSTED
class Delay final : detail::InboxItem, detail::EndListener {
#else
class Delay final : detail::InboxItem {
#endif
    class Awaiter;

public:
    /// Creates a delay that elapses `duration` after it is triggered. It is not running yet. Binds it to the current
    /// loop of this thread, if there is one.
    template <class Rep, class Period>
    constexpr explicit Delay(std::chrono::duration<Rep, Period> duration) : duration_{detail::wait_of(duration)} {
        if (!std::is_constant_evaluated()) bind_to_current();
    }
    /// The same, bound to `loop`. On the thread of that loop.
    template <class Rep, class Period>
    Delay(Loop& loop, std::chrono::duration<Rep, Period> duration) : duration_{detail::wait_of(duration)} {
        detail::Scheduler& scheduler = detail::scheduler_of(loop);
        scheduler.check_thread("rouse: Delay: made on another thread than that of its loop; make it on that thread");
        bind(scheduler);
    }
    Delay(const Delay&) = delete;
    Delay& operator=(const Delay&) = delete;
    ~Delay();

    /// Starts the delay, or restarts it from now. May be called from any context. Makes a system call only if the loop
    /// sleeps.
    void trigger() noexcept { command(trigger_command); }

    /// Like trigger(), but with another duration for this one time. If that is zero or negative, the delay elapses at
    /// once. Only on the loop.
    template <class Rep, class Period>
    void trigger(std::chrono::duration<Rep, Period> duration) {
        enter(
            "rouse: Delay::trigger: called with a duration on another thread than that of the delay's loop; only "
            "trigger() without one and stop() may be called from there");
        start(detail::wait_of(duration));
    }

    /// Stops the delay, as if it had never been triggered. Waiting tasks stay suspended until it is triggered again.
    /// May be called from any context, as trigger().
    void stop() noexcept { command(stop_command); }

    /// Whether the delay has been triggered, and has neither elapsed nor been stopped. Only on the loop.
    [[nodiscard]] bool running() const {
        // A command that has not arrived yet is obeyed here, which does not change what the delay does for its users.
        const_cast<Delay*>(this)->enter(
            "rouse: Delay::running: called on another thread than that of the delay's loop; send a message to a task "
            "of that loop through a thread-safe object");
        return triggered_ && now() < deadline_;
    }

    /// `co_await delay.wait()` suspends the task until the delay has elapsed. Returns at once if it has already.
    [[nodiscard]] Awaiter wait() noexcept;

private:
    static constexpr std::uint32_t no_command = 0;
    static constexpr std::uint32_t trigger_command = 1;
    static constexpr std::uint32_t stop_command = 2;
    static constexpr std::uint32_t armed = 3; // no command, and the next one must send the delay to the loop

    // In any context.
    void command(std::uint32_t what) noexcept {
        // release: what the caller wrote, for the acquires in settle() and take_command_and_arm(). acquire: inbox_, for
        // which it pairs with the release of the latter. Nothing of the delay is touched after wake(), as a task may
        // destroy it.
        if (word_.exchange(what, std::memory_order_acq_rel) == armed) InboxItem::wake();
    }

    // All that follows is for the thread of the loop.

    void enter(const char* on_other_thread);
    void bind_to_current() {
        if (detail::Scheduler* current = detail::Scheduler::current_or_null()) bind(*current);
    }
    void bind(detail::Scheduler& scheduler) {
        inbox_ = &scheduler.inbox();
#if ROUSE_HOSTED
        scheduler.listen_for_end(*this);
#endif
        take_command_and_arm();
    }
    void unbind() noexcept;
    void bind_for_wait(detail::Scheduler& current);

    void take_command_and_arm() {
        // release: inbox_, and that the loop has read the link of the item, for the acquire in command(). acquire:
        // pairs with the release there.
        obey(word_.exchange(armed, std::memory_order_acq_rel));
    }
    // Takes a command that has not arrived yet. The word may only leave `armed` by a command, so it is not lost here.
    void settle() {
        const std::uint32_t word = word_.load(std::memory_order_relaxed);
        if (word == trigger_command || word == stop_command)
            obey(word_.exchange(no_command, std::memory_order_acquire)); // pairs with the release in command()
    }
    // Undoes the arming. Returns false if the delay is in flight.
    bool disarm() noexcept {
        std::uint32_t expected = armed;
        // Relaxed: if it succeeds, no other context has touched the word since it was armed.
        return word_.compare_exchange_strong(expected, no_command, std::memory_order_relaxed,
                                             std::memory_order_relaxed);
    }
    [[nodiscard]] bool in_flight() const noexcept { return word_.load(std::memory_order_relaxed) != armed; }

    void obey(std::uint32_t command) {
        if (command == trigger_command) start(duration_);
        if (command == stop_command) {
            triggered_ = false;
            set_timers();
        }
    }
    void start(std::chrono::nanoseconds wait) {
        deadline_ = wait.count() <= 0 ? at_once : detail::later(now(), wait);
        triggered_ = true;
        set_timers();
    }
    [[nodiscard]] TimePoint now() const { return inbox_ != nullptr ? inbox_->scheduler().port().now() : Clock::now(); }
    void set_timers();

    void arrive() noexcept override { take_command_and_arm(); }
#if ROUSE_HOSTED
    void on_loop_end() noexcept override { unbind(); }
#endif

    detail::WaitList waiting_; // of Awaiters, in the order of waiting
    Clock::duration duration_;
    TimePoint deadline_{};                           // when it elapses; valid while triggered_
    detail::Atomic<std::uint32_t> word_{no_command}; // written by any context
    bool triggered_ = false;                         // triggered and not stopped since; stays true when it elapses
};

// Each waiter is itself a timer, which is set anew when the delay is triggered.
class Delay::Awaiter : detail::Timer, detail::ListNode {
public:
    explicit Awaiter(Delay& delay) noexcept : delay_{delay} {}
    Awaiter(Awaiter&& other) noexcept : Awaiter{other.delay_} {} // only before it is awaited
    ~Awaiter() {
        unlink();
        if (before != nullptr) loop_->remove_timer(*this);
    }

    bool await_ready() const {
        delay_.bind_for_wait(detail::Scheduler::current());
        return elapsed() && detail::Scheduler::may_continue();
    }
    void await_suspend(std::coroutine_handle<> frame) {
        if (elapsed()) return detail::Scheduler::park_woken(*this, frame);
        loop_ = &detail::Scheduler::current();
        detail::Scheduler::park(*this, detail::TaskState::waiting_in_delay, frame);
        delay_.waiting_.push_back(*this);
        set();
    }
    void await_resume() const {
        if (task != nullptr) detail::Scheduler::check_cancelled();
    }

private:
    friend Delay;

    [[nodiscard]] bool elapsed() const { return delay_.triggered_ && delay_.now() >= delay_.deadline_; }

    // Whether the task still waits here: it has been neither woken nor cancelled.
    [[nodiscard]] bool waits() const noexcept { return task->waiting() && task->link.waiter == this; }

    void set() {
        loop_->remove_timer(*this);
        deadline = delay_.triggered_ ? delay_.deadline_ : no_deadline;
        if (delay_.triggered_) loop_->add_timer(*this);
    }

    Delay& delay_;
    detail::Scheduler* loop_ = nullptr; // the loop whose timers this is in
};

inline Delay::Awaiter Delay::wait() noexcept { return Awaiter{*this}; }

inline Delay::~Delay() {
    if (inbox_ != nullptr) {
        inbox_->scheduler().require_thread_to_destroy(
            "rouse: ~Delay: it is bound to a loop of another thread; destroy it on that thread, or after that loop has "
            "ended");
        unbind();
    }
    triggered_ = false;
    set_timers();
}

inline void Delay::enter([[maybe_unused]] const char* on_other_thread) {
    if (inbox_ == nullptr) {
        bind_to_current();
    } else {
        inbox_->scheduler().check_thread(on_other_thread);
    }
    settle();
}

inline void Delay::unbind() noexcept {
    while (!disarm()) inbox_->scheduler().wait_for_arrival([this] { return !in_flight(); });
    inbox_ = nullptr;
#if ROUSE_HOSTED
    EndListener::unlink();
#endif
}

// Of two loops of one thread the one whose tasks wait has the delay; with none, the one that waits next.
inline void Delay::bind_for_wait(detail::Scheduler& current) {
    if (inbox_ != &current.inbox()) {
        if (inbox_ != nullptr) {
            if (!inbox_->scheduler().on_this_thread())
                detail::misuse(
                    "rouse: Delay::wait: called on another thread than that of the delay's loop; use one delay for "
                    "each loop, made as Delay{loop, duration}");
            if (!waiting_.empty())
                detail::misuse(
                    "rouse: Delay::wait: tasks of another loop are waiting; use one delay for each loop, made as "
                    "Delay{loop, duration}");
            unbind();
        }
        bind(current);
    }
    settle();
}

inline void Delay::set_timers() {
    detail::WaitList all;
    all.take_all(waiting_);
    while (!all.empty()) {
        Awaiter& waiter = static_cast<Awaiter&>(all.pop_front());
        if (!waiter.waits()) continue;
        waiter.set();
        waiting_.push_back(waiter);
    }
}

} // namespace ROUSE_ABI
} // namespace rouse

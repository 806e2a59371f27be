// ThreadSafeFlag: lets any context wake one task.
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

/// A flag that one task waits for and any context sets. The wait clears it.
///
/// `set()`, `clear()` and `is_set()` may be called from any context: a task of any loop, another thread or core, a
/// signal handler, an interrupt. `wait()` is for a task. While a task waits, the flag must not
/// be destroyed on another thread than that of the task's loop; that panics.
///
/// A `set()` before the `wait()` is not lost. Several `set()`s before the waiter resumes count as one. Whatever the
/// setter wrote before `set()` is visible after `wait()`. A cancelled wait leaves the flag set. Only one task at a time
/// may wait; a second one gets a UsageError until the first has resumed or its cancellation has taken effect. If the
/// flag is destroyed, its waiting task is not woken; it stays suspended until cancelled.
///
/// The flag takes two words and allocates nothing. It can be `constinit`, so an interrupt may set a global flag before
/// main. `set()` is one exchange, and a push to the loop's inbox if a task waits.
//
// The states of the word `state_`; every change is a read-modify-write:
//
//                 set()                      set(): the setter must now send the waiter to its loop
//      clear  ------------->  set  <--------------------------  waiter
//        ^  \                  |                                   ^
//        |   \   wait() returns, or clear()                        |
//        |    '----------------'                                   |
//        '---- retract (cancelled) -------- wait() suspends -------'
//
// This word alone decides who takes out the waiter: a setter or the loop that retracts it. If it was a setter, the
// waiting frame must survive until the waiter has arrived at the loop: retract() returns false, and the destructors of
// the flag and of the waiter wait for the arrival.
class ThreadSafeFlag {
    class Awaiter;

public:
    constexpr ThreadSafeFlag() noexcept = default;
    ThreadSafeFlag(const ThreadSafeFlag&) = delete;
    ThreadSafeFlag& operator=(const ThreadSafeFlag&) = delete;
    ~ThreadSafeFlag();

    /// Sets the flag and wakes the waiting task. May be called from any context. Makes a system call only if the task's
    /// loop sleeps. Does not touch the flag after waking the task, which may therefore destroy it at once.
    void set() noexcept;

    /// Clears the flag. May be called from any context. A task that has already been woken still returns from its wait.
    void clear() noexcept {
        std::uintptr_t expected = is_set_word;
        // Relaxed: clear() publishes nothing, and does not show what the setter wrote.
        state_.compare_exchange_strong(expected, clear_word, std::memory_order_relaxed, std::memory_order_relaxed);
    }

    /// Whether wait() would return at once. May be called from any context, but another may change the answer at once.
    /// If the result is true, whatever the setter wrote before set() is visible.
    [[nodiscard]] bool is_set() const noexcept {
        return state_.load(std::memory_order_acquire) == is_set_word; // pairs with the release in set()
    }

    /// `co_await flag.wait()` suspends the task until the flag is set, then clears the flag. Returns at once if it is
    /// set already. Raises a UsageError if another task is waiting.
    [[nodiscard]] Awaiter wait() noexcept;

private:
    static constexpr std::uintptr_t clear_word = 0;
    static constexpr std::uintptr_t is_set_word = 1; // every other value is the address of a waiter's InboxItem

    // Clears the flag if it is set. Returns whether it was.
    bool consume() noexcept {
        std::uintptr_t expected = is_set_word;
        // acquire: pairs with the release in set(), so that the task sees what the setter wrote.
        return state_.compare_exchange_strong(expected, clear_word, std::memory_order_acquire,
                                              std::memory_order_relaxed);
    }

    detail::Atomic<std::uintptr_t> state_{clear_word}; // written and read by any context
    Awaiter* waiter_ = nullptr; // the suspended waiter, until it is resumed; written and read by its loop only
};

class ThreadSafeFlag::Awaiter final : detail::RetractableWaiter, detail::InboxItem {
public:
    explicit Awaiter(ThreadSafeFlag& flag) noexcept : flag_{&flag} {}
    Awaiter(Awaiter&& other) noexcept : Awaiter{*other.flag_} {} // only before it is awaited
    ~Awaiter() {
        if (!registered_ || flag_ == nullptr) return;
        if (parked_ && !retract()) {
            inbox_->scheduler().wait_for_arrival([this] { return !parked_; });
        }
        forget();
    }

    bool await_ready() const {
        // On firmware a wait always takes a round of the ready queue, which takes less code than to count the waits
        // that do not. So all is in await_suspend().
        if (!ROUSE_HOSTED) return false;
        refuse_second_waiter();
        // Not consumed before the task resumes, so a cancellation leaves the flag set.
        return flag_->is_set() && detail::Scheduler::may_continue();
    }

    ROUSE_NOINLINE_ON_FIRMWARE void await_suspend(std::coroutine_handle<> frame) {
        if (!ROUSE_HOSTED) refuse_second_waiter();
        inbox_ = &detail::Scheduler::current().inbox();
        detail::Scheduler::park(*this, detail::TaskState::waiting_in_flag, frame);
        std::uintptr_t expected = clear_word;
        // release: pairs with the acquire in set(), after which the setter reads this object. Failure may be relaxed:
        // if the flag is set already, the acquire in consume() pairs with that set().
        const bool parks = flag_->state_.compare_exchange_strong(
            expected, reinterpret_cast<std::uintptr_t>(static_cast<InboxItem*>(this)), std::memory_order_release,
            std::memory_order_relaxed);
        if (!parks && expected != is_set_word) [[unlikely]] {
            if (ROUSE_HOSTED) detail::Scheduler::unpark(*this);
            detail::misuse(second_waiter); // a task of another loop
        }
        flag_->waiter_ = this;
        registered_ = parked_ = true;
        if (parks) return;
        if (ROUSE_HOSTED) {
            parked_ = false;
            detail::Scheduler::park_woken(*this, frame);
        } else {
            arrive();
        }
    }

    ROUSE_NOINLINE_ON_FIRMWARE void await_resume() {
        if (task != nullptr) {
            forget();
            detail::Scheduler::check_cancelled();
        }
        if (flag_ != nullptr) flag_->consume();
    }

private:
    friend ThreadSafeFlag;

    static constexpr const char* second_waiter =
        "rouse: ThreadSafeFlag::wait: another task is waiting; only one may wait at a time: use a ThreadSafeEvent";

    // Finds one of this loop.
    void refuse_second_waiter() const {
        if (flag_->waiter_ != nullptr) detail::misuse(second_waiter);
    }

    bool retract() noexcept override {
        if (flag_ == nullptr) return true;
        auto expected = reinterpret_cast<std::uintptr_t>(static_cast<InboxItem*>(this));
        // Relaxed: if it succeeds, no other context has touched the word since await_suspend().
        if (!flag_->state_.compare_exchange_strong(expected, clear_word, std::memory_order_relaxed,
                                                   std::memory_order_relaxed))
            return false;
        parked_ = false;
        forget();
        return true;
    }

    // After this the flag no longer knows this waiter, and its destructor does not notify it.
    void forget() noexcept {
        if (registered_ && flag_ != nullptr) flag_->waiter_ = nullptr;
        registered_ = false;
    }

    void arrive() noexcept override {
        parked_ = false;
        detail::Scheduler::wake(*this);
    }

    // All members are the loop's; a setter touches only the InboxItem.
    ThreadSafeFlag* flag_;    // null once the flag has been destroyed
    bool registered_ = false; // the flag's waiter_ points to this
    bool parked_ = false;     // in the flag's word, or taken by a setter and not yet arrived
};

inline ThreadSafeFlag::Awaiter ThreadSafeFlag::wait() noexcept { return Awaiter{*this}; }

inline void ThreadSafeFlag::set() noexcept {
    // release: what the caller wrote, for the acquires in consume() and is_set(). acquire: the waiter, for which it
    // pairs with the release in await_suspend(). Nothing of the flag is touched after this, as the waiting task may
    // destroy it.
    const std::uintptr_t before = state_.exchange(is_set_word, std::memory_order_acq_rel);
    if (before > is_set_word) reinterpret_cast<detail::InboxItem*>(before)->wake();
}

inline ThreadSafeFlag::~ThreadSafeFlag() {
    if (waiter_ == nullptr) return;
    Awaiter& waiter = *waiter_;
    waiter.inbox_->scheduler().require_thread_to_destroy(
        "rouse: ~ThreadSafeFlag (also in a Latest, a RingIO): a task of a loop of another thread waits; destroy it "
        "after that task has ended, or on that thread");
    if (waiter.parked_ && !waiter.retract()) {
        waiter.inbox_->scheduler().wait_for_arrival([&waiter] { return !waiter.parked_; });
    }
    waiter.flag_ = nullptr;
}

static_assert(sizeof(ThreadSafeFlag) <= 3 * sizeof(void*));

} // namespace ROUSE_ABI
} // namespace rouse

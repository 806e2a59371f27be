// ThreadSafeFlag: any context rouses one task.
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

/// A flag that one task waits for and any context sets. It clears itself when the wait returns.
///
/// set() may be called from any context: a task, another thread or core, a signal handler, an interrupt. The rest
/// belongs to the loop whose task waits, except is_set() and clear(), which are safe anywhere.
///
/// Any number of set()s before the waiter resumes are one. A set() before the wait() is not lost. What was written
/// before set() is seen after wait(). A cancelled wait leaves the flag set. One task at a time may wait, until it has
/// gone on or its cancellation has taken place; a second one gets a UsageError.
///
/// Two words, no allocation, and `constinit`-able, so that it can be a global that an interrupt sets before main.
//
// The word `state_`, of which every change is a read-modify-write:
//
//                 set()                      set(): the setter now owes the waiter's arrival
//      clear  ------------->  set  <--------------------------  waiter
//        ^  \                  |                                   ^
//        |   \   wait() returns, or clear()                        |
//        |    '----------------'                                   |
//        '---- retract (cancelled) -------- wait() suspends -------'
//
// Who takes the waiter out of the word, the setter or the retracting loop, is decided by that word alone. While a
// setter has it, the waiting frame stays as it is: retract() says no, and the destructor waits for the arrival.
class ThreadSafeFlag {
    class Awaiter;

public:
    constexpr ThreadSafeFlag() noexcept = default;
    ThreadSafeFlag(const ThreadSafeFlag&) = delete;
    ThreadSafeFlag& operator=(const ThreadSafeFlag&) = delete;
    ~ThreadSafeFlag();

    /// Sets the flag and rouses the task that waits. From any context; a system call only if its loop sleeps.
    void set() noexcept;

    /// Unsets the flag. A task that has been roused already returns from its wait all the same.
    void clear() noexcept {
        std::uintptr_t expected = is_set_word;
        state_.compare_exchange_strong(expected, clear_word, std::memory_order_relaxed, std::memory_order_relaxed);
    }

    /// Whether wait() would return at once. From any context; if so, what was written before set() is seen.
    [[nodiscard]] bool is_set() const noexcept {
        return state_.load(std::memory_order_acquire) == is_set_word; // pairs with the release in set()
    }

    /// `co_await flag.wait()`: returns once the flag is set, and clears it.
    [[nodiscard]] Awaiter wait() noexcept;

private:
    static constexpr std::uintptr_t clear_word = 0;
    static constexpr std::uintptr_t is_set_word = 1; // every other value is an Awaiter*

    // Takes the flag, if it is set.
    bool consume() noexcept {
        std::uintptr_t expected = is_set_word;
        return state_.compare_exchange_strong(expected, clear_word, std::memory_order_acquire,
                                              std::memory_order_relaxed);
    }

    detail::Atomic<std::uintptr_t> state_{clear_word}; // written by everybody
    Awaiter* waiter_ = nullptr; // loop side: from the suspension of the one that waits to its resumption
};

class ThreadSafeFlag::Awaiter final : detail::RetractableWaiter, detail::InboxItem {
public:
    explicit Awaiter(ThreadSafeFlag& flag) noexcept : flag_{&flag} {}
    Awaiter(Awaiter&& other) noexcept : Awaiter{*other.flag_} {} // before it is awaited
    ~Awaiter() {
        if (!registered_ || flag_ == nullptr) return;
        if (parked_ && !retract()) {
            inbox_->scheduler().wait_for_arrival([this] { return !parked_; });
        }
        forget();
    }

    bool await_ready() const {
        if (flag_->waiter_ != nullptr) detail::misuse(second_waiter);
        return flag_->is_set(); // consumed on resumption, like everything
    }

    ROUSE_NOINLINE_ON_FIRMWARE bool await_suspend(std::coroutine_handle<> frame) {
        inbox_ = &detail::Scheduler::current().inbox();
        detail::Scheduler::park(*this, detail::TaskState::waiting_in_flag, frame);
        std::uintptr_t expected = clear_word;
        // release: pairs with the acquire in set(), which then reads this object. If a set() was faster, consume()
        // acquires what it has released.
        if (!flag_->state_.compare_exchange_strong(expected,
                                                   reinterpret_cast<std::uintptr_t>(static_cast<InboxItem*>(this)),
                                                   std::memory_order_release, std::memory_order_relaxed)) {
            detail::Scheduler::unpark(*this);
            if (expected != is_set_word)
                detail::misuse(second_waiter); // on another loop, or await_ready would have said so
            return false;
        }
        flag_->waiter_ = this;
        registered_ = parked_ = true;
        return true;
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
        "rouse: ThreadSafeFlag::wait: another task is waiting; one at a time may";

    bool retract() noexcept override {
        if (flag_ == nullptr) return true;
        auto expected = reinterpret_cast<std::uintptr_t>(static_cast<InboxItem*>(this));
        if (!flag_->state_.compare_exchange_strong(expected, clear_word, std::memory_order_relaxed,
                                                   std::memory_order_relaxed))
            return false;
        parked_ = false;
        forget();
        return true;
    }

    // From here on the flag may go without our being told.
    void forget() noexcept {
        if (registered_ && flag_ != nullptr) flag_->waiter_ = nullptr;
        registered_ = false;
    }

    void arrive() noexcept override {
        parked_ = false;
        detail::Scheduler::wake(*this);
    }

    ThreadSafeFlag* flag_;    // null: destroyed while we waited
    bool registered_ = false; // the flag's waiter_
    bool parked_ = false;     // in the flag, or taken by a setter and not yet arrived
};

inline ThreadSafeFlag::Awaiter ThreadSafeFlag::wait() noexcept { return Awaiter{*this}; }

inline void ThreadSafeFlag::set() noexcept {
    // release: what the caller wrote before, for consume(). acquire: the waiter, as the loop published it. Nothing of
    // the flag is touched after this, as whoever waits may destroy it at once.
    const std::uintptr_t before = state_.exchange(is_set_word, std::memory_order_acq_rel);
    if (before > is_set_word) reinterpret_cast<detail::InboxItem*>(before)->wake();
}

inline ThreadSafeFlag::~ThreadSafeFlag() {
    if (waiter_ == nullptr) return;
    Awaiter& waiter = *waiter_;
    if (waiter.parked_ && !waiter.retract()) {
        waiter.inbox_->scheduler().wait_for_arrival([&waiter] { return !waiter.parked_; });
    }
    waiter.flag_ = nullptr;
}

static_assert(sizeof(ThreadSafeFlag) <= 3 * sizeof(void*));

} // namespace ROUSE_ABI
} // namespace rouse

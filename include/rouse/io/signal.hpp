// Signal: waits for signals of the operating system. POSIX.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <coroutine>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <initializer_list>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <pthread.h>

#include <rouse/core/detail/inbox.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/detail/waiter.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// Handles signals of the operating system in tasks: `Signal signals{SIGINT, SIGTERM};` takes over these signals of the
/// process while it lives, and `int number = co_await signals.wait()` waits for the next of them.
///
/// Signals may be delivered on any thread. wait() and received() are for the tasks of one loop, and one task at a time
/// may wait. Construct and destroy it on any thread, but not in a signal handler; while a task waits, destroy it on the
/// thread of the task's loop. Not for faults of the program itself (SIGSEGV, SIGFPE, ...): they are raised again as
/// soon as the handler returns.
///
/// A signal is reported once, however often it was delivered since it was last reported; this also holds for real-time
/// signals. Of several, the lowest number is reported first. A wait that is cancelled, or loses in a select, leaves the
/// signals for the next wait. Signals that have not been reported are dropped when the object is destroyed. If a task
/// is waiting then, it resumes if a signal had already woken it; otherwise it stays suspended until cancelled.
///
/// A signal costs its handler a few atomic operations, and a system call if the loop sleeps. Interrupted system calls
/// are restarted (SA_RESTART).
//
// No signal is missed: the handler adds its number to `pending_`, then takes the waiter out of `waiting_` and sends it
// to its loop. A waiter puts itself into `waiting_`, then looks at `pending_`. All changes are read-modify-writes with
// acquire and release, so whichever of the two changes `waiting_` last sees what the other did before: the handler
// finds the waiter, or the waiter finds the number. A handler that is slow between its two steps may wake the waiter
// for a number that was taken meanwhile; on arrival the waiter then puts itself back. (A ThreadSafeFlag next to the
// numbers could not do so: its wait would have ended, without a number to return.)
//
// A handler may still be running on one thread while its Signal is destroyed on another. It increments `inside` before
// it reads `owner`; the destructor clears `owner` before it reads `inside`. All four operations are seq_cst, so either
// the handler finds no owner, or the destructor finds the handler and waits until it has left. By then the old action
// has been restored and the number is not yet free for another Signal, so `inside` can only decrease. A handler never
// blocks, and no other handler runs on top of it, as it has all signals masked. A handler that interrupts the
// destructor itself has left before the destructor continues.
class Signal {
    class Awaiter;

public:
    /// Installs the handlers. UsageError if there are no numbers, or, naming the signal, if another Signal has it.
    /// Throws std::system_error, naming the signal, if there is no such signal or it cannot be handled (SIGKILL,
    /// SIGSTOP). If it fails, no handler is changed.
    Signal(std::initializer_list<int> numbers) : Signal{Empty{}} {
        if (numbers.size() == 0) detail::misuse("rouse: Signal: needs at least one signal to wait for");
        kept_.reserve(numbers.size());
        for (const int number : numbers) install(number); // if it throws the destructor runs
    }
    Signal(const Signal&) = delete;
    Signal& operator=(const Signal&) = delete;

    /// Restores the previous handlers. Waits for handlers that are running.
    ~Signal();

    /// `co_await signals.wait()`: waits for the next signal and returns its number. UsageError if a task waits already.
    [[nodiscard]] Awaiter wait() noexcept;

    /// Returns the next signal, if there is one. While a task waits there is none: new signals are for that task.
    [[nodiscard]] std::optional<int> received() noexcept {
        if (waiter_ != nullptr || !any()) return std::nullopt;
        return take();
    }

private:
    struct Empty {};
    struct Kept {
        int number;
        struct sigaction before;
    };
    // One for each number, all zero at first. Never destroyed, as a handler may run at any time.
    struct Entry {
        std::atomic<bool> claimed;    // set by a Signal that installs its handler, cleared at the end of its destructor
        std::atomic<Signal*> owner;   // written by the Signal that has claimed it, read by the handlers
        std::atomic<unsigned> inside; // the number of running handlers; written by them, read by the owner's destructor
    };
    static constexpr int highest = 64;
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "rouse: Signal: needs 64-bit atomics in a handler");

    explicit Signal(Empty) noexcept {}

    void install(int number);
    static void on_signal(int number) noexcept;
    static Entry& entry(int number) noexcept { return entries_[static_cast<std::size_t>(number - 1)]; }
    static std::string text(int number) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): thread-local, or a constant
        return "signal " + std::to_string(number) + " (" + ::strsignal(number) + ")";
    }
    [[noreturn]] static void refuse(int number);
    [[noreturn]] static void fail(int error, int number);

    // In a child of fork(): the forking thread is not in on_signal(), which has all signals masked, and the other
    // threads do not exist.
    static void begin_child() noexcept {
        for (Entry& each : entries_) each.inside.store(0, std::memory_order_relaxed);
    }

    [[nodiscard]] bool any() const noexcept { return pending_.load(std::memory_order_acquire) != 0; }
    int take() noexcept {
        const int lowest = std::countr_zero(pending_.load(std::memory_order_acquire));
        pending_.fetch_and(~(std::uint64_t{1} << lowest), std::memory_order_acq_rel);
        return lowest + 1;
    }

    static inline constinit std::array<Entry, highest> entries_{};

    std::atomic<std::uint64_t> pending_{0};  // bit n-1 for signal n: set by the handlers, cleared by the loop
    std::atomic<Awaiter*> waiting_{nullptr}; // set by the loop; taken by a handler, or taken back by the loop
    Awaiter* waiter_ = nullptr;              // for the loop only: from the waiter's suspension to its resumption
    std::vector<Kept> kept_;
};

class Signal::Awaiter final : detail::RetractableWaiter, detail::InboxItem {
public:
    explicit Awaiter(Signal& signal) noexcept : signal_{&signal} {}
    Awaiter(Awaiter&& other) noexcept : Awaiter{*other.signal_} {} // before it is awaited
    ~Awaiter() {
        if (parked_ && !retract()) inbox_->scheduler().wait_for_arrival([this] { return !parked_; });
        forget();
    }

    bool await_ready() const {
        if (signal_->waiter_ != nullptr) detail::misuse(second_waiter);
        return signal_->any() && detail::Scheduler::may_continue(); // a signal is taken on resumption only
    }

    bool await_suspend(std::coroutine_handle<> frame) {
        inbox_ = &detail::Scheduler::current().inbox();
        detail::Scheduler::park(*this, detail::TaskState::waiting_for_signal, frame);
        Awaiter* other = nullptr;
        parked_ = signal_->waiting_.compare_exchange_strong(other, this, std::memory_order_acq_rel);
        if (parked_) signal_->waiter_ = this;
        if (parked_ && stays_parked()) return true;
        if (other != nullptr) { // on another loop, or await_ready would have said so
            detail::Scheduler::unpark(*this);
            detail::misuse(second_waiter);
        }
        detail::Scheduler::current().park_ready(frame); // there is a signal already
        return true;
    }

    int await_resume() {
        if (task != nullptr) {
            forget();
            detail::Scheduler::check_cancelled();
        }
        return signal_ == nullptr ? number_ : signal_->take();
    }

    /// For wait_for: whether the time was up while a handler had taken this waiter, and there was no signal for it.
    [[nodiscard]] bool interrupted() const noexcept { return in_vain_; }

private:
    friend Signal;

    static constexpr const char* second_waiter = "rouse: Signal::wait: another task is waiting; one at a time may";

    // Called while this waiter is in waiting_. False if there is a signal already; the waiter has been taken back then.
    bool stays_parked() noexcept { return !signal_->any() || !take_back(); }

    bool take_back() noexcept {
        Awaiter* expected = this;
        if (!signal_->waiting_.compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel)) return false;
        parked_ = false;
        return true;
    }

    bool retract() noexcept override {
        if (signal_ == nullptr) return true;
        if (!take_back()) {
            given_up_ = true;
            return false;
        }
        forget();
        return true;
    }

    // From here on the Signal may be destroyed without a call of lose_signal().
    void forget() noexcept {
        if (signal_ != nullptr && signal_->waiter_ == this) signal_->waiter_ = nullptr;
    }

    void arrive() noexcept override {
        const bool nothing = signal_ == nullptr ? number_ == 0 : !signal_->any();
        if (nothing && !given_up_) { // the handler was late, see the class
            if (signal_ != nullptr) {
                signal_->waiting_.exchange(this, std::memory_order_acq_rel);
                if (stays_parked()) return;
                detail::Scheduler::wake(*this);
            }
            parked_ = false;
            return;
        }
        parked_ = false;
        if (nothing) {
            in_vain_ = true;
            forget();
        }
        detail::Scheduler::wake(*this);
    }

    // The Signal is being destroyed, and its handlers run no more.
    void lose_signal() noexcept {
        const bool arrives = parked_ && !take_back();
        number_ = signal_->any() ? signal_->take() : 0;
        signal_ = nullptr;
        if (arrives) inbox_->scheduler().wait_for_arrival([this] { return !parked_; });
    }

    Signal* signal_;        // null: destroyed while this waiter waited
    int number_ = 0;        // then: the signal that woke this waiter, or 0
    bool parked_ = false;   // in waiting_, or taken by a handler and not yet arrived; written by the loop
    bool given_up_ = false; // cancelled, or timed out, after a handler had taken this waiter
    bool in_vain_ = false;
};

inline Signal::Awaiter Signal::wait() noexcept { return Awaiter{*this}; }

inline Signal::~Signal() {
    for (const Kept& each : kept_) ::sigaction(each.number, &each.before, nullptr);
    for (const Kept& each : kept_) entry(each.number).owner.store(nullptr, std::memory_order_seq_cst);
    for (const Kept& each : kept_) {
        // Sleeps, as the handler's thread may not be able to run while this one does. The acquire (in seq_cst) pairs
        // with the release of the handler that leaves: its last access to this object comes before the end of it.
        constexpr timespec moment{0, 10'000};
        while (entry(each.number).inside.load(std::memory_order_seq_cst) != 0) ::nanosleep(&moment, nullptr);
    }
    if (waiter_ != nullptr) waiter_->lose_signal();
    for (const Kept& each : kept_) entry(each.number).claimed.store(false, std::memory_order_release);
}

inline void Signal::on_signal(int number) noexcept {
    const int saved = errno;
    Entry& its = entry(number);
    its.inside.fetch_add(1, std::memory_order_seq_cst);
    if (Signal* const signal = its.owner.load(std::memory_order_seq_cst)) {
        signal->pending_.fetch_or(std::uint64_t{1} << (number - 1), std::memory_order_acq_rel);
        Awaiter* const waiter = signal->waiting_.exchange(nullptr, std::memory_order_acq_rel);
        if (waiter != nullptr) waiter->wake();
    }
    its.inside.fetch_sub(1, std::memory_order_release);
    errno = saved;
}

inline void Signal::install(int number) {
    static const int error = ::pthread_atfork(nullptr, nullptr, begin_child);
    if (error != 0) fail(error, number);
    if (number < 1 || number > highest) fail(EINVAL, number);
    Entry& its = entry(number);
    if (its.claimed.exchange(true, std::memory_order_acquire))
        refuse(number); // pairs with the release of the previous Signal
    its.owner.store(this, std::memory_order_seq_cst);
    Kept kept{number, {}};
    struct sigaction action{};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    ::sigfillset(&action.sa_mask);
    if (::sigaction(number, &action, &kept.before) != 0) {
        const int reason = errno;
        its.owner.store(nullptr, std::memory_order_seq_cst);
        its.claimed.store(false, std::memory_order_release);
        fail(reason, number);
    }
    kept_.push_back(kept); // reserved
}

inline void Signal::refuse(int number) {
    static const auto messages = [] { // never destroyed, as a UsageError does not copy its text
        std::array<std::string, highest> all;
        for (int each = 1; each <= highest; ++each)
            all[static_cast<std::size_t>(each - 1)] =
                "rouse: Signal: " + text(each) + " is taken by a Signal; one at a time may have it";
        return all;
    }();
    detail::misuse(messages[static_cast<std::size_t>(number - 1)].c_str());
}

inline void Signal::fail(int error, int number) {
    const std::string what = "rouse: Signal: cannot handle " + text(number);
#if ROUSE_EXCEPTIONS
    throw std::system_error{error, std::system_category(), what};
#else
    detail::misuse((what + ": " + std::generic_category().message(error)).c_str());
#endif
}

} // namespace ROUSE_ABI
} // namespace rouse

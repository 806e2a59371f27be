// Signal: the signals of the operating system as something to wait for. POSIX.
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

/// `Signal signals{SIGINT, SIGTERM};` takes these signals from the process for as long as it lives, and
/// `int number = co_await signals.wait()` gives the next one that has come.
///
/// Signals may come on any thread. wait() and received() are for the tasks of one loop, and one task at a time waits.
/// Made and destroyed on any thread, but not in a signal handler; while a task waits, destroyed on that of its loop.
///
/// Each number is given once, however often it has come since it was last given; this holds for real-time signals too.
/// Of several the lowest number is given first. A wait that is cancelled, or loses in a select, leaves them for the
/// next. What has not been taken when the object is destroyed is dropped. A task that waits then goes on if it was
/// roused already; any other waits until it is cancelled. System calls that were interrupted go on (SA_RESTART).
///
/// Not for the faults of the program itself (SIGSEGV, SIGFPE ...): they come again as soon as the handler returns.
//
// The handler adds its number to `come_`, then takes the waiter out of `waiting_` and sends it. The one who waits puts
// itself into `waiting_`, then looks at `come_`. All changes are read-modify-writes that acquire and release. Whichever
// is later at `waiting_` sees what the other did before: the handler the waiter, or the waiter the number. So no signal
// is missed. A handler that is slow between its two steps may rouse the waiter for a number that was taken meanwhile:
// then the waiter, when it arrives, puts itself back. (A ThreadSafeFlag beside the numbers could not: its wait would be
// over, with nothing to give.)
//
// A handler may still be running on some thread while its Signal is destroyed on another. It adds one to `inside`
// before it looks for the `owner`; the destructor takes the owner away before it looks at `inside`. All four are
// seq_cst, so either the handler finds no owner, or the destructor finds the handler, and waits until it has left. The
// old action is back by then and the number not yet free for another Signal, so those inside only become fewer; a
// handler blocks for nothing, and no other handler runs on top of it, as it has all signals masked. One that interrupts
// the destructor itself has left before that goes on.
class Signal {
    class Awaiter;

public:
    /// Installs the handlers. UsageError, naming the signal, if a Signal has it already, or if there are no numbers;
    /// std::system_error, naming it, if it is no signal, or none that can be handled (SIGKILL, SIGSTOP). Then
    /// everything is as before.
    Signal(std::initializer_list<int> numbers) : Signal{Empty{}} {
        if (numbers.size() == 0) detail::misuse("rouse: Signal: needs at least one signal to wait for");
        kept_.reserve(numbers.size());
        for (const int number : numbers) install(number); // if it throws the destructor runs
    }
    Signal(const Signal&) = delete;
    Signal& operator=(const Signal&) = delete;

    /// Puts the old handlers back, as they were when this was made. Waits for handlers that run at this moment.
    ~Signal();

    /// `co_await signals.wait()`: waits for the next signal and returns its number. UsageError if a task waits already.
    [[nodiscard]] Awaiter wait() noexcept;

    /// The next signal, if one has come. None while a task waits: what comes then is for that task.
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
    // One for each number, all zero at first. Never destroyed, as a handler may come at any time.
    struct Entry {
        std::atomic<bool> claimed;    // by a Signal, from its installation until it is quite gone
        std::atomic<Signal*> owner;   // written by the one that has claimed it, read by the handler
        std::atomic<unsigned> inside; // written by the handlers, read by the owner's destructor
    };
    static constexpr int highest = 64;
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "rouse: Signal: needs 64-bit atomics in a handler");

    explicit Signal(Empty) noexcept {}

    void install(int number);
    static void on_signal(int number) noexcept;
    static Entry& entry(int number) noexcept { return entries_[static_cast<std::size_t>(number - 1)]; }
    static std::string text(int number) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): the thread's own, or a constant
        return "signal " + std::to_string(number) + " (" + ::strsignal(number) + ")";
    }
    [[noreturn]] static void refuse(int number);
    [[noreturn]] static void fail(int error, int number);

    // A thread that forks is not in a handler of ours, which has all signals masked. The other threads are gone.
    static void begin_child() noexcept {
        for (Entry& each : entries_) each.inside.store(0, std::memory_order_relaxed);
    }

    [[nodiscard]] bool any() const noexcept { return come_.load(std::memory_order_acquire) != 0; }
    int take() noexcept {
        const int lowest = std::countr_zero(come_.load(std::memory_order_acquire));
        come_.fetch_and(~(std::uint64_t{1} << lowest), std::memory_order_acq_rel);
        return lowest + 1;
    }

    static inline constinit std::array<Entry, highest> entries_{};

    std::atomic<std::uint64_t> come_{0};     // bit n-1: signal n. Set by the handlers, cleared by the loop
    std::atomic<Awaiter*> waiting_{nullptr}; // put there by the loop; taken out by a handler, or back by the loop
    Awaiter* waiter_ = nullptr;              // loop side: from the suspension of the one that waits to its resumption
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
        return signal_->any(); // taken on resumption, like everything
    }

    bool await_suspend(std::coroutine_handle<> frame) {
        inbox_ = &detail::Scheduler::current().inbox();
        detail::Scheduler::park(*this, detail::TaskState::waiting_for_signal, frame);
        Awaiter* other = nullptr;
        parked_ = signal_->waiting_.compare_exchange_strong(other, this, std::memory_order_acq_rel);
        if (parked_) signal_->waiter_ = this;
        if (parked_ && stays_parked()) return true;
        detail::Scheduler::unpark(*this);
        if (other != nullptr) detail::misuse(second_waiter); // on another loop, or await_ready would have said so
        forget();
        return false;
    }

    int await_resume() {
        if (task != nullptr) {
            forget();
            detail::Scheduler::check_cancelled();
        }
        return signal_ == nullptr ? number_ : signal_->take();
    }

    /// For wait_for: whether the time was up while a handler had us, and it had nothing for us.
    [[nodiscard]] bool interrupted() const noexcept { return in_vain_; }

private:
    friend Signal;

    static constexpr const char* second_waiter = "rouse: Signal::wait: another task is waiting; one at a time may";

    // In waiting_: false if a signal has come already, and then we are out again.
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

    // From here on the Signal may go without our being told.
    void forget() noexcept {
        if (signal_ != nullptr && signal_->waiter_ == this) signal_->waiter_ = nullptr;
    }

    void arrive() noexcept override {
        const bool nothing = signal_ == nullptr ? number_ == 0 : !signal_->any();
        if (nothing && !given_up_) { // see the class: the handler was late
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

    // The Signal is being destroyed, and no handler comes any more.
    void lose_signal() noexcept {
        const bool arrives = parked_ && !take_back();
        number_ = signal_->any() ? signal_->take() : 0;
        signal_ = nullptr;
        if (arrives) inbox_->scheduler().wait_for_arrival([this] { return !parked_; });
    }

    Signal* signal_;        // null: destroyed while we waited
    int number_ = 0;        // then: what we were roused for, if we were
    bool parked_ = false;   // in waiting_, or taken by a handler and not yet arrived
    bool given_up_ = false; // cancelled, or late, while a handler had us
    bool in_vain_ = false;
};

inline Signal::Awaiter Signal::wait() noexcept { return Awaiter{*this}; }

inline Signal::~Signal() {
    for (const Kept& each : kept_) ::sigaction(each.number, &each.before, nullptr);
    for (const Kept& each : kept_) entry(each.number).owner.store(nullptr, std::memory_order_seq_cst);
    for (const Kept& each : kept_) {
        // Sleeps, as the handler's thread may be one that does not run while this one does. acquire (in seq_cst): pairs
        // with the release of the one who leaves, whose last look at this object comes before its end.
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
        signal->come_.fetch_or(std::uint64_t{1} << (number - 1), std::memory_order_acq_rel);
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
    if (its.claimed.exchange(true, std::memory_order_acquire)) refuse(number); // pairs with the release of the last one
    its.owner.store(this, std::memory_order_seq_cst);
    Kept kept{number, {}};
    struct sigaction action{};
    action.sa_handler = on_signal;
    action.sa_flags = static_cast<int>(SA_RESTART);
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
    static const auto messages = [] { // they stay, as a UsageError does not copy its text
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

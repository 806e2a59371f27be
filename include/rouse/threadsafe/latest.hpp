// Latest: the newest value of a struct, always of one moment.
#pragma once

#include <type_traits>

#include <rouse/core/detail/atomic.hpp>
#include <rouse/core/task.hpp>
#include <rouse/threadsafe/thread_safe_flag.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// A value that one context publishes again and again, and another reads: readings that must agree, a configuration.
/// The reader gets the newest one, whole; those that came in between are forgotten.
///
/// publish() may be called from any context, by one at a time: a thread or core, a signal handler, an interrupt. It
/// never waits for the reader: the copy and the exchange are wait-free, and so is the rest of it on one core; rousing a
/// task that waits in next() repeats while others rouse tasks of that loop at that instant, from other cores. The rest
/// belongs to the reader, which is one context at a time; next() is for a task. No side ever waits for the other: an
/// interrupt may come anywhere in value() (on ARMv6-M but for the few instructions of its exchange, during which
/// interrupts are held off), and a reader may be as slow as it likes.
///
/// It has room for three values, and costs a copy and two exchanges for each publish(), a copy and one exchange for
/// each new value that is read. A cancelled next() leaves the value unread. No allocation but the frame of next();
/// `constinit`-able. It must outlive the tasks that wait for it, and when it goes every publish() must have returned:
/// join its thread, or disable its interrupt, first.
//
// Three slots: one is the writer's, one the reader's, and one lies between them. The word `between_` has the number
// of that one, and whether it is fresh: put there by the writer and not yet fetched.
//
//     publish():  fill the own slot; exchange it for the one in between, marked fresh; set the flag
//     value():    if what is in between is fresh, exchange the own slot for it, unmarked; copy the own slot
//
// It cannot tear, because a slot is written and read only by the one who owns it, and an exchange gives away one
// slot for another: at any moment each of the three numbers is in just one of writing_, between_ and reading_. Each
// exchange acquires what the other side's last one released: the reader the contents of the slot that it fetches, the
// writer that the reader has done with the slot that it is about to fill.
template <class T>
class Latest {
    static_assert(std::is_trivially_copyable_v<T>, "rouse: Latest: the value must be trivially copyable");
    static_assert(std::is_copy_constructible_v<T> && std::is_copy_assignable_v<T>,
                  "rouse: Latest: the value must be copyable, also by assignment");

public:
    /// What is published.
    using value_type = T;

    /// Until the first publish() the value is `T{}`, or `initial`.
    constexpr Latest() noexcept = default;
    /// Until the first publish() the value is `initial`.
    constexpr explicit Latest(const T& initial) noexcept : slots_{initial, initial, initial} {}
    Latest(const Latest&) = delete;
    Latest& operator=(const Latest&) = delete;

    /// Makes `value` the newest one, and rouses a task that waits for it. The writer's.
    void publish(const T& value) noexcept {
        slots_[writing_] = value;
        const unsigned filled = writing_ | fresh_bit;
        // release: the slot, for the acquire in value(). acquire: pairs with the release there.
        writing_ = between_.exchange(filled, std::memory_order_acq_rel) & ~fresh_bit;
        published_.set();
    }

    /// The newest value. The reader's.
    [[nodiscard]] T value() noexcept {
        // The load only says whether there is something to fetch; it is the exchange that orders.
        if (fresh()) reading_ = between_.exchange(reading_, std::memory_order_acq_rel) & ~fresh_bit;
        return slots_[reading_];
    }

    /// Whether there is a newer value than the last one that was read.
    [[nodiscard]] bool fresh() const noexcept { return (between_.load(std::memory_order_relaxed) & fresh_bit) != 0; }

    /// `co_await latest.next()`: waits for a newer value than the last one that was read, and reads it. One task
    /// at a time may wait.
    [[nodiscard]] Task<T> next() {
        while (!fresh()) co_await published_.wait(); // more than once, if the flag is of a value that has been read
        co_return value();
    }

private:
    static constexpr unsigned fresh_bit = 4;

    T slots_[3] = {};
    unsigned writing_ = 0;                // the writer's slot; the writer's
    detail::Atomic<unsigned> between_{1}; // the slot in between, and fresh_bit; exchanged by both
    unsigned reading_ = 2;                // the reader's slot; the reader's
    ThreadSafeFlag published_;            // set after each exchange of the writer's
};

} // namespace ROUSE_ABI
} // namespace rouse

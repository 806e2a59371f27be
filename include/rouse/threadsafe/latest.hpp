// Latest: hands over the newest value of a struct, never a torn one.
#pragma once

#include <type_traits>

#include <rouse/core/detail/atomic.hpp>
#include <rouse/core/detail/frame_alignment.hpp>
#include <rouse/core/detail/loop_owner.hpp>
#include <rouse/core/task.hpp>
#include <rouse/threadsafe/thread_safe_flag.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// A value that one context publishes repeatedly and another reads: sensor readings that must be consistent, a
/// configuration. The reader gets the newest value; older unread ones are overwritten. T must be trivially copyable.
///
/// `publish()` is for the writer: one context at a time, of any kind (task, thread, core, signal handler, interrupt).
/// `value()` and `fresh()` are for the reader: one context at a time, also of any kind. `next()` is for a task in the
/// reader's place. The object must outlive the tasks that wait in `next()`. Every `publish()` must have returned before
/// it is destroyed: join the thread or disable the interrupt first. Destroying it on another thread while a task waits
/// panics.
///
/// A value is always whole: all of it was published by the same call. Neither side ever waits for the other. The writer
/// may be an interrupt that comes anywhere in `value()` (on ARMv6-M, except during the few instructions of the
/// exchange, which hold interrupts off), and the reader may be arbitrarily slow. A cancelled `next()` leaves the value
/// unread.
///
/// It stores three values. `publish()` costs a copy and two exchanges; reading a new value costs a copy and one
/// exchange. Both are wait-free, except that waking a task in `next()` retries while other cores are waking tasks of
/// the same loop. Nothing is allocated except the frame of `next()`. It can be `constinit`.
//
// A triple buffer: one slot belongs to the writer, one to the reader, and one lies between them. The word `middle_`
// holds the number of the latter, and whether it is fresh: left there by the writer and not yet fetched.
//
//     publish():  fill the own slot; exchange it for the middle one, marked fresh; set the flag
//     value():    if the middle slot is fresh, exchange the own slot for it, unmarked; copy the own slot
//
// A value cannot tear, because only its owner reads or writes a slot, and an exchange trades one slot for another: at
// any moment each of the three numbers is in exactly one of writing_, middle_ and reading_. Each exchange acquires what
// the other side's last exchange released: the reader acquires the contents of the slot that it fetches, the writer
// acquires that the reader has finished with the slot that it is about to fill.
template <class T>
class Latest {
    static_assert(std::is_trivially_copyable_v<T>, "rouse: Latest: the value must be trivially copyable");
    static_assert(std::is_copy_constructible_v<T> && std::is_copy_assignable_v<T>,
                  "rouse: Latest: the value must be copyable, also by assignment");
    static_assert(detail::aligned_in_frame<T>,
                  "rouse: Latest: the value needs a stricter alignment than the coroutine frames have in which tasks "
                  "keep it");

public:
    /// The type of the values.
    using value_type = T;

    /// Until the first publish() the value is `T{}`.
    constexpr Latest() noexcept = default;
    /// Until the first publish() the value is `initial`.
    constexpr explicit Latest(const T& initial) noexcept : slots_{initial, initial, initial} {}
    Latest(const Latest&) = delete;
    Latest& operator=(const Latest&) = delete;

    /// Makes `value` the newest value and wakes the task that waits in next(). Only for the writer.
    void publish(const T& value) noexcept {
        const detail::UseOfEnd<ROUSE_CHECKED != 0> use{
            publishing_,
            "rouse: Latest::publish: a second writer; only one may publish at a time: give each writer its own object"};
        slots_[writing_] = value;
        const unsigned filled = writing_ | fresh_bit;
        // release: the slot's contents, for the acquire in value(). acquire: pairs with the release in value(), which
        // has finished with the slot.
        writing_ = middle_.exchange(filled, std::memory_order_acq_rel) & ~fresh_bit;
        published_.set();
    }

    /// The newest value. Only for the reader.
    [[nodiscard]] T value() noexcept {
        const detail::UseOfEnd<ROUSE_CHECKED != 0> use{
            fetching_,
            "rouse: Latest::value: a second reader; only one may read at a time: give each reader its own object"};
        // fresh() only says whether there is something to fetch. The exchange orders: acquire and release pair with
        // those in publish().
        if (fresh()) reading_ = middle_.exchange(reading_, std::memory_order_acq_rel) & ~fresh_bit;
        return slots_[reading_];
    }

    /// Whether there is a newer value than the last one that was read. Only for the reader.
    [[nodiscard]] bool fresh() const noexcept { return (middle_.load(std::memory_order_relaxed) & fresh_bit) != 0; }

    /// `co_await latest.next()` waits for a newer value than the last one that was read, and reads it. Only one task
    /// may wait at a time; a second one gets a UsageError.
    [[nodiscard]] Task<T> next() {
        while (!fresh()) co_await published_.wait(); // again if the flag was set for a value read since
        co_return value();
    }

private:
    static constexpr unsigned fresh_bit = 4;

    T slots_[3] = {};
    unsigned writing_ = 0;               // the writer's slot; used by the writer only
    detail::Atomic<unsigned> middle_{1}; // the middle slot, and fresh_bit; exchanged by both sides
    unsigned reading_ = 2;               // the reader's slot; used by the reader only
    [[no_unique_address]] detail::EndInUse publishing_;
    [[no_unique_address]] detail::EndInUse fetching_;
    ThreadSafeFlag published_; // set by the writer after each exchange
};

} // namespace ROUSE_ABI
} // namespace rouse

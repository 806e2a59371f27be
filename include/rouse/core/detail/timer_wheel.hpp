// TimerWheel: the running timers of a loop. The earliest are in a heap; if there are many, the others are in lists by
// time. The heap stays small, because in a large one every step is a cache miss. Adding to a list and removing from it
// take O(1); nothing is allocated.
//
// Time is divided into blocks of half a millisecond. All timers in lists are due after the block `near_`. Compare the
// number of a timer's block with `near_`, in digits of eight bits: the most significant digit that differs selects the
// list. The position of that digit is the level of the list, and its value is the place of the list in that level, so
// the lists are in the order of time.
//
// When the first list may hold a timer that is due before the first one in the heap, the list is split: `near_` becomes
// its first block, and its timers move into the heap or into lists of lower levels. A timer moves at most once per
// level. Lists of the lowest level are split when the first deadline is asked for, so that deadline is exact. Lists of
// higher levels are split only when their time has come, at which the loop wakes once and sleeps again; otherwise a
// single timer for tomorrow would move everything into the heap today.
//
// The first few timers are always in the heap, so a program with few timers never wakes too early. A timer that is due
// before all others in the heap is also put there, which costs little.
//
// Source: Varghese, Lauck: "Hashed and Hierarchical Timing Wheels", SOSP 1987 (scheme 7). The heap keeps deadlines
// exact, and keeps the order of timers that are due at the same instant.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <rouse/core/detail/timer_heap.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// For the thread of the loop. Timers due at the same instant are taken in the order in which they were added.
class TimerWheel {
public:
    TimerWheel() noexcept {} // not `= default`, because `TimerWheel{}` would then clear all of lists_

    [[nodiscard]] bool empty() const noexcept { return heap_.empty() && in_lists_ == 0; }

    /// The earliest deadline, or an earlier time at which a list has to be split. There must be a timer.
    [[nodiscard]] TimePoint first_deadline() noexcept {
        bring_near((TimePoint::min)());
        return lists_come_first() ? first_list_ : heap_.first_deadline();
    }

    void add(Timer& timer) noexcept {
        heap_.number(timer);
        place(timer);
    }

    /// Removes a timer. Does nothing if it is not running.
    void remove(Timer& timer) noexcept {
        if (timer.before == nullptr) return;
        if (timer.child == &timer) {
            take_from_list(timer);
        } else {
            heap_.remove(timer);
            --in_heap_;
        }
    }

    /// Removes and returns the first timer if it is due at `now`; returns null otherwise.
    Timer* take_due(TimePoint now) noexcept {
        bring_near(now);
        Timer* first = heap_.take_due(now);
        if (first != nullptr) --in_heap_;
        return first;
    }

private:
    static constexpr unsigned block_bits = 19; // a block is 2^19 ns, half a millisecond
    static constexpr unsigned digit_bits = 8;
    static constexpr unsigned digits = 1U << digit_bits; // also the number of lists per level
    static constexpr unsigned levels = (63 - block_bits + digit_bits - 1) / digit_bits;
    static constexpr unsigned list_count = levels * digits;
    static constexpr std::size_t few = 64;

    using Block = std::uint64_t;

    // Timers due before the epoch of the clock are in the first block.
    static Block block_of(const Timer& timer) noexcept {
        const auto count = timer.deadline.time_since_epoch().count();
        return count < 0 ? 0 : static_cast<Block>(count) >> block_bits;
    }
    static TimePoint time_of(Block block) noexcept {
        return TimePoint{Clock::duration{static_cast<std::int64_t>(block << block_bits)}};
    }

    static std::uint64_t bit_of(unsigned list) noexcept { return std::uint64_t{1} << list % 64; }

    // The list of a timer, which must be due after near_.
    [[nodiscard]] unsigned list_of(const Timer& timer) const noexcept {
        const Block block = block_of(timer);
        const unsigned level = (static_cast<unsigned>(std::bit_width(block ^ near_)) - 1) / digit_bits;
        return level * digits + static_cast<unsigned>(block >> level * digit_bits) % digits;
    }

    // The first block of a list: near_ with the digit of the list, and zeros below it.
    [[nodiscard]] Block first_block(unsigned list) const noexcept {
        const unsigned shift = list / digits * digit_bits;
        return ((near_ >> shift & ~Block{digits - 1}) | list % digits) << shift;
    }

    // The first list that is not empty. There must be one.
    [[nodiscard]] unsigned first_list() const noexcept {
        unsigned word = 0;
        while (occupied_[word] == 0) ++word;
        return word * 64 + static_cast<unsigned>(std::countr_zero(occupied_[word]));
    }

    void place(Timer& timer) noexcept {
        if (in_heap_ < few || timer.deadline < heap_.first_deadline() || block_of(timer) <= near_) {
            heap_.insert(timer);
            ++in_heap_;
            return;
        }
        const unsigned list = list_of(timer);
        const TimePoint start = time_of(first_block(list));
        if (in_lists_ == 0 || start < first_list_) note_first(list, start);
        timer.child = timer.before = &timer;
        timer.sibling = (occupied_[list / 64] & bit_of(list)) != 0 ? lists_[list] : nullptr;
        if (timer.sibling != nullptr) timer.sibling->before = &timer;
        lists_[list] = &timer;
        occupied_[list / 64] |= bit_of(list);
        ++in_lists_;
    }

    void take_from_list(Timer& timer) noexcept {
        if (timer.before != &timer) {
            timer.before->sibling = timer.sibling;
        } else {
            const unsigned list = list_of(timer);
            lists_[list] = timer.sibling;
            if (timer.sibling == nullptr) occupied_[list / 64] &= ~bit_of(list);
        }
        if (timer.sibling != nullptr) timer.sibling->before = timer.before == &timer ? timer.sibling : timer.before;
        timer.before = nullptr;
        --in_lists_;
    }

    [[nodiscard]] bool lists_come_first() const noexcept {
        return in_lists_ != 0 && (heap_.empty() || first_list_ <= heap_.first_deadline());
    }

    void note_first(unsigned list, TimePoint start) noexcept {
        first_list_ = start;
        apart_from_ = list < digits ? (TimePoint::min)() : start;
    }

    // Splits lists, as far as their time has come, until no list may hold a timer before the first in the heap.
    void bring_near(TimePoint now) noexcept {
        while (apart_from_ <= now && lists_come_first()) {
            const unsigned list = first_list();
            const Block first = first_block(list);
            note_first(list, time_of(first));
            if (apart_from_ > now || !lists_come_first()) return;
            near_ = first;
            occupied_[list / 64] &= ~bit_of(list);
            for (Timer* timer = lists_[list]; timer != nullptr;) {
                Timer& each = *std::exchange(timer, timer->sibling);
                __builtin_prefetch(each.task); // it will be made ready soon
                --in_lists_;
                place(each);
            }
        }
    }

    TimerHeap heap_;
    std::size_t in_heap_ = 0;
    std::size_t in_lists_ = 0;
    TimePoint first_list_{};                       // no timer in a list is due before this; valid if in_lists_ is not 0
    TimePoint apart_from_{};                       // the first list may be split from this time on
    Block near_ = 0;                               // only grows
    std::uint64_t occupied_[list_count / 64] = {}; // one bit per list: set if the list has timers
    Timer* lists_[list_count]; // valid where the bit is set; linked by `sibling`; `before` of the first is itself
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

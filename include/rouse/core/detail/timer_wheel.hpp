// TimerWheel: running timers, the first of them in a heap and, if there are many, the others in lists by time; so the
// heap stays small, for in a large one every step is a cache miss. Adding and removing in a list is O(1); nothing is
// allocated.
//
// Time is cut into blocks of half a millisecond. The timers of a list are due after the block `near_`: their block
// differs from it first in some digit (of eight bits). The place of that digit is the list's level, its value the
// list's place in the level; so the lists are in the order of time. When the first list may hold what is due before the
// heap's first, it is taken apart: `near_` becomes its first block, and its timers go into the heap, or into lists of
// lower levels. So a timer is moved once a level at most. Lists of the lowest level are taken apart when somebody asks
// for the first deadline, and so it is exact; those above only when their time has come (a loop looks up then, to go on
// sleeping), as otherwise a lone timer for tomorrow would bring everything near.
//
// The first few timers are in the heap, whenever they are due: who has no more does not look up too early. So is one
// that is due before all others there, which costs little in a heap.
//
// Source: Varghese, Lauck: "Hashed and Hierarchical Timing Wheels", SOSP 1987 (scheme 7). The heap in front keeps
// deadlines exact, and the order of those that are due at one instant.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <rouse/core/detail/timer_heap.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

class TimerWheel {
public:
    TimerWheel() noexcept {} // not `= default`, which would let `TimerWheel{}` write all of lists_

    [[nodiscard]] bool empty() const noexcept { return heap_.empty() && in_lists_ == 0; }

    /// When the first is due, or before that a time at which a list has to be taken apart; there must be one.
    [[nodiscard]] TimePoint first_deadline() noexcept {
        bring_near(TimePoint::min());
        return lists_come_first() ? first_list_ : heap_.first_deadline();
    }

    void add(Timer& timer) noexcept {
        heap_.number(timer);
        place(timer);
    }

    /// Takes a timer out, wherever it is; does nothing if it does not run.
    void remove(Timer& timer) noexcept {
        if (timer.before == nullptr) return;
        if (timer.child == &timer) {
            take_from_list(timer);
        } else {
            heap_.remove(timer);
            --in_heap_;
        }
    }

    /// Takes out and returns the first if it is due; else null.
    Timer* take_due(TimePoint now) noexcept {
        bring_near(now);
        Timer* first = heap_.take_due(now);
        if (first != nullptr) --in_heap_;
        return first;
    }

private:
    static constexpr unsigned block_bits = 19; // of nanoseconds: half a millisecond
    static constexpr unsigned digit_bits = 8;
    static constexpr unsigned digits = 1U << digit_bits; // and so many lists a level
    static constexpr unsigned levels = (63 - block_bits + digit_bits - 1) / digit_bits;
    static constexpr unsigned list_count = levels * digits;
    static constexpr std::size_t few = 64;

    using Block = std::uint64_t;

    // Those before the clock's beginning, too, are in the first block.
    static Block block_of(const Timer& timer) noexcept {
        const auto count = timer.deadline.time_since_epoch().count();
        return count < 0 ? 0 : static_cast<Block>(count) >> block_bits;
    }
    static TimePoint time_of(Block block) noexcept {
        return TimePoint{Clock::duration{static_cast<std::int64_t>(block << block_bits)}};
    }

    static std::uint64_t bit(unsigned list) noexcept { return std::uint64_t{1} << list % 64; }

    // For a timer that is due after near_.
    [[nodiscard]] unsigned list_of(const Timer& timer) const noexcept {
        const Block block = block_of(timer);
        const unsigned level = (static_cast<unsigned>(std::bit_width(block ^ near_)) - 1) / digit_bits;
        return level * digits + static_cast<unsigned>(block >> level * digit_bits) % digits;
    }

    // The first block of a list: near_, with the list's digit, and zeros below.
    [[nodiscard]] Block first_block(unsigned list) const noexcept {
        const unsigned shift = list / digits * digit_bits;
        return ((near_ >> shift & ~Block{digits - 1}) | list % digits) << shift;
    }

    // There must be one that is not empty.
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
        timer.sibling = (occupied_[list / 64] & bit(list)) != 0 ? lists_[list] : nullptr;
        if (timer.sibling != nullptr) timer.sibling->before = &timer;
        lists_[list] = &timer;
        occupied_[list / 64] |= bit(list);
        ++in_lists_;
    }

    void take_from_list(Timer& timer) noexcept {
        if (timer.before != &timer) {
            timer.before->sibling = timer.sibling;
        } else {
            const unsigned list = list_of(timer);
            lists_[list] = timer.sibling;
            if (timer.sibling == nullptr) occupied_[list / 64] &= ~bit(list);
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
        apart_from_ = list < digits ? TimePoint::min() : start;
    }

    // Takes lists apart until the heap's first is the first of all, as far as that may be done now.
    void bring_near(TimePoint now) noexcept {
        while (apart_from_ <= now && lists_come_first()) {
            const unsigned list = first_list();
            const Block first = first_block(list);
            note_first(list, time_of(first));
            if (apart_from_ > now || !lists_come_first()) return;
            near_ = first;
            occupied_[list / 64] &= ~bit(list);
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
    TimePoint first_list_{};                       // no list that is not empty starts before; if there are any
    TimePoint apart_from_{};                       // from when on the first of them may be taken apart
    Block near_ = 0;                               // only grows
    std::uint64_t occupied_[list_count / 64] = {}; // a bit of each list: whether it is not empty
    Timer* lists_[list_count]; // of those with the bit only; linked by `sibling`; `before` of the first is itself
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

// ClaimedRing: the ring of a ThreadSafeMpscQueue. Any number of producers claim its slots; one consumer empties them.
//
// A producer first claims a position, by one compare-exchange of `claims_`, and then owns the slot of that position:
// it constructs the item there and publishes the slot's mark. So producers contend for one word only, and none of them
// ever waits for another. The consumer takes the slots in the order of the claims, and stops at the first whose mark
// has not been published.
//
//                    claim()                  fill()
//           free  ------------->  claimed  ----------->  filled
//            ^                       |                      |
//            |                       | give_back()          | pop_front()
//            |                       v                      |
//            |                   abandoned                  |
//            |                       | pop_front()          |
//            '-----------------------'----------------------'
//
// A *position* is the number of a lap round the ring and an index into it, in one word: bit 0 is clear, the index
// follows, and the lap takes the rest. So N need not be a power of two, and no division is needed. Positions wrap
// around with the laps; their difference, as an unsigned number, is at least `lap` exactly if they are N or more apart.
//
// Whether a slot is published is told by the lowest bit of its mark, which changes with each lap: a producer is at most
// one lap ahead of the consumer, so a mark is of this lap or of the last one.
//
// Why no slot is claimed that is not free: a claim succeeds only if `claims_` has not changed since it was found to be
// less than N ahead of a head that the consumer has published. The head only advances, so an older one, which
// `seen_head_` may hold, errs on the safe side.
//
// Why closing is exact: bit 0 of `claims_` says that the ring is closed, and a claim must find it clear in the same
// compare-exchange. So each claim either precedes close(), and the consumer waits for its slot, or fails. From then on
// the word does not change: the ring is drained when the head has reached it.
//
// A limit: a claim compares a word that has 2^31 positions (or nearly) on a 32-bit target. A producer that is suspended
// inside a claim while exactly so many others pass takes a slot that is not free. On a 64-bit target that takes
// centuries.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <utility>

#include <rouse/core/detail/atomic.hpp>
#include <rouse/threadsafe/detail/cache_line_padding.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// What became of an attempt to claim a slot.
enum class Claim : std::uint8_t {
    full,   // there is no room now
    made,   // the slot is the caller's, who must fill it or give it back
    closed, // the ring is closed, and never accepts anything again
};

/// See above. claim(), fill(), give_back(), close() and what only asks may be called from any context; front(),
/// front_item() and pop_front() only by the consumer.
template <class T, std::size_t N>
class ClaimedRing {
    static_assert(N > 0 && N < (std::numeric_limits<std::size_t>::max)() / 8,
                  "rouse: ThreadSafeMpscQueue: a queue must hold at least one item");

public:
    using Position = std::size_t;

    constexpr ClaimedRing() noexcept {}
    ClaimedRing(const ClaimedRing&) = delete;
    ClaimedRing& operator=(const ClaimedRing&) = delete;
    ~ClaimedRing() {
        // Relaxed: the thread that destroys the ring is already synchronised with those that used it.
        const Position end = claims_.load(std::memory_order_relaxed) & ~closed_bit;
        for (Position at = head_.load(std::memory_order_relaxed); at != end; at = after(at)) {
            Slot& slot = slots_[index(at)];
            if (slot.mark.load(std::memory_order_relaxed) == filled_mark(at))
                std::destroy_at(std::addressof(slot.item));
        }
    }

    // ---- for producers ----

    /// Claims the next slot if there is one, and says which. It finds the ring full only if it was at one instant of
    /// the call, as far as this context has seen the head advance. Lock-free: it repeats only if another claim has
    /// succeeded.
    [[nodiscard]] Claim claim(Position& claimed) noexcept {
        Position next = claims_.load(std::memory_order_relaxed);
        for (;;) {
            if ((next & closed_bit) != 0) return Claim::closed;
            // acquire: pairs with the release below, by which another producer passes on what it has acquired.
            if (next - seen_head_.load(std::memory_order_acquire) >= lap) [[unlikely]] {
                // acquire: pairs with the release in pop_front(), so that the old item is gone before the new one
                // comes.
                const Position head = head_.load(std::memory_order_acquire);
                if (next - head >= lap) {
                    // Full, unless `next` is so old that the head has passed it. Relaxed: it cannot be older than
                    // `head`, which was published after the claims before it.
                    const Position now = claims_.load(std::memory_order_relaxed);
                    if (now == next) return Claim::full;
                    next = now;
                    continue;
                }
                // Pairs with the acquire above. It only saves time: the producers read the consumer's cache line less
                // often.
                seen_head_.store(head, std::memory_order_release);
            }
            // Relaxed: a claim publishes nothing; the mark does.
            if (claims_.compare_exchange_weak(next, after(next), std::memory_order_relaxed,
                                              std::memory_order_relaxed)) {
                claimed = next;
                return Claim::made;
            }
        }
    }

    /// Constructs the item in a claimed slot, and publishes it.
    template <class U>
    void fill(Position at, U&& value) noexcept {
        Slot& slot = slots_[index(at)];
        ::new (static_cast<void*>(std::addressof(slot.item))) T(std::forward<U>(value));
        slot.mark.store(filled_mark(at), std::memory_order_release); // pairs with the acquire in front()
    }

    /// Publishes a claimed slot without an item, which the consumer passes over.
    void give_back(Position at) noexcept {
        // Relaxed: there is nothing to publish. The next producer of this slot is after the consumer.
        slots_[index(at)].mark.store(static_cast<Mark>(filled_mark(at) | abandoned_bit), std::memory_order_relaxed);
    }

    // ---- for the consumer ----

    enum class Front : std::uint8_t { none, item, abandoned };

    /// What is in the oldest slot.
    [[nodiscard]] Front front() const noexcept {
        const Position head = head_.load(std::memory_order_relaxed);
        // acquire: pairs with the release in fill().
        const Mark mark = slots_[index(head)].mark.load(std::memory_order_acquire);
        if (((mark ^ filled_mark(head)) & published_bit) != 0) return Front::none;
        return (mark & abandoned_bit) == 0 ? Front::item : Front::abandoned;
    }

    /// The item in the oldest slot, which must hold one.
    [[nodiscard]] T& front_item() noexcept { return slots_[index(head_.load(std::memory_order_relaxed))].item; }

    /// Gives the oldest slot back to the producers. An item in it must have been destroyed.
    void pop_front() noexcept {
        const Position head = head_.load(std::memory_order_relaxed);
        head_.store(after(head), std::memory_order_release); // pairs with the acquires in claim() and size()
    }

    /// Whether every slot that was claimed has been emptied, if the ring is closed() already.
    [[nodiscard]] bool drained() const noexcept {
        // Relaxed: closed() has seen the last value.
        return claims_.load(std::memory_order_relaxed) == (head_.load(std::memory_order_relaxed) | closed_bit);
    }

    // ---- for any context ----

    /// Refuses all later claims.
    void close() noexcept {
        Position before = claims_.load(std::memory_order_relaxed);
        // release: pairs with the acquire in closed().
        while (!claims_.compare_exchange_weak(before, before | closed_bit, std::memory_order_release,
                                              std::memory_order_relaxed)) {
        }
    }

    [[nodiscard]] bool closed() const noexcept {
        return (claims_.load(std::memory_order_acquire) & closed_bit) != 0; // pairs with the release in close()
    }

    /// How many slots are claimed, filled or abandoned.
    [[nodiscard]] std::size_t size() const noexcept {
        // acquire: pairs with the release in pop_front(); the claims that are read next are no older than this head.
        const Position head = head_.load(std::memory_order_acquire);
        const Position end = claims_.load(std::memory_order_relaxed) & ~closed_bit;
        if (end - head >= lap) return N; // or more, if the head is outdated by now
        return index(end) >= index(head) ? index(end) - index(head) : index(end) + N - index(head);
    }

private:
    using Mark = std::uint8_t;
    static constexpr Mark published_bit = 1; // as filled_mark(): the slot is published in this lap
    static constexpr Mark abandoned_bit = 2; // published without an item

    static constexpr Position closed_bit = 1;
    static constexpr Position step = 2;
    static constexpr Position lap = step << std::bit_width(N - 1);

    static constexpr std::size_t index(Position at) noexcept { return (at & (lap - 1)) / step; }
    static constexpr Position after(Position at) noexcept {
        if constexpr (std::has_single_bit(N)) return at + step;
        return index(at) + 1 == N ? at + lap - (N - 1) * step : at + step;
    }
    // 1 in the first lap, because a slot begins with 0.
    static constexpr Mark filled_mark(Position at) noexcept { return (at & lap) == 0 ? 1 : 0; }

    struct Slot {
        constexpr Slot() noexcept : none{} {}
        ~Slot() {}
        Atomic<Mark> mark{0}; // written by the producer that has claimed the slot; read by the consumer
        union {
            char none;
            T item;
        };
    };

    [[no_unique_address]] CacheLinePadding padding_0_;

    // The producers' cache line.
    Atomic<Position> claims_{0};    // the next position to be claimed, and closed_bit
    Atomic<Position> seen_head_{0}; // a value that head_ has had; written and read by producers

    [[no_unique_address]] CacheLinePadding padding_1_;

    Atomic<Position> head_{0}; // the position of the oldest slot; written by the consumer, read by all

    [[no_unique_address]] CacheLinePadding padding_2_;

    Slot slots_[N];
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

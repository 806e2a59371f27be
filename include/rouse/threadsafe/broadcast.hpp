// Broadcast: hands every value to all of its subscribers.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <type_traits>

#include <rouse/core/detail/atomic.hpp>
#include <rouse/core/detail/frame_alignment.hpp>
#include <rouse/core/detail/loop_owner.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/task.hpp>
#include <rouse/threadsafe/thread_safe_flag.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// A stream of values that one context publishes and several tasks read, each of them all the values: key presses that
/// the display and the logger both want, ticks of a bus. T must be trivially copyable.
///
///     Broadcast<Key, 16> keys;                    // published by an interrupt
///     Broadcast<Key, 16>::Subscriber mine{keys};  // in a task
///     while (auto key = co_await mine.next()) ...
///
/// `publish()` and `close()` are for the writer: one context at a time, of any kind (task, thread, core, signal
/// handler, interrupt). A Subscriber belongs to one loop, whose tasks wait in it one at a time; the subscribers of a
/// Broadcast may belong to different loops, and come and go while values are published. At most `Subscribers` of them
/// exist at one instant; one too many is a UsageError.
///
/// The writer never waits, neither for subscribers nor for room: the newest N values are kept, and a subscriber that is
/// further behind loses the oldest, which it counts: `lagged()`. What it gets is in the order of publishing, and never
/// torn. A subscriber gets the values that are published after it was made. A cancelled `next()` takes nothing.
///
/// The Broadcast must outlive its subscribers; destroying it earlier panics. Every `publish()` and `close()` must have
/// returned before it is destroyed: join the thread or disable the interrupt first. A Subscriber must outlive the task
/// that waits in it.
///
/// It stores N + 1 values, rounded up to a power of two, and two words for each subscriber. `publish()` takes a bounded
/// number of steps: a copy, one read-modify-write, and the set() of a flag for each subscriber. It is wait-free, except
/// that waking a task retries while other cores are waking tasks of the same loop. Reading retries only if the slot is
/// overwritten meanwhile, so each repetition is a value that the writer has published. Nothing is allocated except the
/// frame of `next()`. It can be `constinit`.
//
// A ring of slots, and two counts of all the values: `begun_` rises before a slot is written, `published_` after. Value
// number i is in slot i % slots. A reader copies a slot that the writer may be overwriting, and looks at `begun_`
// afterwards:
//
//     publish():   begun_ = i + 1 (release);   fill the slot of i (release);   published_ = i + 1 (release);   wake
//     take():      published_ (acquire);   copy the slot of i (acquire);   begun_ (acquire): more than i + slots? then
//     torn
//
// A slot is an array of atomic words, so that the race is none. If one word of the copy is of a later value j, the
// acquire of that word pairs with the release that wrote it, so the reader also sees that j has begun, and j is at
// least i + slots. If no word is, the copy is whole, because the acquire of `published_` shows all words of i.
//
// There is a slot more than values that are kept. So a writer that has been suspended in the middle of publish() is
// overwriting none that a subscriber may want, and the reader never waits for it: it retries only if another value has
// begun in the meantime.
//
// A wake is not lost. The writer changes `used_`, by adding nothing, after it has published; a subscriber changes it
// when it takes its place, and looks at `published_` after that. If the subscriber comes first, the writer sees its bit
// and sets its flag. If the writer comes first, the subscriber sees the count, and begins after that value. The flags
// are here and not in the subscribers, so that one that departs takes nothing away that the writer is about to touch; a
// flag that is set late makes the next subscriber of that place look once in vain.
template <class T, std::size_t N, unsigned Subscribers = 4>
class Broadcast {
    static_assert(std::is_trivially_copyable_v<T> && std::is_object_v<T> && !std::is_const_v<T>,
                  "rouse: Broadcast: the value must be trivially copyable, and not const");
    static_assert(N >= 1 && N <= static_cast<std::size_t>(-1) / 4, "rouse: Broadcast: at least one value must be kept");
    static_assert(Subscribers >= 1 && Subscribers <= 32, "rouse: Broadcast: from 1 to 32 subscribers");
    static_assert(detail::aligned_in_frame<T>,
                  "rouse: Broadcast: the value needs a stricter alignment than the coroutine frames have in which "
                  "tasks keep it; send a pointer to it");

public:
    /// The type of the values.
    using value_type = T;
    class Subscriber;

    constexpr Broadcast() noexcept = default;
    Broadcast(const Broadcast&) = delete;
    Broadcast& operator=(const Broadcast&) = delete;

    /// Panics while there are subscribers, because they refer to it.
    ~Broadcast() {
        if (subscribers() != 0)
            ROUSE_PANIC("rouse: ~Broadcast: it has subscribers, which refer to it; destroy them first");
    }

    /// Hands `value` to all subscribers and wakes those of their tasks that wait. Returns false, and does nothing,
    /// after close(). Only for the writer; never waits.
    bool publish(const T& value) noexcept {
        const detail::UseOfEnd<ROUSE_CHECKED != 0> use{publishing_, second_writer};
        if (closed_.load(std::memory_order_relaxed)) return false;
        const Count number = published_.load(std::memory_order_relaxed); // only the writer changes it
        // release: what was published before, for the acquire in take(). Comes before the release of each word.
        begun_.store(number + 1, std::memory_order_release);
        slots_[number % slot_count].write(value);
        published_.store(number + 1, std::memory_order_release); // the words, for the acquire in take()
        wake();
        return true;
    }

    /// Ends the stream: a subscriber that has read what is left gets an empty value from next(), and from each next()
    /// after that. Only for the writer. A second close() does nothing.
    void close() noexcept {
        const detail::UseOfEnd<ROUSE_CHECKED != 0> use{publishing_, second_writer};
        closed_.store(true, std::memory_order_release); // what was published, for the acquire in closed()
        wake();
    }

    /// Whether the stream has ended. May be called from any context, but the writer may change the answer at once.
    [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

    /// How many subscribers there are. May be called from any context, but the answer may change at once.
    [[nodiscard]] unsigned subscribers() const noexcept {
        unsigned count = 0;
        for (std::uint32_t used = used_.load(std::memory_order_relaxed); used != 0; used &= used - 1) ++count;
        return count;
    }

private:
    using Word = std::uintptr_t;
    using Count = std::uintptr_t; // of values; wraps around. The slots are a power of two, so their order survives that
    static constexpr std::size_t slot_count = std::bit_ceil(N + 1);

    static constexpr const char* second_writer =
        "rouse: Broadcast::publish: a second writer; only one context may publish at a time: give each writer its own "
        "object";

    // A value, as words that may be read while they are written. Copies word by word, as a call of memcpy or memset is
    // not for a signal handler everywhere.
    class Slot {
    public:
        void write(const T& value) noexcept {
            const auto* const from = reinterpret_cast<const std::byte*>(std::addressof(value));
            // release: begun_, and the pair of the acquire below
            for (std::size_t i = 0; i < whole; ++i)
                words_[i].store(word_at(from + i * size), std::memory_order_release);
            if constexpr (rest != 0) {
                Word last = 0;
                for (std::size_t i = 0; i < rest; ++i) last |= static_cast<Word>(from[whole * size + i]) << (8 * i);
                words_[whole].store(last, std::memory_order_release);
            }
        }
        void read(std::byte (&to)[sizeof(T)]) const noexcept {
            for (std::size_t i = 0; i < whole; ++i) {
                const Word word = words_[i].load(std::memory_order_acquire);
                std::memcpy(to + i * size, &word, size); // of a constant size, so not a call
            }
            if constexpr (rest != 0) {
                const Word last = words_[whole].load(std::memory_order_acquire);
                for (std::size_t i = 0; i < rest; ++i) to[whole * size + i] = static_cast<std::byte>(last >> (8 * i));
            }
        }

    private:
        static constexpr std::size_t size = sizeof(Word);
        static constexpr std::size_t whole = sizeof(T) / size; // words
        static constexpr std::size_t rest = sizeof(T) % size;  // bytes

        static Word word_at(const std::byte* bytes) noexcept {
            Word word;
            std::memcpy(&word, bytes, size);
            return word;
        }

        detail::Atomic<Word> words_[whole + (rest != 0 ? 1 : 0)] = {};
    };

    // The bytes of a value that has been read.
    struct Bytes {
        std::byte all[sizeof(T)];
    };

    // Writer side.
    void wake() noexcept {
        // release: what was published, or closed_, for the acquire of a subscriber that takes its place after this.
        std::uint32_t used = used_.fetch_add(0, std::memory_order_release);
        for (unsigned place = 0; place < Subscribers && used != 0; ++place, used >>= 1) {
            if ((used & 1) != 0) flags_[place].set();
        }
    }

    // Subscriber side.
    unsigned claim() {
        std::uint32_t used = used_.load(std::memory_order_relaxed);
        for (;;) {
            unsigned place = 0;
            while (place < Subscribers && (used >> place & 1U) != 0) ++place;
            if (place == Subscribers)
                detail::misuse(
                    "rouse: Broadcast::Subscriber: one subscriber too many; give the Broadcast room for more: its "
                    "third "
                    "argument");
            // acquire: what was published before the last wake(). Nothing is released: what this word hands over is a
            // flag, which is ordered by itself.
            if (used_.compare_exchange_strong(used, used | std::uint32_t{1} << place, std::memory_order_acquire,
                                              std::memory_order_relaxed))
                return place;
        }
    }
    void leave(unsigned place) noexcept {
        used_.fetch_add(std::uint32_t{0} - (std::uint32_t{1} << place), std::memory_order_relaxed);
    }

    // Copies the value number `next`, or the oldest after it that is kept, and goes on to the one after that. Adds what
    // it left out to `lost`. Returns false if there is none.
    bool take(Count& next, Count& lost, Bytes& copy) const noexcept {
        for (;;) {
            const Count published = published_.load(std::memory_order_acquire); // pairs with publish()
            const Count behind = published - next;
            if (behind == 0) return false;
            if (behind > N) {
                lost += behind - N;
                next = published - N;
            }
            slots_[next % slot_count].read(copy.all);
            // Comes after the acquires of the words: if one is of a later value, this shows that it has begun. acquire:
            // pairs with publish(), so that the next repetition, if there is one, sees what was published before.
            if (begun_.load(std::memory_order_acquire) - next <= slot_count) {
                ++next;
                return true;
            }
        }
    }

    Slot slots_[slot_count] = {};            // written by the writer, read by all
    detail::Atomic<Count> begun_{0};         // values that have begun to be written; changed by the writer only
    detail::Atomic<Count> published_{0};     // values that have been written; changed by the writer only
    detail::Atomic<bool> closed_{false};     // changed by the writer only
    detail::Atomic<std::uint32_t> used_{0};  // a bit for each place of a subscriber; changed by all
    ThreadSafeFlag flags_[Subscribers] = {}; // of each place: set by the writer, waited for by its subscriber
    [[no_unique_address]] detail::EndInUse publishing_;
};

/// Reads a Broadcast. Made, used and destroyed on the thread of one loop. Neither copied nor moved.
template <class T, std::size_t N, unsigned Subscribers>
class Broadcast<T, N, Subscribers>::Subscriber {
public:
    /// Subscribes to what is published from now on. Raises a UsageError if there is no room for one more. It may be
    /// made before its loop runs.
    explicit Subscriber(Broadcast& broadcast)
        : broadcast_{broadcast},
          place_{broadcast.claim()},
          next_{broadcast.published_.load(std::memory_order_relaxed)} {} // shown by claim()
    Subscriber(const Subscriber&) = delete;
    Subscriber& operator=(const Subscriber&) = delete;
    ~Subscriber() { broadcast_.leave(place_); }

    /// `auto value = co_await subscriber.next()` waits for the next value. Empty if the Broadcast has been closed and
    /// all has been read. Only one task may wait at a time; a second one gets a UsageError.
    [[nodiscard]] Task<std::optional<T>> next() {
        for (;;) {
            const bool last = broadcast_.closed(); // before the look: nothing is published after it is closed
            std::optional<T> value = get_sync();
            if (value || last) co_return value;
            co_await broadcast_.flags_[place_].wait(); // again if the flag was set for a value read since
        }
    }

    /// The next value, if there is one; empty otherwise. Does not wait.
    [[nodiscard]] std::optional<T> get_sync() noexcept {
        Bytes copy;
        if (!broadcast_.take(next_, lost_, copy)) return std::nullopt;
        return std::bit_cast<T>(copy);
    }

    /// How many values this subscriber has lost so far because it was more than N behind. It notices when it reads.
    [[nodiscard]] std::size_t lagged() const noexcept { return lost_; }

private:
    Broadcast& broadcast_;
    unsigned place_; // the number of its flag
    Count next_;     // the number of the value to be read next
    Count lost_ = 0;
};

} // namespace ROUSE_ABI
} // namespace rouse

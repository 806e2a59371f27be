// RingStorage: where a queue keeps its items: in a buffer of the caller's, or in itself.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include <rouse/core/detail/misuse.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// N slots of its own, for items that live only while they are queued. One slot stays empty, to tell a full ring
/// from an empty one.
template <class T, std::size_t N>
class RingStorage {
public:
    constexpr RingStorage() noexcept {}
    RingStorage(const RingStorage&) = delete;
    RingStorage& operator=(const RingStorage&) = delete;
    ~RingStorage() {}

    static constexpr std::size_t size() noexcept { return N + 1; }

    template <class U>
    void put(std::size_t index, U&& value) {
        ::new (static_cast<void*>(&slots_[index].value)) T(std::forward<U>(value));
    }

    // Moves the item out, and ends its life in the slot when the result has been made.
    T take(std::size_t index) {
        const EndOfLife ends{slots_[index].value};
        return std::move(slots_[index].value);
    }

    void discard(std::size_t index) noexcept { std::destroy_at(&slots_[index].value); }

private:
    static_assert(N > 0, "rouse: ThreadSafeQueue: a queue must hold at least one item");

    struct EndOfLife {
        T& value;
        ~EndOfLife() { std::destroy_at(&value); }
    };
    union Slot {
        constexpr Slot() noexcept : none{} {}
        ~Slot() {}
        char none;
        T value;
    };
    Slot slots_[N + 1];
};

/// The caller's buffer, whose items live as long as it does; they are assigned to and moved from.
template <class T>
class RingStorage<T, std::dynamic_extent> {
public:
    explicit RingStorage(std::span<T> buffer) : buffer_{buffer} {
        if (buffer.size() < 2)
            misuse("rouse: ThreadSafeQueue: the buffer must have room for two items or more; one of them stays empty");
    }

    [[nodiscard]] std::size_t size() const noexcept { return buffer_.size(); }

    template <class U>
    void put(std::size_t index, U&& value) {
        buffer_[index] = std::forward<U>(value);
    }

    T take(std::size_t index) { return std::move(buffer_[index]); }

    void discard(std::size_t) noexcept {}

private:
    std::span<T> buffer_;
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

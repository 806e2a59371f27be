// RingStorage: where a ThreadSafeQueue keeps its items: in itself, or in a buffer of the caller.
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

/// Storage inside the queue for N items, which exist only while they are queued. There are N + 1 slots; one always
/// stays empty, so that a full ring differs from an empty one.
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
        ::new (static_cast<void*>(std::addressof(slots_[index].value))) T(std::forward<U>(value));
    }

    [[nodiscard]] T& item(std::size_t index) noexcept { return slots_[index].value; }

    // Ends the life of an item that was moved from, or is no longer wanted.
    void discard(std::size_t index) noexcept { std::destroy_at(std::addressof(slots_[index].value)); }

private:
    static_assert(N > 0, "rouse: ThreadSafeQueue: a queue must hold at least one item");

    union Slot {
        constexpr Slot() noexcept : none{} {}
        ~Slot() {}
        char none;
        T value;
    };
    Slot slots_[N + 1];
};

/// The caller's buffer. Its elements exist as long as it does; items are assigned to them and moved from them.
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

    [[nodiscard]] T& item(std::size_t index) noexcept { return buffer_[index]; }

    void discard(std::size_t) noexcept {}

private:
    std::span<T> buffer_;
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

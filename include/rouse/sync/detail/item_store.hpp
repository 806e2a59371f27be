// ItemStore: the memory for the items of a Queue, inside the Queue or on the heap. The Queue counts the items.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Memory for one item, which ItemStore constructs and destroys.
template <class T>
union ItemSlot {
    constexpr ItemSlot() noexcept : none{} {}
    ~ItemSlot() {}

    template <class U>
    void put(U&& value) {
        ::new (static_cast<void*>(std::addressof(item))) T(std::forward<U>(value));
    }

    char none;
    T item;
};

/// A ring buffer of N slots.
template <class T, std::size_t N>
class ItemStore {
public:
    constexpr ItemStore() noexcept = default;
    ItemStore(const ItemStore&) = delete;
    ItemStore& operator=(const ItemStore&) = delete;

    /// Constructs an item in the next slot, which must be free. If T's constructor throws, nothing changes.
    template <class U>
    void put(U&& value) {
        slots_[tail_].put(std::forward<U>(value));
        tail_ = after(tail_);
    }

    /// The oldest item. The store must not be empty.
    [[nodiscard]] T& front() noexcept { return slots_[head_].item; }

    /// Destroys the oldest item. The store must not be empty.
    void pop() noexcept {
        std::destroy_at(std::addressof(front()));
        head_ = after(head_);
    }

private:
    static constexpr std::size_t after(std::size_t index) noexcept { return index + 1 == N ? 0 : index + 1; }

    ItemSlot<T> slots_[N];
    std::size_t head_ = 0; // the oldest item
    std::size_t tail_ = 0; // the next slot to fill
};

/// A linked list of chunks of slots, without a limit. An item never moves to another slot. The chunk that was emptied
/// last is kept and used again, so a steady flow does not allocate.
template <class T>
class ItemStore<T, 0> {
public:
    constexpr ItemStore() noexcept = default;
    ItemStore(const ItemStore&) = delete;
    ItemStore& operator=(const ItemStore&) = delete;
    ~ItemStore() { // the Queue has destroyed the items
        delete spare_;
        while (first_ != nullptr) delete std::exchange(first_, first_->next);
    }

    template <class U>
    void put(U&& value) {
        if (last_ == nullptr || tail_ == chunk_size) append();
        last_->items[tail_].put(std::forward<U>(value));
        ++tail_;
    }

    [[nodiscard]] T& front() noexcept {
        if (head_ == chunk_size) drop_first();
        return first_->items[head_].item;
    }

    void pop() noexcept {
        std::destroy_at(std::addressof(front()));
        ++head_;
        if (first_ == last_ && head_ == tail_) head_ = tail_ = 0; // empty: start again in the same chunk
    }

private:
    static constexpr std::size_t chunk_size = sizeof(T) > 64 ? 8 : 512 / sizeof(T);

    struct Chunk {
        Chunk* next = nullptr;
        ItemSlot<T> items[chunk_size];
    };

    void append() {
        Chunk* chunk = std::exchange(spare_, nullptr);
        if (chunk == nullptr) chunk = new Chunk;
        chunk->next = nullptr;
        (last_ == nullptr ? first_ : last_->next) = chunk;
        last_ = chunk;
        tail_ = 0;
    }
    void drop_first() noexcept {
        Chunk* const next = first_->next;
        delete std::exchange(spare_, first_);
        first_ = next;
        head_ = 0;
    }

    Chunk* first_ = nullptr; // null until the first put
    Chunk* last_ = nullptr;
    Chunk* spare_ = nullptr; // the chunk that was emptied last; null if there is none
    std::size_t head_ = 0;   // the oldest item, in first_; if chunk_size, the first slot of the next chunk
    std::size_t tail_ = 0;   // the next slot to fill, in last_; if chunk_size, in a new chunk
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

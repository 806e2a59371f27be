// ItemStore: where a Queue keeps its items: in itself, or on the heap. The queue knows how many there are.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Room for an item that lives from put() to take().
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

/// A ring of N slots.
template <class T, std::size_t N>
class ItemStore {
public:
    constexpr ItemStore() noexcept = default;
    ItemStore(const ItemStore&) = delete;
    ItemStore& operator=(const ItemStore&) = delete;

    /// There must be a free slot. If T's constructor throws, nothing has changed.
    template <class U>
    void put(U&& value) {
        slots_[tail_].put(std::forward<U>(value));
        tail_ = after(tail_);
    }

    /// The oldest item; there must be one.
    [[nodiscard]] T& front() noexcept { return slots_[head_].item; }

    /// Ends the life of the oldest item.
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

/// A list of chunks of slots. No item is ever moved to another place; in a steady flow nothing is allocated, since the
/// last chunk that was emptied is kept.
template <class T>
class ItemStore<T, 0> {
public:
    constexpr ItemStore() noexcept = default;
    ItemStore(const ItemStore&) = delete;
    ItemStore& operator=(const ItemStore&) = delete;
    ~ItemStore() { // the items are gone
        delete spare_;
        while (first_ != nullptr) delete std::exchange(first_, first_->next);
    }

    template <class U>
    void put(U&& value) {
        if (last_ == nullptr || tail_ == chunk_size) append();
        last_->slots[tail_].put(std::forward<U>(value));
        ++tail_;
    }

    [[nodiscard]] T& front() noexcept {
        if (head_ == chunk_size) drop_first();
        return first_->slots[head_].item;
    }

    void pop() noexcept {
        std::destroy_at(std::addressof(front()));
        ++head_;
        if (first_ == last_ && head_ == tail_) head_ = tail_ = 0; // empty: fill the same chunk again
    }

private:
    static constexpr std::size_t chunk_size = sizeof(T) > 64 ? 8 : 512 / sizeof(T);

    struct Chunk {
        Chunk* next = nullptr;
        ItemSlot<T> slots[chunk_size];
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

    Chunk* first_ = nullptr; // null until something has been put
    Chunk* last_ = nullptr;
    Chunk* spare_ = nullptr;
    std::size_t head_ = 0; // the oldest item, in first_; chunk_size: the first of the next chunk
    std::size_t tail_ = 0; // the next slot to fill, in last_; chunk_size: in a new chunk
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

// FramePool: the memory for coroutine frames, in free lists by size, so that a program that has warmed up allocates
// nothing. This is the pool for hosted systems; for firmware see static_frame_pool.hpp.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include <rouse/core/detail/frame_alignment.hpp>
#include <rouse/core/detail/sanitizers.hpp>
#include <rouse/core/detail/task_record.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

class Scheduler;

/// The frames of one loop. Blocks are cut from slabs that are aligned to their size, so masking the address of a block
/// gives its slab, which names the pool. A frame that is created where there is no loop, or that is larger than the
/// largest size class, gets a slab to itself.
///
/// Not thread-safe: while its loop exists, only the thread of the loop may use a pool and the frames that come from it.
/// Only give_back() is for other threads.
///
/// The pool can list the blocks in use. Thereby a loop finds its tasks when it ends, and no task needs links for that.
/// A pool whose loop has ended exists until its last block is released, because a TaskHandle or a Task may outlive the
/// loop, and its thread. Then each block is for the thread that owns it, and any thread may release it.
///
/// Allocating and releasing take a few instructions, except when a slab is added.
class FramePool {
public:
    /// Makes the pool of a loop. `thread` identifies the thread: the address of a thread-local object.
    static FramePool* create(Scheduler* scheduler, const void* thread) { return new FramePool{scheduler, thread}; }

    /// Called when the loop has ended: the pool is deleted when the last of its blocks is released.
    void abandon() noexcept {
        std::size_t in_use = 1; // one until all is done here
        for_each_in_use([&](TaskRecord&) { ++in_use; });
        for (Slab* slab = slabs_; slab != nullptr; slab = slab->next) slab->free = nullptr;
        still_out_.store(in_use, std::memory_order_relaxed);
        scheduler_ = nullptr;
        // acq_rel: acquires the frames that were given back, releases the stores above to a thread that finds `ended`.
        destroy_frames(given_back_.exchange(ended(), std::memory_order_acq_rel));
        release_one(*this);
    }

    /// From any thread: the loop destroys the frame of this unstarted task when it ends; at once if it has ended.
    void give_back(TaskRecord& task) noexcept {
        TaskRecord* newest = given_back_.load(std::memory_order_acquire); // pairs with the exchange in abandon()
        do {
            task.link.next = newest;
            if (newest == ended()) {
                task.link.next = nullptr;
                destroy_frames(&task);
                return;
            }
            // release: the frame; pairs with the exchange in abandon(). acquire: as above.
        } while (
            !given_back_.compare_exchange_weak(newest, &task, std::memory_order_acq_rel, std::memory_order_acquire));
    }

    [[nodiscard]] const void* thread() const noexcept { return thread_; }

    /// While a value of a task is being destroyed: the list of the tasks whose values are destroyed after it.
    TaskRecord** values_to_destroy = nullptr;

    /// The loop whose pool this is; null once it has ended. For the thread of the loop, and for an owner of a block
    /// after its end.
    [[nodiscard]] Scheduler* scheduler() const noexcept { return scheduler_; }

    /// Whether the loop has ended, so that its thread does not use this pool any more. From any thread.
    [[nodiscard]] bool has_ended() const noexcept {
        return given_back_.load(std::memory_order_acquire) == ended(); // pairs with the exchange in abandon()
    }

    /// Returns a block of at least `bytes`, with a TaskRecord at its start. It comes from `pool`, or from the heap if
    /// `pool` is null. Returns null if there is no memory.
    [[gnu::always_inline]] static void* allocate(FramePool* pool, std::size_t bytes) noexcept {
        if (pool == nullptr || bytes > largest_class) [[unlikely]]
            return allocate_alone(pool, bytes);
        TaskRecord*& free = pool->free_[class_of(bytes)];
        TaskRecord* block = free;
        if (block == nullptr) [[unlikely]] {
            block = pool->add_slab(class_of(bytes));
            if (block == nullptr) return nullptr;
        }
        free = block->link.next;
        asan_unpoison(block, bytes);
        return block;
    }

    /// Allocates a block for a frame, constructs its record, and returns the address after the record; null if there is
    /// no memory.
    [[gnu::always_inline]] static void* begin_frame(FramePool* pool, std::size_t bytes) noexcept {
        void* block = allocate(pool, bytes);
        return block == nullptr ? nullptr : ::new (block) TaskRecord + 1;
    }

    /// Returns a block to the pool that it came from.
    [[gnu::always_inline]] static void release(TaskRecord& block) noexcept {
        Slab& slab = Slab::of(&block);
        if (slab.free == nullptr) [[unlikely]] {
            release_uncommon(block, slab);
        } else {
            put_back(block, *slab.free, slab.block_bytes);
        }
    }

    /// The pool that a block came from; null if it was allocated where there was no loop.
    static FramePool* of(TaskRecord& block) noexcept { return Slab::of(&block).pool; }

    /// Calls f(record) for each block in use. f may release the block that it is given, but no other.
    template <class F>
    void for_each_in_use(F f) {
        for (Slab* slab = slabs_; slab != nullptr;) {
            Slab* next = slab->next;
            for (std::size_t i = 0, blocks = slab->blocks; i < blocks; ++i) {
                TaskRecord& block = slab->block(i);
                if (block.state != TaskState::unused) f(block);
            }
            slab = next;
        }
    }

private:
    static constexpr std::size_t granule = frame_alignment;
    static constexpr std::size_t largest_class = ROUSE_POOL_FRAMES ? 2048 : granule; // no frame is that small
    static constexpr std::size_t slab_alignment = 16384;
    // Smaller than the alignment by what a heap needs for its own data, so that slabs can be adjacent.
    static constexpr std::size_t slab_bytes = slab_alignment - 64;

    struct alignas(64) Slab {
        FramePool* pool;
        Slab* next;
        Slab* previous;
        std::size_t block_bytes;
        std::size_t blocks;
        TaskRecord** free; // the pool's free list for its blocks; null: it has none, or its loop has ended

        static Slab& of(void* block) noexcept {
            return *reinterpret_cast<Slab*>(reinterpret_cast<std::uintptr_t>(block) & ~(slab_alignment - 1));
        }
        TaskRecord& block(std::size_t index) noexcept {
            return *reinterpret_cast<TaskRecord*>(reinterpret_cast<std::byte*>(this + 1) + index * block_bytes);
        }
    };

    FramePool(Scheduler* scheduler, const void* thread) noexcept : scheduler_{scheduler}, thread_{thread} {}
    ~FramePool() {
        while (slabs_ != nullptr) {
            Slab& slab = *slabs_;
            unlink(slab);
            free_slab(slab);
        }
    }

    static constexpr std::size_t class_of(std::size_t bytes) noexcept { return (bytes - 1) / granule; }
    static constexpr std::size_t blocks_per_slab(std::size_t block_bytes) noexcept {
        return (slab_bytes - sizeof(Slab)) / block_bytes;
    }

    static Slab* new_slab(FramePool* pool, std::size_t bytes, std::size_t block_bytes, std::size_t blocks,
                          TaskRecord** free) noexcept {
        void* memory = ::operator new(bytes, std::align_val_t{slab_alignment}, std::nothrow);
        if (memory == nullptr) return nullptr;
        Slab* slab = ::new (memory) Slab{pool, nullptr, nullptr, block_bytes, blocks, free};
        if (pool != nullptr) {
            slab->next = pool->slabs_;
            if (slab->next != nullptr) slab->next->previous = slab;
            pool->slabs_ = slab;
        }
        return slab;
    }

    static void free_slab(Slab& slab) noexcept {
        asan_unpoison(&slab, slab.blocks == 1 ? sizeof(Slab) : slab_bytes);
        ::operator delete(&slab, std::align_val_t{slab_alignment});
    }

    [[gnu::noinline]] static void* allocate_alone(FramePool* pool, std::size_t bytes) noexcept {
        Slab* slab = new_slab(pool, sizeof(Slab) + bytes, bytes, 1, nullptr);
        return slab == nullptr ? nullptr : &slab->block(0);
    }

    [[gnu::always_inline]] static void put_back(TaskRecord& block, TaskRecord*& free, std::size_t bytes) noexcept {
        asan_poison(&block + 1, bytes - sizeof(TaskRecord));
        block.link.next = free;
        free = &block;
    }

    // Releases a block that has a slab to itself, or whose loop has ended.
    [[gnu::noinline]] static void release_uncommon(TaskRecord& block, Slab& slab) noexcept {
        FramePool* pool = slab.pool;
        const bool ended = pool != nullptr && pool->scheduler() == nullptr;
        if (slab.blocks == 1) {
            if (ended) pool->lock();
            if (pool != nullptr) pool->unlink(slab);
            if (ended) pool->unlock();
            free_slab(slab);
        } else {
            asan_poison(&block + 1, slab.block_bytes - sizeof(TaskRecord));
        }
        if (ended) release_one(*pool);
    }

    static void release_one(FramePool& pool) noexcept {
        // acq_rel: all that was done with the other blocks comes before the end of the pool.
        if (pool.still_out_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete &pool;
    }

    // The head of given_back_ once the loop has ended.
    TaskRecord* ended() const noexcept { return reinterpret_cast<TaskRecord*>(const_cast<FramePool*>(this)); }

    static void destroy_frames(TaskRecord* newest) noexcept {
        while (newest != nullptr) std::exchange(newest, newest->link.next)->frame().destroy();
    }

    // For the list of slabs, after the loop has ended.
    void lock() noexcept {
        while (locked_.test_and_set(std::memory_order_acquire)) { // pairs with unlock()
        }
    }
    void unlock() noexcept { locked_.clear(std::memory_order_release); }

    // Returns the first of the new free blocks, or null if there is no memory.
    [[gnu::noinline]] TaskRecord* add_slab(std::size_t size_class) noexcept {
        const std::size_t block_bytes = (size_class + 1) * granule;
        Slab* slab = new_slab(this, slab_bytes, block_bytes, blocks_per_slab(block_bytes), &free_[size_class]);
        if (slab == nullptr) return nullptr;
        for (std::size_t i = slab->blocks; i-- > 0;) {
            TaskRecord* block = ::new (static_cast<void*>(&slab->block(i))) TaskRecord;
            block->state = TaskState::unused;
            block->link.next = free_[size_class];
            free_[size_class] = block;
            asan_poison(block + 1, block_bytes - sizeof(TaskRecord));
        }
        return free_[size_class];
    }

    void unlink(Slab& slab) noexcept {
        (slab.previous != nullptr ? slab.previous->next : slabs_) = slab.next;
        if (slab.next != nullptr) slab.next->previous = slab.previous;
    }

    TaskRecord* free_[largest_class / granule] = {}; // by size class; each linked by link.next
    Slab* slabs_ = nullptr;
    Scheduler* scheduler_;
    const void* thread_;
    std::atomic<TaskRecord*> given_back_{
        nullptr};                           // frames that other threads gave back, linked by link.next; or ended()
    std::atomic<std::size_t> still_out_{0}; // after the loop has ended: the number of blocks in use
    std::atomic_flag locked_;               // see lock()
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

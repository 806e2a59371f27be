// The least code that does the job, with nothing else around it: what rouse is measured against.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace floor_of {

/// Frames of one size, in a free list that is never given back.
struct FreeList {
    struct Block {
        Block* next;
    };
    static inline Block* free = nullptr;
    static constexpr std::size_t bytes = 256;
    static void* take() {
        if (free == nullptr) return ::operator new(bytes);
        return std::exchange(free, free->next);
    }
    static void give(void* block) { free = ::new (block) Block{free}; }
};

/// First in, first out, linked through the promises.
struct Fifo {
    struct Node {
        Node* next = nullptr;
        std::coroutine_handle<> frame;
    };
    Node* head = nullptr;
    Node* tail = nullptr;
    void push(Node& node) {
        node.next = nullptr;
        (head == nullptr ? head : tail->next) = &node;
        tail = &node;
    }
    void run() {
        while (head != nullptr) {
            Node* node = head;
            head = node->next;
            node->frame.resume();
        }
    }
};
inline Fifo fifo;

/// A lazy coroutine that returns an int: awaited in place, or pushed into the queue and joined.
struct Task {
    struct promise_type : Fifo::Node {
        int value = 0;
        Fifo::Node* joiner = nullptr;

        static void* operator new(std::size_t) { return FreeList::take(); }
        static void operator delete(void* frame) { FreeList::give(frame); }
        Task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        struct Final {
            bool await_ready() noexcept { return false; }
            void await_suspend(std::coroutine_handle<promise_type> ended) noexcept {
                if (ended.promise().joiner != nullptr) fifo.push(*ended.promise().joiner);
            }
            void await_resume() noexcept {}
        };
        Final final_suspend() noexcept { return {}; }
        void return_value(int v) { value = v; }
        void unhandled_exception() {}
    };

    std::coroutine_handle<promise_type> frame;
    Task(std::coroutine_handle<promise_type> f) : frame{f} {}
    Task(Task&& other) noexcept : frame{std::exchange(other.frame, nullptr)} {}
    Task& operator=(Task&&) = delete;
    ~Task() {
        if (frame) frame.destroy();
    }

    struct InPlace {
        std::coroutine_handle<promise_type> child;
        bool await_ready() { return false; }
        bool await_suspend(std::coroutine_handle<>) {
            child.resume();
            return !child.done();
        }
        int await_resume() { return child.promise().value; }
    };
    InPlace operator co_await() { return {frame}; }

    /// Queued; then the caller, which must be a Task too, waits for it.
    struct Join {
        std::coroutine_handle<promise_type> child;
        bool await_ready() {
            child.promise().frame = child;
            fifo.push(child.promise());
            return false;
        }
        void await_suspend(std::coroutine_handle<promise_type> caller) {
            caller.promise().frame = caller;
            child.promise().joiner = &caller.promise();
        }
        int await_resume() { return child.promise().value; }
    };
    Join spawned() { return {frame}; }
};

/// Once round the queue.
struct Yield {
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<Task::promise_type> frame) {
        frame.promise().frame = frame;
        fifo.push(frame.promise());
    }
    void await_resume() {}
};

/// One producer, one consumer, each with a copy of the other's index; nobody can sleep.
template <class T, std::size_t N>
class Ring {
public:
    bool put(T value) {
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        const std::size_t next = tail + 1 == N + 1 ? 0 : tail + 1;
        if (next == head_seen_ && next == (head_seen_ = head_.load(std::memory_order_acquire))) return false;
        slots_[tail] = value;
        tail_.store(next, std::memory_order_release);
        return true;
    }
    bool get(T& value) {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (head == tail_seen_ && head == (tail_seen_ = tail_.load(std::memory_order_acquire))) return false;
        value = slots_[head];
        head_.store(head + 1 == N + 1 ? 0 : head + 1, std::memory_order_release);
        return true;
    }

private:
    alignas(64) std::atomic<std::size_t> tail_{0};
    std::size_t head_seen_ = 0;
    alignas(64) std::atomic<std::size_t> head_{0};
    std::size_t tail_seen_ = 0;
    alignas(64) T slots_[N + 1];
};

} // namespace floor_of

// The least code that runs tasks: an intrusive queue, first in, first out; frames in free lists; a lazy task that is
// awaited in place, or queued and joined. No errors, no cancellation, no handles, no other thread, no time.
#pragma once

#include <coroutine>
#include <cstddef>
#include <new>
#include <utility>

namespace floor_of {

/// Blocks that are never given back, in a list for each size.
struct FreeLists {
    struct Block {
        Block* next;
    };
    static constexpr std::size_t granule = 16;
    static inline Block* free[32] = {};

    static void* take(std::size_t bytes) {
        Block*& first = free[(bytes - 1) / granule];
        if (first == nullptr) return ::operator new((bytes + granule - 1) / granule * granule);
        return std::exchange(first, first->next);
    }
    static void give(void* block, std::size_t bytes) {
        Block*& first = free[(bytes - 1) / granule];
        first = ::new (block) Block{first};
    }
};

/// The frame, by an address of which clang cannot tell whose it is: it would else put it into the frame of the caller.
template <class Promise>
std::coroutine_handle<Promise> frame_of(Promise& promise) {
    void* address = std::coroutine_handle<Promise>::from_promise(promise).address();
    asm("" : "+r"(address));
    return std::coroutine_handle<Promise>::from_address(address);
}

struct Pooled {
    static void* operator new(std::size_t bytes) { return FreeLists::take(bytes); }
    static void operator delete(void* frame, std::size_t bytes) { FreeLists::give(frame, bytes); }
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
    void append(Fifo& other) {
        if (other.head == nullptr) return;
        (head == nullptr ? head : tail->next) = std::exchange(other.head, nullptr);
        tail = other.tail;
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

/// A lazy coroutine that returns a long.
struct Task {
    struct promise_type : Fifo::Node, Pooled {
        long value = 0;
        Fifo::Node* awaits_us = nullptr;

        Task get_return_object() { return {frame_of(*this)}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        struct Final {
            bool await_ready() noexcept { return false; }
            void await_suspend(std::coroutine_handle<promise_type> ended) noexcept {
                if (ended.promise().awaits_us != nullptr) fifo.push(*ended.promise().awaits_us);
            }
            void await_resume() noexcept {}
        };
        Final final_suspend() noexcept { return {}; }
        void return_value(long v) { value = v; }
        void unhandled_exception() {}
    };
    using Handle = std::coroutine_handle<promise_type>;

    Handle frame;
    Task(Handle f) : frame{f} {}
    Task(Task&& other) noexcept : frame{std::exchange(other.frame, nullptr)} {}
    Task& operator=(Task&&) = delete;
    ~Task() {
        if (frame) frame.destroy();
    }

    /// To the back of the queue.
    static void queue(Handle frame) {
        frame.promise().frame = frame;
        fifo.push(frame.promise());
    }

    /// What the caller awaits: the child's end, if it has not ended yet.
    struct Join {
        Handle child;
        bool await_ready() { return false; }
        void await_suspend(Handle caller) {
            caller.promise().frame = caller;
            child.promise().awaits_us = &caller.promise();
        }
        long await_resume() { return child.promise().value; }
    };

    /// Queued, then joined.
    Join spawned() {
        queue(frame);
        return {frame};
    }

    /// Run in place, from inside the caller's suspension.
    struct InPlace : Join {
        bool await_suspend(Handle caller) {
            child.resume();
            if (child.done()) return false;
            Join::await_suspend(caller);
            return true;
        }
    };
    InPlace operator co_await() { return {{frame}}; }
};

/// Once round the queue.
struct Yield {
    bool await_ready() { return false; }
    void await_suspend(Task::Handle frame) { Task::queue(frame); }
    void await_resume() {}
};

/// Many wait for one thing.
struct Event {
    Fifo waiting;
    struct Wait {
        Event& event;
        bool await_ready() { return false; }
        void await_suspend(Task::Handle frame) {
            frame.promise().frame = frame;
            event.waiting.push(frame.promise());
        }
        void await_resume() {}
    };
    Wait wait() { return {*this}; }
    void set() { fifo.append(waiting); }
};

/// A lazy coroutine that is awaited in place by symmetric transfer, to it and back: a tail call each.
struct Transferred {
    struct promise_type : Pooled {
        long value = 0;
        std::coroutine_handle<> caller;

        Transferred get_return_object() { return {frame_of(*this)}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        struct Final {
            bool await_ready() noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> ended) noexcept {
                return ended.promise().caller;
            }
            void await_resume() noexcept {}
        };
        Final final_suspend() noexcept { return {}; }
        void return_value(long v) { value = v; }
        void unhandled_exception() {}
    };

    std::coroutine_handle<promise_type> frame;
    Transferred(std::coroutine_handle<promise_type> f) : frame{f} {}
    Transferred(const Transferred&) = delete;
    Transferred& operator=(const Transferred&) = delete;
    ~Transferred() { frame.destroy(); }

    bool await_ready() { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) {
        frame.promise().caller = caller;
        return frame;
    }
    long await_resume() { return frame.promise().value; }

    /// Runs one that nobody awaits.
    long run() {
        frame.promise().caller = std::noop_coroutine();
        frame.resume();
        return await_resume();
    }
};

} // namespace floor_of

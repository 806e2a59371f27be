// The least code that sleeps: an indexed 4-ary heap of deadlines, coroutines that sleep in it, and epoll_pwait2. A task
// runs at once when it is called, until it first sleeps; its frame comes from a free list.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <exception>
#include <new>
#include <utility>
#include <vector>

#include <sys/epoll.h>
#include <unistd.h>

namespace floor_of {

inline std::int64_t now_ns() {
    std::timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

/// In the frame of the coroutine that waits.
struct Sleeper {
    std::size_t index = 0; // its place in the heap
    std::coroutine_handle<> frame{};
};

class TimerHeap {
public:
    [[nodiscard]] bool empty() const { return entries_.empty(); }
    [[nodiscard]] std::int64_t first_deadline() const { return entries_.front().deadline; }

    void add(Sleeper& sleeper, std::int64_t deadline) {
        entries_.emplace_back();
        up(entries_.size() - 1, {deadline, &sleeper});
    }

    void remove(Sleeper& sleeper) {
        const std::size_t index = sleeper.index;
        const Entry last = entries_.back();
        entries_.pop_back();
        if (index == entries_.size()) return;
        if (index > 0 && last.deadline < entries_[(index - 1) / 4].deadline) {
            up(index, last);
        } else {
            down(index, last);
        }
    }

    Sleeper& pop() {
        Sleeper& first = *entries_.front().sleeper;
        remove(first);
        return first;
    }

private:
    struct Entry {
        std::int64_t deadline;
        Sleeper* sleeper;
    };

    void place(std::size_t index, Entry entry) {
        entries_[index] = entry;
        entry.sleeper->index = index;
    }
    void up(std::size_t index, Entry entry) {
        while (index > 0 && entry.deadline < entries_[(index - 1) / 4].deadline) {
            place(index, entries_[(index - 1) / 4]);
            index = (index - 1) / 4;
        }
        place(index, entry);
    }
    void down(std::size_t index, Entry entry) {
        for (std::size_t child; (child = 4 * index + 1) < entries_.size();) {
            std::size_t least = child;
            for (std::size_t i = child + 1; i < child + 4 && i < entries_.size(); ++i) {
                if (entries_[i].deadline < entries_[least].deadline) least = i;
            }
            if (entries_[least].deadline >= entry.deadline) break;
            place(index, entries_[least]);
            index = least;
        }
        place(index, entry);
    }

    std::vector<Entry> entries_;
};

class TimerLoop {
public:
    TimerLoop() : epoll_{::epoll_create1(EPOLL_CLOEXEC)} {}
    ~TimerLoop() { ::close(epoll_); }
    TimerLoop(const TimerLoop&) = delete;
    TimerLoop& operator=(const TimerLoop&) = delete;

    struct Sleep : Sleeper {
        TimerLoop& loop;
        std::int64_t deadline;
        Sleep(TimerLoop& l, std::int64_t d) : loop{l}, deadline{d} {}
        bool await_ready() { return false; }
        void await_suspend(std::coroutine_handle<> f) {
            frame = f;
            loop.heap_.add(*this, deadline);
        }
        void await_resume() {}
    };

    /// Deadlines are rounded up to whole ticks: fewer sleeps of the thread, each later.
    Sleep sleep(std::int64_t ns, std::int64_t tick = 1) {
        const std::int64_t deadline = now_ns() + ns;
        return {*this, tick == 1 ? deadline : (deadline / tick + 1) * tick};
    }

    /// Resumes those that are due. Returns how long it is until the next is; -1 if nobody sleeps.
    std::int64_t turn() {
        const std::int64_t now = now_ns();
        while (!heap_.empty() && heap_.first_deadline() <= now) heap_.pop().frame.resume();
        return heap_.empty() ? -1 : heap_.first_deadline() - now;
    }

    /// Until nobody sleeps.
    void run() {
        for (std::int64_t left; (left = turn()) >= 0;) {
            const timespec timeout{left / 1'000'000'000, left % 1'000'000'000};
            epoll_event events[16];
            ::epoll_pwait2(epoll_, events, 16, &timeout, nullptr);
        }
    }

private:
    int epoll_;
    TimerHeap heap_;
};

struct SleepingTask {
    struct promise_type {
        struct Block {
            Block* next;
        };
        static inline Block* free = nullptr; // all of one size: there is one coroutine of this type
        static inline std::size_t bytes = 0; // of the frame

        static void* operator new(std::size_t size) {
            bytes = size;
            return free == nullptr ? ::operator new(size) : std::exchange(free, free->next);
        }
        static void operator delete(void* frame) { free = ::new (frame) Block{free}; }
        SleepingTask get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };
};

} // namespace floor_of

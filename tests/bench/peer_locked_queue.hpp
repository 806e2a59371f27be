// A deque under a mutex in queues.cpp, from thread to thread: tried again and again, or with a condition for each side.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>

#include "stream.hpp"

namespace peer {

class LockedQueue {
public:
    void produce(long count) {
        for (long i = 0; i < count; ++i) {
            while (!put(static_cast<bench::Item>(i))) bench::pause();
        }
    }
    void consume(long count, bench::Received& received) {
        for (bench::Item item; count > 0; --count) {
            while (!get(item)) bench::pause();
            received(item);
        }
    }

private:
    bool put(bench::Item item) {
        const std::lock_guard lock{mutex_};
        if (items_.size() == bench::capacity) return false;
        items_.push_back(item);
        return true;
    }
    bool get(bench::Item& item) {
        const std::lock_guard lock{mutex_};
        if (items_.empty()) return false;
        item = items_.front();
        items_.pop_front();
        return true;
    }

    std::mutex mutex_;
    std::deque<bench::Item> items_;
};

class BlockingQueue {
public:
    void produce(long count) {
        for (long i = 0; i < count; ++i) {
            {
                std::unique_lock lock{mutex_};
                has_room_.wait(lock, [this] { return items_.size() < bench::capacity; });
                items_.push_back(static_cast<bench::Item>(i));
            }
            has_item_.notify_one();
        }
    }
    void consume(long count, bench::Received& received) {
        for (; count > 0; --count) {
            bench::Item item;
            {
                std::unique_lock lock{mutex_};
                has_item_.wait(lock, [this] { return !items_.empty(); });
                item = items_.front();
                items_.pop_front();
            }
            has_room_.notify_one();
            received(item);
        }
    }

private:
    std::mutex mutex_;
    std::condition_variable has_item_;
    std::condition_variable has_room_;
    std::deque<bench::Item> items_;
};

} // namespace peer

// The floors of links.cpp: what one writes without rouse. A mutex and a copy, a thread of one's own, and an eventfd
// where a loop is to be woken.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "floor_wakes.hpp"

namespace floor_of {

/// The newest value, under a mutex.
template <class T>
class LockedValue {
public:
    void publish(const T& value) {
        const std::lock_guard guard{mutex_};
        value_ = value;
    }
    T value() {
        const std::lock_guard guard{mutex_};
        return value_;
    }

private:
    std::mutex mutex_;
    T value_{};
};

/// Bytes for a loop, under a mutex; there is room for `most`.
class LockedBytes {
public:
    explicit LockedBytes(std::size_t most) : most_{most} {}

    bool received(char byte) {
        bool first = false;
        {
            const std::lock_guard guard{mutex_};
            if (bytes_.size() == most_) return false;
            first = bytes_.empty();
            bytes_ += byte;
        }
        if (first) loop_.wake();
        return true;
    }
    /// Waits until there are some.
    std::string read() {
        loop_.wait();
        const std::lock_guard guard{mutex_};
        return std::exchange(bytes_, {});
    }

private:
    std::mutex mutex_;
    std::string bytes_;
    std::size_t most_;
    EventLoop loop_;
};

/// One thread that runs functions.
class Pool {
public:
    ~Pool() {
        {
            const std::lock_guard guard{mutex_};
            ended_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }
    void run(std::function<void()> function) {
        {
            const std::lock_guard guard{mutex_};
            functions_.push_back(std::move(function));
        }
        changed_.notify_one();
    }

private:
    void work() {
        for (;;) {
            std::function<void()> function;
            {
                std::unique_lock lock{mutex_};
                changed_.wait(lock, [this] { return ended_ || !functions_.empty(); });
                if (functions_.empty()) return;
                function = std::move(functions_.front());
                functions_.pop_front();
            }
            function();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> functions_;
    bool ended_ = false;
    std::thread thread_{[this] { work(); }};
};

} // namespace floor_of

// Gate: where a function on a thread stops until the test lets it go on.
#pragma once

#include <atomic>

namespace test {

class Gate {
public:
    /// On the thread: says that it is there, and waits.
    void pass() {
        reached_.fetch_add(1);
        reached_.notify_all();
        open_.wait(false);
    }

    void open() {
        open_.store(true);
        open_.notify_all();
    }

    /// Waits until `count` functions have got there.
    void wait_for(int count = 1) {
        for (int now = reached_.load(); now < count; now = reached_.load()) reached_.wait(now);
    }

    [[nodiscard]] int reached() const { return reached_.load(); }

private:
    std::atomic<int> reached_{0};
    std::atomic<bool> open_{false};
};

} // namespace test

#include <rouse/threadsafe/thread_safe_flag.hpp>

#include "../run_now.hpp"

bool passed = false;

RunNow wait(rouse::ThreadSafeFlag& flag) {
    co_await flag.wait();
    passed = true;
}

int main() {
    rouse::ThreadSafeFlag flag;
    flag.set();
    wait(flag);
    return passed ? 0 : 1;
}

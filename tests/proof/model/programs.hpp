// The programs that the checker runs: each a use of one object by a loop and two or three foreign contexts.
#pragma once

#include <memory>
#include <vector>

#include <rouse/core/loop.hpp>
#include <rouse/core/task.hpp>

#include "checker.hpp"
#include "port.hpp"

namespace model {

struct Program {
    const char* name;
    void (*run)();
    Options options;
};

std::vector<Program> inbox_programs();
std::vector<Program> flag_programs();
std::vector<Program> event_programs();
std::vector<Program> queue_programs();
std::vector<Program> queue_thread_programs();

/// A number that a foreign context writes before it sets something. Relaxed: that it is seen is what is to be shown.
class Mark {
public:
    Mark() = default;
    void write(int value) noexcept { value_.store(value, std::memory_order_relaxed); }
    [[nodiscard]] int read() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    rouse::Atomic<int> value_{0};
};

/// Runs main(...) on a loop and a port that are gone when this returns, whatever the other threads are about.
template <class Main, class... Args>
void run_on_loop(Main main, Args&... args) {
    const auto port = std::make_unique<Port>();
    const auto loop = std::make_unique<rouse::Loop>(*port);
    loop->run(main(args...));
}

} // namespace model

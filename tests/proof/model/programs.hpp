// The programs that the checker runs: each a use of one object by a loop and two or three foreign contexts.
#pragma once

#include <memory>
#include <vector>

#include <rouse/check/check.hpp>
#include <rouse/core/loop.hpp>
#include <rouse/core/task.hpp>
#include <rouse/core/task_handle.hpp>

namespace model {

namespace check = rouse::check;
using check::choose;
using check::expect;
using check::join;
using check::ModelPort;
using check::Options;
using check::outcome;
using check::thread;

struct Program {
    const char* name;
    void (*run)();
    Options options;
};

std::vector<Program> inbox_programs();
std::vector<Program> flag_programs();
std::vector<Program> foreign_programs();
std::vector<Program> event_programs();
std::vector<Program> queue_programs();
std::vector<Program> queue_thread_programs();
std::vector<Program> mpsc_programs();
std::vector<Program> mpsc_thread_programs();
std::vector<Program> latest_programs();
std::vector<Program> message_programs();
std::vector<Program> one_shot_programs();
std::vector<Program> ring_io_programs();
std::vector<Program> slot_queue_programs();
std::vector<Program> broadcast_programs();
std::vector<Program> context_programs();
std::vector<Program> delay_programs();

/// A number that a foreign context writes before it sets something. Relaxed: that it is seen is what is to be shown.
class Mark {
public:
    Mark() = default;
    void write(int value) noexcept { value_.store(value, std::memory_order_relaxed); }
    [[nodiscard]] int read() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    rouse::detail::Atomic<int> value_{0};
};

/// Two contexts, each of which sets `object` so often, and each time writes into its mark before that.
template <class Object>
void set_from_two(Object& object, Mark (&marks)[2], int times) {
    for (Mark& mark : marks) {
        thread([&object, &mark, times] {
            for (int i = 1; i <= times; ++i) {
                mark.write(i);
                object.set();
            }
        });
    }
}

template <class Object>
rouse::Task<> wait_once(Object& object) {
    co_await object.wait();
}

/// Two objects, each of which ends as soon as its waiter goes on; it has been set once, by a context that may be still
/// on its way out.
template <class Object>
rouse::Task<> wait_and_end(std::unique_ptr<Object>& object) {
    co_await object->wait();
    object.reset();
}
template <class Object>
rouse::Task<> wait_and_end_both(std::unique_ptr<Object>& a, std::unique_ptr<Object>& b) {
    auto first = rouse::create_task(wait_and_end(a));
    auto second = rouse::create_task(wait_and_end(b));
    co_await first;
    co_await second;
}
template <class Object>
void end_when_waited_for() {
    auto a = std::make_unique<Object>();
    auto b = std::make_unique<Object>();
    thread([set = a.get()] { set->set(); });
    thread([set = b.get()] { set->set(); });
    check::run(wait_and_end_both<Object>, a, b);
    join();
}

} // namespace model

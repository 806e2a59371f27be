// foreign(): a context that knows nothing of rouse resumes or destroys the handle, while the task is cancelled, the
// operation ends with it, or the loop ends.
#include <coroutine>
#include <memory>

#include <rouse/core/foreign.hpp>
#include <rouse/core/sleep.hpp>

#include "programs.hpp"

namespace model {

namespace {

using rouse::Task;

// Started in await_suspend, on a context of its own, which resumes or destroys the handle at once.
class Operation {
public:
    explicit Operation(bool abandons) : abandons_{abandons} {}

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
        thread([this, handle] {
            result_ = 7;
            if (abandons_) {
                handle.destroy();
            } else {
                handle.resume();
            }
        });
    }
    int await_resume() const noexcept { return result_; }

private:
    int result_ = 0;
    bool abandons_;
};

Task<> wait_for_one(bool abandons) {
    bool abandoned = false;
    {
        const auto operation = std::make_unique<Operation>(abandons);
        try {
            expect(co_await rouse::foreign(*operation) == 7, "what was written before resume() is not seen");
        } catch (const rouse::AbandonedError&) {
            abandoned = true;
        }
    } // nothing touches it from here on
    expect(abandoned == abandons, "the task is told of the wrong one of resume() and destroy()");
}

Task<> wait_for_two() {
    auto first = rouse::create_task(wait_for_one(false));
    auto second = rouse::create_task(wait_for_one(choose(2) == 1));
    co_await first;
    co_await second;
}

void resumed_and_abandoned() {
    check::run(wait_for_two);
    join();
}

Task<> cancel_one() {
    auto first = rouse::create_task(wait_for_one(choose(2) == 1));
    auto second = rouse::create_task(wait_for_one(false));
    co_await rouse::yield();
    const bool in_time = first.cancel();
    co_await first.outcome();
    expect(first.cancelled() == in_time, "a cancellation that came in time was not delivered");
    co_await second;
}

void cancelled() {
    check::run(cancel_one);
    join();
}

void end_of_the_loop() {
    {
        const auto port = std::make_unique<ModelPort>();
        const auto loop = std::make_unique<rouse::Loop>(*port);
        loop->create_task(wait_for_one(choose(2) == 1));
        loop->create_task(wait_for_one(false));
        loop->poll();
    }
    join();
}

} // namespace

std::vector<Program> foreign_programs() {
    return {
        {"foreign: two contexts, one of which may abandon", resumed_and_abandoned, {}},
        {"foreign: a wait is cancelled", cancelled, {.preemptions = 2}},
        {"foreign: the loop ends while tasks wait", end_of_the_loop, {.preemptions = 1}},
    };
}

} // namespace model

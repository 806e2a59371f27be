#include <rouse/sync/detail/grant_queue.hpp>

#include <memory>

#include "support/catch.hpp"
#include "support/run.hpp"

using namespace test;
using detail::GrantQueue;
using detail::GrantWaiter;

namespace {

struct GrantAwaiter : GrantWaiter {
    explicit GrantAwaiter(GrantQueue& t) : grants{t} {}
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<> frame) {
        detail::Scheduler::park(*this, detail::TaskState::waiting_in_event, frame);
        grants.wait(*this);
    }
    bool await_resume() {
        detail::Scheduler::check_cancelled();
        const bool was_granted = granted();
        end_grant();
        return was_granted;
    }
    GrantQueue& grants;
};

Task<> take_grant(GrantQueue& grants, Log& log, int n) {
    const bool granted = co_await GrantAwaiter{grants};
    log(granted ? n : -n);
}

constinit GrantQueue made_before_main;

} // namespace

TEST_CASE("grants go to tasks in the order in which they began to wait") {
    Log log;
    GrantQueue grants;
    auto main = [&]() -> Task<> {
        for (int i = 1; i <= 3; ++i) create_task(take_grant(grants, log, i));
        co_await yield();
        CHECK(grants.grant_next());
        CHECK(grants.grant_next());
        CHECK(grants.grant_next());
        CHECK(!grants.grant_next());
        co_await yield();
    };
    run_virtual(main());
    CHECK(log == "1 2 3");
}

TEST_CASE("an empty queue has no task to grant to") { CHECK(!made_before_main.grant_next()); }

TEST_CASE("a grant without waiting lasts until it ends") {
    GrantQueue grants;
    GrantWaiter waiter;
    CHECK(!waiter.granted());
    grants.grant(waiter);
    CHECK(waiter.granted());
    waiter.end_grant();
    CHECK(!waiter.granted());
}

TEST_CASE("a grant becomes void when the queue that gave it is destroyed") {
    Log log;
    auto main = [&]() -> Task<> {
        auto grants = std::make_unique<GrantQueue>();
        auto task = create_task(take_grant(*grants, log, 1));
        co_await yield();
        grants->grant_next();
        grants.reset();
        co_await task;
    };
    run_virtual(main());
    CHECK(log == "-1");
}

TEST_CASE("a task that is cancelled while it waits is not granted anything") {
    Log log;
    GrantQueue grants;
    auto main = [&]() -> Task<> {
        auto a = create_task(take_grant(grants, log, 1)), b = create_task(take_grant(grants, log, 2));
        co_await yield();
        a.cancel();
        CHECK(grants.grant_next());
        CHECK(!grants.grant_next());
        co_await b;
    };
    run_virtual(main());
    CHECK(log == "2");
}

#include <rouse/sync/turns.hpp>

#include <memory>

#include "support/catch.hpp"
#include "support/run.hpp"

using namespace test;
using core::Turn;
using core::Turns;

namespace {

struct WaitForTurn : Turn {
    explicit WaitForTurn(Turns& t) : turns{t} {}
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<> frame) {
        Loop::park(*this, core::TaskState::waiting_in_list, frame);
        turns.wait(*this);
    }
    bool await_resume() {
        Loop::check_cancelled();
        const bool was_granted = granted();
        end();
        return was_granted;
    }
    Turns& turns;
};

Task<> take_turn(Turns& turns, Log& log, int n) {
    const bool granted = co_await WaitForTurn{turns};
    log(granted ? n : -n);
}

constinit Turns made_before_main;

} // namespace

TEST_CASE("turns are called in the order in which the tasks began to wait") {
    Log log;
    Turns turns;
    auto main = [&]() -> Task<> {
        for (int i = 1; i <= 3; ++i) create_task(take_turn(turns, log, i));
        co_await yield();
        CHECK(turns.call_next());
        CHECK(turns.call_next());
        CHECK(turns.call_next());
        CHECK(!turns.call_next());
        co_await yield();
    };
    run_virtual(main());
    CHECK(log == "1 2 3");
}

TEST_CASE("there is nobody to call in turns that nobody waits for") { CHECK(!made_before_main.call_next()); }

TEST_CASE("a turn that was taken without waiting is granted until it ends") {
    Turns turns;
    Turn turn;
    CHECK(!turn.granted());
    turns.grant(turn);
    CHECK(turn.granted());
    turn.end();
    CHECK(!turn.granted());
}

TEST_CASE("a turn is not granted any more when the object that called it is gone") {
    Log log;
    auto main = [&]() -> Task<> {
        auto turns = std::make_unique<Turns>();
        auto task = create_task(take_turn(*turns, log, 1));
        co_await yield();
        turns->call_next();
        turns.reset();
        co_await task;
    };
    run_virtual(main());
    CHECK(log == "-1");
}

TEST_CASE("a task that is cancelled while it waits for its turn is not called") {
    Log log;
    Turns turns;
    auto main = [&]() -> Task<> {
        auto a = create_task(take_turn(turns, log, 1)), b = create_task(take_turn(turns, log, 2));
        co_await yield();
        a.cancel();
        CHECK(turns.call_next());
        CHECK(!turns.call_next());
        co_await b;
    };
    run_virtual(main());
    CHECK(log == "2");
}

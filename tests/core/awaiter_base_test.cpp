#include <rouse/core/awaiter_base.hpp>

#include <optional>
#include <string>
#include <utility>

#include <rouse/debug/task_list.hpp>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

// The example in the comment of AwaiterBase.
class Gate { // keeps one task out until open()
public:
    class Awaiter final : public rouse::AwaiterBase {
    public:
        explicit Awaiter(Gate& gate) noexcept : gate_{gate} {}
        Awaiter(Awaiter&&) = default; // before it is awaited; select and wait_for move it
        ~Awaiter() { leave(); }

        bool await_ready() const noexcept { return gate_.open_ && may_continue(); }
        void await_suspend(std::coroutine_handle<> frame) {
            park(frame);
            if (gate_.open_) return wake(); // it takes a round of the ready queue
            gate_.waiter_ = this;
        }
        void await_resume() { check_cancelled(); }

    private:
        bool retract() noexcept override {
            gate_.waiter_ = nullptr;
            return true;
        }
        const char* waits_in() const noexcept override { return "a Gate"; }

        Gate& gate_;
    };

    Awaiter wait() noexcept { return Awaiter{*this}; } // co_await gate.wait()
    void open() noexcept {
        open_ = true;
        if (Awaiter* waiter = std::exchange(waiter_, nullptr)) waiter->wake();
    }
    [[nodiscard]] bool awaited() const noexcept { return waiter_ != nullptr; }

private:
    bool open_ = false;
    Awaiter* waiter_ = nullptr;
};

// A cell that holds one number, for one task; it may be destroyed while the task waits. The number is taken by the task
// when it resumes.
class Cell {
public:
    class Awaiter : public AwaiterBase {
    public:
        explicit Awaiter(Cell& cell) noexcept : cell_{&cell} {}
        Awaiter(Awaiter&&) = default;
        ~Awaiter() {
            leave();
            if (cell_ != nullptr && cell_->waiter_ == this) cell_->waiter_ = nullptr;
        }
        bool await_ready() const noexcept { return cell_->full_; }
        void await_suspend(std::coroutine_handle<> frame) {
            park(frame);
            cell_->waiter_ = this;
        }
        int await_resume() {
            check_cancelled();
            if (cell_ == nullptr) return -1;
            cell_->full_ = false;
            return cell_->number_;
        }

    private:
        friend Cell;
        bool retract() noexcept override {
            if (cell_ != nullptr) cell_->waiter_ = nullptr;
            return true;
        }
        Cell* cell_; // null: destroyed while this waits
    };

    Cell() = default;
    Cell(const Cell&) = delete;
    ~Cell() {
        if (waiter_ != nullptr) waiter_->cell_ = nullptr;
    }

    Awaiter take() noexcept { return Awaiter{*this}; }
    void put(int number) noexcept {
        number_ = number;
        full_ = true;
        if (waiter_ != nullptr) waiter_->wake();
    }
    [[nodiscard]] bool full() const noexcept { return full_; }
    [[nodiscard]] bool awaited() const noexcept { return waiter_ != nullptr; }

private:
    int number_ = 0;
    bool full_ = false;
    Awaiter* waiter_ = nullptr;
};

// An operation that writes to the waiting frame until it ends, and so cannot be abandoned.
class Transfer final : public AwaiterBase {
public:
    explicit Transfer(Transfer*& running) noexcept : running_{running} {}
    ~Transfer() { leave(); }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> frame) {
        park(frame);
        running_ = this;
    }
    int await_resume() {
        check_cancelled();
        return stops_asked_for;
    }
    int stops_asked_for = 0;

private:
    bool retract() noexcept override {
        ++stops_asked_for;
        return false;
    }
    Transfer*& running_;
};

// What it waits in calls wake() from inside retract().
class WokenWhenRetracted final : public AwaiterBase {
public:
    explicit WokenWhenRetracted(bool returned) noexcept : returned_{returned} {}
    ~WokenWhenRetracted() { leave(); }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> frame) { park(frame); }
    void await_resume() { check_cancelled(); }

private:
    bool retract() noexcept override {
        wake();
        return returned_;
    }
    bool returned_;
};

// A permit that wake() hands over.
class Permit {
public:
    class Awaiter final : public AwaiterBase {
    public:
        explicit Awaiter(Permit& permit) noexcept : permit_{permit} {}
        ~Awaiter() {
            leave();
            if (granted_) permit_.back = true;
        }
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> frame) {
            park(frame);
            permit_.waiter_ = this;
        }
        void await_resume() {
            check_cancelled([this] { permit_.taken_back = true; });
            granted_ = false;
        }

    private:
        friend Permit;
        bool retract() noexcept override { return true; }
        Permit& permit_;
        bool granted_ = false;
    };

    Awaiter acquire() noexcept { return Awaiter{*this}; }
    void grant() noexcept {
        waiter_->granted_ = true;
        waiter_->wake();
    }
    bool taken_back = false;
    bool back = false;

private:
    Awaiter* waiter_ = nullptr;
};

Task<> passes(Gate& gate, Log& log) {
    co_await gate.wait();
    log("passed");
}

} // namespace

TEST_CASE("a custom awaiter suspends the task until it is woken") {
    Log log;
    run_virtual([](Log& words) -> Task<> {
        Gate gate;
        auto task = create_task(passes(gate, words));
        co_await sleep(1s);
        CHECK(gate.awaited());
        CHECK(!task.done());
        words("open");
        gate.open();
        words("opened");
        co_await task;
        co_await gate.wait(); // open: at once
    }(log));
    CHECK(log == "open opened passed");
}

TEST_CASE("a task woken by a custom awaiter resumes after those that are ready already") {
    Log log;
    run_virtual([](Log& words) -> Task<> {
        Gate gate;
        auto task = create_task(passes(gate, words));
        co_await yield();
        auto other = create_task([](Log& more) -> Task<> {
            more("other");
            co_return;
        }(words));
        gate.open();
        co_await task;
        co_await other;
    }(log));
    CHECK(log == "other passed");
}

TEST_CASE("a cancelled custom wait is retracted, and the object's value stays") {
    run_virtual([]() -> Task<> {
        Cell cell;
        auto task = create_task([](Cell& from) -> Task<int> { co_return co_await from.take(); }(cell));
        co_await yield();
        CHECK(cell.awaited());
        CHECK(task.cancel());
        CHECK(!cell.awaited());
        cell.put(1);
        co_await task.outcome();
        CHECK(task.cancelled());
        CHECK(cell.full());
    }());
}

TEST_CASE("a custom wait cancelled before it began suspends and is cancelled") {
    run_virtual([]() -> Task<> {
        Cell cell;
        auto task = create_task([](Cell& from) -> Task<int> {
            co_await yield();
            co_return co_await from.take();
        }(cell));
        co_await yield();
        CHECK(task.cancel());
        co_await task.outcome();
        CHECK(task.cancelled());
        CHECK(!cell.awaited());
    }());
}

TEST_CASE("a cancellation wins over a wake of a custom awaiter, and the value stays") {
    for (const bool cancel_first : {false, true}) {
        run_virtual([](bool cancelled_first) -> Task<> {
            Cell cell;
            auto task = create_task([](Cell& from) -> Task<int> { co_return co_await from.take(); }(cell));
            co_await yield();
            if (cancelled_first) CHECK(task.cancel());
            cell.put(1);
            if (!cancelled_first) CHECK(task.cancel());
            co_await task.outcome();
            CHECK(task.cancelled());
            CHECK(cell.full());
            CHECK(!cell.awaited());
        }(cancel_first));
    }
}

TEST_CASE("a cancellation after a custom wait has ended does not touch it") {
    run_virtual([]() -> Task<> {
        Cell cell;
        auto task = create_task([](Cell& from) -> Task<int> {
            const int number = co_await from.take();
            co_await sleep(1s);
            co_return number;
        }(cell));
        co_await yield();
        cell.put(1);
        co_await yield();
        CHECK(!cell.full());
        CHECK(task.cancel());
        co_await task.outcome();
        CHECK(task.cancelled());
    }());
}

TEST_CASE("what a custom awaiter was granted is given back when its task is cancelled") {
    run_virtual([]() -> Task<> {
        Permit permit;
        auto task = create_task([](Permit& wanted) -> Task<> { co_await wanted.acquire(); }(permit));
        co_await yield();
        permit.grant();
        CHECK(task.cancel());
        co_await task.outcome();
        CHECK(permit.back); // by the destructor
        CHECK(permit.taken_back == (ROUSE_EXCEPTIONS != 0));
    }());
}

TEST_CASE("a timeout retracts a custom awaiter, and its value stays for the next") {
    run_virtual([]() -> Task<> {
        Cell cell;
        Outcome<int> outcome = co_await try_wait_for(cell.take(), 1s);
        CHECK(outcome.timed_out());
        CHECK(!cell.awaited());
        cell.put(2);
        outcome = co_await try_wait_for(cell.take(), 1s);
        CHECK(outcome.value() == 2);
        auto putter = create_task([](Cell& to) -> Task<> {
            co_await sleep(1s);
            to.put(3);
        }(cell));
        outcome = co_await try_wait_for(cell.take(), 2s);
        CHECK(outcome.value() == 3);
        CHECK(Clock::now() == TimePoint{2s});
        co_await putter;
    }());
}

#if ROUSE_EXCEPTIONS
TEST_CASE("wait_for throws TimeoutError when a custom awaiter is not woken in time") {
    run_virtual([]() -> Task<> {
        Gate gate;
        bool late = false;
        try {
            co_await wait_for(gate.wait(), 1s);
        } catch (const TimeoutError&) {
            late = true;
        }
        CHECK(late);
        CHECK(!gate.awaited());
    }());
}

TEST_CASE("a task may catch the cancellation of a custom wait and wait again") {
    run_virtual([]() -> Task<> {
        Cell cell;
        auto task = create_task([](Cell& from) -> Task<int> {
            try {
                co_await from.take();
            } catch (const CancelledError&) {
            }
            co_return co_await from.take();
        }(cell));
        co_await yield();
        task.cancel();
        co_await yield();
        CHECK(cell.awaited());
        cell.put(4);
        const int number = co_await task;
        CHECK(number == 4);
    }());
}
#endif

TEST_CASE("a custom awaiter that loses a select is retracted, and loses nothing") {
    run_virtual([]() -> Task<> {
        Cell cell;
        Gate gate;
        auto opener = create_task([](Gate& opened) -> Task<> {
            co_await sleep(1s);
            opened.open();
        }(gate));
        auto first = co_await select(cell.take(), gate.wait());
        CHECK(first.index() == 1);
        CHECK(!cell.awaited());
        cell.put(5);
        auto second = co_await select(sleep(1h), cell.take());
        CHECK(second.index() == 1);
        CHECK(std::get<1>(second) == 5);
        co_await opener;
    }());
}

TEST_CASE("a cancelled select retracts its custom awaiters") {
    run_virtual([]() -> Task<> {
        Cell cell;
        Gate gate;
        auto task = create_task(
            [](Cell& one, Gate& other) -> Task<> { co_await select(one.take(), other.wait()); }(cell, gate));
        co_await yield();
        CHECK(cell.awaited());
        CHECK(gate.awaited());
        task.cancel();
        CHECK(!cell.awaited());
        CHECK(!gate.awaited());
        co_await task.outcome();
        CHECK(task.cancelled());
    }());
}

TEST_CASE("gather waits for custom awaiters") {
    run_virtual([]() -> Task<> {
        Cell cell;
        Gate gate;
        auto waker = create_task([](Cell& to, Gate& opened) -> Task<> {
            co_await sleep(1s);
            to.put(6);
            co_await sleep(1s);
            opened.open();
        }(cell, gate));
        auto results = co_await gather(cell.take(), gate.wait());
        CHECK(std::get<0>(results) == 6);
        CHECK(Clock::now() == TimePoint{2s});
        co_await waker;
    }());
}

TEST_CASE("a wait that cannot be abandoned lasts until it is woken, and is cancelled then") {
    run_virtual([]() -> Task<> {
        Transfer* transfer = nullptr;
        auto task = create_task([](Transfer*& running) -> Task<> { co_await Transfer{running}; }(transfer));
        co_await yield();
        CHECK(task.cancel());
        co_await sleep(1s);
        CHECK(!task.done());
        CHECK(transfer->parked());
        CHECK(transfer->stops_asked_for == 1);
        transfer->wake();
        co_await task.outcome();
        CHECK(task.cancelled());
    }());
}

TEST_CASE("the result of a wait that cannot be abandoned counts after a timeout") {
    run_virtual([]() -> Task<> {
        Transfer* transfer = nullptr;
        auto waker = create_task([](Transfer*& running) -> Task<> {
            co_await sleep(2s);
            running->wake();
        }(transfer));
        const Outcome<int> outcome = co_await try_wait_for(Transfer{transfer}, 1s);
        CHECK(Clock::now() == TimePoint{2s});
        CHECK(outcome.has_value());
        CHECK(outcome.value() == 1);
        co_await waker;
    }());
}

TEST_CASE("a wake from inside retract counts as having left") {
    for (const bool returned : {false, true}) {
        run_virtual([](bool result) -> Task<> {
            auto task = create_task([](bool what) -> Task<> { co_await WokenWhenRetracted{what}; }(result));
            co_await yield();
            CHECK(task.cancel());
            co_await task.outcome();
            CHECK(task.cancelled());
        }(returned));
    }
}

TEST_CASE("a wake that comes twice, or for no one, does nothing") {
    run_virtual([]() -> Task<> {
        Cell cell;
        auto idle = cell.take();
        idle.wake();
        CHECK(!idle.parked());
        auto task = create_task([](Cell& from) -> Task<int> { co_return co_await from.take(); }(cell));
        co_await yield();
        cell.put(1);
        cell.put(2);
        const auto outcome = co_await task.outcome();
        CHECK(outcome.value() == 2);
    }());
}

TEST_CASE("a loop destroyed while a task is parked retracts the custom awaiter and destroys the frame") {
    Log log;
    Gate gate;
    Cell cell;
    {
        VirtualTimePort port;
        Loop loop{port};
        loop.create_task([](Gate& closed, Log& words) -> Task<> {
            const Mark mark{words, "destroyed"};
            co_await closed.wait();
            words("wrong");
        }(gate, log));
        loop.create_task([](Cell& one) -> Task<> { co_await select(one.take(), sleep(1h)); }(cell));
        loop.poll();
        CHECK(gate.awaited());
        CHECK(cell.awaited());
    }
    CHECK(!gate.awaited());
    CHECK(!cell.awaited());
    CHECK(log == "destroyed");
}

TEST_CASE("a task waits until it is cancelled if the object of its custom awaiter is destroyed first") {
    run_virtual([]() -> Task<> {
        std::optional<Cell> cell{std::in_place};
        auto task = create_task([](Cell& from) -> Task<int> { co_return co_await from.take(); }(*cell));
        co_await yield();
        cell.reset();
        co_await sleep(1s);
        CHECK(!task.done());
        task.cancel();
        co_await task.outcome();
        CHECK(task.cancelled());
    }());
}

TEST_CASE("a custom awaiter destroyed while parked leaves its object") {
    run_virtual([]() -> Task<> {
        Gate gate;
        detail::TaskRecord& task = detail::Scheduler::running_task();
        const auto resume_point = task.resume_point;
        {
            auto wait = gate.wait();
            wait.await_suspend({});
            CHECK(wait.parked());
            CHECK(gate.awaited());
        }
        task.resume_point = resume_point;
        task.state = detail::TaskState::running;
        CHECK(!gate.awaited());
        co_return;
    }());
}

TEST_CASE("the task list names what a custom awaiter waits in") {
    Gate gate; // these outlive the loop, whose end destroys the frames that wait in them
    Cell cell;
    Log log;
    VirtualTimePort port;
    Loop loop{port};
    loop.create_task(passes(gate, log), "at the gate");
    loop.create_task([](Cell& from) -> Task<> { co_await from.take(); }(cell), "at the cell");
    loop.poll();
    std::string named;
    std::string unnamed;
    for_each_task(loop, [&](const TaskInfo& task) {
        (task.name == "at the gate" ? named : unnamed) = std::string{task.waits} + "/" + std::string{task.object};
    });
    CHECK(named == "waits in a custom awaiter/a Gate");
    CHECK(unnamed == "waits in a custom awaiter/");
}

TEST_CASE("parking a custom awaiter outside of a task is a misuse") {
    Gate gate;
    auto wait = gate.wait();
    VirtualTimePort port;
    Loop loop{port};
    CHECK(contains(misuse_of([&] { wait.await_suspend({}); }), "not in a task"));
    CHECK(!wait.parked());
}

#if !ROUSE_EXCEPTIONS // misuse_of sees a panic only there
TEST_CASE("destroying a custom awaiter whose operation still runs is a panic that names the remedy") {
    const auto destroy = [] {
        run_virtual([]() -> Task<> {
            Transfer* running = nullptr;
            {
                Transfer transfer{running};
                transfer.await_suspend({});
            }
            co_return;
        }());
    };
    CHECK(contains(misuse_of(destroy), "AwaiterBase: destroyed while parked; call leave() in the destructor"));
}
#endif

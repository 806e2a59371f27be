#include <rouse/core/detail/task_record.hpp>

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/run.hpp"
#if ROUSE_HOSTED
#include "ports/in_child.hpp"
#endif

using namespace test;
using detail::Ending;
using detail::TaskRecord;
using detail::TaskState;

static_assert(sizeof(TaskRecord) == (ROUSE_HOSTED ? 32 : 4 * sizeof(void*)));
static_assert(alignof(TaskRecord) == alignof(void*));

// A CHECK of Catch2 3 takes a reference, which a bit-field does not have.
static Ending ending_of(const TaskRecord& record) { return record.ending; }

TEST_CASE("the record of a frame and the frame of a record are inverse") {
    auto work = []() -> Task<> { co_return; };
    auto task = work();
    REQUIRE(task);
    TaskRecord& record = detail::record_of(task);
    CHECK(record.frame().address() == static_cast<void*>(&record + 1));
    CHECK(&TaskRecord::of(record.frame()) == &record);
}

TEST_CASE("a new record is of a coroutine that nobody has started, and that waits for nothing") {
    const TaskRecord record{};
    CHECK(record.state == TaskState::created);
    CHECK(ending_of(record) == Ending::none);
    CHECK(!record.finished());
    CHECK(!record.waiting());
    CHECK(record.references == 0);
    CHECK(!record.is_task);
    CHECK(!record.cancel_requested);
    CHECK(!record.resume_point);
}

TEST_CASE("every waiting state has its kind of waiter, and a finished state is not a waiting one") {
    TaskRecord record;
    std::string kinds, finished;
    for (int state = 0; state <= static_cast<int>(TaskState::destroyed); ++state) {
        record.state = static_cast<TaskState>(state);
        kinds += record.waiting() ? "ltjr"[static_cast<int>(kind_of_waiter(record.state))] : '.';
        finished += record.finished() ? 'f' : '.';
    }
    CHECK(kinds == "......lllllttjrrrrrrrrrrr..");
    CHECK(finished == ".........................ff");
}

TEST_CASE("a task's record follows it: created, fresh, waiting, done with its value") {
    auto worker = []() -> Task<int> {
        co_await sleep(1s);
        co_return 7;
    };
    VirtualTimePort port;
    Loop loop{port};
    auto task = worker();
    TaskRecord& record = detail::record_of(task);
    CHECK(record.state == TaskState::created);
    const auto handle = loop.create_task(std::move(task));
    CHECK(record_of(handle) == &record);
    CHECK(record.state == TaskState::fresh);
    CHECK(record.is_task);
    loop.poll();
    CHECK(record.state == TaskState::waiting_for_time);
    port.advance(1s);
    loop.poll();
    CHECK(record.state == TaskState::done);
    CHECK(ending_of(record) == Ending::value);
    CHECK(record.references == 1); // ours: the loop has let go
    CHECK(handle.result() == 7);
}

TEST_CASE("a task's record outlives its frame when it is ended from outside") {
    Log log;
    auto worker = [](std::unique_ptr<Mark>) -> Task<> { co_await sleep(1h); };
    VirtualTimePort port;
    Loop loop{port};
    const auto handle = loop.create_task(worker(std::make_unique<Mark>(log, "argument")));
    handle.cancel(); // not started: its frame is destroyed, with or without exceptions
    loop.poll();
    CHECK(log == "argument");
    CHECK(record_of(handle)->state == TaskState::destroyed);
    CHECK(ending_of(*record_of(handle)) == Ending::cancelled);
    CHECK(record_of(handle)->references == 1);
}

TEST_CASE("a record with a name keeps its awaiters beside the name") {
    detail::JoinWaiter waiter;
    detail::TaskName name{nullptr, 0};
    TaskRecord record;
    CHECK(record.awaiters() == nullptr);
    record.name = &name;
    record.named = true;
    CHECK(record.awaiters() == nullptr);
    record.awaiters() = &waiter;
    CHECK(name.awaiters == &waiter);
    CHECK(record.name == &name);
}

TEST_CASE("a record that is cleared is unused") {
    TaskRecord record;
    record.state = TaskState::done;
    record.ending = Ending::value;
    record.clear();
    CHECK(record.state == TaskState::unused);
}

#if ROUSE_EXCEPTIONS

TEST_CASE("a record keeps the error that ended its coroutine until it is cleared") {
    const auto token = std::make_shared<int>(5);
    TaskRecord record;
    record.set_error(std::make_exception_ptr(token));
    CHECK(ending_of(record) == Ending::error);
    CHECK(token.use_count() == 2);
    int seen = 0;
    try {
        std::rethrow_exception(record.error());
    } catch (const std::shared_ptr<int>& thrown) {
        seen = *thrown;
    }
    CHECK(seen == 5);
    record.clear();
    CHECK(token.use_count() == 1);
}

#endif

TEST_CASE("a task has as many handles as there are: 65,536 and more on a hosted system; one too many is a panic") {
    auto work = []() -> Task<> { co_return; };
    VirtualTimePort port;
    Loop loop{port};
    const auto first = loop.create_task(work());
    TaskRecord& record = *record_of(first);
#if ROUSE_HOSTED
    CHECK(sizeof record.references >= 4);
    {
        const std::vector<TaskHandle<>> handles(70'000, first);
        CHECK(record.references == 70'002);
    }
    CHECK(record.references == 2);
    CHECK(in_child([&] { // as if there were so many
              record.references = std::numeric_limits<TaskRecord::Count>::max();
              const TaskHandle<> one_more = first;
              return true;
          })
              .panicked());
#else
    CHECK(sizeof record.references == 2);
#endif
    CHECK(record.references == 2);
}

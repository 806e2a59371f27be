// The headers as firmware builds them: no default port, no heap for frames, one static pool of 4 KiB.
//
// The pool belongs to the program and lasts from test to test, and its blocks keep their sizes. So all tests run
// coroutines of one size, and what one has used up and given back serves the next, in any order.
#define ROUSE_HOSTED 0
#define ROUSE_FRAME_BYTES 4096
#include <rouse/rouse.hpp>

#include <set>
#include <utility>
#include <vector>

#include "support/catch.hpp"

using namespace rouse;
using namespace std::chrono_literals;

namespace {

class HandPort final : public Port {
public:
    HandPort() = default;
    ~HandPort() = default;
    TimePoint now() const noexcept override { return time; }
    unsigned wait_until(TimePoint deadline) noexcept override {
        if (deadline != at_once && deadline != no_deadline && deadline > time) time = deadline;
        return std::exchange(wakes, 0);
    }
    void wake() noexcept override { ++wakes; }

    TimePoint time{};
    unsigned wakes = 0;
};

struct Progress {
    bool began = false;
    bool unwound = false;
    bool ended = false;
};

// Sleeps; or waits for a flag, if there is one.
Task<> worker(Clock::duration how_long, Progress& progress, ThreadSafeFlag* flag = nullptr) {
    struct Unwound {
        bool& flag;
        ~Unwound() { flag = true; }
    };
    const Unwound mark{progress.unwound};
    progress.began = true;
    if (flag == nullptr) {
        co_await sleep(how_long);
    } else {
        co_await flag->wait();
    }
    progress.ended = true;
}

// As many as the pool has room for.
std::vector<Task<>> fill_the_pool(Progress& progress) {
    std::vector<Task<>> tasks;
    while (auto task = worker(1s, progress)) tasks.push_back(std::move(task));
    return tasks;
}

// A block of a size that no frame has.
detail::TaskRecord* block_of(std::size_t bytes) {
    void* block = detail::FramePool::allocate(nullptr, bytes);
    return block == nullptr ? nullptr : ::new (block) detail::TaskRecord;
}
void give_back(detail::TaskRecord* block) {
    block->clear();
    detail::FramePool::release(*block);
}

// Set aside before the first test, for the last.
constexpr std::size_t small = 40;
constexpr std::size_t large = 80;
const bool set_aside = [] {
    give_back(block_of(small));
    give_back(block_of(large));
    return true;
}();

} // namespace

TEST_CASE("without an operating system a task runs and sleeps on the static pool") {
    HandPort port;
    Loop loop{port};
    Progress progress;
    const auto handle = loop.create_task(worker(3s, progress));
    REQUIRE(handle);
    CHECK(!progress.began);
    loop.run_until_complete(handle);
    CHECK(progress.ended);
    CHECK(port.time == TimePoint{3s});
}

TEST_CASE("without an operating system a sleeping task is cancelled") {
    HandPort port;
    Loop loop{port};
    Progress progress;
    const auto handle = loop.create_task(worker(1h, progress));
    loop.poll();
    CHECK(progress.began);
    CHECK(handle.cancel());
    loop.poll();
    CHECK(handle.cancelled());
    CHECK(progress.unwound);
    CHECK(!progress.ended);
}

TEST_CASE("a foreign set reaches a loop without an operating system") {
    HandPort port;
    Loop loop{port};
    ThreadSafeFlag flag;
    Progress progress;
    const auto handle = loop.create_task(worker(0s, progress, &flag));
    REQUIRE(handle);
    loop.poll();
    flag.set();
    CHECK(port.wakes == 1);
    CHECK(!progress.ended);
    loop.poll();
    CHECK(progress.ended);
}

TEST_CASE("a pool that is used up gives empty Tasks, and an empty handle for them") {
    HandPort port;
    Loop loop{port};
    Progress progress;
    const auto tasks = fill_the_pool(progress);
    CHECK(tasks.size() >= 4);
    const auto handle = loop.create_task(worker(1s, progress));
    CHECK(!handle);
    CHECK(handle.done());
    CHECK(loop.live_tasks() == 0);
    CHECK(!progress.began);
}

TEST_CASE("a pool that was used up serves again what was given back, and no more") {
    HandPort port;
    Loop loop{port};
    Progress progress;
    auto tasks = fill_the_pool(progress);
    const auto room = tasks.size();
    REQUIRE(room >= 2);
    const auto* freed = &detail::record_of(tasks[1]);
    tasks.erase(tasks.begin() + 1);
    auto again = worker(1s, progress);
    REQUIRE(again);
    CHECK(&detail::record_of(again) == freed);
    CHECK(!worker(1s, progress));
    again = {};
    tasks.clear();
    CHECK(fill_the_pool(progress).size() == room);
}

TEST_CASE("the frame of a task that ends, or is cancelled, is given back") {
    HandPort port;
    Loop loop{port};
    Progress progress;
    const auto room = fill_the_pool(progress).size();
    for (int i = 0; i < 1000; ++i) {
        const auto ends = loop.create_task(worker(1s, progress));
        const auto is_cancelled = loop.create_task(worker(1h, progress));
        const auto never_starts = loop.create_task(worker(1s, progress));
        REQUIRE(never_starts);
        never_starts.cancel();
        loop.poll();
        is_cancelled.cancel();
        loop.run_until_complete(ends);
    }
    CHECK(fill_the_pool(progress).size() == room);
}

TEST_CASE("a loop that ends destroys the frames that are left in the static pool") {
    HandPort port;
    Progress progress;
    {
        Loop loop{port};
        loop.create_task(worker(1h, progress));
        loop.poll();
        CHECK(progress.began);
        CHECK(!progress.unwound);
    }
    CHECK(progress.unwound);
}

TEST_CASE("blocks of the static pool do not overlap") {
    HandPort port;
    Loop loop{port};
    Progress progress;
    const auto tasks = fill_the_pool(progress);
    std::set<const detail::TaskRecord*> records;
    for (const auto& task : tasks) records.insert(&detail::record_of(task));
    CHECK(records.size() == tasks.size());
    const auto* before = static_cast<const detail::TaskRecord*>(nullptr);
    for (const auto* record : records) {
        if (before != nullptr) CHECK(record - before > 1); // room for more than the record
        before = record;
    }
}

TEST_CASE("a block of the static pool is used again only for its own size") {
    REQUIRE(set_aside);
    auto* first = block_of(small);
    REQUIRE(first != nullptr);
    give_back(first);
    auto* larger = block_of(large);
    REQUIRE(larger != nullptr);
    CHECK(larger != first);
    auto* again = block_of(small);
    CHECK(again == first);
    give_back(larger);
    give_back(again);
}

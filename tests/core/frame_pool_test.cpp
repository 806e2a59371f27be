#include <rouse/core/detail/frame_pool.hpp>

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>
#include <vector>

#include "support/catch.hpp"

using namespace rouse::detail;

namespace {

// Never used, only told apart from null.
alignas(void*) char storage[1];
rouse::detail::Scheduler* const some_loop = reinterpret_cast<rouse::detail::Scheduler*>(storage);

TaskRecord* allocate(FramePool* pool, std::size_t bytes) {
    void* block = FramePool::allocate(pool, bytes);
    REQUIRE(block != nullptr);
    auto* record = ::new (block) TaskRecord;
    std::memset(static_cast<void*>(record + 1), 0x5a, bytes - sizeof(TaskRecord));
    return record;
}

void release(TaskRecord* record) {
    record->clear();
    FramePool::release(*record);
}

} // namespace

TEST_CASE("a block that was released is the next one of its size") {
    FramePool* pool = FramePool::create(some_loop, nullptr);
    TaskRecord* a = allocate(pool, 100);
    TaskRecord* b = allocate(pool, 100);
    CHECK(a != b);
    CHECK(FramePool::of(*a) == pool);
    release(a);
    CHECK(allocate(pool, 112) == a); // the same class of 16 bytes
    release(a);
    release(b);
    pool->abandon();
}

TEST_CASE("the pool lists the blocks in use: small, large, and more than one slab") {
    FramePool* pool = FramePool::create(some_loop, nullptr);
    std::set<TaskRecord*> expected;
    for (int i = 0; i < 1000; ++i) expected.insert(allocate(pool, 128));
    expected.insert(allocate(pool, 100'000));
    TaskRecord* gone = allocate(pool, 5000);
    release(gone);
    std::set<TaskRecord*> listed;
    pool->for_each_in_use([&](TaskRecord& record) { listed.insert(&record); });
    CHECK(listed == expected);
    for (TaskRecord* record : expected) release(record);
    pool->abandon();
}

TEST_CASE("blocks do not overlap, whatever their sizes") {
    FramePool* pool = FramePool::create(some_loop, nullptr);
    std::vector<std::pair<TaskRecord*, std::size_t>> blocks;
    for (std::size_t bytes = sizeof(TaskRecord) + 1; bytes < 4000; bytes += 7) {
        blocks.emplace_back(allocate(pool, bytes), bytes);
    }
    std::sort(blocks.begin(), blocks.end());
    for (std::size_t i = 1; i < blocks.size(); ++i) {
        REQUIRE(reinterpret_cast<std::byte*>(blocks[i - 1].first) + blocks[i - 1].second <=
                reinterpret_cast<std::byte*>(blocks[i].first));
    }
    for (auto& [record, bytes] : blocks) release(record);
    pool->abandon();
}

TEST_CASE("a block made without a pool is released without one") {
    TaskRecord* record = allocate(nullptr, 300);
    CHECK(FramePool::of(*record) == nullptr);
    release(record);
}

TEST_CASE("an abandoned pool lives until its last block comes home") {
    FramePool* pool = FramePool::create(some_loop, nullptr);
    TaskRecord* small = allocate(pool, 64);
    TaskRecord* large = allocate(pool, 64'000);
    pool->abandon();
    release(small);
    release(large); // LeakSanitizer tells if this was not the end of it
}

#include <rouse/core/detail/ready_queue.hpp>

#include "support/catch.hpp"

using namespace rouse::detail;

TEST_CASE("the ready queue is first in, first out, and marks what it holds") {
    ReadyQueue queue;
    TaskRecord a, b, c;
    CHECK(queue.empty());
    queue.push(a);
    queue.push(b);
    CHECK(a.state == TaskState::ready);
    CHECK(&queue.pop() == &a);
    queue.push(c);
    queue.push(a);
    CHECK(&queue.pop() == &b);
    CHECK(&queue.pop() == &c);
    CHECK(&queue.pop() == &a);
    CHECK(queue.empty());
}

TEST_CASE("what is pushed to the front goes first, in an empty queue too") {
    ReadyQueue queue;
    TaskRecord a, b, c;
    queue.push_front(a);
    queue.push(b);
    queue.push_front(c);
    CHECK(c.state == TaskState::ready);
    CHECK(&queue.pop() == &c);
    CHECK(&queue.pop() == &a);
    CHECK(&queue.pop() == &b);
    CHECK(queue.empty());
}

#if ROUSE_HOSTED
TEST_CASE("an armed queue is empty, and reports the next task once, whichever end it is pushed to") {
    for (const bool front : {false, true}) {
        ReadyQueue queue;
        TaskRecord a, b;
        int reports = 0;
        const auto report = [](void* count) noexcept { ++*static_cast<int*>(count); };
        queue.arm(report, &reports);
        CHECK(queue.armed());
        CHECK(queue.empty());
        if (front) {
            queue.push_front(a);
        } else {
            queue.push(a);
        }
        CHECK(reports == 1);
        CHECK(!queue.armed());
        queue.push(b);
        CHECK(&queue.front() == &a);
        CHECK(&queue.pop() == &a);
        CHECK(&queue.pop() == &b);
        CHECK(queue.empty());
        CHECK(reports == 1);
        queue.arm(report, &reports);
        queue.disarm();
        queue.push(b);
        CHECK(&queue.pop() == &b);
        CHECK(reports == 1);
    }
}
#endif

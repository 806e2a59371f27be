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

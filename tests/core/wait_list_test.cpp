#include <rouse/core/detail/waiter.hpp>

#include "support/catch.hpp"

using namespace rouse::detail;

TEST_CASE("a wait list is first in, first out") {
    WaitList list;
    ListWaiter a, b;
    CHECK(list.empty());
    list.push_back(a);
    list.push_back(b);
    CHECK(&list.pop_front() == &a);
    CHECK(&list.pop_front() == &b);
    CHECK(list.empty());
}

TEST_CASE("a waiter leaves its list when it is unlinked, and when it is destroyed") {
    WaitList list;
    ListWaiter a, c;
    list.push_back(a);
    {
        ListWaiter b;
        list.push_back(b);
        list.push_back(c);
    }
    a.unlink();
    a.unlink();
    CHECK(!a.linked());
    CHECK(&list.pop_front() == &c);
    CHECK(list.empty());
}

TEST_CASE("waiters outlive their list: they are in none then") {
    ListWaiter a, b;
    {
        WaitList list;
        list.push_back(a);
        list.push_back(b);
    }
    CHECK(!a.linked());
    CHECK(!b.linked());
}

TEST_CASE("take_all moves everything behind what is there") {
    WaitList first, second;
    ListWaiter a, b, c;
    first.push_back(a);
    second.push_back(b);
    second.push_back(c);
    first.take_all(second);
    CHECK(second.empty());
    CHECK(&first.pop_front() == &a);
    CHECK(&first.pop_front() == &b);
    CHECK(&first.pop_front() == &c);
}

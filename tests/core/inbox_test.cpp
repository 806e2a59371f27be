#include <rouse/core/detail/inbox.hpp>

#include <thread>
#include <vector>

#include "support/catch.hpp"

using namespace rouse;

namespace {

struct CountingPort final : Port {
    ~CountingPort() = default;
    TimePoint now() const noexcept override { return {}; }
    unsigned wait_until(TimePoint) noexcept override { return 0; }
    void wake() noexcept override { ++wakes; }
    int wakes = 0;
};

struct Item final : detail::InboxItem {
    Item(detail::Inbox& inbox, std::vector<int>& order, int n) : arrived{order}, number{n} { inbox_ = &inbox; }
    void arrive() noexcept override { arrived.push_back(number); }
    std::vector<int>& arrived;
    int number;
};

} // namespace

TEST_CASE("items arrive in the order in which they were sent") {
    CountingPort port;
    detail::Inbox inbox{port, nullptr};
    std::vector<int> order;
    Item a{inbox, order, 1}, b{inbox, order, 2}, c{inbox, order, 3};
    CHECK(inbox.empty());
    a.wake();
    b.wake();
    c.wake();
    CHECK(!inbox.empty());
    CHECK(!inbox.take());
    CHECK(order == std::vector<int>{1, 2, 3});
    CHECK(inbox.empty());
    CHECK(port.wakes == 0);
}

TEST_CASE("only the send that finds the loop asleep wakes it, and only once until it has slept again") {
    CountingPort port;
    detail::Inbox inbox{port, nullptr};
    std::vector<int> order;
    Item a{inbox, order, 1}, b{inbox, order, 2};
    CHECK(inbox.fall_asleep());
    a.wake();
    CHECK(port.wakes == 1);
    b.wake();
    CHECK(port.wakes == 1);
    CHECK(!inbox.take());
    CHECK(inbox.fall_asleep());
    CHECK(inbox.take()); // nobody has replaced `asleep`
    CHECK(inbox.fall_asleep());
    a.wake();
    CHECK(port.wakes == 2);
    inbox.take();
}

TEST_CASE("the loop cannot fall asleep over something that was sent") {
    CountingPort port;
    detail::Inbox inbox{port, nullptr};
    std::vector<int> order;
    Item a{inbox, order, 1};
    a.wake();
    CHECK(!inbox.fall_asleep());
    inbox.take();
    CHECK(inbox.fall_asleep());
}

TEST_CASE("an item may be sent again as soon as it has arrived") {
    CountingPort port;
    detail::Inbox inbox{port, nullptr};
    std::vector<int> order;
    struct Again final : detail::InboxItem {
        Again(detail::Inbox& inbox, int& times) : left{times} { inbox_ = &inbox; }
        void arrive() noexcept override {
            if (left-- > 0) wake();
        }
        int& left;
    };
    int left = 3;
    Again again{inbox, left};
    Item other{inbox, order, 1};
    other.wake();
    again.wake();
    int takes = 0;
    while (!inbox.empty()) {
        inbox.take();
        ++takes;
    }
    CHECK(takes == 4);
    CHECK(order == std::vector<int>{1});
}

// The inbox by itself: two or three contexts send items while the loop looks, sleeps, and ends; and a loop that a
// host polls.
#include <memory>
#include <utility>

#include <rouse/rouse.hpp>

#include "programs.hpp"

namespace model {

namespace {

using rouse::detail::Inbox;

struct Item final : rouse::detail::InboxItem {
    explicit Item(Inbox& inbox) noexcept { inbox_ = &inbox; }
    void arrive() noexcept override {
        check(!arrived, "an item arrives twice");
        check(earlier == nullptr || earlier->arrived, "an item overtakes one that the same context has sent before");
        check(sent == 1, "what was written before an item was sent is not seen when it arrives");
        arrived = true;
    }
    const Item* earlier = nullptr;
    int sent = 0;
    bool arrived = false;
};

// The loop's side, as Loop has it: asleep only if the inbox was empty, and not gone before every wake has come in.
class Side {
public:
    template <class F>
    void run_until(F done) {
        while (!done()) {
            if (!inbox.empty()) take();
            if (done()) break;
            asleep_ = inbox.fall_asleep();
            if (!asleep_) continue;
            owed_ -= static_cast<int>(port->wait_until(rouse::no_deadline));
            take();
        }
        while (owed_ > 0) owed_ -= static_cast<int>(port->wait_until(rouse::no_deadline));
        check(port->wakes() <= slept_, "more than one wake for a sleep");
    }

    std::unique_ptr<Port> port = std::make_unique<Port>();
    Inbox inbox{*port, nullptr};

private:
    void take() {
        if (asleep_) ++slept_;
        if (!inbox.take() && asleep_) ++owed_;
        asleep_ = false;
    }

    bool asleep_ = false;
    int owed_ = 0;
    unsigned slept_ = 0;
};

// `senders` contexts send `each` items.
template <int senders, int each>
void send() {
    auto side = std::make_unique<Side>();
    std::vector<std::unique_ptr<Item>> items;
    for (int i = 0; i < senders * each; ++i) {
        items.push_back(std::make_unique<Item>(side->inbox));
        if (i % each != 0) items.back()->earlier = items[items.size() - 2].get();
    }
    for (int sender = 0; sender < senders; ++sender) {
        spawn([&items, sender] {
            for (int i = sender * each; i < (sender + 1) * each; ++i) {
                Item& item = *items[static_cast<std::size_t>(i)];
                item.sent = 1;
                item.wake();
            }
        });
    }
    side->run_until([&] {
        for (const auto& item : items) {
            if (!item->arrived) return false;
        }
        return true;
    });
    items.clear();
    side.reset(); // a context may still stand behind its wake
    join();
}

// The port of a loop that a host polls: the host sleeps until the descriptor is readable, and takes no wake in.
class HostsPort final : public rouse::Port {
public:
    HostsPort() = default;
    ~HostsPort() = default;

    [[nodiscard]] rouse::TimePoint now() const noexcept override { return port_.now(); }
    unsigned wait_until(rouse::TimePoint deadline) noexcept override {
        if (deadline == rouse::at_once) return 0;
        return seen_ > 0 ? std::exchange(seen_, 0u) : port_.wait_until(deadline);
    }
    void wake() noexcept override { port_.wake(); }
    void wait_until_readable() noexcept {
        if (seen_ == 0) seen_ = port_.wait_until(rouse::no_deadline);
    }

private:
    model::Port port_;
    unsigned seen_ = 0; // wakes that have made it readable, and that the loop has not taken in
};

// The host ends a flag between two polls, once it is set; its setter may stand between its exchange and its push.
void polled_by_a_host() {
    auto flag = std::make_unique<rouse::ThreadSafeFlag>();
    rouse::ThreadSafeFlag other;
    spawn([set = flag.get()] { set->set(); });
    spawn([&other] { other.set(); });
    {
        const auto port = std::make_unique<HostsPort>();
        const auto loop = std::make_unique<rouse::Loop>(*port);
        auto first = loop->create_task(wait_once(*flag));
        auto second = loop->create_task(wait_once(other));
        for (int polls = 0; !second.done(); ++polls) {
            check(polls < 20, "the host is kept busy");
            const bool more = loop->poll();
            if (flag != nullptr && flag->is_set()) flag.reset();
            if (!more && !second.done() && loop->next_deadline() == rouse::no_deadline) port->wait_until_readable();
        }
    }
    join();
}

} // namespace

std::vector<Program> inbox_programs() {
    return {
        {"inbox: two contexts send an item each", send<2, 1>, {}},
        {"inbox: two contexts send two items each", send<2, 2>, {.preemptions = 2}},
        {"inbox: three contexts send an item each", send<3, 1>, {.preemptions = 1}},
        {"inbox: two contexts, a sleep that ends for no reason",
         send<2, 1>,
         {.preemptions = 1, .spurious = 1, .weak_failures = 1}},
        {"loop: polled by a host, that ends a flag between polls", polled_by_a_host, {.preemptions = 2}},
    };
}

} // namespace model

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
        expect(!arrived, "an item arrives twice");
        expect(earlier == nullptr || earlier->arrived, "an item overtakes one that the same context has sent before");
        expect(sent == 1, "what was written before an item was sent is not seen when it arrives");
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
        expect(port->wakes() <= slept_, "more than one wake for a sleep");
    }

    std::unique_ptr<ModelPort> port = std::make_unique<ModelPort>();
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
        thread([&items, sender] {
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
    ModelPort port_;
    unsigned seen_ = 0; // wakes that have made it readable, and that the loop has not taken in
};

// The host ends a flag between two polls, once it is set; its setter may stand between its exchange and its push.
void polled_by_a_host() {
    auto flag = std::make_unique<rouse::ThreadSafeFlag>();
    rouse::ThreadSafeFlag other;
    thread([set = flag.get()] { set->set(); });
    thread([&other] { other.set(); });
    {
        const auto port = std::make_unique<HostsPort>();
        const auto loop = std::make_unique<rouse::Loop>(*port);
        auto first = loop->create_task(wait_once(*flag));
        auto second = loop->create_task(wait_once(other));
        for (int polls = 0; !second.done(); ++polls) {
            expect(polls < 20, "the host is kept busy");
            const bool more = loop->poll();
            if (flag != nullptr && flag->is_set()) flag.reset();
            if (!more && !second.done() && loop->next_deadline() == rouse::no_deadline) port->wait_until_readable();
        }
    }
    join();
}

// The port of a host that knows only its descriptor. Readable as long as a wake has not been taken in.
class WatchedPort final : public rouse::Port {
public:
    WatchedPort() = default;
    ~WatchedPort() = default;

    [[nodiscard]] rouse::TimePoint now() const noexcept override { return port_.now(); }
    unsigned wait_until(rouse::TimePoint deadline) noexcept override {
        const unsigned seen = std::exchange(seen_, 0u);
        return seen + port_.wait_until(seen > 0 ? rouse::TimePoint{} : deadline);
    }
    void wake() noexcept override { port_.wake(); }
    [[nodiscard]] int native_handle() const noexcept override { return 0; }
    void wait_until_readable() noexcept {
        if (seen_ == 0) seen_ = port_.wait_until(rouse::no_deadline);
    }

private:
    ModelPort port_;
    unsigned seen_ = 0; // wakes that have made it readable, and that the loop has not taken in
};

// Tasks of a host that sleeps on its descriptor alone, also in the dialog that one of them opens. The other task has to
// close it: when its flag is set, and when it has been made ready by the host in between.
void watched_by_a_host() {
    rouse::ThreadSafeFlag first, second;
    thread([&first] { first.set(); });
    thread([&second] { second.set(); });
    {
        const auto port = std::make_unique<WatchedPort>();
        const auto loop = std::make_unique<rouse::Loop>(*port);
        bool closed = false;
        int polls = 0;
        const auto turn = [&] {
            expect(++polls < 20, "the host is kept busy");
            port->wait_until_readable();
            loop->poll();
        };
        rouse::Event by_host;
        const auto opens_dialog = [&]() -> rouse::Task<> {
            co_await first.wait();
            do {
                by_host.set();
                turn();
            } while (!closed);
        };
        const auto closes_it = [&]() -> rouse::Task<> {
            co_await second.wait();
            co_await by_host.wait();
            closed = true;
        };
        auto opener = loop->create_task(opens_dialog());
        auto closer = loop->create_task(closes_it());
        expect(loop->native_handle() == 0, "the port has a descriptor");
        while (!opener.done() || !closer.done()) turn();
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
        {"loop: watched by a host, which a task runs inside a step", watched_by_a_host, {.preemptions = 2}},
    };
}

} // namespace model

// The inbox by itself: two or three contexts send items while the loop looks, sleeps, and ends.
#include <memory>

#include <rouse/core/inbox.hpp>

#include "programs.hpp"

namespace model {

namespace {

using rouse::core::Inbox;

struct Item final : rouse::core::InboxItem {
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
            owed_ -= static_cast<int>(port->wait_until(rouse::forever));
            take();
        }
        while (owed_ > 0) owed_ -= static_cast<int>(port->wait_until(rouse::forever));
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

} // namespace

std::vector<Program> inbox_programs() {
    return {
        {"inbox: two contexts send an item each", send<2, 1>, {}},
        {"inbox: two contexts send two items each", send<2, 2>, {.preemptions = 2}},
        {"inbox: three contexts send an item each", send<3, 1>, {.preemptions = 1}},
        {"inbox: two contexts, a sleep that ends for no reason",
         send<2, 1>,
         {.preemptions = 1, .spurious = 1, .weak_failures = 1}},
    };
}

} // namespace model

// The inbox: the one atomic word through which foreign contexts reach a loop.
//
// The word is at any time one of
//
//     empty      the loop is awake and has been told nothing
//     asleep     the loop sleeps, or is about to; whoever replaces this owes it one Port::wake()
//     a pointer  the newest of the items that foreign contexts have sent, linked to the older ones
//
//                 send                         send
//        empty ---------> pointer    asleep ---------> pointer, then wake()
//          ^                 |          ^ |
//          '----- take ------'          | '- take -> empty
//          empty --- fall_asleep -------'
//
// Why no wake is lost: mailbox and sleep state are the same word, so there is no moment between looking into the
// mailbox and going to sleep. fall_asleep succeeds only from empty; a send either comes before it, and then it
// fails and the loop looks again, or after it, and then the sender finds `asleep` and owes the wake.
//
// Orders: send releases, take acquires; so what the sender wrote before send() is seen by the loop when the item
// arrives. fall_asleep publishes nothing and is relaxed. No fence is needed anywhere.
#pragma once

#include <cstdint>

#include <rouse/core/detail/atomic.hpp>
#include <rouse/core/port.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

class Scheduler;
class Inbox;

/// What a foreign context sends to a loop. Whoever owns the item lets it be sent by one context at a time, and
/// keeps it alive from the moment somebody may send it until it has arrived.
class InboxItem {
public:
    /// On the loop, after the item was sent. It may be sent again from here on.
    virtual void arrive() noexcept = 0;

    /// From any context: sends the item to its inbox. Lock-free: the inner loop repeats only when another context
    /// has sent to, or the loop has emptied, the same inbox in between. Not virtual, and nothing
    /// that a foreign context calls is: when an item is destroyed its vtable pointer is written first, and only then
    /// can its destructor wait for the context that has taken it.
    void wake() noexcept;

protected:
    constexpr InboxItem() = default;
    ~InboxItem() = default;
    InboxItem(const InboxItem&) = delete;
    InboxItem& operator=(const InboxItem&) = delete;

    // Where to send it. Written by the loop before the item can be sent.
    Inbox* inbox_ = nullptr;

private:
    friend class Inbox;
    InboxItem* next_ = nullptr; // written by the sender, read by the loop after take()
};

class Inbox {
public:
    Inbox(Port& port, Scheduler* scheduler) noexcept : port_{port}, scheduler_{scheduler} {}
    Inbox(const Inbox&) = delete;
    Inbox& operator=(const Inbox&) = delete;

    /// From any context. Makes a system call (Port::wake) only if the loop was asleep, and is the only one to
    /// do so until it has slept again.
    void send(InboxItem& item) noexcept {
        std::uintptr_t before = word_.load(std::memory_order_relaxed);
        do {
            item.next_ = before == asleep ? nullptr : reinterpret_cast<InboxItem*>(before);
            // release: pairs with the acquire in take(); the item and all that its sender wrote before it.
        } while (!word_.compare_exchange_weak(before, reinterpret_cast<std::uintptr_t>(&item),
                                              std::memory_order_release, std::memory_order_relaxed));
        // From here on the item may be gone. The port may not: the loop waits for this call.
        if (before == asleep) port_.wake();
    }

    /// The loop that empties this inbox.
    [[nodiscard]] Scheduler& scheduler() const noexcept { return *scheduler_; }

    /// Loop side: whether there is anything to take. A hint: take() is what counts.
    [[nodiscard]] bool empty() const noexcept { return word_.load(std::memory_order_relaxed) == 0; }

    /// Loop side: from empty to asleep; false if something was sent, and then nothing has changed.
    [[nodiscard]] bool fall_asleep() noexcept {
        std::uintptr_t expected = 0;
        return word_.compare_exchange_strong(expected, asleep, std::memory_order_relaxed, std::memory_order_relaxed);
    }

    /// Loop side: takes all that was sent and lets each item arrive, in the order of sending. Returns true if
    /// the word was still `asleep`, that is: if nobody has replaced it and so nobody owes a wake for it.
    bool take() noexcept {
        const std::uintptr_t word = word_.exchange(0, std::memory_order_acquire);
        if (word == asleep) return true;
        InboxItem* in_order = nullptr;
        for (auto* item = reinterpret_cast<InboxItem*>(word); item != nullptr;) {
            InboxItem* older = item->next_;
            item->next_ = in_order;
            in_order = item;
            item = older;
        }
        while (in_order != nullptr) {
            InboxItem* item = in_order;
            in_order = item->next_; // read first: once it has arrived the item may be sent again
            item->arrive();
        }
        return false;
    }

private:
    static constexpr std::uintptr_t asleep = 1; // no item has an odd address

    Atomic<std::uintptr_t> word_{0}; // written by senders and by the loop
    Port& port_;
    Scheduler* const scheduler_;
};

inline void InboxItem::wake() noexcept { inbox_->send(*this); }

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

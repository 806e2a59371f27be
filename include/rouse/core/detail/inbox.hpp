// The inbox: the one atomic word through which foreign contexts reach a loop.
//
// At any time the word has one of three values:
//
//     empty      the loop is awake and nothing has been sent since it last looked
//     asleep     the loop sleeps or is about to sleep; the context that replaces this value owes one Port::wake()
//     a pointer  the newest item that foreign contexts have sent, linked to the older ones
//
//                 send                         send
//        empty ---------> pointer    asleep ---------> pointer, then wake()
//          ^                 |          ^ |
//          '----- take ------'          | '- take -> empty
//          empty --- fall_asleep -------'
//
// Why no wake is lost: the mailbox and the sleep state are one word, so there is no window between looking into the
// mailbox and going to sleep. fall_asleep() succeeds only if the word is empty. A send that comes before it makes it
// fail, and the loop looks again. A send that comes after it finds `asleep` and owes the wake.
//
// Memory orders: send() releases and take() acquires, so the loop sees everything that the sender wrote before send().
// fall_asleep() publishes nothing and is relaxed. No fence is needed.
#pragma once

#include <cstdint>

#include <rouse/core/detail/atomic.hpp>
#include <rouse/core/port.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

class Scheduler;
class Inbox;

/// An item that a foreign context sends to a loop to report that something has happened. Awaiters derive from it.
///
/// wake() may be called from any context, arrive() is called on the thread of the loop. The owner of an item must
/// ensure that only one context at a time can send it, and must keep it alive from the moment when a context may send
/// it until it has arrived. An item that was sent always arrives, once; items arrive in the order in which they were
/// sent. Costs three words, one of them for the virtual function; nothing is allocated.
class InboxItem {
public:
    /// Called by the loop after the item was sent. From here on the item may be sent again.
    virtual void arrive() noexcept = 0;

    /// Sends the item to its inbox. May be called from any context. See Inbox::send.
    ///
    /// Not virtual, and neither is any other function that a foreign context calls: destroying an item first overwrites
    /// its vtable pointer, and only then can its destructor wait for a context that is about to send the item.
    void wake() noexcept;

protected:
    constexpr InboxItem() = default;
    ~InboxItem() = default;
    InboxItem(const InboxItem&) = delete;
    InboxItem& operator=(const InboxItem&) = delete;

    // The inbox of the waiting task's loop. Written by the loop before any context can send the item; read by the
    // sender.
    Inbox* inbox_ = nullptr;

private:
    friend class Inbox;
    InboxItem* next_ = nullptr; // the item sent before this one; written by the sender, read by the loop in take()
};

/// The mailbox of a loop. send() may be called from any context and by any number of contexts at once; all other
/// functions are for the loop. No item is lost, and items arrive in the order of their compare-exchange in send().
///
/// Costs a sender one compare-exchange, and one Port::wake() for all that is sent while the loop sleeps.
class Inbox {
public:
    Inbox(Port& port, Scheduler* scheduler) noexcept : port_{port}, scheduler_{scheduler} {}
    Inbox(const Inbox&) = delete;
    Inbox& operator=(const Inbox&) = delete;

    /// Puts an item into the inbox. May be called from any context. Lock-free: the loop inside repeats only if another
    /// context has sent an item meanwhile or the scheduler has taken the list. Calls Port::wake() (a system call, on an
    /// operating system) only if the loop was asleep; later senders do not call it until the loop has slept again.
    void send(InboxItem& item) noexcept {
        std::uintptr_t before = word_.load(std::memory_order_relaxed);
        do {
            item.next_ = before == asleep ? nullptr : reinterpret_cast<InboxItem*>(before);
            // release: pairs with the acquire in take(), which then sees the item and everything written before send().
            // A failed exchange publishes nothing, and next_ is written again: relaxed.
        } while (!word_.compare_exchange_weak(before, reinterpret_cast<std::uintptr_t>(&item),
                                              std::memory_order_release, std::memory_order_relaxed));
        // From here on the item may have been destroyed. The port still exists, because the loop waits for this call.
        if (before == asleep) port_.wake();
    }

    /// The scheduler that empties this inbox.
    [[nodiscard]] Scheduler& scheduler() const noexcept { return *scheduler_; }

    /// Whether there is nothing to take. For the loop. Only a hint, because a sender may change the answer at once;
    /// fall_asleep() and take() decide.
    [[nodiscard]] bool empty() const noexcept { return word_.load(std::memory_order_relaxed) == 0; }

    /// Whether nothing has been sent since fall_asleep(). For the loop. As with empty(), only a hint.
    [[nodiscard]] bool asleep_still() const noexcept { return word_.load(std::memory_order_relaxed) == asleep; }

    /// Changes the word from empty to asleep. For the loop. Returns false and changes nothing if something was sent.
    [[nodiscard]] bool fall_asleep() noexcept {
        std::uintptr_t expected = 0;
        return word_.compare_exchange_strong(expected, asleep, std::memory_order_relaxed, std::memory_order_relaxed);
    }

    /// Takes all items that were sent and calls arrive() on each, in the order of sending. For the loop. Returns true
    /// if the word was still `asleep`: then nothing was sent and no sender owes a wake.
    bool take() noexcept {
        // acquire: pairs with the release in send().
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
            in_order = item->next_; // read first: once it has arrived, the item may be sent again or destroyed
            item->arrive();
        }
        return false;
    }

private:
    static constexpr std::uintptr_t asleep = 1; // not the address of an item: those are even. Empty is 0.

    Atomic<std::uintptr_t> word_{0}; // written and read by senders (send) and by the loop (fall_asleep, take, empty)
    Port& port_;
    Scheduler* const scheduler_;
};

inline void InboxItem::wake() noexcept { inbox_->send(*this); }

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

// WaitList: the tasks that wait in one object, in the order in which they began. Used by everything that only
// the tasks of one loop touch.
#pragma once

#include <rouse/core/task_record.hpp>

namespace rouse::inline ROUSE_ABI::core {

/// A place in a circular list; alone when it is linked to itself.
class ListNode {
public:
    constexpr ListNode() noexcept = default;
    ListNode(const ListNode&) = delete;
    ListNode& operator=(const ListNode&) = delete;

    [[nodiscard]] bool linked() const noexcept { return next_ != nullptr && next_ != this; }

    /// Takes this node out of the list that it is in; does nothing if it is in none.
    void unlink() noexcept {
        if (next_ == nullptr) return;
        previous_->next_ = next_;
        next_->previous_ = previous_;
        next_ = previous_ = nullptr;
    }

private:
    friend class WaitList;
    ListNode* next_ = nullptr; // null: in no list
    ListNode* previous_ = nullptr;
};

/// A task's place in a WaitList.
struct ListWaiter : Waiter, ListNode {
    ListWaiter() = default;
    ~ListWaiter() { unlink(); }
};

/// First in, first out. Whoever owns the list knows which class its nodes are.
class WaitList {
public:
    constexpr WaitList() noexcept = default;
    WaitList(const WaitList&) = delete;
    WaitList& operator=(const WaitList&) = delete;

    /// Those still in it are in no list then: they wait until they are cancelled.
    ~WaitList() {
        while (!empty()) pop_front();
    }

    [[nodiscard]] bool empty() const noexcept { return !ends_.linked(); }

    void push_back(ListNode& waiter) noexcept {
        if (ends_.next_ == nullptr) ends_.next_ = ends_.previous_ = &ends_;
        waiter.previous_ = ends_.previous_;
        waiter.next_ = &ends_;
        ends_.previous_->next_ = &waiter;
        ends_.previous_ = &waiter;
    }

    /// Takes out the one that has waited longest; the list must not be empty.
    ListNode& pop_front() noexcept {
        ListNode& first = *ends_.next_;
        first.unlink();
        return first;
    }

    /// Moves all of `other` behind what is here.
    void take_all(WaitList& other) noexcept {
        while (!other.empty()) push_back(other.pop_front());
    }

private:
    ListNode ends_; // before the first and behind the last; its links are null until first used
};

} // namespace rouse::inline ROUSE_ABI::core

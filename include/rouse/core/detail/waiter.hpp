// The kinds of Waiter, and Branch.
//
// A waiter lives in the frame of the waiting coroutine, and unlinks itself from its object when it is destroyed. There
// are four kinds. The state of the waiting task (see TaskState) tells which kind its waiter is, and in which object it
// waits:
//
//     ListWaiter         in a WaitList, which only the tasks of one loop touch
//     Timer              in the timers of a loop (timer.hpp)
//     JoinWaiter         in the record of the task that is awaited (task_record.hpp)
//     RetractableWaiter  in any other object; it has a function that removes it
//
// A waiter wakes either a task or a Branch, which takes the place of a task.
#pragma once

#include <rouse/core/detail/task_record.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// A waiter that can remove itself from the object in which it waits.
struct RetractableWaiter : Waiter {
    /// Removes the waiter from its object, so that nothing can wake it any more, and returns true. Called on the loop.
    /// Returns false if a wake is already on its way, because a foreign context has taken the waiter: then the waiter
    /// must not be destroyed until the wake arrives, which resumes the task.
    virtual bool retract() noexcept = 0;

protected:
    RetractableWaiter() = default;
    ~RetractableWaiter() = default;
    RetractableWaiter(const RetractableWaiter&) = delete;
    RetractableWaiter& operator=(const RetractableWaiter&) = delete;
};

/// Part of a waiter in an object in which tasks of several loops wait. Each loop lists its own, so that the object's
/// destructor finds those of its thread (see Scheduler::for_each_shared_wait). For the thread of the loop.
struct SharedWait {
    const void* object = nullptr; // in which it waits
    SharedWait* next = nullptr;   // in the list: the next older one
    SharedWait** link = nullptr;  // in the list: the pointer that points to this; null: in no list

    void enter(SharedWait*& newest, const void* the_object) noexcept {
        object = the_object;
        next = newest;
        link = &newest;
        newest = this;
        if (next != nullptr) next->link = &next;
    }

    /// Returns false if it is in no list.
    bool leave() noexcept {
        if (link == nullptr) return false;
        *link = next;
        if (next != nullptr) next->link = link;
        link = nullptr;
        return true;
    }
};

/// Part of a wait for several tasks that cancels them when the waiting task is cancelled; see
/// Scheduler::forward_cancel.
struct CancelForwarder {
    explicit CancelForwarder(bool (*function)(CancelForwarder&) noexcept) noexcept : cancel_next{function} {}

    bool (*cancel_next)(CancelForwarder& forwarder) noexcept; // cancels one more task; returns false if none is left
#if ROUSE_HOSTED
    CancelForwarder* below = nullptr; // while active: the one that continues after this
#endif
    bool active = false;
};

/// A node of a circular doubly linked list.
class ListNode {
public:
    constexpr ListNode() noexcept = default;
    ListNode(const ListNode&) = delete;
    ListNode& operator=(const ListNode&) = delete;

    [[nodiscard]] bool linked() const noexcept { return next_ != nullptr && next_ != this; }

    /// Removes the node from its list. Does nothing if it is in none.
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

/// The tasks that wait in one object, first in, first out. Only for objects that the tasks of one loop share. The owner
/// of a list knows the class of its nodes. All functions but take_all() and the destructor take constant time.
class WaitList {
public:
    constexpr WaitList() noexcept = default;
    WaitList(const WaitList&) = delete;
    WaitList& operator=(const WaitList&) = delete;

    /// Unlinks the remaining waiters. Their tasks are not woken; they stay suspended until cancelled.
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

    /// Unlinks and returns the node that has waited longest; the list must not be empty.
    ListNode& pop_front() noexcept {
        ListNode& first = *ends_.next_;
        first.unlink();
        return first;
    }

    /// Moves all nodes of `other` to the end of this list, in their order.
    void take_all(WaitList& other) noexcept {
        while (!other.empty()) push_back(other.pop_front());
    }

private:
    ListNode ends_; // precedes the first and follows the last node; its links are null until first used
};

/// Takes the place of a task in a wait. It is used where one task waits for several things at once (select has a branch
/// for each), and where no task waits but a function must be called when a wait ends. It is a record without a frame.
/// When its waiter is woken, the loop calls `on_wake` at once instead of making a task ready.
///
/// on_wake runs inside set(), release(), a turn of the loop, or the end of a task that has not yet notified all its
/// awaiters. It may wake and cancel tasks and end the branch; it must not resume a task or destroy a frame.
struct Branch : TaskRecord {
    using OnWake = void (*)(Branch& branch) noexcept;

    explicit Branch(OnWake function) noexcept : on_wake{function} { state = TaskState::running; }

    /// Makes the branch wait in `waiter`, whose class and object `kind` names.
    void wait_in(Waiter& waiter, TaskState kind) noexcept {
        waiter.task = this;
        link.waiter = &waiter;
        state = kind;
    }

    OnWake on_wake;
    TaskRecord* stands_for = nullptr; // the task in whose place it waits, or null
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

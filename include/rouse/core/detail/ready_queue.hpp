// The ready queue: first in, first out, linked through the records of the tasks.
#pragma once

#include <rouse/core/detail/task_record.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// For the thread of the loop. All functions take constant time; nothing is allocated.
class ReadyQueue {
public:
    [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }

    /// Adds a task at the end and sets its state to `ready`.
    void push(TaskRecord& task) noexcept {
        task.state = TaskState::ready;
        task.link.next = nullptr;
        if (head_ == nullptr) {
            head_ = &task;
        } else {
            tail_->link.next = &task;
        }
        tail_ = &task;
    }

    /// Adds a task at the front, so that it runs next: for one that continues in place of the task that has just run.
    void push_front(TaskRecord& task) noexcept {
        task.state = TaskState::ready;
        task.link.next = head_;
        if (head_ == nullptr) tail_ = &task;
        head_ = &task;
    }

    /// Removes and returns the first task. The queue must not be empty.
    TaskRecord& pop() noexcept {
        TaskRecord& task = *head_;
        head_ = task.link.next;
        return task;
    }

private:
    TaskRecord* head_ = nullptr;
    TaskRecord* tail_ = nullptr; // valid only while head_ is not null
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

// The ready queue: first in, first out, linked through the records of the tasks.
#pragma once

#include <rouse/core/detail/task_record.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

class ReadyQueue {
public:
    [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }

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

    /// For a task that runs in the place of the one that has just run.
    void push_front(TaskRecord& task) noexcept {
        task.state = TaskState::ready;
        task.link.next = head_;
        if (head_ == nullptr) tail_ = &task;
        head_ = &task;
    }

    /// The queue must not be empty.
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

// The ready queue: first in, first out, linked through the records of the tasks.
//
// While a host may be asleep, an empty queue can be *armed*: it reports the next task that is added. `head_` then has a
// value that is neither null nor the address of a record. A push tells an armed queue from an empty one only when it
// has found that there is no task, so a push to a queue that holds tasks pays nothing.
#pragma once

#include <cstdint>

#include <rouse/core/detail/task_record.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// For the thread of the loop. All functions take constant time; nothing is allocated.
class ReadyQueue {
public:
    [[nodiscard]] bool empty() const noexcept { return reinterpret_cast<std::uintptr_t>(head_) <= armed_mark; }

#if ROUSE_HOSTED
    /// Calls on_push(user) when the next task is added. The queue must be empty.
    void arm(void (*on_push)(void*) noexcept, void* user) noexcept {
        on_push_ = on_push;
        user_ = user;
        head_ = reinterpret_cast<TaskRecord*>(armed_mark);
    }

    /// Undoes arm().
    void disarm() noexcept {
        if (armed()) head_ = nullptr;
    }

    [[nodiscard]] bool armed() const noexcept { return head_ == reinterpret_cast<TaskRecord*>(armed_mark); }
#endif

    /// Adds a task at the end and sets its state to `ready`.
    void push(TaskRecord& task) noexcept {
        task.state = TaskState::ready;
        task.link.next = nullptr;
        if (empty()) {
#if ROUSE_HOSTED
            if (armed()) [[unlikely]] {
                push_to_armed(task);
                return;
            }
#endif
            head_ = &task;
        } else {
            tail_->link.next = &task;
        }
        tail_ = &task;
    }

    /// Adds a task at the front, so that it runs next: for one that continues in place of the task that has just run.
    void push_front(TaskRecord& task) noexcept {
        task.state = TaskState::ready;
#if ROUSE_HOSTED
        if (armed()) [[unlikely]] {
            task.link.next = nullptr;
            push_to_armed(task);
            return;
        }
#endif
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

    /// The first task. The queue must not be empty.
    [[nodiscard]] TaskRecord& front() const noexcept { return *head_; }

private:
#if ROUSE_HOSTED
    // The last thing that a push does, so that it is a jump and costs the other pushes no register.
    [[gnu::cold, gnu::noinline]] void push_to_armed(TaskRecord& task) noexcept {
        head_ = tail_ = &task;
        on_push_(user_);
    }
#endif

    static constexpr std::uintptr_t armed_mark = ROUSE_HOSTED ? 1 : 0; // not the address of a record

    TaskRecord* head_ = nullptr; // null or armed_mark: empty
    TaskRecord* tail_ = nullptr; // valid only while the queue is not empty
#if ROUSE_HOSTED
    void (*on_push_)(void*) noexcept = nullptr; // valid while armed
    void* user_ = nullptr;
#endif
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

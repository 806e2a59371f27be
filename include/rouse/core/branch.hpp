// Branch: what stands for a task where one task waits for several things at once, or where no task waits at all but
// something is to be done when a wait is over.
#pragma once

#include <rouse/core/task_record.hpp>

namespace rouse::inline ROUSE_ABI::core {

/// A record without a frame, that a Waiter can have as its task. When what the waiter waits for happens, the loop calls
/// `woken` there and then, in place of making a task ready. `woken` is called from inside of set(), release(), a turn
/// of the loop, or the end of a task that has not yet told all who await it. It may wake and cancel, and end the
/// branch; it must not resume a task or destroy a frame.
struct Branch : TaskRecord {
    using Woken = void (*)(Branch& branch) noexcept;

    explicit Branch(Woken when_woken) noexcept : woken{when_woken} { state = TaskState::running; }

    /// From now on `waiter`, which is in a thing of the kind that `kind` names, is what the branch waits in.
    void wait_in(Waiter& waiter, TaskState kind) noexcept {
        waiter.task = this;
        link.waiter = &waiter;
        state = kind;
    }

    Woken woken;
    TaskRecord* stands_for = nullptr; // the task in whose place it is parked, if there is one
};

} // namespace rouse::inline ROUSE_ABI::core

// The task list: the tasks of a loop, and what each of them waits for. Costs nothing unless it is included.
#pragma once

#include <string_view>

#include <rouse/core/awaiter_base.hpp>
#include <rouse/core/detail/deadline.hpp>
#include <rouse/core/loop.hpp>

#if ROUSE_HOSTED
#include <chrono>
#include <cstdio>
#endif

namespace rouse {
inline namespace ROUSE_ABI {

/// A task, as for_each_task() found it. The texts are valid during the call only.
struct TaskInfo {
    /// The name given to create_task; empty if there is none.
    std::string_view name;
    /// What the task waits for, such as "waits for an Event", "sleeps" or "awaits a task"; empty if it is running or
    /// ready.
    std::string_view waits;
    /// For a task that waits for a time: that time; `no_deadline` for a Delay that is not running. `at_once` for any
    /// other.
    TimePoint due = at_once;
    /// For a task that awaits another: the name of that task; empty if it has none.
    std::string_view awaited{};
    /// For a task that waits in a custom awaiter: what AwaiterBase::waits_in() returns; empty for null.
    std::string_view object{};
    /// Whether the task has been cancelled and CancelledError has not been thrown yet.
    bool cancel_requested = false;
};

namespace detail {

/// What a task in this state waits for, in words; empty if it is not waiting.
[[nodiscard]] constexpr std::string_view text_of(TaskState state) noexcept {
    switch (state) {
    case TaskState::waiting_in_event: return "waits for an Event";
    case TaskState::waiting_in_lock: return "waits for a Lock";
    case TaskState::waiting_in_semaphore: return "waits for a Semaphore";
    case TaskState::waiting_in_queue: return "waits in a Queue";
    case TaskState::waiting_for_io: return "waits for input or output";
    case TaskState::waiting_for_time: return "sleeps";
    case TaskState::waiting_in_delay: return "waits for a Delay";
    case TaskState::waiting_for_task: return "awaits a task";
    case TaskState::waiting_in_condition: return "waits for a Condition";
    case TaskState::waiting_in_barrier: return "waits at a Barrier";
    case TaskState::waiting_in_flag: return "waits for a ThreadSafeFlag";
    case TaskState::waiting_in_thread_safe_event: return "waits for a ThreadSafeEvent";
    case TaskState::waiting_in_thread_safe_queue: return "waits in a ThreadSafeQueue";
    case TaskState::waiting_for_signal: return "waits for a Signal";
    case TaskState::waiting_in_select: return "waits in select";
    case TaskState::waiting_in_gather: return "waits in gather";
    case TaskState::waiting_in_task_group: return "waits in a TaskGroup";
    case TaskState::waiting_in_foreign: return "waits for an awaitable that is not rouse's";
    case TaskState::waiting_in_custom: return "waits in a custom awaiter";
    default: return {};
    }
}

} // namespace detail

/// Calls f(const TaskInfo&) for each task of the loop that has not ended, in no particular order. For the thread of the
/// loop. f must not create or cancel tasks. Takes time in proportion to the frames of the loop, and allocates nothing.
template <class F>
void for_each_task(Loop& loop, F f) {
    using detail::WaiterKind;
    const auto name_of = [](const detail::TaskRecord& task) -> std::string_view {
        return task.named ? task.name->text() : std::string_view{};
    };
    detail::scheduler_of(loop).frame_pool()->for_each_in_use([&](detail::TaskRecord& task) {
        if (!task.is_task || task.finished()) return;
        TaskInfo info;
        info.name = name_of(task);
        info.cancel_requested = task.cancel_requested;
        if (task.waiting()) {
            info.waits = detail::text_of(task.state);
            if (kind_of_waiter(task.state) == WaiterKind::timer) {
                info.due = static_cast<detail::Timer*>(task.link.waiter)->deadline;
            } else if (kind_of_waiter(task.state) == WaiterKind::join) {
                info.awaited = name_of(*static_cast<detail::JoinWaiter*>(task.link.waiter)->awaited);
            } else if (task.state == detail::TaskState::waiting_in_custom) {
                if (const char* object = static_cast<detail::CustomWaiter*>(task.link.waiter)->waits_in()) {
                    info.object = object;
                }
            }
        }
        f(info);
    });
}

#if ROUSE_HOSTED
/// Prints a line for each task of the loop that has not ended. For the thread of the loop: call it from a watchdog task
/// or from a debugger when a program hangs. (A loop whose tasks all wait does not end; it sleeps.)
inline void print_tasks(Loop& loop, std::FILE* out = stderr) {
    for_each_task(loop, [&](const TaskInfo& task) {
        const std::string_view name = task.name.empty() ? "(unnamed)" : task.name;
        std::string_view waits = task.waits.empty() ? "is running or ready" : task.waits;
        if (!task.object.empty()) waits = "waits in ";
        std::fprintf(out, "task %.*s %.*s%.*s", static_cast<int>(name.size()), name.data(),
                     static_cast<int>(waits.size()), waits.data(), static_cast<int>(task.object.size()),
                     task.object.data());
        if (task.due != at_once && task.due != no_deadline) {
            const std::chrono::duration<double> left = detail::time_left(loop.port().now(), task.due);
            std::fprintf(out, " for %.3f s", left.count());
        }
        if (!task.awaited.empty()) {
            std::fprintf(out, ", %.*s", static_cast<int>(task.awaited.size()), task.awaited.data());
        }
        std::fprintf(out, "%s\n", task.cancel_requested ? " (being cancelled)" : "");
    });
}
#endif

} // namespace ROUSE_ABI
} // namespace rouse

// The task list: which tasks a loop has, and what each of them waits for. Costs nothing unless it is included.
#pragma once

#include <string_view>

#include <rouse/core/loop.hpp>

#if ROUSE_HOSTED
#include <cstdio>
#endif

namespace rouse {
inline namespace ROUSE_ABI {

/// A task, at the moment of asking.
struct TaskInfo {
    std::string_view name;  ///< As given to create_task, or empty. Valid during the call.
    std::string_view waits; ///< "waits for an Event", "sleeps", "awaits a task", ...; empty: it runs, or is about to.
    TimePoint due{};        ///< If it waits for time: until when; `forever` for a Delay that is not running.
    std::string_view awaited{};    ///< The name of the task that it awaits, if it awaits one that has a name.
    bool cancel_requested = false; ///< Whether cancel() has been called and not been delivered yet.
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
    case TaskState::waiting_in_custom: return "waits in a custom awaiter";
    default: return {};
    }
}

} // namespace detail

/// Calls f(const TaskInfo&) for each task of the loop that has not ended, in no particular order. On the loop's thread.
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
            }
        }
        f(info);
    });
}

#if ROUSE_HOSTED
/// Prints a line for each of them. What to call, from a watchdog task or a debugger, when a program hangs: a loop does
/// not end while a task waits, it sleeps.
inline void print_tasks(Loop& loop, std::FILE* out = stderr) {
    for_each_task(loop, [&](const TaskInfo& task) {
        const std::string_view name = task.name.empty() ? "(unnamed)" : task.name;
        const std::string_view waits = task.waits.empty() ? "is running or ready" : task.waits;
        std::fprintf(out, "task %.*s %.*s", static_cast<int>(name.size()), name.data(), static_cast<int>(waits.size()),
                     waits.data());
        if (task.due != TimePoint{} && task.due != forever) {
            const std::chrono::duration<double> left = task.due - loop.port().now();
            std::fprintf(out, " for %.3f s", left.count());
        }
        if (!task.awaited.empty())
            std::fprintf(out, ", %.*s", static_cast<int>(task.awaited.size()), task.awaited.data());
        std::fprintf(out, "%s\n", task.cancel_requested ? " (being cancelled)" : "");
    });
}
#endif

} // namespace ROUSE_ABI
} // namespace rouse

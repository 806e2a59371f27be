// The task list: which tasks a loop has, and what each of them waits for. Costs nothing unless it is included.
#pragma once

#include <string_view>

#include <rouse/core/loop.hpp>

#if ROUSE_HOSTED
#include <cstdio>
#endif

namespace rouse::inline ROUSE_ABI::debug {

/// @namespace rouse::debug
/// What helps to find a fault, and costs nothing unless it is included.

/// What a task waits for.
enum class Waits : unsigned char {
    no,          ///< It runs, or is about to.
    in_object,   ///< In an Event, a Lock, a Queue, a socket: until another task, or the port, makes it ready.
    for_time,    ///< Until TaskInfo::due; `forever`: for a Delay that does not run.
    for_task,    ///< Until the task TaskInfo::awaited has ended.
    for_foreign, ///< In a ThreadSafeFlag or the like; in a Condition or a Barrier; in several things at once, as in
                 ///< gather, select and TaskGroup.
};

/// A task, at the moment of asking.
struct TaskInfo {
    std::string_view name;         ///< As given to create_task, or empty. Valid during the call.
    Waits waits = Waits::no;       ///< What it waits for.
    TimePoint due{};               ///< Until when, if it waits for time.
    std::string_view awaited{};    ///< The name of the task that it awaits, if it awaits one that has a name.
    bool cancel_requested = false; ///< Whether cancel() has been called, and not been delivered yet.
};

/// The words for it.
[[nodiscard]] constexpr const char* text(Waits waits) noexcept {
    switch (waits) {
    case Waits::in_object: return "waits in an object of its loop";
    case Waits::for_time: return "sleeps";
    case Waits::for_task: return "awaits a task";
    case Waits::for_foreign: return "waits for a foreign context, or several things";
    default: return "is running or ready";
    }
}

/// Calls f(const TaskInfo&) for each task of the loop that has not ended, in no particular order. On the loop's thread.
template <class F>
void for_each_task(Loop& loop, F f) {
    using core::TaskState;
    const auto name_of = [](const core::TaskRecord& task) -> std::string_view {
        return task.named ? task.name->text() : std::string_view{};
    };
    loop.frame_pool()->for_each_in_use([&](core::TaskRecord& task) {
        if (!task.is_task || task.finished()) return;
        TaskInfo info;
        info.name = name_of(task);
        info.cancel_requested = task.cancel_requested;
        switch (task.state) {
        case TaskState::waiting_in_list: info.waits = Waits::in_object; break;
        case TaskState::waiting_for_time:
            info.waits = Waits::for_time;
            info.due = static_cast<core::Timer*>(task.link.waiter)->deadline;
            break;
        case TaskState::waiting_for_task:
            info.waits = Waits::for_task;
            info.awaited = name_of(*static_cast<core::JoinWaiter*>(task.link.waiter)->awaited);
            break;
        case TaskState::waiting_for_foreign: info.waits = Waits::for_foreign; break;
        default: break;
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
        std::fprintf(out, "task %.*s %s", static_cast<int>(name.size()), name.data(), text(task.waits));
        if (task.waits == Waits::for_time && task.due != forever) {
            const std::chrono::duration<double> left = task.due - loop.port().now();
            std::fprintf(out, " for %.3f s", left.count());
        }
        if (!task.awaited.empty())
            std::fprintf(out, ", %.*s", static_cast<int>(task.awaited.size()), task.awaited.data());
        std::fprintf(out, "%s\n", task.cancel_requested ? " (being cancelled)" : "");
    });
}
#endif

} // namespace rouse::inline ROUSE_ABI::debug

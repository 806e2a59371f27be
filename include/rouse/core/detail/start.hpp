// start(): turns a Task<T> into a task of a scheduler.
#pragma once

#include <string_view>
#include <utility>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/task.hpp>
#include <rouse/core/task_handle.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

#if ROUSE_HOSTED
template <class T>
Task<T> run_as_child(Task<T> task) {
    co_return co_await task;
}

/// Wraps a Task whose frame does not come from the pool of `scheduler` in a Task whose frame does, and which runs the
/// first as its child. A scheduler finds its tasks in its pool.
template <class T>
[[gnu::noinline]] Task<T> wrap_foreign_frame(Scheduler& scheduler, Task<T>&& task) {
    FramePool* pool = FramePool::of(record_of(task));
    if (pool != nullptr && pool->thread() != scheduler.frame_pool()->thread() && !pool->has_ended()) {
        pool->give_back(*release(task)); // not destroyed here, because its pool is in use on that thread
        misuse(
            "rouse: create_task: the Task was made on the thread of another loop; make it on the thread that runs it");
    }
    if (scheduler.running() && Scheduler::current_or_null() != &scheduler) {
        misuse(
            "rouse: create_task: the loop runs on another thread; send it a message through a queue or a flag, and let "
            "a task of that loop create this one");
    }
    return scheduler.as_current([&] { return run_as_child(std::move(task)); });
}
#endif

ROUSE_NOINLINE_ON_FIRMWARE inline void check_unstarted(const TaskRecord& task) {
    if (task.state != TaskState::created) {
        misuse("rouse: create_task: the Task was awaited before; call the coroutine again to get a new one");
    }
}

/// Takes the frame out of a Task and leaves it empty. The frame comes from the pool of `scheduler`. Returns null if the
/// Task is empty.
template <class T>
TaskRecord* take_frame([[maybe_unused]] Scheduler& scheduler, Task<T>& task) {
    if (!task) return nullptr;
    check_unstarted(record_of(task));
#if ROUSE_HOSTED
    if (FramePool::of(record_of(task)) != scheduler.frame_pool()) [[unlikely]]
        task = wrap_foreign_frame(scheduler, std::move(task));
#endif
    return release(task);
}

/// See Loop::create_task.
template <class T>
TaskHandle<T> start(Scheduler& scheduler, Task<T>&& task) {
    return handle_of<T>(scheduler.start(take_frame(scheduler, task), scheduler.ending()));
}

/// As start(), for a task that another task waits for: it starts even if the loop is cancelling its tasks.
template <class T>
TaskHandle<T> start_awaited(Scheduler& scheduler, Task<T>&& task) {
    return handle_of<T>(scheduler.start(take_frame(scheduler, task), false));
}

// With a name. Separate functions, so that a program without names does not link the code for them.

/// Gives a task that was just started a name, unless the handle is empty.
inline void set_name(Scheduler& scheduler, const TaskReference& handle, std::string_view name) {
    if (handle) scheduler.set_name(*record_of(handle), name);
}

template <class T>
TaskHandle<T> start(Scheduler& scheduler, Task<T>&& task, std::string_view name) {
    TaskHandle<T> handle = start(scheduler, std::move(task));
    set_name(scheduler, handle, name);
    return handle;
}

template <class T>
TaskHandle<T> start_awaited(Scheduler& scheduler, Task<T>&& task, std::string_view name) {
    TaskHandle<T> handle = start_awaited(scheduler, std::move(task));
    set_name(scheduler, handle, name);
    return handle;
}

/// Starts a task that runs next, before the ready queue, because the running task will wait for it; see
/// Scheduler::start_next.
template <class T>
TaskHandle<T> start_next(Scheduler& scheduler, Task<T>&& task) {
    TaskRecord* record = take_frame(scheduler, task);
    if (record == nullptr) return {};
    scheduler.start_next(*record);
    return handle_of<T>(record);
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

// What a Loop does with Tasks and handles: creating, adopting, and running one to its end.
#pragma once

#include <string_view>
#include <utility>

#include <rouse/core/loop.hpp>
#include <rouse/core/task.hpp>
#include <rouse/core/task_handle.hpp>

namespace rouse::inline ROUSE_ABI {

template <class T>
Task<T> Loop::adopt(Task<T> task) {
    co_return co_await task;
}

#if ROUSE_HOSTED
// For a frame that is not from our pool, in which a loop finds its tasks: runs it as the child of one that is.
template <class T>
[[gnu::noinline]] Task<T> Loop::made_ours(Task<T>&& task) {
    core::FramePool* pool = core::FramePool::of(task.record());
    if (pool != nullptr && pool->thread() != pool_->thread()) {
        static_cast<void>(task.release()); // not ours to destroy: its pool is in use over there
        misuse(
            "rouse: create_task: the Task was made on the thread of another loop; make it on the thread that runs it");
    }
    if (running() && current_ != this) {
        misuse(
            "rouse: create_task: the loop runs on another thread; send it what it is to do, by a queue or a flag, "
            "and let a task of the loop create this one");
    }
    Loop* const before = std::exchange(current_, this);
    Task<T> ours = adopt(std::move(task));
    current_ = before;
    return ours;
}
#endif

template <class T>
core::TaskRecord* Loop::accept(Task<T>& task) {
    if (!task) return nullptr;
    check_unstarted(task.record());
#if ROUSE_HOSTED
    if (core::FramePool::of(task.record()) != pool_) [[unlikely]]
        task = made_ours(std::move(task));
#endif
    return task.release();
}

template <class T>
TaskHandle<T> Loop::create_task(Task<T>&& task) {
    return TaskHandle<T>{enqueue(accept(task), ending_)};
}

template <class T>
TaskHandle<T> Loop::create_awaited(Task<T>&& task) {
    return TaskHandle<T>{enqueue(accept(task), false)};
}

// Apart from those without, so that a program without names does not link them.
template <class T>
TaskHandle<T> Loop::create_task(Task<T>&& task, std::string_view name) {
    TaskHandle<T> handle = create_task(std::move(task));
    if (handle) set_name(*handle.record(), name);
    return handle;
}
template <class T>
TaskHandle<T> Loop::create_awaited(Task<T>&& task, std::string_view name) {
    TaskHandle<T> handle = create_awaited(std::move(task));
    if (handle) set_name(*handle.record(), name);
    return handle;
}

template <class T>
TaskHandle<T> Loop::create_next(Task<T>&& task) {
    core::TaskRecord* record = accept(task);
    if (record == nullptr) return {};
    start(*record);
    ready_.push_front(*record);
    return TaskHandle<T>{record};
}

template <class T>
T Loop::run_until_complete(TaskHandle<T> task) {
    refuse_to_nest();
    if (!task)
        misuse("rouse: Loop::run_until_complete: an empty task: moved from, or its frame could not be allocated");
    if (!task.done() && core::FramePool::of(*task.record()) != pool_) {
        misuse("rouse: Loop::run_until_complete: the task belongs to another loop");
    }
    wait_for(*task.record());
    return task.result();
}

template <class T>
T Loop::run_until_complete(Task<T> task) {
    refuse_to_nest();
    return run_until_complete(create_task(std::move(task)));
}

template <class T>
T Loop::run(Task<T> main) {
    refuse_to_nest();
    TaskHandle<T> task = create_task(std::move(main), "main");
    if (!task) misuse("rouse: run: an empty task: moved from, or its frame could not be allocated");
    wait_for(*task.record());
    cancel_all();
    return task.result();
}

} // namespace rouse::inline ROUSE_ABI

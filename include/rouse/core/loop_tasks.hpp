// What a Loop does with tasks: starting, resuming, suspending, cancelling and ending them.
#pragma once

#include <new>
#include <utility>

#include <rouse/core/loop.hpp>

#if ROUSE_EXCEPTIONS
#include <cstdio>
#endif

namespace rouse::inline ROUSE_ABI {

inline core::TaskRecord& Loop::running_task() {
    Loop* loop = current_;
    if (loop == nullptr || loop->running_task_ == nullptr) [[unlikely]] {
        misuse("rouse: not in a task; this works only in a coroutine that a loop runs");
    }
    return *loop->running_task_;
}

inline core::TaskRecord& Loop::running_task_itself() {
    core::TaskRecord& running = running_task();
    return running.is_task ? running : *static_cast<core::Branch&>(running).stands_for;
}

inline void Loop::park(core::Waiter& waiter, core::TaskState state, std::coroutine_handle<> frame) {
    core::TaskRecord& task = running_task();
    waiter.task = &task;
    task.link.waiter = &waiter;
    task.resume_point = frame;
    task.state = state;
}

inline void Loop::unpark(core::Waiter& waiter) noexcept {
    waiter.task->state = core::TaskState::running;
    waiter.task->resume_point = nullptr;
    waiter.task = nullptr;
}

inline void Loop::park_ready(std::coroutine_handle<> frame) {
    core::TaskRecord& task = running_task();
    task.resume_point = frame;
    if (task.is_task) {
        ready_.push(task);
    } else {
        task.state = core::TaskState::ready; // a branch: its task goes round the queue, see Race
    }
}

template <class F>
void Loop::in_place_of_task(core::Branch& branch, F suspend) {
    struct PutBack {
        Loop& loop;
        core::TaskRecord* task;
        ~PutBack() { loop.running_task_ = task; }
    };
    Loop& loop = current();
    branch.stands_for = &running_task_itself();
    const PutBack put_back{loop, std::exchange(loop.running_task_, &branch)};
    suspend();
}

template <class F>
void Loop::check_cancelled([[maybe_unused]] F give_back) {
#if ROUSE_EXCEPTIONS
    core::TaskRecord& task = *current_->running_task_;
    if (task.cancel_requested) [[unlikely]] {
        task.cancel_requested = false;
        note_cancellation();
        give_back();
        throw CancelledError{};
    }
#endif
}

inline void Loop::check_cancelled() {
    check_cancelled([] {});
}

inline bool Loop::cancel(core::TaskRecord& first) noexcept {
    using core::TaskState;
    if (first.finished()) return false;
    end_cancelled_ = &Loop::end_cancelled;
    const auto join_of = [](core::TaskRecord& task) -> core::JoinWaiter& {
        return static_cast<core::JoinWaiter&>(*task.link.waiter);
    };
    // Forwarded along the chain of tasks that await each other; it has an end, see TaskHandle.
    core::TaskRecord* task = &first;
    while (task->state == TaskState::waiting_for_task) task = join_of(*task).awaited;
    task->cancel_requested = true;
    // Those in between are cancelled by what they await, except two: who asked for an outcome is not cancelled by
    // getting one; and if the last one is running, it may end before it is cancelled, or has just ended and is telling
    // those who await it. So they are told for themselves.
    const bool may_be_late = task->state == TaskState::running || task->finished();
    for (core::TaskRecord* each = &first; each != task; each = join_of(*each).awaited) {
        if (join_of(*each).wants_outcome || may_be_late) each->cancel_requested = true;
    }
    // A task that is ready or running is cancelled when it is next resumed or suspended; one that a foreign context has
    // woken, when that arrives.
    interrupt(*task);
    return true;
}

ROUSE_ONE_COPY inline void Loop::check_unstarted(const core::TaskRecord& task) {
    if (task.state != core::TaskState::created) misuse("rouse: create_task: the Task was awaited before");
}

inline void Loop::start(core::TaskRecord& task) noexcept {
    task.is_task = true;
    task.references = 1;
    task.resume_point = task.frame();
    ++live_;
}

inline void Loop::set_name(core::TaskRecord& task, std::string_view name) noexcept {
    if (name.empty()) return;
    // The name has a block of its own from the pool, which looks like a frame that nobody has started.
    void* block = core::FramePool::allocate(pool_, sizeof(core::TaskRecord) + sizeof(core::TaskName) + name.size());
    if (block == nullptr) return;
    auto* record = ::new (block) core::TaskRecord;
    task.name = ::new (static_cast<void*>(record + 1)) core::TaskName{nullptr, name.size()};
    // Not name.copy(), which could throw, and so at -O0 would need a heap to link.
    std::char_traits<char>::copy(reinterpret_cast<char*>(task.name + 1), name.data(), name.size());
    task.named = true;
}

ROUSE_ONE_COPY inline core::TaskRecord* Loop::enqueue(core::TaskRecord* task, bool cancelled) noexcept {
    if (task == nullptr) return nullptr;
    start(*task);
    if (cancelled) [[unlikely]]
        task->cancel_requested = true;
    ready_.push(*task);
    task->state = core::TaskState::fresh;
    return task;
}

inline void Loop::step(core::TaskRecord& task) noexcept {
    using core::TaskState;
    if (task.cancel_requested) [[unlikely]] {
        if (!ROUSE_EXCEPTIONS || task.state == TaskState::fresh) {
            end_cancelled_(*this, task);
            return;
        }
    }
    running_task_ = &task;
#if ROUSE_EXCEPTIONS
    cancelling_ = nullptr;
#endif
    task.state = TaskState::running;
    do {
        std::exchange(task.resume_point, nullptr).resume();
    } while (task.state == TaskState::running && task.resume_point != nullptr);
    running_task_ = nullptr;

    if (task.state == TaskState::ready) return;
    if (task.state == TaskState::done) {
        finish(task);
    } else if (task.state == TaskState::running) [[unlikely]] {
        ROUSE_PANIC("rouse: a task was suspended by an awaitable that is not rouse's, and cannot be resumed");
    } else if (task.cancel_requested && task.waiting()) [[unlikely]] {
        end_cancelled_(*this, task); // it was cancelled while it ran, by way of a task that awaits it
    }
}

inline void Loop::end_cancelled(Loop& loop, core::TaskRecord& task) noexcept {
    if (task.waiting()) {
        loop.cancel(task);
    } else {
        loop.destroy_frame(task);
    }
}

inline void Loop::destroy_frame(core::TaskRecord& task) noexcept {
    core::TaskRecord* const before = std::exchange(running_task_, &task);
    task.state = core::TaskState::destroyed;
    task.frame().destroy(); // the record stays: the loop's reference
    task.ending = core::Ending::cancelled;
    running_task_ = before;
    finish(task);
}

ROUSE_ONE_COPY inline void Loop::frame_ended(core::TaskRecord& record) noexcept {
    if (record.is_task) {
        record.state = core::TaskState::done;
    } else if (record.resume_point != nullptr) {
        running_task().resume_point = record.resume_point;
    }
}

ROUSE_ONE_COPY inline void Loop::frame_destroyed(core::TaskRecord& record) noexcept {
    if (record.references == 0) release(record);
}

inline void Loop::finish(core::TaskRecord& task) noexcept {
    if (core::JoinWaiter* newest = std::exchange(task.awaiters(), nullptr)) {
        task.seen = true;
        core::JoinWaiter* in_order = nullptr;
        do {
            core::JoinWaiter* older = newest->next;
            newest->next = std::exchange(in_order, newest);
            newest = older;
        } while (newest != nullptr);
        do {
            core::JoinWaiter& waiter = *in_order;
            in_order = waiter.next;
            waiter.awaited = nullptr;
            waiter.told(waiter, task);
        } while (in_order != nullptr);
    }
    if (--live_ == 0 && ending_ && sentinel_ != nullptr) ready_.push(*sentinel_);
    drop(task);
}

inline void Loop::drop(core::TaskRecord& task) noexcept {
    if (--task.references != 0) return;
    if (task.ending != core::Ending::value) [[unlikely]] {
        drop_unreturned(task);
    } else {
        task.frame().destroy(); // which releases the block, see frame_destroyed
    }
}

inline void Loop::drop_unreturned(core::TaskRecord& task) noexcept {
    if (task.state == core::TaskState::destroyed) {
        release(task);
        return;
    }
    if (task.ending == core::Ending::error && !task.seen) report(task);
    task.frame().destroy();
}

inline void Loop::release(core::TaskRecord& record) noexcept {
    if (record.named) [[unlikely]] {
        core::TaskRecord& name = *(reinterpret_cast<core::TaskRecord*>(record.name) - 1);
        name.state = core::TaskState::unused;
        core::FramePool::release(name);
    }
    record.clear();
    core::FramePool::release(record);
}

inline void Loop::report(core::TaskRecord& task) noexcept {
    task.seen = true;
#if ROUSE_EXCEPTIONS
    const std::string_view name = task.named ? task.name->text() : "(unnamed)";
    const Loop* loop = core::FramePool::of(task)->loop();
    if (loop != nullptr && loop->exception_handler_ != nullptr) {
        (*loop->exception_handler_)(name, task.error());
        return;
    }
    const auto print = [name](const char* what) {
        std::fprintf(stderr, "rouse: task %.*s was ended by an exception that nobody awaits: %s\n",
                     static_cast<int>(name.size()), name.data(), what);
    };
    try {
        std::rethrow_exception(task.error());
    } catch (const std::exception& error) {
        print(error.what());
    } catch (...) {
        print("not a std::exception");
    }
#endif
}

#if ROUSE_EXCEPTIONS
template <class F>
void Loop::set_exception_handler(F handler) {
    delete std::exchange(exception_handler_, new core::ExceptionHandlerOf<F>{std::move(handler)});
}
#endif

} // namespace rouse::inline ROUSE_ABI

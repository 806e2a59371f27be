// TaskRecord: the four words in front of every coroutine frame, by which the scheduler knows a task.
//
// A coroutine of type Task<T> is either a *child*, awaited in place by the frame that called it, or a *task*,
// the outermost frame of a chain, which the loop schedules. Both have the same record, because the frame is created
// before it is known which it will be. The record precedes the frame instead of being in its promise, so that it
// outlives the frame: when a task is ended from outside, its frame is destroyed while handles may still refer to the
// task.
//
//            create_task               popped by the loop            the frame ends
//   created ------------> fresh ----------------------------> running -------------> done
//                                                              ^  |  ^                ^
//                                   popped                     |  |  | child ends     | destroyed
//                         ready -------------------------------'  |  '--.             | from outside
//                           ^                                     v     |             |
//                           '---- woken, or yield ---- waiting_for_... -'-------------'
//
// `running` with a new resume point after a resume means that a child has ended: the parent is resumed next.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include <rouse/core/config.hpp>

#if ROUSE_EXCEPTIONS
#include <exception>
#endif

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

class TaskRecord;

/// What a task, or a child, is doing. While it waits, the state says what it waits in and, by the order of the
/// enumerators, which kind of Waiter that is.
enum class TaskState : std::uint8_t {
    unused,  // the block is in the pool's free list
    created, // the frame exists; it has not been started
    fresh,   // in the ready queue for the first time: its body has not begun
    ready,   // in the ready queue
    running, // being resumed; or a child that has been started
    // a ListWaiter:
    waiting_in_event,
    waiting_in_lock,
    waiting_in_semaphore,
    waiting_in_queue,
    waiting_for_io,
    // a Timer:
    waiting_for_time,
    waiting_in_delay,
    // a JoinWaiter:
    waiting_for_task,
    // a RetractableWaiter:
    waiting_in_condition,
    waiting_in_barrier,
    waiting_in_flag,
    waiting_in_thread_safe_event,
    waiting_in_thread_safe_queue,
    waiting_for_signal,
    waiting_in_select,
    waiting_in_gather,
    waiting_in_task_group,
    waiting_in_custom, // an object of the user's; see AwaiterBase
    // ended:
    done,      // its frame is at the end and holds the result
    destroyed, // by a cancellation that left only the record
};

/// The class of the waiter in which a task is suspended; see waiter.hpp.
enum class WaiterKind : std::uint8_t { list, timer, join, retractable };

/// The kind of waiter that belongs to a waiting state.
[[nodiscard]] constexpr WaiterKind kind_of_waiter(TaskState waiting) noexcept {
    if (waiting < TaskState::waiting_for_time) return WaiterKind::list;
    if (waiting < TaskState::waiting_for_task) return WaiterKind::timer;
    return waiting == TaskState::waiting_for_task ? WaiterKind::join : WaiterKind::retractable;
}

enum class Ending : std::uint8_t { none, value, error, cancelled };

/// The base of every awaiter that suspends a task. It lives in the frame of the coroutine that waits, and unlinks
/// itself from whatever it is in when it is destroyed. See waiter.hpp for the kinds of waiters.
struct Waiter {
    TaskRecord* task = nullptr;
};

/// A task's place in the record of a task that it awaits (see TaskHandle).
struct JoinWaiter : Waiter {
    // Called when `awaited` has ended. A pointer, so that a program without gather() does not link what gather() does.
    void (*on_done)(JoinWaiter&, TaskRecord& ended) noexcept;
    TaskRecord* awaited = nullptr; // null: not in a record
    JoinWaiter* next = nullptr;
    bool wants_outcome = false; // a cancellation of `awaited` does not cancel the waiting task
};

/// The name of a task that has one, and its awaiters, which a task without a name has in its record.
struct TaskName {
    JoinWaiter* awaiters;
    std::size_t length; // the characters follow

    [[nodiscard]] std::string_view text() const noexcept { return {reinterpret_cast<const char*>(this + 1), length}; }
};

class TaskRecord {
public:
    ROUSE_NOINLINE_ON_FIRMWARE TaskRecord() noexcept {}

    /// The record of a Task's frame.
    static TaskRecord& of(std::coroutine_handle<> frame) noexcept {
        return *(static_cast<TaskRecord*>(frame.address()) - 1);
    }

    [[nodiscard]] std::coroutine_handle<> frame() noexcept { return std::coroutine_handle<>::from_address(this + 1); }

    [[nodiscard]] bool finished() const noexcept { return state >= TaskState::done; }

    [[nodiscard]] bool waiting() const noexcept {
        return state >= TaskState::waiting_in_event && state <= TaskState::waiting_in_custom;
    }

#if ROUSE_EXCEPTIONS
    // The error shares its word with the links: a coroutine that has thrown no longer waits for anything.
    void set_error(std::exception_ptr error) noexcept {
        static_assert(sizeof(std::exception_ptr) == sizeof(void*));
        ::new (static_cast<void*>(link.error)) std::exception_ptr{std::move(error)};
        ending = Ending::error;
    }
    [[nodiscard]] std::exception_ptr& error() noexcept {
        return *std::launder(reinterpret_cast<std::exception_ptr*>(link.error));
    }
#endif

    /// Destroys what the record holds, before the block returns to its pool.
    void clear() noexcept {
#if ROUSE_EXCEPTIONS
        if (ending == Ending::error) error().~exception_ptr();
#endif
        state = TaskState::unused;
    }

    union Link {
        TaskRecord* next; // ready: the next in the queue. unused: the next free block
        Waiter* waiter;   // waiting: what it waits in
#if ROUSE_EXCEPTIONS
        alignas(void*) std::byte error[sizeof(void*)]; // ending == error
#endif
    } link{nullptr};

    // A task: the innermost frame, which is resumed next. A child: the frame that awaits it; null while that frame is
    // still inside its co_await and will see by itself that the child has ended.
    std::coroutine_handle<> resume_point{};

    union { // a task: its awaiters, the newest first
        JoinWaiter* unnamed_awaiters = nullptr;
        TaskName* name; // if `named`
    };
    [[nodiscard]] JoinWaiter*& awaiters() noexcept { return named ? name->awaiters : unnamed_awaiters; }

    // One reference of the loop until the task is done, and one of each TaskHandle.
    using Count = std::conditional_t<sizeof(void*) == 8, std::uint32_t, std::uint16_t>;
    Count references = 0;

    TaskState state = TaskState::created;

    // Nothing that changes at each step is a bit. Writing a bit means reading its byte first, and compilers read two
    // bytes at once, for which a CPU has to wait until the last store to one of them has reached the cache.
    static constexpr int ending_bits = sizeof(void*) == 8 ? 8 : 2; // a byte of its own where there is one
    Ending ending : ending_bits = Ending::none;
    bool is_task : 1 = false;                                 // scheduled by a loop, not a child
    bool cancel_requested : 1 = false;                        // its next resumption is a cancellation
    bool named : 1 = false;                                   // see `name`
    bool ending_observed : 1 = false;                         // its ending was awaited, asked for or reported
    std::uint8_t unused_bits : (ending_bits == 8 ? 4 : 2){0}; // so that no bit has to be read before it is written
};

static_assert(sizeof(TaskRecord) == 4 * sizeof(void*));

/// Puts a waiter into the record of a task that has not ended.
inline void enter(JoinWaiter& waiter, TaskRecord& awaited) noexcept {
    waiter.awaited = &awaited;
    waiter.next = std::exchange(awaited.awaiters(), &waiter);
}

/// Removes the waiter again, unless the task has ended meanwhile.
inline void leave(JoinWaiter& waiter) noexcept {
    if (waiter.awaited == nullptr) return;
    JoinWaiter** link = &waiter.awaited->awaiters();
    while (*link != &waiter) link = &(*link)->next;
    *link = waiter.next;
    waiter.awaited = nullptr;
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

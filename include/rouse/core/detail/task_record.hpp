// TaskRecord: the four words that precede every coroutine frame, by which the scheduler knows a task.
//
// A coroutine of type Task<T> is either a *child*, awaited in place by the frame that called it, or a *task*, the
// outermost frame of a chain, which the loop schedules. Both have the same record, because the frame is created
// before it is known which it will be. The record precedes the frame instead of being in its promise, so that it
// outlives the frame: when a task ends, its frame is destroyed, while handles may still refer to the task. The block
// stays, and in it the value that the task has returned.
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

/// The state of a task or child. While it waits, the state names the object in which it waits; the order of the
/// enumerators gives the class of its Waiter.
enum class TaskState : std::uint8_t {
    unused,          // the block is in the pool's free list
    created,         // the frame exists; it has not been started
    fresh,           // in the ready queue for the first time: its body has not begun
    ready,           // in the ready queue
    ready_for_child, // as ready: it has a child to begin, see Scheduler::park_before_child
    running,         // being resumed; or a child that has been started
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
    waiting_in_foreign, // an awaitable that is not rouse's, see ForeignAwaiter
    waiting_in_custom,  // a class derived from AwaiterBase
    // ended:
    done,      // it has returned or thrown; its frame is gone, except for the value
    destroyed, // its frame was destroyed by a cancellation; only the record is left
};

/// The class of the waiter in which a task is suspended; see waiter.hpp.
enum class WaiterKind : std::uint8_t { list, timer, join, retractable };

/// The kind of waiter that belongs to a waiting state.
[[nodiscard]] constexpr WaiterKind kind_of_waiter(TaskState waiting) noexcept {
    if (waiting < TaskState::waiting_for_time) return WaiterKind::list;
    if (waiting < TaskState::waiting_for_task) return WaiterKind::timer;
    return waiting == TaskState::waiting_for_task ? WaiterKind::join : WaiterKind::retractable;
}

/// How a coroutine has ended; `none` before that.
enum class Ending : std::uint8_t { none, value, error, cancelled };

/// The base of every awaiter that suspends a task. It lives in the frame of the waiting coroutine, and unlinks itself
/// from its object when it is destroyed. See waiter.hpp for the kinds of waiters.
struct Waiter {
    TaskRecord* task = nullptr; // the task or Branch that waits; null before it is suspended
};

/// The waiter of a task that awaits another task (see TaskHandle). It is in the record of the awaited task.
struct JoinWaiter : Waiter {
    // Called when `awaited` has ended. A pointer, so that a program without gather() does not link the code for
    // gather().
    void (*on_done)(JoinWaiter&, TaskRecord& ended) noexcept;
    TaskRecord* awaited = nullptr; // null: not in a record
    JoinWaiter* next;              // in a record: the next older awaiter
    JoinWaiter** link;             // in a record: the pointer that points to this
    bool wants_outcome = false;    // the cancellation of `awaited` does not cancel the waiting task
};

/// The name of a task, and its awaiters, which a task without a name has in its record.
struct TaskName {
    JoinWaiter* awaiters;
    std::size_t length; // the characters follow

    [[nodiscard]] std::string_view text() const noexcept { return {reinterpret_cast<const char*>(this + 1), length}; }
};

/// For the thread of the loop. See the top of this file.
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
    // The error shares its word with the links, because a coroutine that has thrown no longer waits.
    void set_error(std::exception_ptr error) noexcept {
        static_assert(sizeof(std::exception_ptr) == sizeof(void*));
        ::new (static_cast<void*>(link.error)) std::exception_ptr{std::move(error)};
        ending = Ending::error;
    }
    [[nodiscard]] std::exception_ptr& error() noexcept {
        return *std::launder(reinterpret_cast<std::exception_ptr*>(link.error));
    }
#endif

    /// Destroys the error, if there is one, and marks the block as unused.
    void clear() noexcept {
#if ROUSE_EXCEPTIONS
        if (ending == Ending::error) error().~exception_ptr();
#endif
        state = TaskState::unused;
    }

    union Link {
        TaskRecord* next; // ready: the next in the queue. unused: the next free block
        Waiter* waiter;   // waiting: its waiter
#if ROUSE_EXCEPTIONS
        alignas(void*) std::byte error[sizeof(void*)]; // ending == error
#endif
    } link{nullptr};

    union {
        // Of a task: the innermost frame, which is resumed next. Of a child: the frame that awaits it; null while that
        // frame is still in await_suspend, where it sees for itself whether the child has ended.
        std::coroutine_handle<> resume_point{};
        // Of a task that is done: destroys its value; null if there is nothing to destroy. See Promise.
        void (*destroy_value)(TaskRecord&) noexcept;
    };

    union { // of a task: its awaiters, newest first
        JoinWaiter* unnamed_awaiters = nullptr;
        TaskName* name; // if `named`
    };
    [[nodiscard]] JoinWaiter*& awaiters() noexcept { return named ? name->awaiters : unnamed_awaiters; }

    // One reference by the loop until the task is done, and one by each TaskHandle. 16 bits only where RAM is scarce.
    static constexpr bool narrow_count = !ROUSE_HOSTED && sizeof(void*) == 4;
    using Count = std::conditional_t<narrow_count, std::uint16_t, std::uint32_t>;
    Count references = 0;

    /// Panics if there are too many: the count never wraps around.
    void add_reference() noexcept {
        if (++references == 0) [[unlikely]]
            refuse_reference();
    }

    TaskState state = TaskState::created;

    // No member that changes at each step is a bit-field. Writing a bit first reads its byte, and compilers read two
    // bytes at once, for which a CPU waits until the last store to one of them has reached the cache.
    static constexpr int ending_bits = sizeof(void*) == 8 ? 8 : 2; // a whole byte where there is room
    Ending ending : ending_bits = Ending::none;
    bool is_task : 1 = false;          // scheduled by a loop, not a child
    bool cancel_requested : 1 = false; // its next resumption delivers a cancellation
    bool named : 1 = false;            // see `name`
    bool ending_observed : 1 = false;  // its ending was awaited, read or reported
    bool value_moved : 1 = false;      // its value was moved out, see take_value
    std::uint8_t unused_bits
        : (ending_bits == 8 ? 3 : 1){0}; // initialised with the others, so that the constructor reads no bit

#if ROUSE_HOSTED && UINTPTR_MAX == 0xffff'ffff
    std::byte padding[12]; // the frame follows, so the size is a multiple of every alignment that a frame may need
#endif

private:
#if ROUSE_HOSTED
    [[gnu::noinline, gnu::cold]]
#endif
    static void refuse_reference() noexcept {
        ROUSE_PANIC("rouse: TaskHandle: too many handles of one task; 65,535 is the most on firmware");
    }
};

static_assert(sizeof(TaskRecord) == (ROUSE_HOSTED ? 32 : 4 * sizeof(void*)));

/// Puts a waiter into the record of `awaited`, which must not have ended.
inline void enter(JoinWaiter& waiter, TaskRecord& awaited) noexcept {
    JoinWaiter*& newest = awaited.awaiters();
    waiter.awaited = &awaited;
    waiter.link = &newest;
    waiter.next = std::exchange(newest, &waiter);
    if (waiter.next != nullptr) waiter.next->link = &waiter.next;
}

/// Removes the waiter from the record. Does nothing if the awaited task has ended.
inline void leave(JoinWaiter& waiter) noexcept {
    if (waiter.awaited == nullptr) [[likely]]
        return;
    *waiter.link = waiter.next;
    if (waiter.next != nullptr) waiter.next->link = waiter.link;
    waiter.awaited = nullptr;
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

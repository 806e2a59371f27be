// TaskRecord: the four words in front of every coroutine frame, and what a task is to the scheduler.
//
// A coroutine of type Task<T> is either a *child*, awaited in place by the frame that called it, or a *task*,
// the outermost frame of a chain, which the loop schedules. Both have the same record, because a frame is made
// before it is known which it will be. The record stands in front of the frame, not in its promise, so that it
// outlives the frame: a task that is ended from outside has its frame destroyed while handles still ask it.
//
//            create_task               popped by the loop            the frame ends
//   created ------------> fresh ----------------------------> running -------------> done
//                                                              ^  |  ^                ^
//                                   popped                     |  |  | child ends     | destroyed
//                         ready -------------------------------'  |  '--.             | from outside
//                           ^                                     v     |             |
//                           '---- woken, or yield ---- waiting_for_... -'-------------'
//
// `running` with a new resume point after a resume means: a child has ended, go on with its parent.
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

namespace rouse::inline ROUSE_ABI::core {

class TaskRecord;

enum class TaskState : std::uint8_t {
    unused,              // the block is in the pool's free list
    created,             // the frame exists; nobody has started it
    fresh,               // in the ready queue for the first time: its body has not begun
    ready,               // in the ready queue
    running,             // being resumed; or a child that somebody has started
    waiting_in_list,     // in the WaitList of an Event, a Lock, ...
    waiting_for_time,    // in the timers
    waiting_for_task,    // in the record of another task
    waiting_for_foreign, // in an object that foreign contexts signal
    done,                // its frame is at the end, and holds the result
    destroyed,           // done, by a cancellation that left only the record
};

enum class Ending : std::uint8_t { none, value, error, cancelled };

/// What suspends a task: the base of every awaiter that parks one. It lives in the frame of the coroutine that
/// waits, and takes itself out of whatever it is in when it is destroyed.
struct Waiter {
    TaskRecord* task = nullptr;
};

/// The waiter of one task in the record of another (see TaskHandle).
struct JoinWaiter : Waiter {
    // What is done when `awaited` has ended: a pointer, so that a program without gather() does not link its way.
    void (*told)(JoinWaiter&, TaskRecord& ended) noexcept;
    TaskRecord* awaited = nullptr; // null: not in a record
    JoinWaiter* next = nullptr;
    bool wants_outcome = false; // is not itself cancelled by what it awaits
};

/// What a task that was given a name has between its record and those who await it.
struct TaskName {
    JoinWaiter* awaiters;
    std::size_t length; // the characters follow

    [[nodiscard]] std::string_view text() const noexcept { return {reinterpret_cast<const char*>(this + 1), length}; }
};

class TaskRecord {
public:
    ROUSE_ONE_COPY TaskRecord() noexcept {}

    /// The record of a Task's frame.
    static TaskRecord& of(std::coroutine_handle<> frame) noexcept {
        return *(static_cast<TaskRecord*>(frame.address()) - 1);
    }

    [[nodiscard]] std::coroutine_handle<> frame() noexcept { return std::coroutine_handle<>::from_address(this + 1); }

    [[nodiscard]] bool finished() const noexcept { return state >= TaskState::done; }

    [[nodiscard]] bool waiting() const noexcept {
        return state >= TaskState::waiting_in_list && state <= TaskState::waiting_for_foreign;
    }

#if ROUSE_EXCEPTIONS
    // The error shares its word with the links: a coroutine that has thrown waits for nothing any more.
    void set_error(std::exception_ptr error) noexcept {
        static_assert(sizeof(std::exception_ptr) == sizeof(void*));
        ::new (static_cast<void*>(link.error)) std::exception_ptr{std::move(error)};
        ending = Ending::error;
    }
    [[nodiscard]] std::exception_ptr& error() noexcept {
        return *std::launder(reinterpret_cast<std::exception_ptr*>(link.error));
    }
#endif

    /// Ends the life of what the record holds; the block is about to go back to the pool.
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

    // A task: the innermost frame, to be resumed next. A child: the frame that awaits it, null for as long as
    // that frame is still inside its co_await and will see for itself that the child has ended.
    std::coroutine_handle<> resume_point{};

    union { // a task: those who await it, the newest first
        JoinWaiter* unnamed_awaiters = nullptr;
        TaskName* name; // if `named`
    };
    [[nodiscard]] JoinWaiter*& awaiters() noexcept { return named ? name->awaiters : unnamed_awaiters; }

    // One reference of the loop until the task is done, and one of each TaskHandle.
    using Count = std::conditional_t<sizeof(void*) == 8, std::uint32_t, std::uint16_t>;
    Count references = 0;

    TaskState state = TaskState::created;

    // Nothing that changes at each step is a bit: to write one means to read its byte before, and compilers read
    // two bytes at once, for which a CPU has to wait until the last store to one of them has got to the cache.
    static constexpr int ending_bits = sizeof(void*) == 8 ? 8 : 2; // a byte of its own where there is one
    Ending ending : ending_bits = Ending::none;
    bool is_task : 1 = false;                                 // scheduled by a loop, not a child
    bool cancel_requested : 1 = false;                        // its next resumption is a cancellation
    bool named : 1 = false;                                   // see `name`
    bool seen : 1 = false;                                    // somebody has been told how it ended
    std::uint8_t unused_bits : (ending_bits == 8 ? 4 : 2){0}; // so that none has to be read before it is written
};

static_assert(sizeof(TaskRecord) == 4 * sizeof(void*));

/// Puts a waiter into the record of a task that has not ended.
inline void enter(JoinWaiter& waiter, TaskRecord& awaited) noexcept {
    waiter.awaited = &awaited;
    waiter.next = std::exchange(awaited.awaiters(), &waiter);
}

/// Takes it out again, if the task has not ended meanwhile.
inline void leave(JoinWaiter& waiter) noexcept {
    if (waiter.awaited == nullptr) return;
    JoinWaiter** link = &waiter.awaited->awaiters();
    while (*link != &waiter) link = &(*link)->next;
    *link = waiter.next;
    waiter.awaited = nullptr;
}

} // namespace rouse::inline ROUSE_ABI::core

// readable, writable: wait for any descriptor that the port can watch.
#pragma once

#include <cerrno>
#include <coroutine>
#include <string>
#include <utility>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/detail/waiter.hpp>
#include <rouse/io/detail/awaited_descriptors.hpp>
#include <rouse/io/reply.hpp>
#include <rouse/ports/default_port.hpp> // so that run() works with any header of io/ alone
#include <rouse/ports/detail/io_port.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// The awaiter of readable() and writable().
//
// The states of a wait. `holding` keeps the descriptor watched:
//
//            await_ready(): the port watches it              poll(2) finds it ready, or the port reports it
//     idle -------------------------------------> holding ---------------------------------------------------> idle
//       \                                            |
//        '---> refused: await_resume() fails         '---> idle: cancelled, timed out, or lost in a select
//
// Nothing is missed between poll(2) and the wait: the watch was armed before, and the port reports in the turn of the
// loop that follows.
class ReadinessWait : ListWaiter {
public:
    ReadinessWait(int descriptor, Readiness direction) noexcept : number_{descriptor}, direction_{direction} {}

    /// Before it is awaited; select and wait_for move it.
    ReadinessWait(ReadinessWait&& other) noexcept : ReadinessWait{other.number_, other.direction_} {}
    ReadinessWait& operator=(ReadinessWait&&) = delete;
    ~ReadinessWait() { leave(); }

    bool await_ready() {
        port_ = IoPort::find(Scheduler::current().port());
        if (port_ == nullptr)
            refuse("rouse: readable: the port of this loop cannot watch descriptors; use DefaultPort, as run() does",
                   "rouse: writable: the port of this loop cannot watch descriptors; use DefaultPort, as run() does");
        descriptor_ = port_->table<AwaitedDescriptors>().enter(*port_, number_, error_);
        if (error_ == EEXIST)
            refuse(
                "rouse: readable: a stream, server or socket of this loop watches the descriptor; wait in that object, "
                "or for a duplicate made by dup(2)",
                "rouse: writable: a stream, server or socket of this loop watches the descriptor; wait in that object, "
                "or for a duplicate made by dup(2)");
        if (descriptor_ == nullptr) return true;
        if (!descriptor_->waiting_for(direction_).empty())
            refuse("rouse: readable: another task waits until the descriptor is readable; one at a time may",
                   "rouse: writable: another task waits until the descriptor is writable; one at a time may");
        ready_ = ready_or_refused(number_, direction_, error_);
        if (ready_) return Scheduler::may_continue();
        AwaitedDescriptors::expect(*port_, number_, *descriptor_, direction_);
        return false;
    }
    void await_suspend(std::coroutine_handle<> frame) {
        if (ready_) return Scheduler::park_woken(*this, frame);
        Scheduler::park(*this, TaskState::waiting_for_io, frame);
        descriptor_->waiting_for(direction_).push_back(*this);
    }
    Reply<void> await_resume() {
        leave();
        if (task != nullptr) Scheduler::check_cancelled();
        return error_ == 0 ? done() : failed<void>(error_, what());
    }

private:
    [[nodiscard]] bool reads() const noexcept { return direction_ == Readiness::readable; }

    [[noreturn]] void refuse(const char* if_reading, const char* if_writing) const {
        misuse(reads() ? if_reading : if_writing);
    }

    void leave() noexcept {
        if (descriptor_ == nullptr) return;
        unlink();
        if (IoPort::find(*port_) == nullptr)
            ROUSE_PANIC(
                "rouse: readable: the port of the loop was destroyed before a wait for a descriptor; let the loop end "
                "its tasks first");
        port_->table<AwaitedDescriptors>().leave(*port_, number_, *std::exchange(descriptor_, nullptr));
    }

    [[nodiscard]] std::string what() const {
        std::string text = "cannot wait until descriptor " + std::to_string(number_);
        text += reads() ? " is readable" : " is writable";
        if (error_ == EPERM) {
            text += ", as it always is, like every regular file; ";
            text += reads() ? "read it without waiting" : "write to it without waiting";
        } else if (error_ == EBADF) {
            text +=
                reads() ? ", as it is closed or open for writing only" : ", as it is closed or open for reading only";
        }
        return text;
    }

    IoPort* port_ = nullptr;                  // set by await_ready()
    AwaitedDescriptor* descriptor_ = nullptr; // while holding
    int number_;
    int error_ = 0; // an errno: why it cannot wait
    Readiness direction_;
    bool ready_ = false; // it was ready, or refused, when the wait began
};

} // namespace detail

/// Waits until a descriptor can be read without blocking: `co_await readable(descriptor)` returns when read(2), or the
/// system call that the descriptor has in its place, would find something, reach the end, or fail. For any descriptor
/// that the loop's port can watch: inotify, timerfd, signalfd, eventfd, pidfd, a line of a gpiochip, a CAN socket, or
/// the descriptor of another library.
///
/// In a task. One task may wait for each direction of a descriptor: a second one gets a UsageError, and so does a wait
/// for a descriptor that a stream, server or socket of the same loop watches. Other loops may wait for it, too.
///
/// It takes nothing: the descriptor stays readable until it is read, and the next readable() returns at once. Another
/// process or thread that reads the same file may be faster, so make the descriptor non-blocking. Cancelling loses
/// nothing. A direction that the descriptor does not have is never ready: writable() of a timerfd waits for ever.
///
/// The descriptor stays the caller's. Keep it open while a task waits; cancel the task before you close it.
///
/// Throws std::system_error that names the descriptor: EPERM for a regular file or a directory, which is always ready;
/// EBADF if it is closed, or not open for reading. Without exceptions the result is a Result<void>. UsageError if the
/// loop's port cannot watch descriptors.
///
/// A wait costs three system calls, one more if it suspends, and an allocation unless another task waits for the other
/// direction. If the descriptor is likely to be ready, try the system call first, and wait only after EAGAIN.
[[nodiscard]] inline detail::ReadinessWait readable(int descriptor) noexcept {
    return {descriptor, detail::Readiness::readable};
}

/// Waits until a descriptor can be written to without blocking, or a write would fail. Otherwise like readable().
[[nodiscard]] inline detail::ReadinessWait writable(int descriptor) noexcept {
    return {descriptor, detail::Readiness::writable};
}

} // namespace ROUSE_ABI
} // namespace rouse

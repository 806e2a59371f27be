// DescriptorWatch: a descriptor that the port of the current loop watches, with a slot for reading and one for writing.
#pragma once

#include <span>
#include <utility>

#include <rouse/core/detail/loop_owner.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/scheduler.hpp>
#include <rouse/io/detail/watch_slot.hpp>
#include <rouse/ports/detail/io_port.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// The one watch of a descriptor on its port. Tasks that read and tasks that write share it: each kind waits in its own
/// slot. For the thread of the loop that it was made on.
///
/// remove() must be called before it is destroyed, and before the port is. The frames of tasks fulfil the latter: a
/// Loop destroys them, and a port outlives its loop. No report is lost between arm() and remove().
///
/// With epoll, arm() and remove() cost one system call each, and waiting none beyond the port's wait.
class DescriptorWatch : Watch {
public:
    /// UsageError if there is no loop, or its port cannot watch descriptors.
    DescriptorWatch() : loop_{&Scheduler::current()}, port_{IoPort::find(loop_->port())} {
        if (port_ == nullptr)
            misuse(
                "rouse: Loop: its port cannot watch descriptors; for input and output use DefaultPort, as run() does");
    }

    /// Begins to watch. Returns 0 or an errno, see IoPort::arm(). To be called once, or not at all.
    [[nodiscard]] int arm(int descriptor) {
        const int error = port_->arm(descriptor, *this);
        watched_ = error == 0;
        if (watched_) descriptor_ = descriptor;
        return error;
    }

    /// Instead of arm(), for a descriptor that the port cannot watch because it is always ready.
    void use_unwatched(int descriptor) noexcept {
        descriptor_ = descriptor;
        wake_both();
    }

    /// Stops watching: nothing is reported any more. Returns the descriptor, which the caller may close. Panics if the
    /// port has been destroyed. To be called once, if there is a descriptor.
    int remove() noexcept {
        if (IoPort::find(*port_) == nullptr)
            ROUSE_PANIC(
                "rouse: Socket: it must be closed before the port of its loop is destroyed; do not return it from "
                "run()");
        const int descriptor = std::exchange(descriptor_, -1);
        if (std::exchange(watched_, false)) port_->remove(descriptor, *this);
        return descriptor;
    }

    /// The descriptor, until remove(); -1 if there is none.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

    [[nodiscard]] Scheduler& loop() const noexcept { return *loop_; }
    /// The loop whose tasks use it, for the checks of ROUSE_CHECKED.
    [[nodiscard]] const LoopOwner& owner() const noexcept { return owner_; }
    [[nodiscard]] WatchSlot& input_slot() noexcept { return input_; }
    [[nodiscard]] WatchSlot& output_slot() noexcept { return output_; }

    /// A system call has found the direction of this slot exhausted: asks the port for the next report.
    void exhausted(WatchSlot& slot) noexcept {
        slot.make_exhausted();
        if (watched_) port_->rearm(descriptor_, *this, &slot == &input_ ? Readiness::readable : Readiness::writable);
    }

    /// See IoPort::scratch().
    [[nodiscard]] std::span<char> scratch() const { return port_->scratch(); }

    /// Whether input has had its last report: only system calls can tell what is left.
    [[nodiscard]] bool hung_up() const noexcept { return hung_up_; }

    /// Something has happened that both directions should look at.
    void wake_both() noexcept {
        input_.make_ready(*loop_);
        output_.make_ready(*loop_);
    }

protected:
    ~DescriptorWatch() = default;

    void on_ready(Readiness readiness) noexcept override {
        using enum Readiness;
        if (has_any(readiness, ended | broken)) hung_up_ = true;
        if (has_any(readiness, readable | ended | broken)) input_.make_ready(*loop_);
        if (has_any(readiness, writable | broken)) output_.make_ready(*loop_);
    }

private:
    Scheduler* loop_;
    IoPort* port_;
    WatchSlot input_;
    WatchSlot output_;
    int descriptor_ = -1;
    bool watched_ = false; // by port_
    bool hung_up_ = false; // set by on_ready(): input has had its last report
    [[no_unique_address]] LoopOwner owner_;
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

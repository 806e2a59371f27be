// AwaitedDescriptors: the descriptors that tasks wait for by readable() and writable(), on one port.
#pragma once

#include <cerrno>
#include <unordered_map>

#include <fcntl.h>
#include <poll.h>

#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/detail/waiter.hpp>
#include <rouse/ports/detail/io_port.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// A descriptor that belongs to the user, watched while at least one wait for it exists. For the thread of its loop.
///
/// It is not watched for longer, because only the user knows when the descriptor is closed: the port would not notice,
/// and the number may then be that of another file.
class AwaitedDescriptor final : Watch {
public:
    /// The task that waits for a direction (readable or writable), if there is one.
    [[nodiscard]] WaitList& waiting_for(Readiness direction) noexcept {
        return direction == Readiness::readable ? reader_ : writer_;
    }

private:
    friend class AwaitedDescriptors;

    void on_ready(Readiness readiness) noexcept override {
        using enum Readiness;
        if (has_any(readiness, readable | ended | broken)) wake(reader_);
        if (has_any(readiness, writable | broken)) wake(writer_);
    }
    static void wake(WaitList& list) noexcept {
        while (!list.empty()) Scheduler::wake(static_cast<ListWaiter&>(list.pop_front()));
    }

    WaitList reader_; // at most one
    WaitList writer_; // at most one
    unsigned users_ = 0;
};

/// All of them. A port has at most one watch per descriptor, so those that read and those that write share it.
class AwaitedDescriptors final : public IoPort::Table {
public:
    /// Finds the descriptor, and watches it if this is its first user. Sets `error` to 0, or to an errno if the port
    /// cannot watch it; then returns null. The user must call leave().
    [[nodiscard]] AwaitedDescriptor* enter(IoPort& port, int number, int& error) {
        AwaitedDescriptor& descriptor = all_[number];
        error = descriptor.users_ > 0 ? 0 : port.arm(number, descriptor);
        if (error != 0) {
            all_.erase(number);
            return nullptr;
        }
        ++descriptor.users_;
        return &descriptor;
    }

    /// After the last user has left, the descriptor is not watched any more.
    void leave(IoPort& port, int number, AwaitedDescriptor& descriptor) noexcept {
        if (--descriptor.users_ > 0) return;
        port.remove(number, descriptor);
        all_.erase(number);
    }

    /// Asks the port for the next report of a direction that was found not ready. (The port may have reported it
    /// before, when no task waited for it.)
    static void expect(IoPort& port, int number, AwaitedDescriptor& descriptor, Readiness direction) noexcept {
        port.rearm(number, descriptor, direction);
    }

private:
    std::unordered_map<int, AwaitedDescriptor> all_; // each has users
};

/// Whether a read or write would not block, or would fail. Sets `error` to EBADF if the descriptor is closed, or not
/// open for this direction.
inline bool ready_or_refused(int descriptor, Readiness direction, int& error) noexcept {
    const bool reads = direction == Readiness::readable;
    pollfd look{descriptor, static_cast<short>(reads ? POLLIN | POLLRDHUP : POLLOUT), 0};
    const bool ready = ::poll(&look, 1, 0) > 0;
    if (ready && (look.revents & POLLNVAL) == 0) return true;
    const int flags = ::fcntl(descriptor, F_GETFL);
    if (ready || flags < 0 || (flags & O_ACCMODE) == (reads ? O_WRONLY : O_RDONLY)) error = EBADF;
    return error != 0;
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

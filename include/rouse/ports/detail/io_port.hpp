// IoPort: a port that also watches descriptors. Watch: the receiver of what it reports. Readiness: what is reported.
//
// This is all that io/ knows of a platform's way to wait for input and output. The states of one direction (input or
// output) of a watch:
//
//                  arm()                 the port reports it
//     unwatched ----------->  armed  ------------------------------>  ready
//         ^                    | ^                                    |  |
//         |                    | '---- rearm(): a system call --------'  |
//         |                    |       found the direction exhausted     |
//         '---- remove() ------+-----------------------------------------'
//
// arm() arms both directions of a descriptor at once. The port changes armed to ready, the user of the watch everything
// else. All of it happens on the thread of the loop.
//
// What a port must guarantee:
//  1. It reports every armed direction that is ready, or becomes ready, in one of the next calls of wait_until(), also
//     if the direction was ready before arm() or rearm(). A direction that the descriptor does not have is never
//     reported; this is no error.
//  2. It may report a direction that is not armed, or that proves not to be ready: watches try, and wait again. But it
//     does not report an unarmed direction over and over, as the loop would spin.
//  3. It reports the end and a failure with the last bytes or after them. It need not report anything after `broken`,
//     and nothing but writable after `ended`.
//  4. Once remove() has returned, it does not use the watch or the descriptor any more, even if it has already fetched
//     events for them. remove() may be called inside on_ready(), for the same watch or another one.
//  5. A descriptor has at most one watch per port: a second arm() returns EEXIST.
//
// An edge-triggered mechanism (epoll, kqueue with EV_CLEAR) reports each arrival without being asked again: its rearm()
// does nothing. A level-triggered one (poll) has to leave a reported direction out of its set until rearm(), and a
// descriptor with no armed direction out of it altogether, since POLLHUP cannot be masked. A one-shot mechanism (AFD
// polls on Windows) submits its request in rearm(), for both armed directions; its remove() has to cancel a pending
// request and keep what the request refers to, which must not be the watch, until the completion has come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <rouse/core/config.hpp>
#include <rouse/core/port.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// What is known of a descriptor: a set of bits.
enum class Readiness : std::uint8_t {
    none = 0,
    readable = 1, ///< A read will find something, or fail.
    writable = 2, ///< A write will find room, or fail.
    ended = 4,    ///< The peer sends nothing more. Also the last report for input: read until the end is found.
    broken = 8    ///< The descriptor has failed, or both directions have ended. The last report for either.
};

constexpr Readiness operator|(Readiness a, Readiness b) noexcept {
    return static_cast<Readiness>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}

/// Whether `readiness` has any of the bits of `of`.
constexpr bool has_any(Readiness readiness, Readiness of) noexcept {
    return (static_cast<unsigned>(readiness) & static_cast<unsigned>(of)) != 0;
}

/// Receives what an IoPort reports about one descriptor. Must stay in place from arm() to remove().
class Watch {
public:
    /// On the loop, inside wait_until(). Must not resume a coroutine or throw; may make tasks ready, make system calls
    /// on the descriptor, and arm, rearm and remove watches.
    virtual void on_ready(Readiness readiness) noexcept = 0;

protected:
    Watch() = default;
    ~Watch() = default;
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
};

/// A port that watches descriptors. Everything is for the thread that made it. See above for what arm(), rearm() and
/// remove() must guarantee.
class IoPort : public Port {
public:
    /// Starts to watch a descriptor, in both directions. Returns 0 or an errno: EEXIST if this port watches it already,
    /// EPERM if it is always ready and cannot be watched, as a file on a disk.
    [[nodiscard]] virtual int arm(int descriptor, Watch& watch) = 0;

    /// Asks for another report of `direction` (readable or writable) of an armed descriptor, after a system call found
    /// it exhausted. Does nothing if the direction is armed. Called once for every system call that finds a direction
    /// exhausted, so it should cost little.
    virtual void rearm(int descriptor, Watch& watch, Readiness direction) noexcept = 0;

    /// Stops watching. Must be called before the descriptor is closed.
    virtual void remove(int descriptor, Watch& watch) noexcept = 0;

    /// Memory for a system call that receives, greater than any UDP datagram. All descriptors of this port share it:
    /// the next call may use it, so take the bytes out before the task suspends. (It is not on the stack, which may be
    /// small, nor in the connection, which may be idle.) Allocated by the first call.
    [[nodiscard]] std::span<char> scratch() {
        if (scratch_ == nullptr) scratch_ = new char[scratch_size];
        return {scratch_, scratch_size};
    }

    /// The base of what io/ keeps for the descriptors of one port.
    class Table {
    public:
        virtual ~Table() = default;

    protected:
        Table() = default;
        Table(const Table&) = delete;
        Table& operator=(const Table&) = delete;
    };

    /// The table of this port, a T, which is the same class in every call. Made by the first call, destroyed with the
    /// port.
    template <class T>
    [[nodiscard]] T& table() {
        if (table_ == nullptr) table_ = new T;
        return static_cast<T&>(*table_);
    }

    /// The IoPort of this thread that `port` refers to, or null if it is none, or has been destroyed. A loop knows its
    /// port only as a Port.
    [[nodiscard]] static IoPort* find(const Port& port) noexcept {
        for (IoPort* each = newest_; each != nullptr; each = each->newest_before_) {
            if (each == &port) return each;
        }
        return nullptr;
    }

protected:
    IoPort() noexcept : newest_before_{std::exchange(newest_, this)} {}
    ~IoPort() {
        delete[] scratch_;
        delete table_;
        IoPort** link = &newest_;
        // In a child of fork() it may be the port of a thread that no longer exists, and not in this thread's list.
        while (*link != this && *link != nullptr) link = &(*link)->newest_before_;
        if (*link == this) *link = newest_before_;
    }

private:
    static inline constinit thread_local IoPort* newest_ = nullptr; // this thread's list, see find()

    static constexpr std::size_t scratch_size = 64 * 1024;

    IoPort* newest_before_;
    char* scratch_ = nullptr; // owned; null until the first use
    Table* table_ = nullptr;  // owned; null until the first use
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

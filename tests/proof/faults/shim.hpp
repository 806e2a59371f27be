// The shim: it stands between the scenario and the system (the linker's --wrap sends the calls of the scenario there),
// and between the scenario and the heap (operator new), counts the calls, and makes those fail that a plan names.
#pragma once

#include <atomic>
#include <cstddef>
#include <span>

namespace faults {

enum class Call {
    accept4,
    bind,
    close,
    connect,
    epoll_create1,
    epoll_ctl, // adding a descriptor
    epoll_pwait2,
    epoll_wait,
    eventfd,
    futex_wait,
    getaddrinfo,
    getnameinfo,
    getsockname,
    getsockopt,
    listen,
    membarrier,
    read, // of the eventfd
    recv,
    send,
    setsockopt,
    socket,
    wake, // the write to the eventfd
    frame,
    allocation,
    count // how many there are
};

/// What a failing call does. Those that the system would follow by a new edge of the socket are followed by one: a
/// socket that says EAGAIN, or moves fewer bytes than it was asked to, tells epoll when there is more.
enum class Way {
    fails,      // does nothing, and reports `error`
    done_first, // does its work, and reports `error`: an interrupted connect, or close
    not_ready,  // does nothing, reports `error`, and becomes ready again
    shortened,  // moves one byte, and becomes ready again
    nothing,    // returns 0 at once, having done nothing
    one_event,  // tells one event, though there may be more
    so_error,   // getsockopt: the socket has come to `error`
};

/// What has to follow.
enum class Then {
    unnoticed,     // all bytes arrive, nobody is told of anything
    told,          // whoever asked is told: `text` is the beginning of the message, and it ends with the error's name
    told_or_reset, // the same; or it is the peer who is told, by a reset
    either,        // unnoticed, or told in whatever words
};

struct Fault {
    Call call;
    const char* name; // of the fault
    Way way;
    int error;
    Then then;
    const char* text = "";
    bool persists = false; // is also tried for a time on end
};

/// All faults, by call.
std::span<const Fault> all_faults() noexcept;
const char* name_of(Call call) noexcept;

/// Which calls fail: the nth (from 1), and after it each `every`th, or none if that is 0. In place of that, all within
/// the first `for_ms` milliseconds after the nth.
struct Plan {
    const Fault* fault = nullptr; // null: none
    unsigned nth = 0;
    unsigned every = 0;
    unsigned for_ms = 0;
    bool without_pwait2 = false; // as with a kernel that does not have it
};

void arm(const Plan& plan) noexcept; // and counts from 0
void disarm() noexcept;

unsigned calls(Call call) noexcept; // since arm()
unsigned fired() noexcept;          // calls that failed, since arm()
unsigned closed_twice() noexcept;   // closes of what was not open, since arm()

/// What operator new and getaddrinfo have given, less what has come back.
long live_allocations() noexcept;

} // namespace faults

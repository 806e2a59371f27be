// PortUser: which port the current loop of this thread uses.
#pragma once

#include <rouse/core/config.hpp>
#include <rouse/core/detail/misuse.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

class Port;

namespace detail {

/// The base of a Scheduler: its port. It is separate so that Clock::now() does not need to know the scheduler.
class PortUser {
public:
    [[nodiscard]] Port& port() const noexcept { return port_; }

    /// That of the loop that is running on this thread, else of the newest one; UsageError if there is none.
    static PortUser& current() {
        if (current_ == nullptr) {
#if defined(__ELF__) && defined(__PIC__) && !defined(__PIE__) // compiled for a shared library
            misuse(
                "rouse: there is no loop on this thread; this works inside run(), or beside a Loop; in a plugin, if "
                "its program is linked with -rdynamic (in CMake: ENABLE_EXPORTS)");
#else
            misuse("rouse: there is no loop on this thread; this works inside run(), or beside a Loop");
#endif
        }
        return *current_;
    }

protected:
    explicit PortUser(Port& port) noexcept : port_{port} {}
    ~PortUser() = default;
    PortUser(const PortUser&) = delete;
    PortUser& operator=(const PortUser&) = delete;

#if ROUSE_HOSTED
    static inline constinit thread_local PortUser* current_ = nullptr; // written by the schedulers of this thread
#else
    static inline constinit PortUser* current_ = nullptr;
#endif

    Port& port_;
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

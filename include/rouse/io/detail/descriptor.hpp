// Descriptor: owns a file descriptor until another object takes it over.
#pragma once

#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include <rouse/core/config.hpp>
#include <rouse/ports/detail/own_descriptor.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Makes closing a socket reset its connection, see Socket::make_close_a_reset(); or, with false, no longer.
inline void reset_on_close(int descriptor, bool on = true) noexcept {
    const linger at_once{on ? 1 : 0, 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/// Owns a file descriptor and closes it when destroyed. Move-only, not synchronised.
class Descriptor {
public:
    /// Takes over the result of a system call; a negative one is no descriptor. The number may change: see
    /// own_descriptor(). If there is no other number, it is no descriptor, and errno has the reason.
    explicit Descriptor(int number) noexcept : number_{own_descriptor(number)} {}
    Descriptor(Descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }

    explicit operator bool() const noexcept { return number_ >= 0; }
    [[nodiscard]] int number() const noexcept { return number_; }

    /// Gives up the descriptor, which the caller has to close.
    [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }

private:
    int number_;
};

/// Takes over a connection from accept(2). Resets it if there is no number for it, as the peer must not mistake that
/// for the end of the stream.
inline Descriptor own_connection(int accepted) noexcept {
    const bool may_fail = accepted >= 0 && accepted <= STDERR_FILENO;
    if (may_fail) reset_on_close(accepted);
    Descriptor connection{accepted};
    if (may_fail && connection) reset_on_close(connection.number(), false);
    return connection;
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

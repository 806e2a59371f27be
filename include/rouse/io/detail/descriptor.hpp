// Descriptor: owns a file descriptor until somebody takes it over.
#pragma once

#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Makes the close of a socket a reset, see Socket::make_close_a_reset.
inline void reset_on_close(int descriptor) noexcept {
    const linger at_once{1, 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/// Closes its descriptor when destroyed. Move-only.
class Descriptor {
public:
    /// What a system call gave: none if it is negative.
    explicit Descriptor(int number) noexcept : number_{number} {}
    Descriptor(Descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }

    explicit operator bool() const noexcept { return number_ >= 0; }
    [[nodiscard]] int number() const noexcept { return number_; }

    /// Gives it up: the caller is to close it.
    [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }

private:
    int number_;
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

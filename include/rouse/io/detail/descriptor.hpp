// Descriptor: owns a file descriptor until another object takes it over.
#pragma once

#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Makes closing a socket reset its connection, see Socket::make_close_a_reset().
inline void reset_on_close(int descriptor) noexcept {
    const linger at_once{1, 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/// Owns a file descriptor and closes it when destroyed. Move-only, not synchronised.
class Descriptor {
public:
    /// Takes over the result of a system call; a negative one is no descriptor.
    explicit Descriptor(int number) noexcept : number_{number} {}
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

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

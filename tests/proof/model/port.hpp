// The port of the model: a count of wakes, time that passes when somebody sleeps, and sleeps that end for no reason.
//
// A wake that is taken in happens before what follows, for plain memory: else nobody could ever know that the port may
// go. It does not order atomics: what a load may return is not changed by it.
#pragma once

#include <rouse/core/loop.hpp>
#include <rouse/core/port.hpp>

#include "memory.hpp"

namespace model {

class Port final : public rouse::Port {
public:
    Port() = default;
    ~Port() = default;

    [[nodiscard]] rouse::TimePoint now() const noexcept override { return now_; }
    unsigned wait_until(rouse::TimePoint deadline) noexcept override;
    void wake() noexcept override;

    /// How often wake() was called.
    [[nodiscard]] unsigned wakes() const noexcept { return wakes_; }

private:
    rouse::TimePoint now_{};
    unsigned count_ = 0; // like an eventfd's
    Clock woken_by_{};   // those who have called wake()
    unsigned wakes_ = 0;
};

} // namespace model

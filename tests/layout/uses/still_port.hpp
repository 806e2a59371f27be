// Loop, and a port whose time does not pass, for a use of a header that brings neither. Include it after that header.
#pragma once

#include <rouse/core/loop.hpp>

#include <atomic>

class StillPort final : public rouse::Port {
public:
    [[nodiscard]] rouse::TimePoint now() const noexcept override { return {}; }
    unsigned wait_until(rouse::TimePoint) noexcept override { return wakes_.exchange(0); }
    void wake() noexcept override { ++wakes_; }

private:
    std::atomic<unsigned> wakes_{0};
};

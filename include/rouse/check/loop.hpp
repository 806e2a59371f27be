// run: a loop of a checked program, on a port whose time passes when it sleeps.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <utility>

#include <rouse/check/explore.hpp>
#include <rouse/core/loop.hpp>
#include <rouse/core/port.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace check {

/// The port of a loop in a checked program. Its clock starts at zero and moves on when the loop sleeps until a
/// deadline; a loop that sleeps may also be woken when its time is not up, as Options::spurious says.
///
/// A wake that has been taken in happens before what follows, for plain memory, so that the port may end. It does not
/// order atomics: what a load may return is not changed by it, because a real port need not do so.
class ModelPort final : public rouse::Port {
public:
    ModelPort() = default;
    ~ModelPort() = default;

    [[nodiscard]] TimePoint now() const noexcept override { return now_; }
    unsigned wait_until(TimePoint deadline) noexcept override;
    void wake() noexcept override;

    /// How often wake() was called.
    [[nodiscard]] unsigned wakes() const noexcept { return wakes_; }

private:
    TimePoint now_{};
    unsigned count_ = 0;                                  // the wakes that have not been taken in
    std::array<std::uint16_t, most_contexts> woken_by_{}; // what happened before them
    unsigned wakes_ = 0;
};

/// Runs the coroutine main(args...) on a loop of the calling context until it ends, then ends the loop, whatever the
/// other contexts are about: they may be inside set() or put_sync() of an object that a task waits in. Returns what
/// main returns.
template <class Main, class... Args>
auto run(Main main, Args&&... args) {
    const auto port = std::make_unique<ModelPort>();
    const auto loop = std::make_unique<Loop>(*port);
    return loop->run(main(std::forward<Args>(args)...));
}

} // namespace check
} // namespace ROUSE_ABI
} // namespace rouse

// wrap(): makes the public objects of io/, whose constructors are private.
#pragma once

#include <memory>
#include <utility>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Makes a StreamReader, StreamWriter, Server or DatagramSocket from the state that it shares with its tasks. The one
/// friend of these classes.
template <class Object, class State>
[[nodiscard]] Object wrap(std::shared_ptr<State> state) noexcept {
    return Object{std::move(state)};
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

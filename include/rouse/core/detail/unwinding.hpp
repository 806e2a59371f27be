// Unwinding: tells a scope guard whether an exception is leaving its scope.
#pragma once

#include <rouse/core/config.hpp>

#if ROUSE_EXCEPTIONS
#include <exception>
#endif

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// A member of a scope guard whose destructor must know whether its scope was left by an exception. `can_throw` says
/// whether anything in the scope can throw; if not, this costs nothing.
template <bool can_throw>
class Unwinding {
public:
    [[nodiscard]] constexpr bool operator()() const noexcept { return false; }
};

#if ROUSE_EXCEPTIONS
template <>
class Unwinding<true> {
public:
    [[nodiscard]] bool operator()() const noexcept { return std::uncaught_exceptions() > before_; }

private:
    int before_ = std::uncaught_exceptions();
};
#endif

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

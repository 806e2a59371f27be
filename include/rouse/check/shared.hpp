// Shared: plain data of the user that several contexts use.
#pragma once

#include <source_location>
#include <type_traits>
#include <utility>

#include <rouse/check/explore.hpp>
#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

/// A step of the checker: an access to plain data. Defined by check/engine.hpp.
void access_shared(const void* data, std::size_t bytes, bool writes, const std::source_location& where);

} // namespace detail

namespace check {

/// Plain data that contexts share, such as the bytes of a driver's buffer. As the compiler sees it this is no more than
/// a T: it orders nothing. The checker finds every access that races with another, and lets other contexts come in
/// before each access.
///
/// Files compiled with -fsanitize=thread report races on all plain data, without Shared; but only the accesses to a
/// Shared are places where another context may come in between.
template <class T>
class Shared {
public:
    constexpr Shared() = default;
    /// Holds `value`.
    constexpr explicit Shared(T value) : value_{std::move(value)} {}
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;

    /// The value; an access that reads.
    [[nodiscard]] T read(const std::source_location& where = std::source_location::current()) const {
        detail::access_shared(&value_, sizeof value_, false, where);
        return value_;
    }
    /// Replaces the value; an access that writes.
    void write(T value, const std::source_location& where = std::source_location::current()) {
        detail::access_shared(&value_, sizeof value_, true, where);
        value_ = std::move(value);
    }
    /// Calls change(value), an access that reads and then one that writes: an increment, for example.
    template <class F>
    void update(F change, const std::source_location& where = std::source_location::current()) {
        T value = read(where);
        change(value);
        write(std::move(value), where);
    }

private:
    T value_{};
};

} // namespace check
} // namespace ROUSE_ABI
} // namespace rouse

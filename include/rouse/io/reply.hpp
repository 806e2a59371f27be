// Reply<T>: the return type of functions of io/ that may fail. With exceptions it is T, and they throw; without, it is
// Result<T>. Both builds share the code: errors are values inside, and failed() throws or returns them.
#pragma once

#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

#include <rouse/core/config.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/outcome.hpp>

#if ROUSE_EXCEPTIONS
#include <exception>
#endif

namespace rouse {
inline namespace ROUSE_ABI {

/// What failed, and why. Without exceptions, Result::error() returns it. A value: copy it freely.
class Error {
public:
    /// No error.
    Error() = default;

    /// `doing` says what failed, and names the object: "cannot connect to localhost port 80".
    Error(std::error_code code, std::string doing, std::string partial = {})
        : code_{code}, doing_{std::move(doing)}, partial_{std::move(partial)} {}

    /// The same, from an errno.
    Error(int error, std::string doing) : Error{std::error_code{error, std::system_category()}, std::move(doing)} {}

    /// Whether there is an error.
    explicit operator bool() const noexcept { return static_cast<bool>(code_); }

    /// The reason: an errno in the system's category, or a code of resolve_category() or stream_category().
    [[nodiscard]] const std::error_code& code() const noexcept { return code_; }

    /// The error in words: "rouse: cannot connect to localhost port 80: Connection refused".
    [[nodiscard]] std::string what() const { return "rouse: " + doing_ + ": " + code_.message(); }

    /// For StreamErrc::incomplete_read, the bytes before the end, which have been consumed. Otherwise empty.
    [[nodiscard]] const std::string& partial() const noexcept { return partial_; }

    /// what() without the reason, as the constructor of std::system_error takes it.
    [[nodiscard]] std::string prefix() const { return "rouse: " + doing_; }

private:
    std::error_code code_;
    std::string doing_;
    std::string partial_;
};

/// A value, or an Error in its place. The return type of functions of io/ without exceptions.
template <class T>
class [[nodiscard]] Result {
    using Stored = std::conditional_t<std::is_void_v<T>, Nothing, T>;

public:
    /// The type of the value.
    using value_type = T;

    Result()
        requires std::is_void_v<T>
        : content_{std::in_place_index<0>} {}

    /// Holds this value.
    template <class U>
        requires(!std::is_same_v<std::remove_cvref_t<U>, Result> && !std::is_same_v<std::remove_cvref_t<U>, Error> &&
                 !std::is_void_v<T> && std::is_constructible_v<Stored, U &&>)
    Result(U&& value) : content_{std::in_place_index<0>, std::forward<U>(value)} {}

    /// Holds this error; it must not be empty.
    Result(Error error) : content_{std::in_place_index<1>, std::move(error)} {}

    /// Whether there is a value.
    [[nodiscard]] bool has_value() const noexcept { return content_.index() == 0; }
    /// The same as has_value().
    explicit operator bool() const noexcept { return has_value(); }

    /// The value. UsageError (without exceptions: panics) if there is none.
    std::add_lvalue_reference_t<T> value() & {
        Stored* const stored = require(std::get_if<0>(&content_));
        if constexpr (!std::is_void_v<T>) return *stored;
    }
    /// The same, moved out.
    T value() && {
        Stored* const stored = require(std::get_if<0>(&content_));
        if constexpr (!std::is_void_v<T>) return std::move(*stored);
    }
    /// The same as value().
    std::add_lvalue_reference_t<T> operator*() & { return value(); }
    /// The value, moved out.
    T operator*() && { return std::move(*this).value(); }
    /// Accesses a member of the value. UsageError (without exceptions: panics) if there is none.
    Stored* operator->() { return require(std::get_if<0>(&content_)); }

    /// The error; an empty one if there is a value.
    [[nodiscard]] Error error() const {
        const Error* const error = std::get_if<1>(&content_);
        return error == nullptr ? Error{} : *error;
    }

private:
    static Stored* require(Stored* stored) {
        if (stored == nullptr) detail::misuse("rouse: Result::value: there is an error; ask has_value() first");
        return stored;
    }

    std::variant<Stored, Error> content_;
};

#if ROUSE_EXCEPTIONS
/// The return type of a function of io/ that may fail: T itself, as errors are thrown; without exceptions, Result<T>.
template <class T>
using Reply = T;
#else
template <class T>
using Reply = Result<T>;
#endif

namespace detail {

// ---- the only place where an error is thrown or returned ------------------------------------------------------------

/// `return failed<T>(error)` throws std::system_error, or returns a Result<T>.
template <class T>
[[nodiscard]] Reply<T> failed(Error error) {
#if ROUSE_EXCEPTIONS
    throw std::system_error{error.code(), error.prefix()};
#else
    return error;
#endif
}
template <class T>
[[nodiscard]] Reply<T> failed(int error, std::string doing) {
    return failed<T>(Error{error, std::move(doing)});
}

/// `return done()` ends a function that returns a Reply<void>.
inline Reply<void> done() { return Reply<void>(); }

#if ROUSE_EXCEPTIONS
template <class T>
constexpr bool is_error(const T&) noexcept {
    return false;
}
template <class T>
constexpr T& value_of(T& reply) noexcept {
    return reply;
}
template <class T>
Error error_of(const T&) noexcept {
    return {};
}
#else
/// Whether another function has returned an error. If so, return error_of() to the caller; if not, use value_of().
template <class T>
bool is_error(const Result<T>& reply) noexcept {
    return !reply.has_value();
}
template <class T>
T& value_of(Result<T>& reply) {
    return reply.value();
}
template <class T>
Error error_of(const Result<T>& reply) {
    return reply.error();
}
#endif

/// Returns what f returns, a bool, or false if f throws, as it does without memory. (Without exceptions, running out of
/// memory ends the program.)
template <class F>
bool attempt(F f) {
#if ROUSE_EXCEPTIONS
    try {
        return f();
    } catch (const std::exception&) {
        return false;
    }
#else
    return f();
#endif
}

} // namespace detail

} // namespace ROUSE_ABI
} // namespace rouse

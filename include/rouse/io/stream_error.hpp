// The errors of a StreamReader that do not come from the system: the end came too early, or a line is too long.
#pragma once

#include <cstddef>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include <rouse/io/reply.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// Without exceptions, compare Error::code() with these.
enum class StreamErrc {
    incomplete_read = 1, ///< The end came too early; Error::partial() has the bytes before it.
    limit_overrun        ///< The line is too long; see LimitOverrun, and Error::consumed().
};

/// The category of StreamErrc.
[[nodiscard]] inline const std::error_category& stream_category() noexcept {
    struct Category final : std::error_category {
        const char* name() const noexcept override { return "stream"; }
        std::string message(int code) const override {
            return code == static_cast<int>(StreamErrc::incomplete_read)
                       ? "the connection ended before all that was asked for had come"
                       : "there is no end of the line within the limit";
        }
    };
    static const Category category;
    return category;
}

/// Lets a std::error_code be made from, and compared with, a StreamErrc.
[[nodiscard]] inline std::error_code make_error_code(StreamErrc code) noexcept {
    return {static_cast<int>(code), stream_category()};
}

#if ROUSE_EXCEPTIONS
/// Thrown by readexactly() and readuntil() if the end comes too early.
class IncompleteRead : public std::exception {
public:
    /// For the library and for tests.
    IncompleteRead(std::string read, std::size_t asked) : partial{std::move(read)}, expected{asked} {}
    /// Says that the connection ended too early. A string literal.
    [[nodiscard]] const char* what() const noexcept override {
        return "rouse: StreamReader: the connection ended before all that was asked for had come";
    }

    std::string partial;  ///< The bytes before the end. They are consumed.
    std::size_t expected; ///< The number of bytes asked for; 0 from readuntil(), which does not know it.
};

/// Thrown by readline() and next_line(), which have dropped the line then, and by readuntil(), which has not, if there
/// is no end within the limit.
class LimitOverrun : public std::exception {
public:
    /// For the library and for tests.
    explicit LimitOverrun(std::size_t most, std::size_t before_end = 0) noexcept : limit{most}, consumed{before_end} {}
    /// Says that the line is too long. A string literal.
    [[nodiscard]] const char* what() const noexcept override {
        return "rouse: StreamReader: there is no end of the line within the limit";
    }

    std::size_t limit; ///< The greatest allowed length in bytes, including the newline or separator.

    /// The number of bytes that precede the newline or separator, as far as they have arrived. After readuntil() they
    /// are still to be read: readexactly(consumed) skips them, and the next readuntil() finds the separator, or the
    /// rest.
    std::size_t consumed;
};
#endif

namespace detail {

/// Like failed(), for StreamErrc::incomplete_read from `whom`; `expected` is 0 if it is not known.
template <class T>
[[nodiscard]] Reply<T> ended_early(std::string partial, [[maybe_unused]] std::size_t expected,
                                   [[maybe_unused]] const std::string& whom) {
#if ROUSE_EXCEPTIONS
    throw IncompleteRead{std::move(partial), expected};
#else
    const std::string count = expected == 0 ? "a separator" : std::to_string(expected) + " bytes";
    return Error{make_error_code(StreamErrc::incomplete_read), "cannot read " + count + " from " + whom,
                 std::move(partial)};
#endif
}

/// Like failed(), for StreamErrc::limit_overrun.
template <class T>
[[nodiscard]] Reply<T> too_long(std::size_t limit, std::size_t consumed, [[maybe_unused]] const std::string& whom) {
#if ROUSE_EXCEPTIONS
    throw LimitOverrun{limit, consumed};
#else
    const std::string most = std::to_string(limit);
    return Error{make_error_code(StreamErrc::limit_overrun),
                 "cannot read a line of at most " + most + " bytes from " + whom,
                 {},
                 consumed};
#endif
}

} // namespace detail

} // namespace ROUSE_ABI
} // namespace rouse

template <>
struct std::is_error_code_enum<rouse::StreamErrc> : std::true_type {};

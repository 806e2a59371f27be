// Outcome<T>: the result of a task as a value, whether it returned, threw or was cancelled.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/error.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// Takes the place of a value where a task returns void.
struct Nothing {};

/// How a task or a wait ended: with a value, with an exception, by a cancellation or (from try_wait_for) by a timeout.
/// `co_await handle.outcome()` and try_wait_for return one. It is the way to see a cancellation that works both with
/// and without exceptions; without them there is no error().
///
/// An Outcome is an ordinary value, independent of the task and the loop. Costs the value, two bytes and, with
/// exceptions, an exception_ptr.
template <class T>
class Outcome {
    static constexpr bool is_void = std::is_void_v<T>;
    static constexpr bool is_reference = std::is_reference_v<T>;
    using Stored =
        std::conditional_t<is_void, Nothing, std::conditional_t<is_reference, std::remove_reference_t<T>*, T>>;
    enum class Kind : unsigned char { value, error, cancelled, timed_out };

public:
    /// The type that the task returns.
    using value_type = T;

    // ---- for stand-ins and tests: an Outcome without a task ----

    /// The Outcome of a task that returned void.
    static Outcome of_value()
        requires is_void
    {
        return Outcome{Kind::value, Nothing{}};
    }
    /// The Outcome of a task that returned `value`.
    template <class U>
    static Outcome of_value(U&& value)
        requires(!is_void)
    {
        if constexpr (is_reference) {
            return Outcome{Kind::value, std::addressof(value)};
        } else {
            return Outcome{Kind::value, std::forward<U>(value)};
        }
    }
    /// The Outcome of a task that was cancelled.
    static Outcome of_cancelled() { return Outcome{Kind::cancelled}; }
    /// The Outcome of a wait that timed out.
    static Outcome of_timed_out() { return Outcome{Kind::timed_out}; }
#if ROUSE_EXCEPTIONS
    /// The Outcome of a task that threw `error`.
    static Outcome of_error(std::exception_ptr error) {
        Outcome outcome{Kind::error};
        outcome.error_ = std::move(error);
        return outcome;
    }
#endif

    /// Whether the task returned.
    [[nodiscard]] bool has_value() const noexcept { return kind_ == Kind::value; }
    /// The same as has_value().
    explicit operator bool() const noexcept { return has_value(); }

    /// Whether the task was cancelled.
    [[nodiscard]] bool cancelled() const noexcept { return kind_ == Kind::cancelled; }

    /// Whether the wait timed out.
    [[nodiscard]] bool timed_out() const noexcept { return kind_ == Kind::timed_out; }

    /// The value that the task returned. If there is none, throws the task's exception, CancelledError or TimeoutError.
    /// Without exceptions that is a panic, so ask has_value() first.
    std::add_lvalue_reference_t<T> value() & {
        require_value();
        if constexpr (is_reference) {
            return **value_;
        } else if constexpr (!is_void) {
            return *value_;
        }
    }
    /// As above.
    std::add_lvalue_reference_t<const T> value() const& {
        require_value();
        if constexpr (is_reference) {
            return **value_;
        } else if constexpr (!is_void) {
            return *value_;
        }
    }
    /// As above, moved out of a temporary Outcome, as in `(co_await handle.outcome()).value()`.
    T value() && {
        require_value();
        if constexpr (is_reference) {
            return static_cast<T>(**value_);
        } else if constexpr (!is_void) {
            return *std::move(value_);
        }
    }

#if ROUSE_EXCEPTIONS
    /// The exception that ended the task; null if it returned, was cancelled or timed out.
    [[nodiscard]] std::exception_ptr error() const noexcept { return error_; }
#endif

private:
    explicit Outcome(Kind kind) : kind_{kind} {}
    template <class U>
    Outcome(Kind kind, U&& value) : kind_{kind}, value_{std::forward<U>(value)} {}

    void require_value() const {
        if (has_value()) return;
#if ROUSE_EXCEPTIONS
        if (kind_ == Kind::cancelled) throw CancelledError{};
        if (kind_ == Kind::timed_out) throw TimeoutError{};
        std::rethrow_exception(error_);
#else
        detail::misuse("rouse: Outcome::value: the task was cancelled or timed out; ask has_value() first");
#endif
    }

    Kind kind_;
    std::optional<Stored> value_;
#if ROUSE_EXCEPTIONS
    std::exception_ptr error_;
#endif
};

} // namespace ROUSE_ABI
} // namespace rouse

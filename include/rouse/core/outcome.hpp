// Outcome<T>: how a task ended, as a value.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/error.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// What an Outcome<void> holds when there is nothing to hold.
struct Nothing {};

/// The end of a task: a value, an error, cancelled, or (from try_wait_for) timed out. It is the same in builds
/// with and without exceptions, except that without them there is no error().
template <class T>
class Outcome {
    static constexpr bool is_void = std::is_void_v<T>;
    static constexpr bool is_reference = std::is_reference_v<T>;
    using Stored =
        std::conditional_t<is_void, Nothing, std::conditional_t<is_reference, std::remove_reference_t<T>*, T>>;
    enum class Kind : unsigned char { value, error, cancelled, timed_out };

public:
    /// What the task returns.
    using value_type = T;

    // ---- made by the library, and by tests ----
    /// One that holds a value, of a task that returns nothing.
    static Outcome of_value()
        requires is_void
    {
        return Outcome{Kind::value, Nothing{}};
    }
    /// One that holds this value.
    template <class U>
    static Outcome of_value(U&& value)
        requires(!is_void)
    {
        if constexpr (is_reference) {
            return Outcome{Kind::value, &value};
        } else {
            return Outcome{Kind::value, std::forward<U>(value)};
        }
    }
    /// One of a cancelled task.
    static Outcome of_cancelled() { return Outcome{Kind::cancelled}; }
    /// One of a wait whose time was up.
    static Outcome of_timed_out() { return Outcome{Kind::timed_out}; }
#if ROUSE_EXCEPTIONS
    /// One of a task that threw.
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

    /// Whether the time was up first.
    [[nodiscard]] bool timed_out() const noexcept { return kind_ == Kind::timed_out; }

    /// What the task returned. If it did not: throws what it threw, CancelledError or TimeoutError; panics where
    /// exceptions are off, so ask has_value() there.
    std::add_lvalue_reference_t<T> value() & {
        require_value();
        if constexpr (is_reference) {
            return **value_;
        } else if constexpr (!is_void) {
            return *value_;
        }
    }
    /// The same.
    std::add_lvalue_reference_t<const T> value() const& {
        require_value();
        if constexpr (is_reference) {
            return **value_;
        } else if constexpr (!is_void) {
            return *value_;
        }
    }
    /// The same, moved out of an Outcome that is not needed any more, as in `(co_await handle.outcome()).value()`.
    T value() && {
        require_value();
        if constexpr (is_reference) {
            return static_cast<T>(**value_);
        } else if constexpr (!is_void) {
            return *std::move(value_);
        }
    }

#if ROUSE_EXCEPTIONS
    /// What the task threw; null if it did not throw (a cancelled task has not).
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

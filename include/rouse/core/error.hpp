// The errors that rouse itself throws.
#pragma once

#include <exception>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// Thrown at the `co_await` of a task that was cancelled. It does not derive from std::exception, so that
/// `catch (const std::exception&)` cannot swallow a cancellation by accident. Catch it to clean up; rethrow it
/// unless the task is meant to go on.
class CancelledError {
public:
    /// Says that the task was cancelled; a string literal.
    [[nodiscard]] const char* what() const noexcept { return "rouse: the task was cancelled"; }
};

/// Thrown by wait_for when the time is up.
class TimeoutError : public std::exception {
public:
    /// Says that the time is up; a string literal.
    [[nodiscard]] const char* what() const noexcept override { return "rouse: the time is up"; }
};

/// Thrown by the awaited get of a queue that is closed and drained.
class QueueClosed : public std::exception {
public:
    /// Says that the queue is closed and empty; a string literal.
    [[nodiscard]] const char* what() const noexcept override { return "rouse: the queue is closed and empty"; }
};

/// Thrown on bad use of the library: the message names the object and the rule that was broken.
class UsageError : public std::exception {
public:
    /// `message` must outlive the error: a string literal.
    explicit UsageError(const char* message) noexcept : message_{message} {}
    /// The message that the error was made with: "rouse: Object::function: the rule".
    [[nodiscard]] const char* what() const noexcept override { return message_; }

private:
    const char* message_;
};

} // namespace ROUSE_ABI
} // namespace rouse

// The exceptions that rouse itself throws.
#pragma once

#include <exception>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// Thrown at the `co_await` of a task that was cancelled. It does not derive from std::exception, so that
/// `catch (const std::exception&)` cannot swallow a cancellation by accident. Catch it to clean up, and rethrow it
/// unless the task is meant to continue.
class CancelledError {
public:
    /// "rouse: the task was cancelled"; a string literal.
    [[nodiscard]] const char* what() const noexcept { return "rouse: the task was cancelled"; }
};

/// Thrown by wait_for when its time limit has passed.
class TimeoutError : public std::exception {
public:
    /// "rouse: the time is up"; a string literal.
    [[nodiscard]] const char* what() const noexcept override { return "rouse: the time is up"; }
};

/// Thrown by `co_await queue.get()` when the queue is closed and drained.
class QueueClosed : public std::exception {
public:
    /// "rouse: the queue is closed and empty"; a string literal.
    [[nodiscard]] const char* what() const noexcept override { return "rouse: the queue is closed and empty"; }
};

/// Thrown at the `co_await` of something that can no longer happen: the sender of a OneShot was destroyed without an
/// answer, or the coroutine handle that a foreign() awaitable was given was destroyed instead of resumed.
class AbandonedError : public std::exception {
public:
    /// "rouse: the awaited operation was abandoned"; a string literal.
    [[nodiscard]] const char* what() const noexcept override { return "rouse: the awaited operation was abandoned"; }
};

/// Thrown when the library is used wrongly. The message names the object, the rule that was broken and the remedy.
/// Where exceptions are off, ROUSE_PANIC is called with that message instead.
class UsageError : public std::exception {
public:
    /// `message` must outlive the error; use a string literal.
    explicit UsageError(const char* message) noexcept : message_{message} {}
    /// The message: "rouse: Object::function: the rule; what to do instead".
    [[nodiscard]] const char* what() const noexcept override { return message_; }

private:
    const char* message_;
};

} // namespace ROUSE_ABI
} // namespace rouse

// on_cancel: cleaning up after a cancellation, the same with and without exceptions.
#pragma once

#include <exception>
#include <utility>

#include <rouse/core/loop.hpp>

namespace rouse::inline ROUSE_ABI {

namespace core {

template <class F>
class [[nodiscard]] CancelGuard {
public:
    explicit CancelGuard(F function) : function_{std::move(function)} {}
    CancelGuard(const CancelGuard&) = delete;
    CancelGuard& operator=(const CancelGuard&) = delete;
    ~CancelGuard() {
        const Loop* loop = Loop::current_or_null();
        const TaskRecord* task = loop == nullptr ? nullptr : loop->running_or_null();
        if (task != nullptr && ends_by_cancellation(*loop, *task)) function_();
    }

private:
    [[nodiscard]] bool ends_by_cancellation([[maybe_unused]] const Loop& loop, const TaskRecord& task) const noexcept {
        if (task.state == TaskState::destroyed) return true;
#if ROUSE_EXCEPTIONS
        // Left by an exception; the normal end of a scope after a cancellation that was caught is not meant.
        return loop.cancelling() == &task && std::uncaught_exceptions() > exceptions_before_;
#else
        return false;
#endif
    }

    F function_;
#if ROUSE_EXCEPTIONS
    int exceptions_before_ = std::uncaught_exceptions();
#endif
};

} // namespace core

/// `auto guard = on_cancel(f)` in a coroutine: calls f() when the scope ends by a cancellation of the task (or, at the
/// end of a Loop, by the destruction of its frames), and not when it ends in any other way. (An exception counts as a
/// cancellation if CancelledError was caught, and it was thrown, without a co_await in between.) f must not throw or
/// suspend.
template <class F>
[[nodiscard]] core::CancelGuard<F> on_cancel(F function) {
    return core::CancelGuard<F>{std::move(function)};
}

} // namespace rouse::inline ROUSE_ABI

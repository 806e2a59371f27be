// on_cancel: cleaning up after a cancellation, the same with and without exceptions.
#pragma once

#include <exception>
#include <utility>

#include <rouse/core/detail/scheduler.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

template <class F>
class [[nodiscard]] CancelGuard {
public:
    explicit CancelGuard(F function) : function_{std::move(function)} {}
    CancelGuard(const CancelGuard&) = delete;
    CancelGuard& operator=(const CancelGuard&) = delete;
    ~CancelGuard() {
        const Scheduler* scheduler = Scheduler::current_or_null();
        const TaskRecord* task = scheduler == nullptr ? nullptr : scheduler->running_or_null();
        if (task != nullptr && ends_by_cancellation(*scheduler, *task)) function_();
    }

private:
    [[nodiscard]] bool ends_by_cancellation([[maybe_unused]] const Scheduler& scheduler,
                                            const TaskRecord& task) const noexcept {
        if (task.state == TaskState::destroyed) return true;
#if ROUSE_EXCEPTIONS
        // Left by an exception; the normal end of a scope after a cancellation that was caught is not meant.
        return scheduler.cancelling() == &task && std::uncaught_exceptions() > exceptions_before_;
#else
        return false;
#endif
    }

    F function_;
#if ROUSE_EXCEPTIONS
    int exceptions_before_ = std::uncaught_exceptions();
#endif
};

} // namespace detail

/// `auto guard = on_cancel(f)` in a coroutine: calls f() when the scope ends by a cancellation of the task (or, at the
/// end of a Loop, by the destruction of its frames), and not when it ends in any other way. (An exception counts as a
/// cancellation if CancelledError was caught, and it was thrown, without a co_await in between.) f must not throw or
/// suspend.
template <class F>
[[nodiscard]] detail::CancelGuard<F> on_cancel(F function) {
    return detail::CancelGuard<F>{std::move(function)};
}

} // namespace ROUSE_ABI
} // namespace rouse

// on_cancel: runs clean-up code when a task is cancelled, with and without exceptions.
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
        // The scope is left by an exception. After a cancellation that was caught, it may also end normally.
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

/// `auto guard = on_cancel(f)` in a coroutine calls f() when the scope of `guard` is left because the task is
/// cancelled, or because a Loop is destroyed and the frames of its tasks with it. It does not call f() when the scope
/// ends in any other way.
///
/// f runs on the loop, in the order of the other destructors, innermost scope first. It must not throw or suspend. With
/// exceptions, an exception that is thrown in place of a caught CancelledError, with no co_await in between, counts as
/// a cancellation. Costs the size of f and, with exceptions, an int in the frame.
template <class F>
[[nodiscard]] detail::CancelGuard<F> on_cancel(F function) {
    return detail::CancelGuard<F>{std::move(function)};
}

} // namespace ROUSE_ABI
} // namespace rouse

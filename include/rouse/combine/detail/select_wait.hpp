// SelectWait: what select(a, b, ...) and select(range) have in common.
#pragma once

#include <coroutine>
#include <cstddef>

#include <rouse/combine/detail/race.hpp>
#include <rouse/core/detail/scheduler.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// A Race whose contenders each stand for a SelectCase.
class SelectWait : public Race {
protected:
    /// Whether the wait need not go past this case: it is ready, or it cancels the waiting task.
    template <class Case>
    bool ends_with(Case& each) {
        first_was_cancelled_ = each.cancels_awaiter();
        return first_was_cancelled_ || each.ready();
    }

    /// Suspends a task that is to be cancelled by the first case.
    bool suspend_cancelled(std::coroutine_handle<> frame) {
        Scheduler::running_task().cancel_requested = true;
        Scheduler::current().park_ready(frame);
        return true;
    }

    /// Suspends `contender` in its case. Afterwards it does not wait if it was ready at once.
    template <class Case>
    static void let_wait(Case& each, Contender& contender, std::coroutine_handle<> frame) {
        each.start(contender);
        Scheduler::in_place_of_task(contender, [&] { static_cast<void>(each.awaiter().await_suspend(frame)); });
    }

    /// On resumption: sets `first_` to the winner, if there is one. Throws if the task was cancelled.
    void find_first(const Contender* contenders) {
        // A winner that has waited checks for a cancellation itself, and passes on what was granted to it.
        if (task != nullptr && (winner() == nullptr || won_immediately())) Scheduler::check_cancelled();
        if (winner() != nullptr) first_ = index_of_winner(contenders);
    }

    [[nodiscard]] std::size_t index_of_winner(const Contender* contenders) const noexcept {
        return static_cast<std::size_t>(winner() - contenders);
    }

    std::size_t first_ = 0;            // the index of the case that was ready, or has won
    bool first_was_cancelled_ = false; // that case cancels the waiting task, see SelectCase::cancels_awaiter
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

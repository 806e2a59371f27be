// cancel_everywhere: cancels a task at each of its awaits in turn, and lets the test look what comes of it.
//
// Needs nothing else of rouse/check: neither the model checker nor its settings.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <rouse/check/detail/stepped_run.hpp>
#include <rouse/core/config.hpp>
#include <rouse/core/detail/start.hpp>
#include <rouse/core/loop.hpp>
#include <rouse/core/task.hpp>
#include <rouse/core/task_handle.hpp>
#include <rouse/debug/task_list.hpp>
#include <rouse/ports/virtual_time.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace check {

/// One run of the body of cancel_everywhere(): a loop in virtual time, and where the task is to be cancelled.
class CancelledRun {
public:
    CancelledRun(const CancelledRun&) = delete;
    CancelledRun& operator=(const CancelledRun&) = delete;

    /// Runs the coroutine to its end, and cancels it at the await of this run. Other tasks that it, or the body, has
    /// started on this loop run beside it; those that are left are cancelled when it has ended. Returns whether it
    /// ended cancelled; an exception that it throws is thrown here.
    ///
    /// Throws std::logic_error if the task waits for ever, before or after it was cancelled.
    template <class T>
    bool run(Task<T> task) {
        detail::Scheduler& scheduler = detail::scheduler_of(loop_);
        TaskHandle<T> handle = loop_.create_task(std::move(task), "the task that is cancelled");
        detail::TaskRecord& record = *record_of(handle);
        bool waited = false; // it was suspended in something, and has not been resumed since
        while (!handle.done()) {
            detail::TaskRecord* const next = detail::SteppedRun::next(scheduler);
            if (next == nullptr) {
                if (!detail::SteppedRun::sleep(scheduler)) fail("waits for ever");
                continue;
            }
            if (next == &record && waited) {
                waited = false;
                if (moment_ == when_woken) cancel_here(handle);
            }
            detail::SteppedRun::step(scheduler);
            if (!waited && record.waiting()) {
                waited = true;
                waits_ = detail::text_of(record.state);
                if (moment_ == while_waiting) cancel_here(handle);
                ++suspensions_;
            }
        }
        scheduler.cancel_all();
        if (handle.cancelled()) return true;
        static_cast<void>(handle.result()); // throws what it threw
        return false;
    }

    /// Whether the task has been cancelled in this run. In the last run it has not: it has fewer awaits.
    [[nodiscard]] bool cancelled() const noexcept { return cancelled_; }

    /// Where: "await 3, which waits for an Event, while it waits" or "..., when it has been woken"; for messages.
    [[nodiscard]] std::string where() const {
        if (!cancelled_) return "not cancelled";
        return "cancelled at await " + std::to_string(await_ + 1) + ", which " + std::string{cancelled_in_} +
               (moment_ == while_waiting ? ", while it waits" : ", when it has been woken");
    }

    /// The loop, for tasks that run beside the one that is cancelled. It is the current loop of this thread.
    [[nodiscard]] Loop& loop() noexcept { return loop_; }

    /// The time of the loop; it passes only while all tasks wait.
    [[nodiscard]] VirtualTimePort& port() noexcept { return port_; }

private:
    template <class Body>
    friend std::size_t cancel_everywhere(Body body);

    enum Moment { while_waiting, when_woken };

    CancelledRun(std::size_t await, Moment moment) : await_{await}, moment_{moment} {}

    template <class T>
    void cancel_here(TaskHandle<T>& handle) {
        const std::size_t present = moment_ == while_waiting ? suspensions_ : suspensions_ - 1;
        if (present != await_ || cancelled_) return;
        cancelled_ = true;
        cancelled_in_ = waits_;
        handle.cancel();
    }

    [[noreturn]] void fail(const char* what) const {
        throw std::logic_error{"rouse: check::cancel_everywhere: the task " + std::string{what} + ": " + where() +
                               "; it " + std::string{waits_} + " now"};
    }

    VirtualTimePort port_;
    Loop loop_{port_};
    std::size_t await_;
    Moment moment_;
    std::size_t suspensions_ = 0;
    std::string_view waits_ = "has not waited";
    std::string_view cancelled_in_;
    bool cancelled_ = false;
};

/// Calls body(CancelledRun&) again and again. Each time, run.run(task) cancels the task at another of its awaits: while
/// it waits there, and when what it waits for has come and it has not been resumed yet. The last time it is not
/// cancelled. Returns the number of awaits at which the task was suspended and cancelled.
///
/// After run.run(), the body checks what must hold whether the task was cancelled or not: that no money is lost, no
/// lock held, nothing left half done.
///
///     const std::size_t awaits = check::cancel_everywhere([](check::CancelledRun& run) {
///         Bank bank{100, 0};
///         run.run(bank.transfer(30));
///         INFO(run.where());
///         REQUIRE(bank.total() == 100);
///     });
///
/// The body must make everything anew and do the same each time, on this thread: no other threads, no real time. An
/// exception that leaves it is rethrown as std::runtime_error that says where the task was cancelled; with a test
/// framework's checks, print run.where().
template <class Body>
std::size_t cancel_everywhere(Body body) {
    const auto call = [&body](CancelledRun& run) {
        try {
            body(run);
        } catch (const std::logic_error&) {
            throw; // says where
        } catch (const std::exception& error) {
            throw std::runtime_error{"rouse: check::cancel_everywhere: " + run.where() + ": " + error.what()};
        }
    };
    for (std::size_t await = 0;; ++await) {
        CancelledRun waiting{await, CancelledRun::while_waiting};
        call(waiting);
        if (!waiting.cancelled_) return await;
        CancelledRun woken{await, CancelledRun::when_woken};
        call(woken);
    }
}

} // namespace check
} // namespace ROUSE_ABI
} // namespace rouse

// FailWhenStuck: makes it an error that, in virtual time, nothing can happen any more. A test that would hang fails,
// and lists who waits for what.
#pragma once

#include <rouse/core/config.hpp>

#if ROUSE_HOSTED
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include <rouse/core/error.hpp>
#include <rouse/core/loop.hpp>
#include <rouse/debug/task_list.hpp>
#include <rouse/ports/virtual_time.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// Thrown by run() and its like when every task waits for something that no one will do; see FailWhenStuck.
class StuckError : public UsageError {
public:
    /// `text` is what what() returns.
    explicit StuckError(std::string text)
        : UsageError{"rouse: VirtualTimePort: nothing can happen any more"},
          text_{std::make_shared<const std::string>(std::move(text))} {}
    /// The rule, and a line for each task: its name, and what it waits for.
    [[nodiscard]] const char* what() const noexcept override { return text_->c_str(); }

private:
    std::shared_ptr<const std::string> text_;
};

/// As long as it exists, a run of the loop throws a StuckError instead of waiting for ever: when no task is ready, no
/// timer runs, and no task waits for a function of a Context or of unblock(). Where exceptions are off, it calls
/// ROUSE_PANIC with the same text.
///
/// For the thread of the loop, which must run on this port. Only for programs in which no other thread and no signal
/// handler sets anything that a task waits for: neither is known to the loop. The tasks that are left are destroyed
/// with the loop. Costs nothing until the loop is stuck.
class FailWhenStuck {
public:
    /// Both must outlive this object.
    FailWhenStuck(VirtualTimePort& port, Loop& loop) noexcept : port_{port}, loop_{loop} {
        port_.on_stuck(&FailWhenStuck::fail, this);
    }
    ~FailWhenStuck() { port_.on_stuck(nullptr, nullptr); }
    FailWhenStuck(const FailWhenStuck&) = delete;
    FailWhenStuck& operator=(const FailWhenStuck&) = delete;

private:
    static void fail(void* guard) noexcept {
        Loop& loop = static_cast<FailWhenStuck*>(guard)->loop_;
        detail::Scheduler& scheduler = detail::scheduler_of(loop);
        // Elsewhere a destructor waits for a sender that is about to wake the loop.
        if (!scheduler.sleeps_in_run()) return;
        std::string text =
            "rouse: VirtualTimePort: nothing can happen any more: no task is ready, no timer runs, and no function "
            "runs on a thread; do what one of these tasks waits for, or cancel it:\n" +
            list_of(loop);
#if ROUSE_EXCEPTIONS
        scheduler.fail_run(std::make_exception_ptr(StuckError{std::move(text)}));
#else
        ROUSE_PANIC(text.c_str());
#endif
    }

    static std::string list_of(Loop& loop) {
        std::string list;
        for_each_task(loop, [&](const TaskInfo& task) {
            list += "task " + (task.name.empty() ? std::string{"(unnamed)"} : std::string{task.name}) + " ";
            list += task.object.empty() ? std::string{task.waits} : "waits in " + std::string{task.object};
            if (!task.awaited.empty()) list += ", " + std::string{task.awaited};
            list += task.cancel_requested ? " (being cancelled)\n" : "\n";
        });
        return list;
    }

    VirtualTimePort& port_;
    Loop& loop_;
};

} // namespace ROUSE_ABI
} // namespace rouse
#endif

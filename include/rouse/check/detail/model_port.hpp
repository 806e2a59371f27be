// The calls by which the loops and threads of a checked program sleep and wake each other.
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include <rouse/check/atomic.hpp>
#include <rouse/check/detail/execution.hpp>
#include <rouse/check/detail/mutants.hpp>
#include <rouse/check/detail/operations.hpp>
#include <rouse/check/detail/races.hpp>
#include <rouse/check/loop.hpp>
#include <rouse/core/config.hpp>
#include <rouse/core/detail/scheduler.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// The loops of the present context.
struct ThreadSwitch {
    static std::array<void*, 2> get() { return {Scheduler::current_or_null(), Scheduler::newest_}; }
    static void set(const std::array<void*, 2>& loops) {
        Scheduler::current_ = static_cast<Scheduler*>(loops[0]);
        Scheduler::newest_ = static_cast<Scheduler*>(loops[1]);
    }
};

inline std::array<void*, 2> loops_of_thread() { return ThreadSwitch::get(); }
inline void set_loops_of_thread(const std::array<void*, 2>& loops) { ThreadSwitch::set(loops); }

/// ModelPort::wait_until. Returns the wakes that were taken in.
inline unsigned sleep_in_port(const void* port, TimePoint deadline, TimePoint& now, unsigned& count,
                              const std::array<std::uint16_t, check::most_contexts>& woken_by) {
    const Execution::Inside inside;
    Execution& execution = Execution::now();
    // Only a look: it may take the wakes in, and need not.
    if (deadline == at_once && (count == 0 || execution.choose(2) == 0)) return 0;
    execution.step(
        Step{Step::Kind::sleep, port, "sleeps in its port"},
        [&count, deadline] { return count > 0 || deadline != (TimePoint::max)(); },
        [&left = execution.spurious_left()] { return left > 0; });
    if (count > 0) {
        execution.note("is woken in its port");
        execution.memory().happened_before(execution.context(), VectorClock{woken_by});
        return std::exchange(count, 0u);
    }
    if (deadline != (TimePoint::max)()) {
        execution.note("sleeps in its port until its time is up");
        now = (std::max)(now, deadline);
    } else {
        execution.note("stops sleeping without a reason");
        --execution.spurious_left();
    }
    return 0;
}

/// ModelPort::wake.
inline bool wake_port(const void* port, unsigned& count, std::array<std::uint16_t, check::most_contexts>& woken_by) {
    const Execution::Inside inside;
    if (Mutants::now().visit(CodeLocation::current(), Operation::wake) == Change::left_out) return false;
    Execution& execution = Execution::now();
    execution.step(Step{Step::Kind::wake, port, "wakes a port"});
    touch(port, 1, Access::atomic);
    execution.note("wakes the loop's port");
    VectorClock clock{woken_by};
    clock.join(execution.memory().clock(execution.context()));
    woken_by = clock.at;
    execution.memory().tick(execution.context());
    ++count;
    return true;
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

#include "port.hpp"

#include "execution.hpp"
#include "mutants.hpp"
#include "races.hpp"

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// The loops of one thread.
struct ThreadSwitch {
    static void exchange(std::array<void*, 2>& out, const std::array<void*, 2>& in) {
        out = {Scheduler::current_or_null(), Scheduler::newest_};
        Scheduler::current_ = static_cast<Scheduler*>(in[0]);
        Scheduler::newest_ = static_cast<Scheduler*>(in[1]);
    }
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

namespace model {

void exchange_loops(std::array<void*, 2>& out, const std::array<void*, 2>& in) {
    rouse::detail::ThreadSwitch::exchange(out, in);
}

unsigned Port::wait_until(rouse::TimePoint deadline) noexcept {
    const Execution::Inside inside;
    Execution& execution = Execution::now();
    // Only a look: it may take the wakes in, and need not.
    if (deadline == rouse::at_once && (count_ == 0 || execution.choose(2) == 0)) return 0;
    execution.step(
        Step{Step::Kind::sleep, this, "sleeps in the port"},
        [this, deadline] { return count_ > 0 || deadline != rouse::no_deadline; },
        [&left = execution.spurious_left()] { return left > 0; });
    if (count_ > 0) {
        execution.note("is woken");
        execution.memory().happened_before(execution.thread(), woken_by_);
        return std::exchange(count_, 0u);
    }
    if (deadline != rouse::no_deadline) {
        execution.note("sleeps until its time is up");
        now_ = std::max(now_, deadline);
    } else {
        execution.note("stops sleeping for no reason");
        --execution.spurious_left();
    }
    return 0;
}

void Port::wake() noexcept {
    const Execution::Inside inside;
    if (Mutants::now().visit(Where::current(), Operation::wake) == Change::left_out) return;
    Execution::now().step(Step{Step::Kind::wake, this, "wakes the port"});
    races::touch(this, 1, races::Access::atomic);
    Execution::now().note("wakes the port");
    Memory& memory = Execution::now().memory();
    woken_by_.join(memory.clock(Execution::now().thread()));
    memory.tick(Execution::now().thread());
    ++count_;
    ++wakes_;
}

// The kernel takes the newest value of the word, and sleeps on it in one step.
bool futex_wait(Location& location, std::uint64_t expected, bool timed, const Where& where) {
    const Execution::Inside inside;
    Execution& execution = Execution::now();
    races::touch(&location, sizeof location, races::Access::atomic);
    const auto at = static_cast<std::uint8_t>(location.id);
    execution.step(Step{Step::Kind::write, &location, "is about to sleep on a word", where});
    if (execution.memory().read_newest(execution.thread(), at) != expected) return true;
    bool& woken = execution.sleep_on(&location);
    execution.step(
        Step{Step::Kind::sleep, &location, "sleeps on a word", where}, [&woken, timed] { return woken || timed; },
        [&left = execution.spurious_left()] { return left > 0; });
    execution.sleep_on(nullptr);
    if (woken) {
        execution.note("is woken");
        execution.memory().read_newest(execution.thread(), at);
        return true;
    }
    if (timed) {
        execution.note("sleeps until its time is up");
        return false;
    }
    execution.note("stops sleeping for no reason");
    --execution.spurious_left();
    return true;
}

void futex_wake(Location& location, const Where& where) {
    const Execution::Inside inside;
    if (Mutants::now().visit(where, Operation::wake) == Change::left_out) return;
    Execution& execution = Execution::now();
    execution.step(Step{Step::Kind::wake, &location, "wakes who sleeps on a word", where});
    execution.note("wakes who sleeps on a word");
    execution.wake_one(&location);
}

} // namespace model

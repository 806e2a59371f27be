// How long the tools of rouse/check take on this machine. Those that need the model checker: time check_flag first.
//
//     check_times
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <rouse/check/cancel_everywhere.hpp>
#include <rouse/check/interrupt_everywhere.hpp>
#include <rouse/check/simulate.hpp>
#include <rouse/rouse.hpp>

namespace check = rouse::check;

namespace {

using Microseconds = std::chrono::duration<double, std::micro>;

// Waits for a few presses, which a button's handler counts.
struct Button {
    static constexpr int wanted = 5;

    rouse::ThreadSafeFlag pressed;
    volatile int presses = 0;

    void on_press() {
        presses = presses + 1;
        pressed.set();
    }
    rouse::Task<> wait_for_all() {
        while (presses < wanted) co_await pressed.wait();
    }
    rouse::Task<> press_all() {
        while (presses < wanted) {
            co_await rouse::sleep(std::chrono::milliseconds{20});
            on_press();
        }
    }
};

template <class F>
double microseconds_of(F f) {
    const auto begin = std::chrono::steady_clock::now();
    f();
    return Microseconds{std::chrono::steady_clock::now() - begin}.count();
}

// Prints a line of the table. Returns whether all is well.
bool tell(const char* tool, const char* unit, double count, double microseconds, bool well) {
    std::printf("%-22s %8.0f %-12s %9.3f s  %8.1f us each%s\n", tool, count, unit, microseconds / 1e6,
                microseconds / count, well ? "" : "  FAILED");
    return well;
}

Button* interrupted = nullptr;

bool time_interrupts() {
    check::InterruptReport report;
    const double time = microseconds_of([&report] {
        report = check::interrupt_everywhere(
            [] {
                Button button;
                interrupted = &button;
                button.presses = Button::wanted - 1;
                rouse::VirtualTimePort port;
                rouse::Loop loop{port};
                const auto task = loop.create_task(button.wait_for_all());
                loop.poll(); // now it waits
                {
                    const check::Interrupted stretch;
                    loop.poll();
                }
                loop.run_until_complete(task);
                return button.presses == Button::wanted;
            },
            [] { interrupted->on_press(); });
    });
    if (!report.supported) {
        std::puts("interrupt_everywhere   needs x86-64 Linux");
        return true;
    }
    return tell("interrupt_everywhere", "boundaries", report.boundaries, time, report.passed());
}

bool time_cancellations() {
    std::size_t awaits = 0;
    const double time = microseconds_of([&awaits] {
        awaits = check::cancel_everywhere([](check::CancelledRun& run) {
            Button button;
            run.run(button.press_all());
        });
    });
    return tell("cancel_everywhere", "awaits", static_cast<double>(awaits), time, awaits > 0);
}

bool time_simulation() {
    check::SimulationReport report;
    const double time = microseconds_of([&report] {
        report = check::simulate([](check::SimulatedRun& run) {
            Button button;
            for (int i = 0; i < Button::wanted; ++i) run.interrupt("button", [&button] { button.on_press(); });
            run.run(button.wait_for_all());
        });
    });
    return tell("simulate", "runs", static_cast<double>(report.runs), time, report.passed()) &&
           tell("simulate", "steps", static_cast<double>(report.steps), time, report.passed());
}

} // namespace

int main() {
    const bool interrupts = time_interrupts();
    const bool cancellations = time_cancellations();
    const bool simulation = time_simulation();
    return interrupts && cancellations && simulation ? EXIT_SUCCESS : EXIT_FAILURE;
}

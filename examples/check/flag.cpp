// A flag cleared at the wrong end. A button's interrupt counts the presses and sets a flag; a task takes them.
//
//     check_flag first      the driver as it was written first: a press is lost
//     check_flag mended     the same with its fault mended: passes
//
// docs/check_your_handler.md tells the story.
#include <cstdio>
#include <cstring>

#include <rouse/check/check.hpp>
#include <rouse/rouse.hpp>

namespace check = rouse::check;

struct Button {
    check::Atomic<int> presses{0};
    rouse::ThreadSafeFlag pressed;

    // The interrupt handler.
    void on_press() {
        presses.fetch_add(1, std::memory_order_relaxed);
        pressed.set();
    }
};

// Clears the flag when the presses have been taken: it may have been set again since.
rouse::Task<> count_first(Button& button, int wanted) {
    for (int taken = 0; taken < wanted;) {
        co_await button.pressed.wait();
        taken += button.presses.exchange(0, std::memory_order_relaxed);
        button.pressed.clear();
    }
}

// wait() has cleared the flag already, before the presses are taken.
rouse::Task<> count_mended(Button& button, int wanted) {
    for (int taken = 0; taken < wanted;) {
        co_await button.pressed.wait();
        taken += button.presses.exchange(0, std::memory_order_relaxed);
    }
}

int main(int argc, char** argv) {
    const bool mended = argc > 1 && std::strcmp(argv[1], "mended") == 0;
    if (!mended && (argc < 2 || std::strcmp(argv[1], "first") != 0)) {
        std::fputs("usage: check_flag first|mended\n", stderr);
        return 2;
    }
    const auto program = [mended] {
        Button button;
        check::interrupt("button", [&button] { button.on_press(); });
        check::interrupt("button again", [&button] { button.on_press(); });
        check::run(mended ? count_mended : count_first, button, 2);
        check::join();
    };
    return check::report("the button", check::explore(program));
}

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <tuple>
#include <vector>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

class Dice {
public:
    explicit Dice(int seed) : state_{static_cast<std::uint64_t>(seed)} {}
    int roll(int sides) {
        state_ = (state_ * 1103515245 + 12345) % (1u << 31);
        return static_cast<int>((state_ >> 12) % static_cast<std::uint64_t>(sides));
    }

private:
    std::uint64_t state_;
};

struct World {
    Event event;
    Lock lock;
    Semaphore semaphore{2};
    Queue<int> queue{2};
    std::vector<TaskHandle<>> tasks;
};

Task<> nap(Dice& dice) { co_await sleep(std::chrono::microseconds{1 + dice.roll(40000)}); }

Task<> operation(int me, int what, Dice& dice, World& world) {
    if (what == 0) {
        co_await yield();
    } else if (what == 1) {
        co_await nap(dice);
    } else if (what == 2) {
        world.event.set();
    } else if (what == 3) {
        world.event.clear();
    } else if (what == 4) {
        co_await world.event.wait();
    } else if (what == 5) {
        auto guard = co_await world.lock.scoped();
        std::printf("%d has the lock\n", me);
        co_await nap(dice);
    } else if (what == 6) {
        auto guard = co_await world.semaphore.scoped();
        std::printf("%d is in\n", me);
        co_await nap(dice);
    } else if (what == 7 && me > 0) {
        co_await world.tasks[static_cast<std::size_t>(dice.roll(me))];
    } else if (what == 8 && me > 0) {
        const int other = dice.roll(me);
        const bool told = world.tasks[static_cast<std::size_t>(other)].cancel();
        std::printf("%d cancels %d %s\n", me, other, told ? "True" : "False");
    } else if (what == 9 && me == 0) {
        std::ignore = co_await world.queue.put(dice.roll(100));
    } else if (what == 9 && me == 1) {
        const int item = co_await world.queue.get();
        std::printf("%d got %d\n", me, item);
    }
}

Task<> task(int me, Dice dice, World& world) {
    const int steps = 1 + dice.roll(7);
    for (int step = 0; step < steps; ++step) {
        const int what = me > 1 || dice.roll(2) == 0 ? dice.roll(10) : 9;
        std::printf("%d step %d %d\n", me, step, what);
        try {
            co_await operation(me, what, dice, world);
        } catch (const CancelledError&) {
            std::printf("%d cancelled\n", me);
            if (me % 3 != 0) throw;
        }
    }
    std::printf("%d ends\n", me);
}

Task<> program() {
    for (int seed = 0; seed < 300; ++seed) {
        std::printf("program %d\n", seed);
        Dice dice{seed};
        World world;
        const int count = 2 + dice.roll(7);
        for (int me = 0; me < count; ++me) world.tasks.push_back(create_task(task(me, Dice{dice.roll(100000)}, world)));
        co_await sleep(500ms);
        while (!std::ranges::all_of(world.tasks, [](auto& each) { return each.done(); })) {
            for (auto& each : world.tasks) each.cancel();
            co_await sleep(500ms);
        }
        for (std::size_t i = 0; i < world.tasks.size(); ++i) {
            std::printf("%s%d", i == 0 ? "" : " ", world.tasks[i].cancelled());
        }
        std::puts("");
    }
}

int main() { run(program()); }

#!/bin/bash
# Parts of a program with and without the checks of ROUSE_CHECKED are linked in both orders, unoptimised and optimised, so
# that the linker takes the inline functions of either. The program works, because no layout and no protocol between two
# functions depends on the setting.
# usage: mixed_checks.sh <compiler> <source root>
set -u
compiler=$1 root=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/part.hpp" <<'CODE'
#include <rouse/rouse.hpp>

#include <cstdio>
#include <cstdlib>
#include <thread>
#include <tuple>

using namespace rouse;
using namespace std::chrono_literals;

struct Shared {
    Event event;
    Lock lock;
    Semaphore semaphore{1};
    BoundedSemaphore bounded{1};
    Condition condition;
    Barrier barrier{2};
    Queue<int> queue;
    Delay delay{1ms};
    ThreadSafeFlag flag;
    ThreadSafeEvent safe_event;
    ThreadSafeQueue<int, 8> items;
    Message<int> message;
    Latest<int> latest;
    RingIO<8> io;
};

struct Sizes {
    std::size_t sizes[16] = {sizeof(Loop), sizeof(Event), sizeof(Lock), sizeof(Semaphore), sizeof(BoundedSemaphore),
        sizeof(Condition), sizeof(Barrier), sizeof(Queue<int>), sizeof(Delay), sizeof(ThreadSafeFlag),
        sizeof(ThreadSafeEvent), sizeof(ThreadSafeQueue<int, 8>), sizeof(Message<int>), sizeof(Latest<int>),
        sizeof(RingIO<8>), sizeof(TaskHandle<>)};
    bool operator==(const Sizes&) const = default;
};

inline void require(bool right, const char* what) {
    if (!right) {
        std::fprintf(stderr, "wrong: %s\n", what);
        std::exit(1);
    }
}

Task<> a_waits(Shared&), b_waits(Shared&);
void a_wakes(Shared&), b_wakes(Shared&);
void a_works(), b_works();
Sizes a_sizes(), b_sizes();
CODE
cat >"$work/part.inl" <<'CODE'
#include "part.hpp"

Sizes SIZES() { return {}; }

// Waits in everything that the other part wakes, twice.
Task<> WAITS(Shared& s) {
    co_await s.event.wait();
    s.event.clear();
    co_await s.lock.acquire();
    s.lock.release();
    {
        const auto guard = co_await s.semaphore.scoped();
        const auto bounded = co_await s.bounded.scoped();
    }
    {
        const auto guard = co_await s.condition.scoped();
        co_await s.condition.wait();
    }
    co_await s.barrier.wait();
    const int item = co_await s.queue.get();
    require(item == 1, "an item");
    s.delay.trigger();
    co_await s.delay.wait();
    co_await s.flag.wait();
    co_await s.safe_event.wait();
    s.safe_event.clear();
    const int safe_item = co_await s.items.get();
    require(safe_item == 2, "an item between threads");
    const int news = co_await s.message.next();
    require(news == 3, "a message");
    const int value = co_await s.latest.next();
    require(value == 4, "a value");
    char bytes[1];
    const auto count = co_await s.io.read(bytes);
    require(count == 1, "a byte");
}

Task<> notifies(Shared& s) {
    s.event.set();
    co_await yield();
    co_await yield();
    {
        const auto guard = co_await s.condition.scoped();
        s.condition.notify();
    }
    co_await s.barrier.wait();
    require(s.queue.put_nowait(1), "a put");
}

// One end is used by many calls, each of which must leave it for the next one.
void WAKES(Shared& s) {
    s.flag.set();
    s.safe_event.set();
    require(s.items.put_sync(2), "a put between threads");
    require(s.message.set(3), "a set");
    s.latest.publish(4);
    require(s.io.received('x'), "a byte received");
}

void WORKS() {
    Shared shared;
    auto main = [&]() -> Task<> {
        for (int round = 0; round < 3; ++round) {
            auto mine = create_task(round % 2 == 0 ? a_waits(shared) : b_waits(shared));
            co_await yield();
            co_await notifies(shared);
            std::thread other{[&] { round % 2 == 0 ? b_wakes(shared) : a_wakes(shared); }};
            co_await mine;
            other.join();
            require(mine.done() && !mine.cancelled(), "a task");
        }
    };
    run(main());
}
CODE
for part in a b; do
    printf '#define SIZES %s_sizes\n#define WAITS %s_waits\n#define WAKES %s_wakes\n#define WORKS %s_works\n#define notifies %s_notifies\n#include "part.inl"\n' \
        $part $part $part $part $part >"$work/$part.cpp"
done
cat >"$work/main.cpp" <<'CODE'
#include "part.hpp"

int main() {
    require(a_sizes() == b_sizes(), "a size depends on ROUSE_CHECKED");
    a_works();
    b_works();
}
CODE

options=(-std=c++20 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -pthread -I "$root/include")
programs=0
for optimisation in -O0 -O2; do
    "$compiler" "${options[@]}" $optimisation -DROUSE_CHECKED=1 -c "$work/a.cpp" -o "$work/a.o" &&
        "$compiler" "${options[@]}" $optimisation -DNDEBUG -c "$work/b.cpp" -o "$work/b.o" &&
        "$compiler" "${options[@]}" $optimisation -c "$work/main.cpp" -o "$work/main.o" || exit 1
    for order in "a b" "b a"; do
        objects=()
        for part in $order; do objects+=("$work/$part.o"); done
        "$compiler" -pthread "${objects[@]}" "$work/main.o" -o "$work/program" && timeout 60 "$work/program" || {
            echo "FAILED: $optimisation, linked in the order $order"
            exit 1
        }
        programs=$((programs + 1))
    done
done
echo "$programs programs of parts with and without ROUSE_CHECKED work"

// Coroutines of many kinds, and what a frame of each takes of the pool, as the pool does it: a line for each, of its
// number (those behind `coroutine` below) and the bytes. For check.sh, which compares them with those of ram-report.
#include <cstddef>

#include <rouse/ports/virtual_time.hpp>
#include <rouse/rouse.hpp>

#if ROUSE_HOSTED
#include <cstdio>
static void print(unsigned number, unsigned bytes) { std::printf("%u %u\n", number, bytes); }
#else
#include "board.hpp"
static void print(unsigned number, unsigned bytes) {
    board::print(std::uint32_t{number}, " ", std::uint32_t{bytes}, "\n");
}
#endif

using namespace rouse;

namespace {

volatile int sink;

Task<> shortest() { co_return; } // coroutine 1

Task<int> child(int number) { // coroutine 2
    co_await yield();
    co_return number;
}

Task<long> parent(long a, short b) { // coroutine 3
    const int first = co_await child(static_cast<int>(a));
    const int second = co_await child(b);
    co_return first + second;
}

template <class T>
Task<T> generic(T value) { // coroutine 4, 5
    co_await yield();
    co_return value;
}

struct Device {
    Task<> send(const char* text) { // coroutine 6
        for (; *text != '\0'; ++text) {
            co_await flag.wait();
            sink = *text;
        }
    }
    ThreadSafeFlag flag;
};

Task<> large() { // coroutine 7
    volatile std::byte room[300];
    for (auto& each : room) each = std::byte{1};
    co_await yield();
    for (auto& each : room) sink = static_cast<int>(each);
}

[[maybe_unused]] Task<> not_in_the_image() { co_await yield(); }

// Two blocks of one size that are new lie side by side; and such a pair, given back, is used again as a pair.
template <class Make>
void measure(unsigned number, Make make) {
    const auto first = make();
    const auto second = make();
    const auto* a = reinterpret_cast<const std::byte*>(&rouse::detail::record_of(first));
    const auto* b = reinterpret_cast<const std::byte*>(&rouse::detail::record_of(second));
    print(number, static_cast<unsigned>(b - a));
}

} // namespace

Task<> global(char a) { // coroutine 8
    co_await yield();
    sink = a;
}

int main() {
    VirtualTimePort port;
    Loop loop{port};
    Device device;
    const auto lambda = [](int a) -> Task<> { // coroutine 9
        co_await yield();
        sink = a;
    };
    measure(1, [] { return shortest(); });
    measure(2, [] { return child(1); });
    measure(3, [] { return parent(1, 2); });
    measure(4, [] { return generic(1); });
    measure(5, [] { return generic(1.0); });
    measure(6, [&] { return device.send("a"); });
    measure(7, [] { return large(); });
    measure(8, [] { return global('a'); });
    measure(9, [&] { return lambda(1); });
    return 0;
}

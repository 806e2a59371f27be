// A loop on the first core, plain code on the second: items through a queue with a ring of two slots in each direction,
// then flags, each of which is set when the one before has been answered. The loop sleeps whenever it has nothing to
// do. One of PART_TO_LOOP, PART_FROM_LOOP and PART_FLAGS says which part; ITEMS how many.
#include "support.hpp"

using namespace test;

namespace {

// Four words, so that an item of which a part has not been written yet, or is written again, does not fit together.
struct Item {
    volatile std::uint32_t words[4];

    Item() = default;
    explicit Item(std::uint32_t number) : words{number, ~number, number * 3, number + 7} {}
    Item(const Item& other) { *this = other; }
    Item& operator=(const Item& other) {
        for (unsigned i = 0; i < 4; ++i) words[i] = other.words[i];
        return *this;
    }
    [[nodiscard]] bool is(std::uint32_t number) const {
        return words[0] == number && words[1] == ~number && words[2] == number * 3 && words[3] == number + 7;
    }
};

Item ring[2];
rouse::ThreadSafeQueue<Item> queue{ring};
rouse::ThreadSafeFlag request;
std::atomic<std::uint32_t> answered{0};

#if defined(PART_TO_LOOP)
constexpr const char* part = "items to the loop, in order";

[[noreturn]] void second() {
    for (std::uint32_t number = 0; number < items; ++number) {
        await_sleep(number);
        std::uint32_t tries = 0;
        while (!queue.put_sync(Item{number}))
            if (++tries == patience) fail("no room for an item", number, 0);
        if (number % 8 == 0) linger(number);
    }
    queue.close();
    rest();
}

rouse::Task<int> first() {
    std::uint32_t expected = 0;
    while (auto item = co_await queue.next()) {
        if (!item->is(expected)) fail("the wrong item", expected, item->words[0]);
        ++expected;
    }
    if (expected != items) fail("items are missing", items, expected);
    co_return 0;
}
#elif defined(PART_FROM_LOOP)
constexpr const char* part = "items from the loop, in order";

[[noreturn]] void second() {
    for (std::uint32_t number = 0; number < items; ++number) {
        await_sleep(number);
        std::uint32_t tries = 0;
        std::optional<Item> item;
        while (!(item = queue.get_sync()))
            if (++tries == patience) fail("no item has come", number, 0);
        if (!item->is(number)) fail("the wrong item", number, item->words[0]);
        if (number % 8 == 0) linger(number);
    }
    answered.store(items, std::memory_order_release);
    request.set();
    rest();
}

rouse::Task<int> first() {
    for (std::uint32_t number = 0; number < items; ++number) {
        const bool accepted = co_await queue.put(Item{number});
        if (!accepted) fail("an item was refused", number, 0);
    }
    co_await request.wait();
    co_return 0;
}
#else
constexpr const char* part = "flags to the loop, in order";

[[noreturn]] void second() {
    for (std::uint32_t number = 1; number <= items; ++number) {
        await_sleep(number);
        request.set();
        std::uint32_t tries = 0;
        while (answered.load(std::memory_order_acquire) != number)
            if (++tries == patience) fail("a flag without an answer", number, answered.load(std::memory_order_relaxed));
        linger(number);
    }
    rest();
}

rouse::Task<int> first() {
    for (std::uint32_t number = 1; number <= items; ++number) {
        co_await request.wait();
        answered.store(number, std::memory_order_release);
    }
    co_return 0;
}
#endif

} // namespace

int main() { return run_part(part, first, second); }

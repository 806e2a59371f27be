// Bursts into a full ring and out of it: at times that sweep over all remainders the timer's interrupt puts as many
// elements as a queue has room for, and takes all that another one holds, while tasks do the opposite. The elements
// are long enough to be torn, and say of themselves whether they are.
#include "support.hpp"

using namespace test;

namespace {

constexpr std::uint32_t elements_each_way = 4'000;

constinit InterruptedAt addresses;

class Element {
public:
    explicit Element(std::uint32_t number) {
        for (std::uint32_t& word : words_) word = number;
    }
    [[nodiscard]] bool is(std::uint32_t number) const {
        for (const std::uint32_t word : words_)
            if (word != number) return false;
        return true;
    }
    /// All its words are of one element, whichever.
    [[nodiscard]] bool whole() const { return is(words_[0]); }

private:
    std::uint32_t words_[9];
};

void check_element(const Element& element, std::uint32_t number) {
    check(element.whole(), "an element was torn");
    check(element.is(number), "an element was lost, or came twice");
}

void arm(std::uint32_t which) { board::start_timer(100 + which * 389 % 997, false); }

void (*burst)();

// With rings of N.
template <std::size_t N>
struct Rings {
    static inline constinit rouse::ThreadSafeQueue<Element, N> to_task, from_task;

    // Written by the interrupt.
    static inline volatile std::uint32_t bursts = 0, sent = 0, taken = 0, filled = 0;

    static void interrupt() {
        bursts = bursts + 1;
        check(bursts < 20 * elements_each_way, "a wake was lost: tasks have stopped");
        std::uint32_t room = 0;
        while (sent < elements_each_way && to_task.put_sync(Element{sent})) {
            sent = sent + 1;
            ++room;
        }
        if (room > 0 && to_task.full()) filled = filled + 1;
        while (const auto element = from_task.get_sync()) {
            check_element(*element, taken);
            taken = taken + 1;
        }
        if (sent == elements_each_way) to_task.close();
        if (!(from_task.closed() && from_task.empty()) || !to_task.closed()) arm(bursts);
    }

    static Task<> receive() {
        std::uint32_t number = 0;
        for (;; ++number) {
            const auto element = co_await to_task.next();
            if (!element) break;
            check_element(*element, number);
        }
        check(number == elements_each_way, "elements have not arrived");
    }

    static Task<> send() {
        for (std::uint32_t number = 0; number < elements_each_way; ++number) {
            const Element element{number};
            const bool accepted = co_await from_task.put(element);
            check(accepted, "an open queue refuses an element");
        }
        from_task.close();
    }

    static Task<> run() {
        burst = interrupt;
        arm(1);
        co_await rouse::gather(receive(), send());
        while (taken != elements_each_way) co_await rouse::yield(); // by the bursts that are to come
        check(filled > elements_each_way / 100, "the ring was hardly ever filled");
        board::print("rings of ", std::uint32_t{N}, ": ", std::uint32_t{bursts}, " bursts, ", std::uint32_t{filled},
                     " filled it; ");
    }
};

Task<> main_task() {
    co_await Rings<1>::run();
    co_await Rings<2>::run();
    co_await Rings<5>::run();
}

} // namespace

extern "C" void timer_interrupt() {
    Stopwatch::start(10'000'000); // a watchdog
    addresses.note();
    burst();
}
extern "C" void tick_interrupt() { fail("a wake was lost: nothing runs any more"); }

int main() {
    board::print("full_ring_burst: ");
    NoClock clock;
    run(clock, main_task());
    Stopwatch::stop();
    board::print(6 * elements_each_way, " elements, in order and whole; ", addresses.distinct(),
                 " distinct addresses interrupted\n");
    check(addresses.distinct() > 300, "the interrupts came in too few places");
}

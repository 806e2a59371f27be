#include <rouse/ports/detail/asymmetric_barrier.hpp>

#include <atomic>
#include <cerrno>
#include <thread>
#include <vector>

#include "ports/in_child.hpp"
#include "ports/refused_call.hpp"
#include "support/catch.hpp"
#include "support/spin.hpp"

using namespace rouse;

namespace {

struct Cell {
    alignas(64) std::atomic<int> x{0};
    alignas(64) std::atomic<int> y{0};
    int x_side_saw = 0;
    int y_side_saw = 0;
};

// Store buffering: one side stores x, then loads y, the other y, then x; cell after cell, without waiting for each
// other, from starts that differ a little more with each pass. Returns how often both missed the other's store.
template <class XSide, class YSide>
int both_missed(int passes, XSide x_barrier, YSide y_barrier) {
    std::vector<Cell> cells(500);
    std::atomic<int> at_start{0};
    int missed = 0;
    const auto start_together = [&](int pass, int offset) {
        at_start.fetch_add(1);
        while (at_start.load() < 2 * pass) {
        }
        test::spin(offset);
    };
    std::thread other{[&] {
        for (int pass = 1; pass <= passes; ++pass) {
            start_together(2 * pass - 1, pass % 61);
            for (Cell& cell : cells) {
                cell.x.store(1, std::memory_order_relaxed);
                x_barrier();
                cell.x_side_saw = cell.y.load(std::memory_order_relaxed);
            }
            start_together(2 * pass, 0);
        }
    }};
    for (int pass = 1; pass <= passes; ++pass) {
        start_together(2 * pass - 1, pass % 53);
        for (Cell& cell : cells) {
            cell.y.store(1, std::memory_order_relaxed);
            y_barrier();
            cell.y_side_saw = cell.x.load(std::memory_order_relaxed);
        }
        // The cells are reset before the other side starts again, for which it needs us.
        at_start.fetch_add(1);
        while (at_start.load() < 4 * pass) {
        }
        for (Cell& cell : cells) {
            missed += cell.x_side_saw == 0 && cell.y_side_saw == 0;
            cell.x.store(0, std::memory_order_relaxed);
            cell.y.store(0, std::memory_order_relaxed);
        }
    }
    other.join();
    return missed;
}

// A thread that runs before main, and before the constructors that have no priority.
std::thread* early = nullptr;
[[gnu::constructor(101)]] void start_early() {
    early = new std::thread{[] {
        for (int i = 0; i < 10'000'000 && detail::membarrier_state == detail::Membarrier::unknown; ++i) {
            detail::light_barrier();
            detail::heavy_barrier();
        }
    }};
}
// After the header's own variables; a child of fork() needs to be made by a process with one thread.
const bool early_has_ended = [] {
    early->join();
    delete early;
    return true;
}();

} // namespace

TEST_CASE("a thread that a static constructor has started may use the barrier") {
    // ThreadSanitizer finds a race if there is one.
    CHECK(early_has_ended);
    CHECK(detail::membarrier_state != detail::Membarrier::unknown);
}

TEST_CASE("the barrier holds while and after a filter refuses membarrier") {
    for (const int error : {EPERM, ENOSYS}) {
        const test::Child child = test::in_child([error] {
            int calls = 0;
            bool refused = true;
            const auto heavy = [&] {
                if (++calls == 5'000) refused = test::refuse_call(SYS_membarrier, error);
                detail::heavy_barrier();
            };
            const bool worked = detail::membarrier_state == detail::Membarrier::works;
            if (both_missed(50, detail::light_barrier, heavy) != 0 || !refused) return false;
            return !worked || detail::membarrier_state == detail::Membarrier::refused;
        });
        CHECK(child.well());
    }
}

TEST_CASE("with the asymmetric barrier never do both sides miss the other's store") {
    CHECK(both_missed(200, detail::light_barrier, detail::heavy_barrier) == 0);
}

TEST_CASE("in a child of fork the barrier holds as well") {
    const test::Child child = test::in_child([] {
#if defined(__linux__)
        if (detail::membarrier_state == detail::Membarrier::works) {
            detail::heavy_barrier();
            if (!detail::membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED)) return false;
        }
#endif
        return both_missed(50, detail::light_barrier, detail::heavy_barrier) == 0;
    });
    CHECK(child.well());
}

#if defined(__OPTIMIZE__) // else so much stands between the store and the load that the store is out by then
TEST_CASE("the control: with barriers for the compiler only, both sides do miss it, where there are two cores") {
    const auto compiler_only = [] { std::atomic_signal_fence(std::memory_order_seq_cst); };
    int missed = 0;
    for (int attempt = 0; attempt < 50 && missed == 0; ++attempt)
        missed = both_missed(200, compiler_only, compiler_only);
    if (std::thread::hardware_concurrency() > 1) CHECK(missed > 0);
}
#endif

// The plan and the counts, and operator new, which is one of the calls that can fail.
#include "ledger.hpp"

#include <chrono>
#include <cstdlib>
#include <new>

namespace faults {

namespace {

using Time = std::chrono::steady_clock;

std::atomic<bool> armed{false};
Plan plan; // changes only while there is one thread
Time::time_point window_ends;
std::atomic<unsigned> counts[static_cast<std::size_t>(Call::count)];
std::atomic<unsigned> fired_count, bad_closes;
std::atomic<long> live;

bool is_due(unsigned n) noexcept {
    if (n < plan.nth) return false;
    if (plan.for_ms != 0) {
        if (n == plan.nth) window_ends = Time::now() + std::chrono::milliseconds{plan.for_ms};
        return Time::now() < window_ends;
    }
    return n == plan.nth || (plan.every != 0 && (n - plan.nth) % plan.every == 0);
}

} // namespace

void arm(const Plan& next_plan) noexcept {
    plan = next_plan;
    for (auto& count : counts) count = 0;
    fired_count = bad_closes = 0;
    armed = true;
}
void disarm() noexcept { armed = false; }

const Fault* next(Call call) noexcept {
    if (!armed) return nullptr;
    const unsigned n = ++counts[static_cast<std::size_t>(call)];
    if (plan.fault == nullptr || plan.fault->call != call || !is_due(n)) return nullptr;
    ++fired_count;
    return plan.fault;
}

bool without_pwait2() noexcept { return armed && plan.without_pwait2; }
void note_bad_close() noexcept {
    if (armed) ++bad_closes;
}
void note_allocation(long change) noexcept { live += change; }

unsigned calls(Call call) noexcept { return counts[static_cast<std::size_t>(call)]; }
unsigned fired() noexcept { return fired_count; }
unsigned closed_twice() noexcept { return bad_closes; }
long live_allocations() noexcept { return live; }

namespace {

// Null if the plan says so.
void* allocate(Call call, std::size_t size, std::size_t alignment) noexcept {
    if (next(call) != nullptr) return nullptr;
    void* const memory = alignment == 0 ? std::malloc(size == 0 ? 1 : size)
                                        : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (memory != nullptr) note_allocation(1);
    return memory;
}
void* or_throw(void* memory) {
    if (memory == nullptr) throw std::bad_alloc{};
    return memory;
}
void give_back(void* memory) noexcept {
    if (memory != nullptr) note_allocation(-1);
    std::free(memory);
}

} // namespace

} // namespace faults

using faults::Call;

void* operator new(std::size_t size) { return faults::or_throw(faults::allocate(Call::allocation, size, 0)); }
void* operator new[](std::size_t size) { return faults::or_throw(faults::allocate(Call::allocation, size, 0)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return faults::or_throw(faults::allocate(Call::allocation, size, static_cast<std::size_t>(alignment)));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return faults::allocate(Call::allocation, size, 0);
}
// Only the pool of frames asks in this way.
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return faults::allocate(Call::frame, size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { faults::give_back(memory); }
void operator delete[](void* memory) noexcept { faults::give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { faults::give_back(memory); }
void operator delete[](void* memory, std::size_t) noexcept { faults::give_back(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { faults::give_back(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { faults::give_back(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { faults::give_back(memory); }
void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept { faults::give_back(memory); }

// The threads, mutexes, condition variables and counts of owners that the standard library brings: taken to be right,
// and made steps of the checker below it, where the library calls the system (the functions of these names are in
// engine.hpp). So std::mutex, std::condition_variable, std::thread and std::shared_ptr, and what uses them, run under
// the checker as they are compiled.
//
// A mutex is a step when it is locked; that it is given up needs none, as no one can tell before the context's next
// step. Waiting for a condition is three: to be counted as asleep, which is done with the mutex still held (who gives a
// notice then is before it or after it); to wake, by a notice or without a reason; and to lock again.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>

#include <pthread.h>
#include <sys/single_threaded.h>

#include <rouse/check/detail/execution.hpp>
#include <rouse/check/detail/races.hpp>
#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

inline constexpr ContextId nobody = -1;

struct ModelMutex {
    ContextId holder = nobody;
    Knowledge released;
};

// Those of this execution, by where they are.
template <class T>
T& state_of(const volatile void* address) {
    static std::map<const volatile void*, T> all;
    static std::uint32_t execution = 0;
    if (execution != Execution::now().number()) {
        execution = Execution::now().number();
        all.clear();
    }
    return all[address];
}

inline void lock_mutex(pthread_mutex_t* address) {
    Execution& execution = Execution::now();
    ModelMutex& mutex = state_of<ModelMutex>(address);
    execution.step(Step{Step::Kind::lock, address, "waits for a mutex"}, [&mutex] { return mutex.holder == nobody; });
    touch(address, 1, Access::atomic);
    mutex.holder = execution.context();
    execution.memory().acquire_from(execution.context(), mutex.released);
    execution.note("locks a mutex");
}

inline void unlock_mutex(pthread_mutex_t* address) {
    Execution& execution = Execution::now();
    touch(address, 1, Access::atomic);
    ModelMutex& mutex = state_of<ModelMutex>(address);
    if (mutex.holder != execution.context())
        execution.fail(check::Failure::assertion, "a mutex is unlocked by a thread that does not hold it");
    execution.memory().release_to(execution.context(), mutex.released);
    mutex.holder = nobody;
    execution.note("unlocks a mutex");
}

inline void wait_for_condition(pthread_cond_t* condition, pthread_mutex_t* mutex) {
    Execution& execution = Execution::now();
    execution.step(Step{Step::Kind::write, condition, "is about to wait for a condition"});
    touch(condition, 1, Access::atomic);
    bool& woken = execution.sleep_on(condition);
    unlock_mutex(mutex);
    execution.step(
        Step{Step::Kind::sleep, condition, "waits for a condition"}, [&woken] { return woken; },
        [&left = execution.spurious_left()] { return left > 0; });
    execution.sleep_on(nullptr);
    execution.note(woken ? "is woken" : "stops waiting without a reason");
    if (!woken) --execution.spurious_left();
    lock_mutex(mutex);
}

inline void notify_condition(pthread_cond_t* condition, bool all) {
    Execution& execution = Execution::now();
    execution.step(Step{Step::Kind::wake, condition, "notifies"});
    touch(condition, 1, Access::atomic);
    execution.note(all ? "notifies all" : "notifies one");
    all ? execution.wake_all(condition) : execution.wake_one(condition);
}

/// An atomic of the standard library's own, on plain memory: reads the newest value, takes and hands on all there is to
/// know. `change` is added.
inline std::uint64_t count_owners(volatile void* address, std::size_t bytes, std::uint64_t change) {
    const Execution::Inside inside;
    if (Execution& execution = Execution::now(); execution.running()) {
        // std::shared_ptr reads its two counts as one word.
        const auto word = reinterpret_cast<std::uintptr_t>(address) / 8 * 8;
        auto* const both = reinterpret_cast<const void*>(word);
        execution.step(Step{change == 0 ? Step::Kind::read : Step::Kind::write, both, "counts owners"});
        touch(const_cast<const void*>(address), bytes, Access::atomic);
        Knowledge& released = state_of<Knowledge>(both);
        execution.memory().acquire_from(execution.context(), released);
        if (change != 0) execution.memory().release_to(execution.context(), released);
    }
    std::uint64_t before = 0; // read when it is its turn
    std::memcpy(&before, const_cast<void*>(address), bytes);
    const std::uint64_t after = before + change;
    if (change != 0) std::memcpy(const_cast<void*>(address), &after, bytes);
    return before;
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

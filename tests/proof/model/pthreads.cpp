// In place of the system's functions of these names: so std::mutex, std::condition_variable, std::thread and
// std::shared_ptr, and what uses them, run under the checker as they are compiled.
//
// A mutex is a step when it is locked; that it is given up needs none, as nobody can tell before the thread's next
// step. Waiting for a condition is three: to be counted as asleep, which is done with the mutex still held (who gives a
// notice then is before it or after it); to wake, by a notice or for no reason; and to lock again.
#include "pthreads.hpp"

#include <cerrno>
#include <cstring>
#include <map>

#include <pthread.h>
#include <sys/single_threaded.h>

#include "execution.hpp"
#include "races.hpp"

namespace model {

namespace {

using Kind = Step::Kind;

constexpr ThreadId nobody = -1;

struct Mutex {
    ThreadId holder = nobody;
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

void lock(pthread_mutex_t* address) {
    Execution& execution = Execution::now();
    Mutex& mutex = state_of<Mutex>(address);
    execution.step(Step{Kind::write, address, "locks a mutex"}, [&mutex] { return mutex.holder == nobody; });
    races::touch(address, 1, races::Access::atomic);
    mutex.holder = execution.thread();
    execution.memory().acquire_from(execution.thread(), mutex.released);
    execution.note("locks a mutex");
}

void unlock(pthread_mutex_t* address) {
    Execution& execution = Execution::now();
    races::touch(address, 1, races::Access::atomic);
    Mutex& mutex = state_of<Mutex>(address);
    if (mutex.holder != execution.thread()) fail("a mutex is unlocked by a thread that does not hold it");
    execution.memory().release_to(execution.thread(), mutex.released);
    mutex.holder = nobody;
    execution.note("unlocks a mutex");
}

void wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
    Execution& execution = Execution::now();
    execution.step(Step{Kind::write, condition, "is about to wait for a condition"});
    races::touch(condition, 1, races::Access::atomic);
    bool& woken = execution.sleep_on(condition);
    unlock(mutex);
    execution.step(
        Step{Kind::sleep, condition, "waits for a condition"}, [&woken] { return woken; },
        [&left = execution.spurious_left()] { return left > 0; });
    execution.sleep_on(nullptr);
    execution.note(woken ? "is woken" : "stops waiting for no reason");
    if (!woken) --execution.spurious_left();
    lock(mutex);
}

void notify(pthread_cond_t* condition, bool all) {
    Execution& execution = Execution::now();
    execution.step(Step{Kind::wake, condition, "notifies"});
    races::touch(condition, 1, races::Access::atomic);
    execution.note(all ? "notifies all" : "notifies one");
    all ? execution.wake_all(condition) : execution.wake_one(condition);
}

// std::shared_ptr counts without atomics in a program of one thread, which this one is to the C library.
[[maybe_unused]] const bool several_threads = (__libc_single_threaded = false, true);

} // namespace

std::uint64_t count_owners(volatile void* address, std::size_t bytes, std::uint64_t change) {
    const Execution::Inside inside;
    if (Execution& execution = Execution::now(); execution.running()) {
        // std::shared_ptr reads its two counts as one word.
        const auto word = reinterpret_cast<std::uintptr_t>(address) / 8 * 8;
        auto* const both = reinterpret_cast<const void*>(word);
        execution.step(Step{change == 0 ? Kind::read : Kind::write, both, "counts owners"});
        races::touch(const_cast<const void*>(address), bytes, races::Access::atomic);
        Knowledge& released = state_of<Knowledge>(both);
        execution.memory().acquire_from(execution.thread(), released);
        if (change != 0) execution.memory().release_to(execution.thread(), released);
    }
    std::uint64_t before = 0; // read when it is its turn
    std::memcpy(&before, const_cast<void*>(address), bytes);
    const std::uint64_t after = before + change;
    if (change != 0) std::memcpy(const_cast<void*>(address), &after, bytes);
    return before;
}

} // namespace model

using model::Execution;

extern "C" {

int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
    const Execution::Inside inside;
    if (Execution::now().running()) model::lock(mutex);
    return 0;
}
int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
    const Execution::Inside inside;
    if (Execution::now().running()) model::unlock(mutex);
    return 0;
}
int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
    const Execution::Inside inside;
    model::wait(condition, mutex);
    return 0;
}
int pthread_cond_signal(pthread_cond_t* condition) noexcept {
    const Execution::Inside inside;
    if (Execution::now().running()) model::notify(condition, false);
    return 0;
}
int pthread_cond_broadcast(pthread_cond_t* condition) noexcept {
    const Execution::Inside inside;
    if (Execution::now().running()) model::notify(condition, true);
    return 0;
}
int pthread_cond_destroy(pthread_cond_t* condition) noexcept {
    const Execution::Inside inside;
    if (Execution::now().running() && Execution::now().is_slept_on(condition))
        model::fail("a condition variable ends while a thread waits for it");
    return 0;
}
int pthread_create(pthread_t* thread, const pthread_attr_t*, void* (*body)(void*), void* argument) noexcept {
    const Execution::Inside inside;
    Execution& execution = Execution::now();
    if (!execution.running()) return EAGAIN;
    if (execution.no_threads_left() > 0 && execution.choose(2) == 1) {
        --execution.no_threads_left();
        execution.note("gets no thread");
        return EAGAIN;
    }
    *thread = static_cast<pthread_t>(execution.spawn([body, argument] { body(argument); }));
    return 0;
}
int pthread_join(pthread_t thread, void**) {
    const Execution::Inside inside;
    Execution::now().join(static_cast<model::ThreadId>(thread));
    return 0;
}
int pthread_detach(pthread_t) noexcept { return 0; }
}

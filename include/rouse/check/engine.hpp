// The model checker itself. Include this in exactly one source file of a test, which contains nothing else, and compile
// that file with -DROUSE_MODEL_CHECK=1 and without a sanitizer. See check.hpp.
//
// It takes the place of ThreadSanitizer's run-time, of operator new and delete, and of the threads, mutexes and
// condition variables of the system; outside of explore() these do what they always do, or refuse.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <utility>

#include <pthread.h>
#include <sys/single_threaded.h>

#include <rouse/check/atomic.hpp>
#include <rouse/check/contexts.hpp>
#include <rouse/check/detail/arena.hpp>
#include <rouse/check/detail/execution.hpp>
#include <rouse/check/detail/failing.hpp>
#include <rouse/check/detail/model_port.hpp>
#include <rouse/check/detail/mutants.hpp>
#include <rouse/check/detail/operations.hpp>
#include <rouse/check/detail/pthreads.hpp>
#include <rouse/check/detail/races.hpp>
#include <rouse/check/explore.hpp>
#include <rouse/check/loop.hpp>
#include <rouse/check/shared.hpp>
#include <rouse/core/config.hpp>

#if !ROUSE_EXCEPTIONS
#error "rouse: check: compile the test with exceptions; without them a failure could not end an execution"
#endif

namespace rouse {
inline namespace ROUSE_ABI {

// ---- explore.hpp and contexts.hpp ----

namespace check {

Result explore(const std::function<void()>& program, const Options& options) {
    return detail::Execution::now().explore(program, options);
}

int report(const char* name, const Result& result) {
    if (result.passed()) {
        std::printf("%s: passed, all %llu executions\n", name, static_cast<unsigned long long>(result.executions));
    } else if (result.kind == Failure::none) {
        std::printf("%s: not complete: stopped after %llu executions, none of which failed\n", name,
                    static_cast<unsigned long long>(result.executions));
    } else {
        std::printf("%s: FAILED in execution %llu: %s\n\n%s\n  to run this execution alone: ROUSE_CHECK_SEED='%s'\n",
                    name, static_cast<unsigned long long>(result.executions + 1), result.failure.c_str(),
                    result.story.c_str(), result.seed.c_str());
    }
    std::fflush(stdout);
    return result.passed() ? 0 : 1;
}

void expect(bool holds, const char* what) {
    if (!holds) fail(what);
}

void fail(const std::string& why) { detail::Execution::now().fail(Failure::assertion, why); }

void outcome(const std::string& what) {
    const detail::Execution::Inside inside;
    detail::Execution::now().outcome(what);
}

int choose(int n) {
    const detail::Execution::Inside inside;
    return detail::Execution::now().choose(n);
}

void note(const std::string& text) {
    const detail::Execution::Inside inside;
    detail::Execution::now().note(text);
}

void poison(const void* memory, std::size_t bytes) { detail::poison_memory(memory, bytes); }
void unpoison(const void* memory, std::size_t bytes) { detail::unpoison_memory(memory, bytes); }

void thread(const char* name, std::function<void()> body) {
    const detail::Execution::Inside inside;
    detail::Execution::now().start_thread(name, std::move(body));
}
void thread(std::function<void()> body) { thread(nullptr, std::move(body)); }

void interrupt(const char* name, std::function<void()> handler, int priority) {
    const detail::Execution::Inside inside;
    detail::Execution::now().start_interrupt(name, std::move(handler), priority);
}

InterruptsMasked::InterruptsMasked() {
    const detail::Execution::Inside inside;
    detail::Execution::now().mask_interrupts();
}
InterruptsMasked::~InterruptsMasked() {
    const detail::Execution::Inside inside;
    detail::Execution::now().unmask_interrupts();
}

void join() {
    const detail::Execution::Inside inside;
    detail::Execution::now().join();
}

// ---- loop.hpp ----

unsigned ModelPort::wait_until(TimePoint deadline) noexcept {
    return detail::sleep_in_port(this, deadline, now_, count_, woken_by_);
}

void ModelPort::wake() noexcept {
    if (detail::wake_port(this, count_, woken_by_)) ++wakes_;
}

} // namespace check

// ---- atomic.hpp and shared.hpp ----

namespace detail {

void fail_execution(check::Failure kind, const std::string& why) { Execution::now().fail(kind, why); }

void construct_atomic(AtomicLocation& location, std::uint64_t value) {
    const Execution::Inside inside;
    location.initial = value;
    location.execution = 0;
    Execution& execution = Execution::now();
    if (!execution.running()) return;
    touch(&location, sizeof location, Access::write);
    location.id = execution.memory().new_location(execution.context(), value);
    location.execution = execution.number();
}

// An atomic on a stack is not poisoned, as the stack is used again; but no one may use it any more.
void destroy_atomic(AtomicLocation& location) {
    const Execution::Inside inside;
    if (!Execution::now().running() || location.execution != Execution::now().number()) return;
    touch(&location, sizeof location, Access::write);
    location.execution = 0;
}

std::uint64_t atomic_load(const AtomicLocation& location, std::memory_order order, const CodeLocation& where) {
    const Execution::Inside inside;
    Execution& execution = Execution::now();
    const Change mutation = Mutants::now().visit(where, Operation::load, order);
    turn(Step::Kind::read, location, "loads", order);
    const std::uint64_t value =
        execution.memory().load(execution.context(), place_of(location), weakened(order, mutation));
    note_at(where, "loads " + value_text(value));
    explain_read();
    return value;
}

void atomic_store(AtomicLocation& location, std::uint64_t value, std::memory_order order, const CodeLocation& where) {
    const Execution::Inside inside;
    Execution& execution = Execution::now();
    const Change mutation = Mutants::now().visit(where, Operation::store, order);
    if (mutation == Change::no_store) return;
    turn(Step::Kind::write, location, "stores", order);
    execution.memory().store(execution.context(), place_of(location), value, weakened(order, mutation));
    note_at(where, "stores " + value_text(value));
}

std::uint64_t atomic_change(AtomicLocation& location, AtomicChange change, std::uint64_t operand, const char* what,
                            std::memory_order order, const CodeLocation& where) {
    const Execution::Inside inside;
    const Change mutation = Mutants::now().visit(where, Operation::exchange, order);
    order = weakened(order, mutation);
    return change_value(location, order, order, mutation, what, where, [change, operand](std::uint64_t& word) {
        word = change(word, operand);
        return true;
    });
}

bool atomic_compare_exchange(AtomicLocation& location, std::uint64_t& expected, std::uint64_t desired,
                             std::memory_order success, std::memory_order failure, bool weak,
                             const CodeLocation& where) {
    const Execution::Inside inside;
    Execution& execution = Execution::now();
    const Change mutation = Mutants::now().visit(where, Operation::compare_exchange, success, failure);
    if (mutation == Change::no_acquire_failing) failure = std::memory_order::relaxed;
    success = weakened(success, mutation);
    if (weak && execution.weak_failures_left() > 0 && execution.choose(2) == 1) {
        --execution.weak_failures_left();
        turn(Step::Kind::read, location, "compares and exchanges", failure);
        expected = execution.memory().load(execution.context(), place_of(location), failure);
        note_at(where, "compares and exchanges " + value_text(expected) + ", fails without a reason");
        return false;
    }
    const std::uint64_t before = change_value(location, success, failure, mutation, "compares and exchanges", where,
                                              [expected, desired](std::uint64_t& word) {
                                                  if (word != expected) return false;
                                                  word = desired;
                                                  return true;
                                              });
    if (before == expected) return true;
    expected = before;
    return false;
}

void atomic_fence(std::memory_order order, const CodeLocation& where) {
    const Execution::Inside inside;
    Execution& execution = Execution::now();
    execution.step(Step{Step::Kind::fence, nullptr, "fences", order == std::memory_order::seq_cst});
    execution.memory().fence(execution.context(), order);
    note_at(where, "fences");
}

void light_barrier(const CodeLocation& where) noexcept {
    const Execution::Inside inside;
    if (Mutants::now().visit(where, Operation::light) == Change::left_out) return;
    Execution::now().step(Step{Step::Kind::light, nullptr, "comes to a light barrier"});
    Execution::now().memory().light_barrier(Execution::now().context());
    note_at(where, "light barrier");
}

void heavy_barrier(const CodeLocation& where) noexcept {
    const Execution::Inside inside;
    if (Mutants::now().visit(where, Operation::heavy) == Change::left_out) return;
    Execution::now().step(Step{Step::Kind::heavy, nullptr, "comes to a heavy barrier"});
    Execution::now().memory().heavy_barrier(Execution::now().context());
    note_at(where, "heavy barrier");
}

// The kernel takes the newest value of the word, and sleeps on it in one step.
bool atomic_wait(AtomicLocation& location, std::uint64_t expected, bool timed, const CodeLocation& where) {
    const Execution::Inside inside;
    Execution& execution = Execution::now();
    touch(&location, sizeof location, Access::atomic);
    const auto at = static_cast<std::uint8_t>(location.id);
    execution.step(Step{Step::Kind::write, &location, "is about to sleep"});
    if (execution.memory().read_newest(execution.context(), at) != expected) return true;
    bool& woken = execution.sleep_on(&location);
    note_at(where, "sleeps");
    execution.step(
        Step{Step::Kind::sleep, &location, "sleeps"}, [&woken, timed] { return woken || timed; },
        [&left = execution.spurious_left()] { return left > 0; });
    execution.sleep_on(nullptr);
    if (woken) {
        execution.note("is woken");
        execution.memory().read_newest(execution.context(), at);
        return true;
    }
    if (timed) {
        execution.note("sleeps until its time is up");
        return false;
    }
    execution.note("stops sleeping without a reason");
    --execution.spurious_left();
    return true;
}

void atomic_wake(AtomicLocation& location, const CodeLocation& where) {
    const Execution::Inside inside;
    if (Mutants::now().visit(where, Operation::wake) == Change::left_out) return;
    Execution::now().step(Step{Step::Kind::wake, &location, "wakes who sleeps"});
    note_at(where, "wakes who sleeps");
    Execution::now().wake_one(&location);
}

// An access to plain data is a step at which others may come in between. Two accesses that race are found in whichever
// order they come, and accesses that are ordered cannot change places, so it depends on nothing else: only whether an
// interrupt comes before or after it has to be tried, which depends on it anyway.
void access_shared(const void* data, std::size_t bytes, bool writes, const std::source_location& where) {
    const Execution::Inside inside;
    Execution& execution = Execution::now();
    if (!execution.running()) return;
    execution.step(
        Step{writes ? Step::Kind::write : Step::Kind::read, data, writes ? "writes shared data" : "reads shared data"});
    note_at(where, writes ? "writes shared data" : "reads shared data");
    touch(data, bytes, writes ? Access::write : Access::read);
}

inline void* allocate_block(std::size_t bytes, std::size_t alignment) {
    if (Execution::in_program()) return Arena::now().allocate((bytes + 7) / 8 * 8, alignment < 8 ? 8 : alignment);
    return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

inline void free_block(void* memory) noexcept {
    if (memory == nullptr) return;
    if (!Arena::now().contains(memory)) {
        std::free(memory);
    } else if (Execution::in_program()) {
        poison_memory(memory, static_cast<std::size_t*>(memory)[-1]);
    }
}

// std::shared_ptr counts without atomics in a program of one thread, which this one is to the C library.
[[maybe_unused]] static const bool several_threads = (__libc_single_threaded = false, true);

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

// ---- the heap ----

void* operator new(std::size_t bytes) { return rouse::detail::allocate_block(bytes, 16); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    return rouse::detail::allocate_block(bytes, 16);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return rouse::detail::allocate_block(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return rouse::detail::allocate_block(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { rouse::detail::free_block(memory); }
void operator delete(void* memory, std::size_t) noexcept { rouse::detail::free_block(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { rouse::detail::free_block(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { rouse::detail::free_block(memory); }

// ---- the system's threads and locks ----

extern "C" {

int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
    const rouse::detail::Execution::Inside inside;
    if (rouse::detail::Execution::now().running()) rouse::detail::lock_mutex(mutex);
    return 0;
}
int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
    const rouse::detail::Execution::Inside inside;
    if (rouse::detail::Execution::now().running()) rouse::detail::unlock_mutex(mutex);
    return 0;
}
int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
    const rouse::detail::Execution::Inside inside;
    rouse::detail::wait_for_condition(condition, mutex);
    return 0;
}
int pthread_cond_signal(pthread_cond_t* condition) noexcept {
    const rouse::detail::Execution::Inside inside;
    if (rouse::detail::Execution::now().running()) rouse::detail::notify_condition(condition, false);
    return 0;
}
int pthread_cond_broadcast(pthread_cond_t* condition) noexcept {
    const rouse::detail::Execution::Inside inside;
    if (rouse::detail::Execution::now().running()) rouse::detail::notify_condition(condition, true);
    return 0;
}
int pthread_cond_destroy(pthread_cond_t* condition) noexcept {
    const rouse::detail::Execution::Inside inside;
    if (rouse::detail::Execution::now().running() && rouse::detail::Execution::now().is_slept_on(condition))
        rouse::detail::fail_execution(rouse::check::Failure::use_after_end,
                                      "a condition variable ends while a thread waits for it");
    return 0;
}
int pthread_create(pthread_t* thread, const pthread_attr_t*, void* (*body)(void*), void* argument) noexcept {
    const rouse::detail::Execution::Inside inside;
    rouse::detail::Execution& execution = rouse::detail::Execution::now();
    if (!execution.running()) return EAGAIN;
    if (execution.no_threads_left() > 0 && execution.choose(2) == 1) {
        --execution.no_threads_left();
        execution.note("gets no thread");
        return EAGAIN;
    }
    *thread = static_cast<pthread_t>(execution.start_thread(nullptr, [body, argument] { body(argument); }));
    return 0;
}
int pthread_join(pthread_t thread, void**) {
    const rouse::detail::Execution::Inside inside;
    rouse::detail::Execution::now().join(static_cast<rouse::detail::ContextId>(thread));
    return 0;
}
int pthread_detach(pthread_t) noexcept { return 0; }
}

// ---- what -fsanitize=thread calls ----

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_read1(void* p) { rouse::detail::touch_plain(p, 1, rouse::detail::Access::read); }
void __tsan_read2(void* p) { rouse::detail::touch_plain(p, 2, rouse::detail::Access::read); }
void __tsan_read4(void* p) { rouse::detail::touch_plain(p, 4, rouse::detail::Access::read); }
void __tsan_read8(void* p) { rouse::detail::touch_plain(p, 8, rouse::detail::Access::read); }
void __tsan_read16(void* p) { rouse::detail::touch(p, 16, rouse::detail::Access::read); }
void __tsan_write1(void* p) { rouse::detail::touch_plain(p, 1, rouse::detail::Access::write); }
void __tsan_write2(void* p) { rouse::detail::touch_plain(p, 2, rouse::detail::Access::write); }
void __tsan_write4(void* p) { rouse::detail::touch_plain(p, 4, rouse::detail::Access::write); }
void __tsan_write8(void* p) { rouse::detail::touch_plain(p, 8, rouse::detail::Access::write); }
void __tsan_write16(void* p) { rouse::detail::touch(p, 16, rouse::detail::Access::write); }
void __tsan_unaligned_read2(void* p) { rouse::detail::touch_plain(p, 2, rouse::detail::Access::read); }
void __tsan_unaligned_read4(void* p) { rouse::detail::touch_plain(p, 4, rouse::detail::Access::read); }
void __tsan_unaligned_read8(void* p) { rouse::detail::touch_plain(p, 8, rouse::detail::Access::read); }
void __tsan_unaligned_read16(void* p) { rouse::detail::touch(p, 16, rouse::detail::Access::read); }
void __tsan_unaligned_write2(void* p) { rouse::detail::touch_plain(p, 2, rouse::detail::Access::write); }
void __tsan_unaligned_write4(void* p) { rouse::detail::touch_plain(p, 4, rouse::detail::Access::write); }
void __tsan_unaligned_write8(void* p) { rouse::detail::touch_plain(p, 8, rouse::detail::Access::write); }
void __tsan_unaligned_write16(void* p) { rouse::detail::touch(p, 16, rouse::detail::Access::write); }
void __tsan_read_range(void* p, unsigned long bytes) { rouse::detail::touch(p, bytes, rouse::detail::Access::read); }
void __tsan_write_range(void* p, unsigned long bytes) { rouse::detail::touch(p, bytes, rouse::detail::Access::write); }
void __tsan_vptr_read(void* p) { rouse::detail::touch_plain(p, 8, rouse::detail::Access::read); }
void __tsan_vptr_update(void* p, void*) { rouse::detail::touch_plain(p, 8, rouse::detail::Access::write); }
void* __tsan_memcpy(void* to, const void* from, unsigned long bytes) {
    rouse::detail::touch(from, bytes, rouse::detail::Access::read);
    rouse::detail::touch(to, bytes, rouse::detail::Access::write);
    return __builtin_memcpy(to, from, bytes);
}
void* __tsan_memmove(void* to, const void* from, unsigned long bytes) {
    rouse::detail::touch(from, bytes, rouse::detail::Access::read);
    rouse::detail::touch(to, bytes, rouse::detail::Access::write);
    return __builtin_memmove(to, from, bytes);
}
void* __tsan_memset(void* to, int value, unsigned long bytes) {
    rouse::detail::touch(to, bytes, rouse::detail::Access::write);
    return __builtin_memset(to, value, bytes);
}

// Atomics of the standard library. Those of rouse, and check::Atomic, are those of atomic.hpp. A load and an addition
// of one are the counts of std::shared_ptr, and steps of the checker. The others are carried out, and are no steps:
// those of a frame pool, of which no two contexts of a program share one.
#define ROUSE_CHECK_ATOMIC(bits, T)                                                                                    \
    void __tsan_atomic##bits##_store(volatile T* p, T value, int) { *p = value; }                                      \
    T __tsan_atomic##bits##_exchange(volatile T* p, T value, int) { return std::exchange(*const_cast<T*>(p), value); } \
    T __tsan_atomic##bits##_fetch_sub(volatile T* p, T change, int) {                                                  \
        return std::exchange(*const_cast<T*>(p), static_cast<T>(*p - change));                                         \
    }                                                                                                                  \
    T __tsan_atomic##bits##_fetch_or(volatile T* p, T other, int) {                                                    \
        return std::exchange(*const_cast<T*>(p), static_cast<T>(*p | other));                                          \
    }                                                                                                                  \
    T __tsan_atomic##bits##_fetch_and(volatile T* p, T other, int) {                                                   \
        return std::exchange(*const_cast<T*>(p), static_cast<T>(*p & other));                                          \
    }                                                                                                                  \
    T __tsan_atomic##bits##_compare_exchange_val(volatile T* p, T expected, T value, int, int) {                       \
        const T before = *p;                                                                                           \
        if (before == expected) *p = value;                                                                            \
        return before;                                                                                                 \
    }                                                                                                                  \
    int __tsan_atomic##bits##_compare_exchange_strong(volatile T* p, T* expected, T value, int, int) {                 \
        const T before = *p;                                                                                           \
        if (before == *expected) {                                                                                     \
            *p = value;                                                                                                \
            return 1;                                                                                                  \
        }                                                                                                              \
        *expected = before;                                                                                            \
        return 0;                                                                                                      \
    }                                                                                                                  \
    int __tsan_atomic##bits##_compare_exchange_weak(volatile T* p, T* expected, T value, int success, int failure) {   \
        return __tsan_atomic##bits##_compare_exchange_strong(p, expected, value, success, failure);                    \
    }
ROUSE_CHECK_ATOMIC(8, char)
ROUSE_CHECK_ATOMIC(16, short)
ROUSE_CHECK_ATOMIC(32, int)
ROUSE_CHECK_ATOMIC(64, long)
#undef ROUSE_CHECK_ATOMIC
char __tsan_atomic8_load(const volatile char* p, int) { return *p; }
short __tsan_atomic16_load(const volatile short* p, int) { return *p; }
int __tsan_atomic32_load(const volatile int* p, int) {
    return static_cast<int>(rouse::detail::count_owners(const_cast<int*>(p), 4, 0));
}
long __tsan_atomic64_load(const volatile long* p, int) {
    return static_cast<long>(rouse::detail::count_owners(const_cast<long*>(p), 8, 0));
}
int __tsan_atomic32_fetch_add(volatile int* p, int change, int) {
    return static_cast<int>(rouse::detail::count_owners(p, 4, static_cast<std::uint64_t>(change)));
}
long __tsan_atomic64_fetch_add(volatile long* p, long change, int) {
    return std::exchange(*const_cast<long*>(p), *p + change);
}
void __tsan_atomic_thread_fence(int) {}
void __tsan_atomic_signal_fence(int) {}

// AddressSanitizer's interface, by which rouse says which frames have ended (see core/detail/sanitizers.hpp).
void __asan_poison_memory_region(const volatile void* memory, unsigned long bytes) {
    rouse::detail::poison_memory(const_cast<const void*>(memory), bytes);
}
void __asan_unpoison_memory_region(const volatile void* memory, unsigned long bytes) {
    rouse::detail::unpoison_memory(const_cast<const void*>(memory), bytes);
}
}

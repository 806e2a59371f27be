#include "races.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "arena.hpp"
#include "execution.hpp"
#include "pthreads.hpp"

namespace model {

namespace {

// Eight numbers that are compared at once: this is what the checker spends most of its time with.
using Eight [[gnu::vector_size(16)]] = std::uint16_t;

// For each set of bytes: ones in their places.
constexpr auto places = [] {
    std::array<std::array<std::uint16_t, 8>, 256> result{};
    for (std::size_t which = 0; which < 256; ++which) {
        for (std::size_t i = 0; i < 8; ++i) result[which][i] = (which >> i & 1u) != 0 ? 0xffff : 0;
    }
    return result;
}();

Eight places_of(std::uint8_t which) {
    Eight result;
    std::memcpy(&result, &places[which], sizeof result);
    return result;
}

// When a thread, by its own clock, has last accessed each of eight bytes.
struct Accesses {
    Eight time{};

    void add(std::uint16_t now, std::uint8_t which) {
        const Eight changed = places_of(which);
        time = (time & ~changed) | (now & changed);
    }
    [[nodiscard]] bool after(std::uint16_t known, std::uint8_t which) const {
        const Eight later = reinterpret_cast<Eight>(time > known) & places_of(which);
        std::array<std::uint64_t, 2> halves{};
        std::memcpy(&halves, &later, sizeof later);
        return (halves[0] | halves[1]) != 0;
    }
};

// Of eight bytes. What a thread has not accessed in this execution is left as it was, as to clear it costs more than
// all the rest: `execution` says whether `threads` holds, and `threads` whose accesses do.
struct Word {
    std::uint32_t execution = 0; // that has touched it last
    std::uint8_t threads = 0;    // the set of those that have accessed it
    struct {
        Accesses writes;
        Accesses uses; // reads, and uses as an atomic
    } of[most_threads];
};

std::vector<Word> words(Arena::total_bytes / 8);
std::vector<std::uint8_t> poisoned(Arena::total_bytes / 8); // which bytes
Arena& arena = Arena::now();
Execution& execution = Execution::now();

[[noreturn]] void report(const char* what, std::size_t offset, ThreadId other) {
    std::string text = what;
    text += " at @" + std::to_string(offset);
    if (other >= 0) text += ", against thread " + std::to_string(other);
    fail(text);
}

// Whether another thread has accessed these bytes in a way that does not go with `access`, and that is not ordered
// before it.
void compare(const Word& word, std::size_t offset, std::uint8_t bytes, races::Access access) {
    const ThreadId self = execution.thread();
    const Clock& clock = execution.memory().clock(self);
    for (ThreadId other = 0; other < most_threads; ++other) {
        if (other == self || (word.threads >> other & 1u) == 0) continue;
        const auto index = static_cast<std::size_t>(other);
        if (word.of[index].writes.after(clock.at[index], bytes) ||
            (access == races::Access::write && word.of[index].uses.after(clock.at[index], bytes)))
            report("data race", offset, other);
    }
}

void touch_word(std::size_t offset, std::uint8_t bytes, races::Access access) {
    Word& word = words[offset / 8];
    if ((poisoned[offset / 8] & bytes) != 0) [[unlikely]]
        report("memory is used after it was given back,", offset, -1);
    const auto self = static_cast<std::size_t>(execution.thread());
    const auto mine_only = static_cast<std::uint8_t>(1u << self);
    if (word.execution != execution.number()) {
        word.execution = execution.number();
        word.threads = 0;
    }
    if ((word.threads & mine_only) == 0) {
        word.threads |= mine_only;
        word.of[self] = {};
    }
    if (word.threads != mine_only) [[unlikely]]
        compare(word, offset, bytes, access);
    const std::uint16_t time = execution.memory().clock(execution.thread()).at[self];
    (access == races::Access::write ? word.of[self].writes : word.of[self].uses).add(time, bytes);
}

template <class F>
void for_each_word(const void* address, std::size_t bytes, F f) {
    if (!execution.running() || !arena.contains(address)) return;
    std::size_t offset = arena.offset(address);
    while (bytes > 0) {
        const std::size_t in_word = offset % 8;
        const std::size_t count = std::min(bytes, 8 - in_word);
        f(offset - in_word, static_cast<std::uint8_t>(((1u << count) - 1) << in_word));
        offset += count;
        bytes -= count;
    }
}

// What the compiler announces: at most a word, which the program accesses.
void touch_plain(const void* address, std::size_t bytes, races::Access access) {
    if (!Execution::in_program() || !arena.contains(address)) return;
    const std::size_t offset = arena.offset(address);
    if (offset % 8 + bytes > 8) [[unlikely]] {
        races::touch(address, bytes, access);
    } else {
        touch_word(offset - offset % 8, static_cast<std::uint8_t>(((1u << bytes) - 1) << offset % 8), access);
    }
}

} // namespace

void races::touch(const void* address, std::size_t bytes, Access access) {
    for_each_word(address, bytes,
                  [access](std::size_t offset, std::uint8_t mask) { touch_word(offset, mask, access); });
}

void poison(const void* memory, std::size_t bytes) {
    for_each_word(memory, bytes, [](std::size_t offset, std::uint8_t mask) {
        const auto fresh = static_cast<std::uint8_t>(mask & ~poisoned[offset / 8]);
        if (fresh != 0 && words[offset / 8].execution == execution.number())
            touch_word(offset, fresh, races::Access::write);
        poisoned[offset / 8] |= mask;
    });
}

void unpoison(const void* memory, std::size_t bytes) {
    for_each_word(memory, bytes, [](std::size_t offset, std::uint8_t mask) {
        poisoned[offset / 8] = static_cast<std::uint8_t>(poisoned[offset / 8] & ~mask);
    });
}

void races::begin_execution(std::size_t bytes_used) {
    std::fill_n(poisoned.begin(), (bytes_used + 7) / 8, std::uint8_t{0});
}

} // namespace model

// ---- what the compiler calls
// -----------------------------------------------------------------------------------------

using model::touch_plain;
using model::races::Access;
using model::races::touch;

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_read1(void* p) { touch_plain(p, 1, Access::read); }
void __tsan_read2(void* p) { touch_plain(p, 2, Access::read); }
void __tsan_read4(void* p) { touch_plain(p, 4, Access::read); }
void __tsan_read8(void* p) { touch_plain(p, 8, Access::read); }
void __tsan_read16(void* p) { touch(p, 16, Access::read); }
void __tsan_write1(void* p) { touch_plain(p, 1, Access::write); }
void __tsan_write2(void* p) { touch_plain(p, 2, Access::write); }
void __tsan_write4(void* p) { touch_plain(p, 4, Access::write); }
void __tsan_write8(void* p) { touch_plain(p, 8, Access::write); }
void __tsan_write16(void* p) { touch(p, 16, Access::write); }
void __tsan_unaligned_read2(void* p) { touch_plain(p, 2, Access::read); }
void __tsan_unaligned_read4(void* p) { touch_plain(p, 4, Access::read); }
void __tsan_unaligned_read8(void* p) { touch_plain(p, 8, Access::read); }
void __tsan_unaligned_read16(void* p) { touch(p, 16, Access::read); }
void __tsan_unaligned_write2(void* p) { touch_plain(p, 2, Access::write); }
void __tsan_unaligned_write4(void* p) { touch_plain(p, 4, Access::write); }
void __tsan_unaligned_write8(void* p) { touch_plain(p, 8, Access::write); }
void __tsan_unaligned_write16(void* p) { touch(p, 16, Access::write); }
void __tsan_read_range(void* p, unsigned long bytes) { touch(p, bytes, Access::read); }
void __tsan_write_range(void* p, unsigned long bytes) { touch(p, bytes, Access::write); }
void __tsan_vptr_read(void* p) { touch_plain(p, 8, Access::read); }
void __tsan_vptr_update(void* p, void*) { touch_plain(p, 8, Access::write); }
void* __tsan_memcpy(void* to, const void* from, unsigned long bytes) {
    touch(from, bytes, Access::read);
    touch(to, bytes, Access::write);
    return __builtin_memcpy(to, from, bytes);
}
void* __tsan_memmove(void* to, const void* from, unsigned long bytes) {
    touch(from, bytes, Access::read);
    touch(to, bytes, Access::write);
    return __builtin_memmove(to, from, bytes);
}
void* __tsan_memset(void* to, int value, unsigned long bytes) {
    touch(to, bytes, Access::write);
    return __builtin_memset(to, value, bytes);
}

// The counts of std::shared_ptr; the atomics of rouse are those of policy.hpp.
int __tsan_atomic32_load(const volatile int* p, int) {
    return static_cast<int>(model::count_owners(const_cast<int*>(p), 4, 0));
}
long __tsan_atomic64_load(const volatile long* p, int) {
    return static_cast<long>(model::count_owners(const_cast<long*>(p), 8, 0));
}
int __tsan_atomic32_fetch_add(volatile int* p, int change, int) {
    return static_cast<int>(model::count_owners(p, 4, static_cast<std::uint64_t>(change)));
}

// Those of a frame pool, of which no two threads of these programs share one: no step.
void __tsan_atomic64_store(volatile long* p, long value, int) { *p = value; }
long __tsan_atomic64_exchange(volatile long* p, long value, int) {
    const long old = *p;
    *p = value;
    return old;
}
long __tsan_atomic64_fetch_sub(volatile long* p, long change, int) {
    const long old = *p;
    *p = old - change;
    return old;
}
int __tsan_atomic64_compare_exchange_weak(volatile long* p, long* expected, long value, int, int) {
    if (*p != *expected) {
        *expected = *p;
        return 0;
    }
    *p = value;
    return 1;
}
void __tsan_atomic8_store(volatile char* p, char value, int) { *p = value; }
char __tsan_atomic8_exchange(volatile char* p, char value, int) {
    const char old = *p;
    *p = value;
    return old;
}

// AddressSanitizer's interface, by which rouse says which frames have ended (see core/detail/sanitizers.hpp).
void __asan_poison_memory_region(const volatile void* memory, unsigned long bytes) {
    model::poison(const_cast<const void*>(memory), bytes);
}
void __asan_unpoison_memory_region(const volatile void* memory, unsigned long bytes) {
    model::unpoison(const_cast<const void*>(memory), bytes);
}
}

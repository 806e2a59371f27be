// liballocations.so: preloaded, it counts the heap allocations of a benchmark: whatever calls malloc or its kin,
// operator new included. Apart from the benchmarks, as counting takes time.
#include <atomic>
#include <cstddef>

namespace {
constinit std::atomic<long> count{0};
}

extern "C" {
long rouse_bench_allocations() { return count.load(std::memory_order_relaxed); }

// glibc's own, which those below stand in front of.
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t number, std::size_t bytes);
void* __libc_realloc(void* block, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) {
    count.fetch_add(1, std::memory_order_relaxed);
    return __libc_malloc(bytes);
}
void* calloc(std::size_t number, std::size_t bytes) {
    count.fetch_add(1, std::memory_order_relaxed);
    return __libc_calloc(number, bytes);
}
void* realloc(void* block, std::size_t bytes) {
    count.fetch_add(1, std::memory_order_relaxed);
    return __libc_realloc(block, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
    count.fetch_add(1, std::memory_order_relaxed);
    return __libc_memalign(alignment, bytes);
}
}

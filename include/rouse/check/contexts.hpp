// The contexts of a checked program: threads, other cores, interrupt handlers.
#pragma once

#include <functional>

#include <rouse/check/explore.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace check {

/// Starts a context that runs beside the others: a thread, or the program of another core. What was done before is seen
/// by it. `name` appears in stories and must be a string literal. There may be at most three contexts beside "main" at
/// a time.
void thread(const char* name, std::function<void()> body);
/// As above, named "thread 1" and so on.
void thread(std::function<void()> body);

/// Starts an interrupt of the calling context: `handler` runs once, at any time from here on, on top of the calling
/// context, which stands still until it returns. If the context sleeps in its port, the interrupt comes there.
///
/// The handler and what it interrupts run on one core, so each sees what the other has stored, in order. But for the
/// compiler they are as unordered as two threads are, so plain data that both use is a data race unless atomics or
/// InterruptsMasked order the accesses. Other threads run on during the interrupt. Interrupts of one context do not
/// interrupt each other, unless `priority` is higher. For an interrupt that comes twice, call this twice.
void interrupt(const char* name, std::function<void()> handler, int priority = 0);

/// While one exists, no interrupt of the calling context begins: a critical section of a microcontroller. These nest.
/// What the handlers and the masked sections of a context do to plain data is ordered.
class InterruptsMasked {
public:
    InterruptsMasked();
    ~InterruptsMasked();
    InterruptsMasked(const InterruptsMasked&) = delete;
    InterruptsMasked& operator=(const InterruptsMasked&) = delete;
};

/// Waits until all other contexts have ended; what they did is seen afterwards. For "main" only, whose end this is not:
/// check at the end of the program what must hold at the end.
void join();

} // namespace check
} // namespace ROUSE_ABI
} // namespace rouse

// Interrupts the program at every instruction of a stretch of it, and lets each interrupted program run to its end.
//
// The trap flag of x86 makes the processor raise SIGTRAP behind each instruction. At each of these boundaries the
// handler forks: the child performs the operation under test, in the handler, and then runs on, untraced, to its end,
// where it finds out whether all is well; the parent waits for it and goes on to the next instruction. So each boundary
// has a process of its own, with one interrupt and nothing behind it that could repair a lost wake, and a crash or a
// hang is a result like any other.
//
// If the traced loop is about to sleep without a deadline, that is the last boundary, as only the operation can wake
// it. There are two children there: one is interrupted just before the system call, the other in it.
#pragma once

#include <cstddef>

namespace step {

using Operation = void (*)();

/// Traces from here on, if there is something to perform. To be called once.
void begin();

/// Ends the tracing. What has not been performed is performed now: the boundary behind the last instruction.
void end();

/// Called by an operation: this is to be performed once, when the loop has fallen asleep and is about to call the
/// system, or by finish().
void later(Operation);
void finish();

/// For the port: around the function that may sleep.
void before_sleep();
void after_sleep();

/// For the port: its descriptors. Processes that were forked share them, and what is in the second must be put back.
void descriptors(int epoll, int wake);

/// Ends this process: the boundary has failed, and this is why. From any context.
[[noreturn]] void fail(const char* why);
inline void check(bool holds, const char* otherwise) {
    if (!holds) fail(otherwise);
}

/// A boundary that has failed: the addresses of the instructions before which the first and the second interrupt came.
struct Failure {
    const void* instruction[2];
    int count[2]; // the how-manieth it was
    int signal;   // that ended the program, or 0
    const char* why;
};

/// What came of one state and operation.
struct Result {
    static constexpr int most = 4;
    int boundaries;
    int failed;
    Failure first[most];
};

/// For controls: which of the faults in the headers is switched on; see controls.toml.
inline int broken = -1;

/// Runs `body` in a process of its own, which calls begin() and end(), with the operations in their order. With two,
/// every `stride`-th instruction for the first, and behind each of them every `stride`-th for the second.
Result run(void (*body)(), Operation first, Operation second, int stride);

} // namespace step

// Time that passes without a system call: for tests in which two contexts are to meet at ever different moments.
#pragma once

namespace test {

/// `turns` of an empty loop, each about a third of a nanosecond or more. Not std::atomic_signal_fence in a loop: clang
/// knows that it does nothing, and leaves the loop out.
inline void spin(int turns) {
    for (; turns > 0; --turns) asm volatile("");
}

} // namespace test

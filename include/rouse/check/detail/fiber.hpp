// The contexts of a checked program are fibers of one thread: a stack each, and a jump from one to another.
#pragma once

#include <csetjmp>
#include <cstddef>
#include <utility>

#include <ucontext.h>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// A flow of control with a stack that it is given. `swapcontext` costs two system calls a switch, so it is used only
/// for the first entry, and setjmp from then on.
class Fiber {
public:
    /// Makes the next enter() begin with body(), which must not return.
    void prepare(void* stack, std::size_t bytes, void (*body)()) {
        getcontext(&context_);
        context_.uc_stack.ss_sp = stack;
        context_.uc_stack.ss_size = bytes;
        context_.uc_link = nullptr;
        makecontext(&context_, body, 0);
        begun_ = false;
    }

    /// Leaves `from`, if there is one to come back to, and goes on here.
    void enter(Fiber* from);

private:
    ucontext_t context_{};
    jmp_buf place_{};
    bool begun_ = true; // the one that is there from the start, and never prepared
};

inline void Fiber::enter(Fiber* from) {
    if (from != nullptr) {
        if (_setjmp(from->place_) != 0) return;
    }
    if (std::exchange(begun_, true)) _longjmp(place_, 1);
    setcontext(&context_);
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

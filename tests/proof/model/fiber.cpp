#include "fiber.hpp"

#include <utility>

namespace model {

void Fiber::enter(Fiber* from) {
    if (from != nullptr) {
        if (_setjmp(from->place_) != 0) return;
    }
    if (std::exchange(begun_, true)) _longjmp(place_, 1);
    setcontext(&context_);
}

} // namespace model

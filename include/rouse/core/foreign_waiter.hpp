// ForeignWaiter: a task's place in an object that foreign contexts signal.
#pragma once

#include <rouse/core/inbox.hpp>
#include <rouse/core/task_record.hpp>

namespace rouse::inline ROUSE_ABI::core {

struct ForeignWaiter : Waiter {
    /// On the loop: takes the waiter back, so that nobody can wake it any more. False if a foreign context has
    /// taken it already: then it arrives in the inbox, and the frame must stay as it is until then.
    virtual bool retract() noexcept = 0;

protected:
    ForeignWaiter() = default;
    ~ForeignWaiter() = default;
    ForeignWaiter(const ForeignWaiter&) = delete;
    ForeignWaiter& operator=(const ForeignWaiter&) = delete;
};

} // namespace rouse::inline ROUSE_ABI::core

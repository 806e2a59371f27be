// LoopOwner: detects that an object of one loop is used on another thread. EndInUse: detects two users of one end.
#pragma once

#include <cstdint>

#include <rouse/core/config.hpp>
#include <rouse/core/detail/atomic.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/scheduler.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

// Both are part of every build, so that no layout depends on ROUSE_CHECKED. What depends on it is a template argument,
// so that the two variants of a function have different names and the linker keeps both. Without an operating system,
// and with ROUSE_ATOMIC_HEADER, both are empty.

#if ROUSE_HOSTED && !defined(ROUSE_ATOMIC_HEADER)

/// The loop to which an object belongs: the first one whose running task uses it, as long as that loop exists. Until a
/// task has used it, any thread may prepare it.
class LoopOwner {
public:
    constexpr LoopOwner() noexcept = default;
    LoopOwner(const LoopOwner&) = delete;
    LoopOwner& operator=(const LoopOwner&) = delete;

    /// If ROUSE_CHECKED: a misuse if the object belongs to a loop of another thread.
    template <bool Checked = ROUSE_CHECKED != 0>
    void check_thread([[maybe_unused]] const char* message) const {
        if constexpr (Checked) {
            if (foreign()) [[unlikely]]
                misuse(message);
        }
    }

    /// As check_thread(), but panics: for destructors.
    template <bool Checked = ROUSE_CHECKED != 0>
    void check_in_destructor([[maybe_unused]] const char* message) const noexcept {
        if constexpr (Checked) {
            if (foreign()) [[unlikely]]
                ROUSE_PANIC(message);
        }
    }

private:
    [[nodiscard]] bool foreign() const noexcept {
        const Scheduler* current = Scheduler::current_or_null();
        return (current == nullptr || current->number() != number_) && foreign_to(current);
    }
    [[gnu::noinline]] bool foreign_to(const Scheduler* current) const noexcept {
        if (Scheduler::exists_on_this_thread(number_)) return false; // two loops on one thread do not race
        if (LoopNumber::exists(number_)) return true;
        if (current != nullptr && current->running()) number_ = current->number();
        return false;
    }

    mutable std::uint32_t number_ = 0; // of the loop; 0: none yet
};

/// Marks that a context is inside of one end of an object. Not the same as a lock: the second one gets a misuse.
class EndInUse {
public:
    constexpr EndInUse() noexcept = default;
    EndInUse(const EndInUse&) = delete;
    EndInUse& operator=(const EndInUse&) = delete;

    /// Whether this context is the only one; if so it must call leave(). Relaxed, since it only detects a misuse, and
    /// must not hide the missing order from ThreadSanitizer.
    bool enter() noexcept { return !used_.exchange(true, std::memory_order_relaxed); }
    void leave() noexcept { used_.store(false, std::memory_order_relaxed); }

private:
    Atomic<bool> used_{false}; // written and read by the contexts at this end, if they are checked
};

#else

class LoopOwner {
public:
    static constexpr void check_thread(const char*) noexcept {}
    static constexpr void check_in_destructor(const char*) noexcept {}
};

class EndInUse {
public:
    static constexpr bool enter() noexcept { return true; }
    static constexpr void leave() noexcept {}
};

#endif

/// Spans the use of an end of an object by one context. If `Checked`, a second one at the same time is a misuse.
template <bool Checked>
class UseOfEnd {
public:
    UseOfEnd(EndInUse& end, const char* message) : end_{end} {
        if (!end.enter()) [[unlikely]]
            misuse(message);
    }
    UseOfEnd(const UseOfEnd&) = delete;
    UseOfEnd& operator=(const UseOfEnd&) = delete;
    ~UseOfEnd() { end_.leave(); }

private:
    EndInUse& end_;
};

template <>
class UseOfEnd<false> {
public:
    constexpr UseOfEnd(EndInUse&, const char*) noexcept {}
    ~UseOfEnd() {} // so that a compiler does not warn of a variable that is not used
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

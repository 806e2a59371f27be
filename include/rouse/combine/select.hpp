// select: waits for the first of several things.
#pragma once

#include <array>
#include <coroutine>
#include <cstddef>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <rouse/combine/detail/as_handle.hpp>
#include <rouse/combine/detail/race.hpp>
#include <rouse/combine/detail/select_case.hpp>
#include <rouse/combine/detail/select_range.hpp>
#include <rouse/combine/detail/select_wait.hpp>
#include <rouse/core/detail/misuse.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

// As are the types of the arguments; an lvalue's is a reference.
template <class A>
using SelectCaseOf = SelectCase<std::remove_cvref_t<A>, handle_of_argument<A>>;

template <class... As>
class SelectAwaiter final : SelectWait {
    static constexpr std::size_t count = sizeof...(As);
    using Result = std::variant<Selected<typename SelectCaseOf<As>::Result>...>;

public:
    explicit SelectAwaiter(As&&... awaitables) : cases_{SelectCaseOf<As>{std::forward<As>(awaitables)}...} {}
    SelectAwaiter(SelectAwaiter&& other) noexcept : cases_{std::move(other.cases_)} {} // before it is awaited
    SelectAwaiter(const SelectAwaiter&) = delete;
    SelectAwaiter& operator=(const SelectAwaiter&) = delete;
    ~SelectAwaiter() { abandon(); }

    bool await_ready() {
        first_ = first_ready<0>();
        return first_ < count && !first_was_cancelled_;
    }

    bool await_suspend(std::coroutine_handle<> frame) {
        if (first_was_cancelled_) return suspend_cancelled(frame);
        prepare(contenders_);
        const std::size_t first = suspend_until_ready<0>(frame);
        return begin(first < count ? &contenders_[first] : nullptr, frame);
    }

    Result await_resume() {
        find_first(contenders_.data());
        return resume<0>();
    }

    /// For try_wait_for: whether the wait was given up because the time was up.
    [[nodiscard]] bool interrupted() {
        if (task == nullptr) return false;
        return winner() == nullptr || interrupted<0>(index_of_winner(contenders_.data()));
    }

private:
    template <std::size_t i>
    std::size_t first_ready() {
        if constexpr (i == count) {
            return count;
        } else {
            return ends_with(std::get<i>(cases_)) ? i : first_ready<i + 1>();
        }
    }

    // Suspends in each case in turn, up to the first that is ready. Returns its index, or `count` if none is.
    template <std::size_t i>
    std::size_t suspend_until_ready(std::coroutine_handle<> frame) {
        if constexpr (i == count) {
            return count;
        } else {
            Contender& contender = contenders_[i];
            let_wait(std::get<i>(cases_), contender, frame);
            if (winner() != nullptr) return count; // starting this case has woken an earlier one
            return contender.waiting() ? suspend_until_ready<i + 1>(frame) : i;
        }
    }

    template <std::size_t i>
    Result resume() {
        if (i != first_) {
            if constexpr (i + 1 < count) return resume<i + 1>();
        }
        using R = typename std::tuple_element_t<i, decltype(cases_)>::Result;
        if constexpr (std::is_void_v<R>) {
            std::get<i>(cases_).awaiter().await_resume();
            return Result{std::in_place_index<i>};
        } else if constexpr (std::is_reference_v<R>) {
            return Result{std::in_place_index<i>, std::addressof(std::get<i>(cases_).awaiter().await_resume())};
        } else {
            return Result{std::in_place_index<i>, std::get<i>(cases_).awaiter().await_resume()};
        }
    }

    template <std::size_t i>
    bool interrupted(std::size_t index) {
        if (i != index) {
            if constexpr (i + 1 < count) return interrupted<i + 1>(index);
        }
        return was_interrupted(std::get<i>(cases_).awaiter());
    }

    std::array<Contender, count> contenders_; // declared first, because cases_ may still use them when it is destroyed
    std::tuple<SelectCaseOf<As>...> cases_;
};

} // namespace detail

/// `auto first = co_await select(a, b, ...)`: waits for the first of several Tasks, TaskHandles and objects' waits, and
/// returns its result in a std::variant. first.index() tells which argument won; std::get<0>(first) is what `a`
/// returned (Nothing for void, a pointer for a reference): moved, or copied from a TaskHandle that is an lvalue. If the
/// winner throws, so does select.
///
/// For the tasks of one loop. If an argument refers to a temporary, as a queue's put refers to its value, await the
/// result in the same expression.
///
/// If several arguments are ready at once, the first of them wins; else the one that is woken first. (sleep(0s) and
/// yield() are ready at once.) The losing waits lose nothing: an item stays in its queue, a flag stays set, a lock
/// passes to the next task. The task of a losing TaskHandle continues. A Task belongs to the select: it is started when
/// the wait begins, and not run at all if another argument is ready. If it loses, it is cancelled, and select returns
/// after it has ended; its value is discarded, its exception goes to the exception handler. Cancelling the waiting task
/// cancels the Tasks and nothing else.
///
/// Nothing is allocated.
template <class... As>
[[nodiscard]] detail::SelectAwaiter<As...> select(As&&... awaitables) {
    static_assert(sizeof...(As) > 0, "rouse: select of nothing would never return");
    return detail::SelectAwaiter<As...>{std::forward<As>(awaitables)...};
}

/// `auto [index, value] = co_await select(range)`: as above, for a range of TaskHandles, which are copied, or an rvalue
/// range of Tasks or objects' waits, which are moved out of it. Returns the index of the element that won, and what it
/// returned. UsageError if the range is empty. An array, std::array included, costs no allocation; any other range
/// costs one. With GCC 12, do not write an array inside the co_await expression, because its elements are destroyed
/// twice: give it a name, and move that.
template <class Range>
    requires detail::RangeOfAwaitables<Range>
[[nodiscard]] auto select(Range&& range) {
    return detail::SelectRangeAwaiter<detail::SelectRange<Range>>{std::forward<Range>(range)};
}

} // namespace ROUSE_ABI
} // namespace rouse

// SelectRangeAwaiter: the wait of select(range).
#pragma once

#include <array>
#include <coroutine>
#include <cstddef>
#include <iterator>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <rouse/combine/detail/as_handle.hpp>
#include <rouse/combine/detail/race.hpp>
#include <rouse/combine/detail/range_of_awaitables.hpp>
#include <rouse/combine/detail/select_case.hpp>
#include <rouse/combine/detail/select_wait.hpp>
#include <rouse/core/detail/misuse.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// What `co_await select(range)` returns.
template <class T>
struct FirstOf {
    std::size_t index; ///< of the element that won
    T value;           ///< what it returned; Nothing for void, a pointer for a reference
};

namespace detail {

/// The cases and contenders of an array of N elements; part of the awaiter.
template <class Case, std::size_t N>
class SelectArray {
public:
    template <class Passed, class Range>
    static SelectArray of(Range&& range) {
        auto item = std::begin(range);
        return of_items<Passed>(item, std::make_index_sequence<N>{});
    }

    [[nodiscard]] static std::size_t size() noexcept { return N; }
    Contender* contenders() noexcept { return contenders_.data(); }
    Case& operator[](std::size_t i) noexcept { return cases_[i]; }

    SelectArray(SelectArray&& other) noexcept : cases_{std::move(other.cases_)} {} // before it is awaited
    SelectArray& operator=(SelectArray&&) = delete;
    ~SelectArray() = default;

private:
    explicit SelectArray(std::array<Case, N>&& cases) : cases_{std::move(cases)} {}

    template <class Passed, class Iterator, std::size_t... i>
    static SelectArray of_items(Iterator item, std::index_sequence<i...>) {
        return SelectArray{std::array<Case, N>{Case{static_cast<Passed>(item[i])}...}};
    }

    std::array<Contender, N> contenders_; // declared first, because cases_ may still use them when it is destroyed
    std::array<Case, N> cases_;
};

/// The same for any other range: one block of memory, with the cases in front of the contenders.
template <class Case>
class SelectBlock {
    static_assert(alignof(Case) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__,
                  "rouse: select: an element of the range needs a stricter alignment than operator new has");

public:
    template <class Passed, class Range>
    static SelectBlock of(Range&& range) {
        SelectBlock made{static_cast<std::size_t>(std::ranges::distance(std::begin(range), std::end(range)))};
        for (auto&& item : range) {
            ::new (static_cast<void*>(made.cases_ + made.filled_)) Case{static_cast<Passed>(item)};
            ++made.filled_;
        }
        return made;
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    Contender* contenders() noexcept { return contenders_; }
    Case& operator[](std::size_t i) noexcept { return cases_[i]; }

    SelectBlock(SelectBlock&& other) noexcept
        : size_{std::exchange(other.size_, 0)},
          filled_{std::exchange(other.filled_, 0)},
          cases_{std::exchange(other.cases_, nullptr)},
          contenders_{std::exchange(other.contenders_, nullptr)} {}
    SelectBlock& operator=(SelectBlock&&) = delete;
    ~SelectBlock() {
        std::destroy_n(cases_, filled_); // first, because they may still use the contenders
        std::destroy_n(contenders_, size_);
        ::operator delete(static_cast<void*>(cases_));
    }

private:
    explicit SelectBlock(std::size_t size) : size_{size} {
        constexpr std::size_t unit = alignof(Contender);
        const std::size_t bytes_of_cases = (size * sizeof(Case) + unit - 1) / unit * unit;
        auto* const block = static_cast<std::byte*>(::operator new(bytes_of_cases + size * sizeof(Contender)));
        cases_ = reinterpret_cast<Case*>(block);
        contenders_ = reinterpret_cast<Contender*>(block + bytes_of_cases);
        std::uninitialized_default_construct_n(contenders_, size);
    }

    std::size_t size_;
    std::size_t filled_ = 0; // how many cases exist
    Case* cases_ = nullptr;
    Contender* contenders_ = nullptr;
};

/// What select(range) makes of its argument.
template <RangeOfAwaitables Range>
struct SelectRange {
    using Item = ItemOf<Range>;
    static_assert(std::is_copy_constructible_v<Item> || !std::is_lvalue_reference_v<Range>,
                  "rouse: select: the elements of this range would have to be moved out of it; pass std::move(range)");
    using Passed = PassedItem<Range>;
    using Case = SelectCase<Item>;

    template <class R>
    struct CasesOf {
        using type = SelectBlock<Case>;
    };
    template <class T, std::size_t N>
        requires(N > 0)
    struct CasesOf<T[N]> {
        using type = SelectArray<Case, N>;
    };
    template <class T, std::size_t N>
        requires(N > 0)
    struct CasesOf<std::array<T, N>> {
        using type = SelectArray<Case, N>;
    };
    using Cases = typename CasesOf<std::remove_cvref_t<Range>>::type;
};

template <class Of>
class SelectRangeAwaiter final : SelectWait {
    using Value = typename Of::Case::Result;
    using Result = FirstOf<Selected<Value>>;

public:
    template <class Range>
    explicit SelectRangeAwaiter(Range&& range)
        : cases_{Of::Cases::template of<typename Of::Passed>(std::forward<Range>(range))} {
        if (cases_.size() == 0) misuse("rouse: select: the range is empty, so it would never return; test that before");
    }
    SelectRangeAwaiter(SelectRangeAwaiter&& other) noexcept : cases_{std::move(other.cases_)} {} // before it is awaited
    SelectRangeAwaiter(const SelectRangeAwaiter&) = delete;
    SelectRangeAwaiter& operator=(const SelectRangeAwaiter&) = delete;
    ~SelectRangeAwaiter() { abandon(); }

    bool await_ready() {
        while (first_ < cases_.size() && !ends_with(cases_[first_])) ++first_;
        return first_ < cases_.size() && !first_was_cancelled_;
    }

    bool await_suspend(std::coroutine_handle<> frame) {
        if (first_was_cancelled_) return suspend_cancelled(frame);
        prepare({cases_.contenders(), cases_.size()});
        return begin(suspend_until_ready(frame), frame);
    }

    Result await_resume() {
        find_first(cases_.contenders());
        auto& awaiter = cases_[first_].awaiter();
        if constexpr (std::is_void_v<Value>) {
            awaiter.await_resume();
            return Result{first_, {}};
        } else if constexpr (std::is_reference_v<Value>) {
            return Result{first_, std::addressof(awaiter.await_resume())};
        } else {
            return Result{first_, awaiter.await_resume()};
        }
    }

    /// For try_wait_for: whether the wait was given up because the time was up.
    [[nodiscard]] bool interrupted() {
        if (task == nullptr) return false;
        return winner() == nullptr || was_interrupted(cases_[index_of_winner(cases_.contenders())].awaiter());
    }

private:
    // Suspends in each case in turn, up to the first that is ready. Returns its contender, or null if none is.
    Contender* suspend_until_ready(std::coroutine_handle<> frame) {
        for (std::size_t i = 0; i < cases_.size(); ++i) {
            Contender& contender = cases_.contenders()[i];
            let_wait(cases_[i], contender, frame);
            if (winner() != nullptr) return nullptr; // starting this case has woken an earlier one
            if (!contender.waiting()) return &contender;
        }
        return nullptr;
    }

    typename Of::Cases cases_;
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

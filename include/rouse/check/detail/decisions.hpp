// Decisions: a list of numbers by which a simulated program goes one way or another, drawn from a seed or repeated; and
// how a list that fails is made short.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Each decision is one of 0 .. n-1, where 0 is the plain one. A list that is shorter than what is asked for continues
/// with zeros, so every list is the list of some run.
using DecisionList = std::vector<std::uint32_t>;

/// As text: "3,0*12,1", in which 0*12 is twelve zeros.
inline std::string text_of_decisions(const DecisionList& list) {
    std::string text;
    for (std::size_t i = 0; i < list.size();) {
        std::size_t same = i + 1;
        while (same < list.size() && list[same] == list[i]) ++same;
        if (!text.empty()) text += ',';
        text += std::to_string(list[i]);
        if (same - i > 1) text += '*' + std::to_string(same - i);
        i = same;
    }
    return text.empty() ? "0" : text;
}

/// Throws std::invalid_argument for what text_of_decisions() does not return.
inline DecisionList decisions_of(std::string_view text) {
    DecisionList list;
    const char* at = text.data();
    const char* const end = at + text.size();
    const auto number = [&] {
        std::uint32_t value = 0;
        const auto [next, error] = std::from_chars(at, end, value);
        if (error != std::errc{}) throw std::invalid_argument{"rouse: check::simulate: this is not a seed of a report"};
        at = next;
        return value;
    };
    for (;;) {
        const std::uint32_t value = number();
        std::uint32_t times = 1;
        if (at != end && *at == '*') {
            ++at;
            times = number();
        }
        constexpr std::uint32_t most = 10'000'000;
        if (times > most) throw std::invalid_argument{"rouse: check::simulate: this is not a seed of a report"};
        list.insert(list.end(), times, value);
        if (at == end) return list;
        if (*at++ != ',') throw std::invalid_argument{"rouse: check::simulate: this is not a seed of a report"};
    }
}

/// The decisions of one run.
class Decisions {
public:
    /// Drawn from the seed. Each seed is restless to another degree: how often seldom() is not plain.
    explicit Decisions(std::uint64_t seed) : state_{seed * 0x9e3779b97f4a7c15U}, draws_{true} {
        constexpr std::uint32_t rates[] = {0, 3, 12, 40};
        rate_ = rates[next() % 4];
    }
    explicit Decisions(DecisionList list) : list_{std::move(list)} {}

    /// One of 0 .. n-1, each as likely.
    std::uint32_t uniform(std::uint32_t n) { return take(n, 100); }
    /// As a rule 0.
    std::uint32_t seldom(std::uint32_t n) { return take(n, rate_); }

    /// All that were taken, without the zeros at the end.
    [[nodiscard]] DecisionList taken() const {
        DecisionList list{list_.begin(), list_.begin() + static_cast<std::ptrdiff_t>((std::min)(at_, list_.size()))};
        while (!list.empty() && list.back() == 0) list.pop_back();
        return list;
    }

private:
    std::uint32_t take(std::uint32_t n, std::uint32_t percent) {
        if (n <= 1) return 0;
        if (draws_) {
            const bool plain = percent < 100 && next() % 100 >= percent;
            std::uint32_t value = plain ? 0 : static_cast<std::uint32_t>(next() % n);
            if (!plain && value == 0 && percent < 100) value = 1; // seldom enough as it is
            list_.push_back(value);
        }
        const std::size_t i = at_++;
        if (i >= list_.size()) return 0;
        return list_[i] = (std::min)(list_[i], n - 1); // of a list that was changed
    }

    // SplitMix64.
    std::uint64_t next() {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31);
    }

    DecisionList list_;
    std::size_t at_ = 0;
    std::uint64_t state_ = 0;
    bool draws_ = false;
    std::uint32_t rate_ = 0;
};

/// Makes a failing list shorter and plainer: leaves out stretches, makes stretches plain, and lowers single decisions,
/// for as long as fails(list, taken) says that it still fails, and stores what was taken of the list. Makes `most`
/// attempts at the most.
template <class Fails>
DecisionList shrink_decisions(DecisionList best, Fails fails, int most) {
    const auto plainer = [](const DecisionList& a, const DecisionList& b) {
        const auto unplain = [](const DecisionList& list) {
            return list.size() - static_cast<std::size_t>(std::count(list.begin(), list.end(), 0U));
        };
        if (unplain(a) != unplain(b)) return unplain(a) < unplain(b);
        if (a.size() != b.size()) return a.size() < b.size();
        return a < b;
    };
    const auto attempt = [&](const DecisionList& candidate) {
        if (candidate == best || most-- <= 0) return false;
        DecisionList taken;
        if (!fails(candidate, taken) || !plainer(taken, best)) return false;
        best = std::move(taken);
        return true;
    };
    for (bool better = true; better && most > 0;) {
        better = false;
        for (std::size_t size = std::max<std::size_t>(best.size() / 2, 1); size > 0; size /= 2) {
            for (std::size_t i = 0; i < best.size() && most > 0;) {
                const auto begin = static_cast<std::ptrdiff_t>(i);
                const auto end = static_cast<std::ptrdiff_t>((std::min)(i + size, best.size()));
                DecisionList without = best;
                without.erase(without.begin() + begin, without.begin() + end);
                DecisionList plain = best;
                std::fill(plain.begin() + begin, plain.begin() + end, 0U);
                if (attempt(without) || attempt(plain)) {
                    better = true;
                } else {
                    i += size;
                }
            }
        }
        for (std::size_t i = 0; i < best.size(); ++i) { // to zero is tried above
            for (std::uint32_t by = best[i]; by > 0; by /= 2) {
                while (i < best.size() && best[i] > by) {
                    DecisionList candidate = best;
                    candidate[i] -= by;
                    if (!attempt(candidate)) break;
                    better = true;
                }
            }
        }
    }
    return best;
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

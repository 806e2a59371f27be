// Mutants: one place in the headers, weakened or left out, while everything else stays as it ships. The places are
// those that the programs come by; each is known by its source location.
//
// Only the project's own proof uses this, and it is not public on purpose. A mutant of a header says how good the proof
// of that header is; a user can change nothing there. It is no option of explore() either, because a mutated program
// corrupts the memory of its process: each needs a process of its own, and what it does there is a matter of the proof.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <rouse/check/atomic.hpp>
#include <rouse/check/detail/memory.hpp>
#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

enum class Operation : std::uint8_t { load, store, exchange, compare_exchange, light, heavy, wake };

enum class Change : std::uint8_t {
    none,
    no_acquire,         // the order loses its acquire
    no_release,         // the order loses its release
    no_acquire_failing, // a compare-exchange loses the acquire of its failure
    not_atomic,         // a read-modify-write becomes a load and a store
    no_store,           // the store is left out; a compare-exchange says that it has been done
    left_out,           // a barrier, a wake
};

/// A place in the headers where the policy is used.
struct Site {
    std::string file; // from rouse/ on
    std::uint32_t line;
    std::uint32_t column;
    Operation operation;
    std::memory_order order;   // of success
    std::memory_order failure; // of a compare-exchange

    [[nodiscard]] std::string text() const;
    [[nodiscard]] std::string key() const;
};

struct Mutant {
    std::size_t site;
    Change change;
};

class Mutants {
public:
    static Mutants& now();

    /// Called by every operation: what is to be changed there.
    Change visit(const CodeLocation& where, Operation operation, std::memory_order order = std::memory_order::relaxed,
                 std::memory_order failure = std::memory_order::relaxed);

    /// All places in the headers that have been visited so far, in the order of the text.
    [[nodiscard]] std::vector<Site> sites() const { return in_headers(false); }

    /// Those since forget_visits().
    [[nodiscard]] std::vector<Site> visited() const { return in_headers(true); }
    void forget_visits() { visited_.assign(visited_.size(), false); }

    /// What can be done to a place.
    static std::vector<Change> changes(const Site& site);

    void activate(const Site& site, Change change);

private:
    [[nodiscard]] std::vector<Site> in_headers(bool only_visited) const;

    struct Key {
        const char* file;
        std::uint64_t place;
    };
    std::vector<Key> keys_;
    std::array<std::size_t, 256> last_{}; // by line and column: where in keys_ it was found last
    std::vector<Site> sites_;
    std::vector<Change> active_; // by site
    std::vector<bool> visited_;
    Site wanted_{};
    Change change_ = Change::none;
};

const char* name(Operation operation);
const char* name(Change change);
const char* name(std::memory_order order);

// The path from the headers' folder on; empty if the place is not in the headers.
inline std::string header_of(std::string_view path) {
    if (path.ends_with("check/detail/model_port.hpp")) return "Port"; // its wake()
    const auto found = path.rfind("include/rouse/");
    return found == std::string_view::npos ? std::string{} : std::string{path.substr(found + 8)};
}

inline bool same_place(const Site& a, const Site& b) {
    return a.file == b.file && a.line == b.line && a.column == b.column && a.operation == b.operation;
}

inline const char* name(Operation operation) {
    constexpr const char* names[] = {"load",          "store",         "exchange", "compare_exchange",
                                     "light_barrier", "heavy_barrier", "wake"};
    return names[static_cast<int>(operation)];
}

inline const char* name(Change change) {
    constexpr const char* names[] = {"as it is",
                                     "acquire -> relaxed",
                                     "release -> relaxed",
                                     "failure: acquire -> relaxed",
                                     "not atomic",
                                     "stores nothing",
                                     "left out"};
    return names[static_cast<int>(change)];
}

inline const char* name(std::memory_order order) {
    switch (order) {
    case std::memory_order::relaxed: return "relaxed";
    case std::memory_order::acquire: return "acquire";
    case std::memory_order::release: return "release";
    case std::memory_order::acq_rel: return "acq_rel";
    default: return "seq_cst";
    }
}

inline std::string Site::text() const {
    std::string result = file + ':' + std::to_string(line) + ' ' + name(operation);
    if (operation < Operation::light) result += std::string{" "} + name(order);
    if (operation == Operation::compare_exchange) result += std::string{"/"} + name(failure);
    return result;
}

inline std::string Site::key() const { return text() + ':' + std::to_string(column); }

inline Mutants& Mutants::now() {
    static Mutants mutants;
    return mutants;
}

inline Change Mutants::visit(const CodeLocation& where, Operation operation, std::memory_order order,
                             std::memory_order failure) {
    const std::uint64_t place =
        std::uint64_t{where.line()} << 32 | where.column() << 8 | static_cast<unsigned>(operation);
    std::size_t& last = last_[(where.line() * 8 + where.column()) % last_.size()];
    const auto is_here = [&](std::size_t i) {
        return i < keys_.size() && keys_[i].place == place && keys_[i].file == where.file_name();
    };
    for (std::size_t i = is_here(last) ? last : 0; i < keys_.size(); ++i) {
        if (!is_here(i)) continue;
        last = i;
        visited_[i] = true;
        return active_[i];
    }
    keys_.push_back(Key{where.file_name(), place});
    sites_.push_back(Site{header_of(where.file_name()), where.line(), where.column(), operation, order, failure});
    visited_.push_back(true);
    active_.push_back(same_place(sites_.back(), wanted_) ? change_ : Change::none);
    return active_.back();
}

inline void Mutants::activate(const Site& site, Change change) {
    wanted_ = site;
    change_ = change;
    for (std::size_t i = 0; i < sites_.size(); ++i) active_[i] = same_place(sites_[i], site) ? change : Change::none;
}

inline std::vector<Site> Mutants::in_headers(bool only_visited) const {
    std::vector<Site> result;
    for (std::size_t i = 0; i < sites_.size(); ++i) {
        const Site& site = sites_[i];
        const auto it = [&](const Site& known) { return same_place(known, site); };
        if (!site.file.empty() && (visited_[i] || !only_visited) && std::none_of(result.begin(), result.end(), it))
            result.push_back(site);
    }
    std::sort(result.begin(), result.end(), [](const Site& a, const Site& b) {
        return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
    });
    return result;
}

inline std::vector<Change> Mutants::changes(const Site& site) {
    std::vector<Change> result;
    if (site.operation >= Operation::light) return {Change::left_out};
    if (acquires(site.order)) result.push_back(Change::no_acquire);
    if (releases(site.order)) result.push_back(Change::no_release);
    if (acquires(site.failure)) result.push_back(Change::no_acquire_failing);
    if (site.operation == Operation::exchange || site.operation == Operation::compare_exchange)
        result.push_back(Change::not_atomic);
    if (site.operation != Operation::load) result.push_back(Change::no_store);
    return result;
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

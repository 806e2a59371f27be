// Mutants: one place in the headers, weakened or left out, while everything else stays as it ships. The places are
// those that the programs come by; each is known by its source location.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "policy.hpp"

namespace model {

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
    Order order;   // of success
    Order failure; // of a compare-exchange

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
    Change visit(const Where& where, Operation operation, Order order = Order::relaxed, Order failure = Order::relaxed);

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
const char* name(Order order);

} // namespace model

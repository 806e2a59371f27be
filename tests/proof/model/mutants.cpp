#include "mutants.hpp"

#include <algorithm>
#include <string_view>
#include <tuple>

namespace model {

namespace {

// The path from the headers' folder on; empty if the place is not in the headers.
std::string header(std::string_view path) {
    if (path.ends_with("model/port.cpp") || path == "port.cpp") return "Port"; // its wake()
    const auto found = path.rfind("include/rouse/");
    return found == std::string_view::npos ? std::string{} : std::string{path.substr(found + 8)};
}

bool same(const Site& a, const Site& b) {
    return a.file == b.file && a.line == b.line && a.column == b.column && a.operation == b.operation;
}

} // namespace

const char* name(Operation operation) {
    constexpr const char* names[] = {"load",          "store",         "exchange", "compare_exchange",
                                     "light_barrier", "heavy_barrier", "wake"};
    return names[static_cast<int>(operation)];
}

const char* name(Change change) {
    constexpr const char* names[] = {"as it is",
                                     "acquire -> relaxed",
                                     "release -> relaxed",
                                     "failure: acquire -> relaxed",
                                     "not atomic",
                                     "stores nothing",
                                     "left out"};
    return names[static_cast<int>(change)];
}

const char* name(Order order) {
    switch (order) {
    case Order::relaxed: return "relaxed";
    case Order::acquire: return "acquire";
    case Order::release: return "release";
    case Order::acq_rel: return "acq_rel";
    default: return "seq_cst";
    }
}

std::string Site::text() const {
    std::string result = file + ':' + std::to_string(line) + ' ' + name(operation);
    if (operation < Operation::light) result += std::string{" "} + name(order);
    if (operation == Operation::compare_exchange) result += std::string{"/"} + name(failure);
    return result;
}

std::string Site::key() const { return text() + ':' + std::to_string(column); }

Mutants& Mutants::now() {
    static Mutants mutants;
    return mutants;
}

Change Mutants::visit(const Where& where, Operation operation, Order order, Order failure) {
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
    sites_.push_back(Site{header(where.file_name()), where.line(), where.column(), operation, order, failure});
    visited_.push_back(true);
    active_.push_back(same(sites_.back(), wanted_) ? change_ : Change::none);
    return active_.back();
}

void Mutants::activate(const Site& site, Change change) {
    wanted_ = site;
    change_ = change;
    for (std::size_t i = 0; i < sites_.size(); ++i) active_[i] = same(sites_[i], site) ? change : Change::none;
}

std::vector<Site> Mutants::in_headers(bool only_visited) const {
    std::vector<Site> result;
    for (std::size_t i = 0; i < sites_.size(); ++i) {
        const Site& site = sites_[i];
        const auto it = [&](const Site& known) { return same(known, site); };
        if (!site.file.empty() && (visited_[i] || !only_visited) && std::none_of(result.begin(), result.end(), it))
            result.push_back(site);
    }
    std::sort(result.begin(), result.end(), [](const Site& a, const Site& b) {
        return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
    });
    return result;
}

std::vector<Change> Mutants::changes(const Site& site) {
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

} // namespace model

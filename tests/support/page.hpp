// Pages of docs/ with parts that the tests make, and check: tables between two markers. ROUSE_UPDATE_DOCS=1 in the
// environment writes the page instead of checking it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace test {

struct Row {
    std::string name;
    std::vector<std::string> cells; // one that is empty, or missing, is not of this build: the page's is left as it is
};

/// A table of a page, between `<!-- name: made by maker -->` and `<!-- end -->`.
class Table {
public:
    /// `head`: the first two lines.
    Table(const std::string& name, const std::string& maker, std::string head)
        : begin_{"<!-- " + name + ": made by " + maker + " -->\n"}, head_{std::move(head)} {}

    /// The page, with this table as `rows` say.
    [[nodiscard]] std::string put_into(const std::string& page, const std::vector<Row>& rows) const {
        const auto marker = page.find(begin_);
        REQUIRE(marker != page.npos);
        const auto from = marker + begin_.size();
        const auto to = page.find("<!-- end -->", from);
        REQUIRE(to != page.npos);
        const std::string before = page.substr(from, to - from);

        std::string table = head_;
        for (const Row& row : rows) {
            const auto old = cells_of(before, row.name);
            table += "| " + row.name + " |";
            for (std::size_t i = 0; i < columns(); ++i) {
                const bool known = i < row.cells.size() && !row.cells[i].empty();
                table += " " + (known ? row.cells[i] : i < old.size() ? old[i] : "?") + " |";
            }
            table += '\n';
        }
        return page.substr(0, from) + table + page.substr(to);
    }

private:
    // Beside that of the names.
    [[nodiscard]] std::size_t columns() const {
        std::size_t bars = 0;
        for (std::size_t i = 0; head_[i] != '\n'; ++i) bars += head_[i] == '|' ? 1 : 0;
        return bars - 2;
    }

    static std::vector<std::string> cells_of(const std::string& table, const std::string& name) {
        const std::string start = "| " + name + " |";
        const auto row = table.find(start);
        if (row == table.npos) return {};
        const auto from = row + start.size();
        std::vector<std::string> found;
        std::istringstream line{table.substr(from, table.find('\n', from) - from)};
        for (std::string cell; std::getline(line, cell, '|');) {
            if (cell.size() > 2) found.push_back(cell.substr(1, cell.size() - 2));
        }
        return found;
    }

    std::string begin_;
    std::string head_;
};

/// Checks that docs/`name` is what make(std::string page) returns for it.
template <class F>
void check_page(const std::string& name, F make) {
    const auto path = std::filesystem::path{__FILE__}.parent_path() / "../../docs" / name;
    std::string page;
    {
        std::ifstream in{path};
        REQUIRE(in);
        page.assign(std::istreambuf_iterator<char>{in}, {});
    }
    const std::string made = make(page);
    if (std::getenv("ROUSE_UPDATE_DOCS") != nullptr) {
        std::ofstream{path} << made;
        return;
    }
    INFO("ROUSE_UPDATE_DOCS=1 in the environment writes the page");
    std::istringstream lines{page}, lines_made{made};
    std::string line, line_made;
    while (std::getline(lines_made, line_made)) {
        std::getline(lines, line);
        if (line != line_made) CHECK(line == line_made);
    }
    const bool up_to_date = page == made;
    CHECK(up_to_date);
}

} // namespace test

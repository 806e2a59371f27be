// StreamReader: the incoming half of a connection.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <rouse/net/stream_connection.hpp>

namespace rouse::inline ROUSE_ABI {

/// Thrown by readexactly and readuntil if the end comes too early.
class IncompleteRead : public std::exception {
public:
    /// For the library, and for tests.
    IncompleteRead(std::string read, std::size_t asked) : partial{std::move(read)}, expected{asked} {}
    /// Says that the connection ended too early; a string literal.
    [[nodiscard]] const char* what() const noexcept override {
        return "rouse: StreamReader: the connection ended before all that was asked for had come";
    }

    std::string partial;  ///< What came before the end; it is not read again.
    std::size_t expected; ///< How many were asked for; 0 from readuntil, which does not know.
};

/// Thrown by readline and readuntil if the line is too long. What has come of it stays where it is, for read().
class LimitOverrun : public std::exception {
public:
    /// For the library, and for tests.
    explicit LimitOverrun(std::size_t most) noexcept : limit{most} {}
    /// Says that the line is too long; a string literal.
    [[nodiscard]] const char* what() const noexcept override {
        return "rouse: StreamReader: there is no end of the line within the limit";
    }

    std::size_t limit; ///< The most bytes that the line might have had, its newline or separator included.
};

/// Reads what the peer sends. Move-only; for the tasks of the loop that the connection was made on, one at a time (a
/// second one that would have to wait gets a UsageError). It may be moved, or destroyed, while it is read from.
///
/// Bytes come in order and once. A cancelled read loses nothing: what has come is there for the next. If the
/// connection fails, reads give what came before, then throw std::system_error that names the peer. When the
/// StreamWriter of the connection is closed, they give what is left, then the end.
///
/// A read of what is there already goes on at once, without a turn of the loop, except now and then.
class StreamReader {
public:
    /// For the library: see open_connection and start_server.
    explicit StreamReader(std::shared_ptr<net::StreamConnection> connection) noexcept
        : connection_{std::move(connection)} {}
    /// Takes the connection over; only assignment and destruction are allowed of the other then.
    StreamReader(StreamReader&&) noexcept = default;
    /// Takes the connection over.
    StreamReader& operator=(StreamReader&&) noexcept = default;

    /// The most bytes of a line, where no limit is given.
    static constexpr std::size_t default_limit = 64 * 1024;

    /// Some bytes, at least one and at most `most`, as soon as there are any; empty at the end.
    [[nodiscard]] Task<std::string> read(std::size_t most) { return read_some(connection(), most); }

    /// All bytes until the end.
    [[nodiscard]] Task<std::string> read() { return read_all(connection()); }

    /// As read(most), into the caller's memory, which must stay until then. Returns how many; 0 at the end.
    [[nodiscard]] Task<std::size_t> readinto(std::span<char> bytes) { return read_into(connection(), bytes); }

    /// Exactly `count` bytes. Throws IncompleteRead if the end comes first.
    [[nodiscard]] Task<std::string> readexactly(std::size_t count) { return read_exactly(connection(), count); }

    /// A line with its newline; what is left without one at the end; empty after that. Throws LimitOverrun if the
    /// line, with its newline, is longer than `limit`, without waiting for more of it.
    [[nodiscard]] Task<std::string> readline(std::size_t limit = default_limit) {
        return read_line(connection(), limit);
    }

    /// `while (auto line = co_await reader.next_line())`: the same for all lines until the end, then nothing.
    [[nodiscard]] Task<std::optional<std::string>> next_line(std::size_t limit = default_limit) {
        return read_next_line(connection(), limit);
    }

    /// All bytes up to `separator`, and it. Throws IncompleteRead if the end comes first, LimitOverrun if it does not
    /// come within `limit` bytes, without waiting for more of them. UsageError for an empty separator.
    [[nodiscard]] Task<std::string> readuntil(std::string separator, std::size_t limit = default_limit) {
        if (separator.empty()) misuse("rouse: StreamReader::readuntil: the separator is empty");
        return read_until(connection(), std::move(separator), limit);
    }

    /// Whether the end has come, and all before it has been read.
    [[nodiscard]] bool at_eof() const { return connection()->ended() && connection()->input().empty(); }

private:
    // By value, so that a read does not depend on the reader.
    using Connection = std::shared_ptr<net::StreamConnection>;

    [[nodiscard]] const Connection& connection() const {
        if (connection_ == nullptr) misuse("rouse: StreamReader: it was moved from");
        return connection_;
    }

    static Task<std::string> read_some(Connection from, std::size_t most) {
        while (most > 0 && from->input().empty() && !from->ended()) {
            co_await from->more();
            from->receive_more();
        }
        co_return from->input().take(most);
    }

    static Task<std::string> read_all(Connection from) {
        while (!from->ended()) {
            co_await from->more();
            from->receive_more();
        }
        co_return from->input().take(std::numeric_limits<std::size_t>::max());
    }

    static Task<std::size_t> read_into(Connection from, std::span<char> bytes) {
        std::size_t count = std::min(bytes.size(), from->input().size());
        if (count > 0) {
            std::memcpy(bytes.data(), from->input().view().data(), count);
            from->input().consume(count);
        }
        while (count == 0 && !bytes.empty() && !from->ended()) {
            co_await from->more();
            count = from->receive_into(bytes);
        }
        co_return count;
    }

    static Task<std::string> read_exactly(Connection from, std::size_t count) {
        while (from->input().size() < count && !from->ended()) {
            co_await from->more();
            from->receive_more();
        }
        if (from->input().size() < count) throw IncompleteRead{from->input().take(count), count};
        co_return from->input().take(count);
    }

    static Task<std::string> read_line(Connection from, std::size_t limit) {
        const std::size_t count = co_await find(*from, "\n", limit);
        co_return from->input().take(count > 0 ? count : limit);
    }

    static Task<std::optional<std::string>> read_next_line(Connection from, std::size_t limit) {
        const std::size_t count = co_await find(*from, "\n", limit);
        if (count == 0 && from->input().empty()) co_return std::nullopt;
        co_return std::optional{from->input().take(count > 0 ? count : limit)};
    }

    static Task<std::string> read_until(Connection from, std::string separator, std::size_t limit) {
        const std::size_t count = co_await find(*from, separator, limit);
        if (count == 0) throw IncompleteRead{from->input().take(limit), 0};
        co_return from->input().take(count);
    }

    // Receives until the separator has come: how many bytes it is to its end; 0 if the end of the connection came
    // first.
    static Task<std::size_t> find(net::StreamConnection& from, std::string_view separator, std::size_t limit) {
        std::size_t searched = 0; // no separator begins before
        for (;;) {
            const std::string_view input = from.input().view();
            const std::size_t found = input.find(separator, searched);
            if (found != input.npos && found + separator.size() <= limit) co_return found + separator.size();
            if (found != input.npos || input.size() > limit) throw LimitOverrun{limit};
            if (from.ended()) co_return std::size_t{0};
            searched = input.size() < separator.size() ? 0 : input.size() - separator.size() + 1;
            co_await from.more();
            from.receive_more();
        }
    }

    Connection connection_;
};

} // namespace rouse::inline ROUSE_ABI

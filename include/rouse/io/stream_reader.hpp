// StreamReader: the incoming half of a connection.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/io/detail/stream_connection.hpp>
#include <rouse/io/detail/wrap.hpp>
#include <rouse/io/stream_error.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// Reads the bytes that the peer sends. Move-only; it may be moved or destroyed while a task reads from it.
///
/// For the tasks of the loop that the connection was made on, one at a time: a second task that would have to wait gets
/// a UsageError.
///
/// Each byte is read once, in order. A cancelled read loses nothing: the bytes that have arrived are left for the next
/// read. (wait_for runs a read as a separate task, which may have ended by the time its waiter is cancelled:
/// docs/cancellation.md.) If the connection fails, reads return the bytes that arrived before, then throw a
/// std::system_error that names the peer. Once the StreamWriter of the connection is closed, reads return what has
/// already been received, then the end. Without exceptions, each read returns a Result, whose error() is what would be
/// thrown.
///
/// A read whose bytes have already arrived returns at once, without a turn of the loop, except that now and then it
/// lets the other tasks run first.
class StreamReader {
public:
    /// Takes over the connection. The other reader may then only be assigned to or destroyed.
    StreamReader(StreamReader&&) noexcept = default;
    /// Takes over the connection.
    StreamReader& operator=(StreamReader&&) noexcept = default;

    /// The greatest length of a line in bytes if no limit is given.
    static constexpr std::size_t default_limit = 64 * 1024;

    /// Waits until bytes have arrived and returns at most `most` of them; an empty string at the end.
    [[nodiscard]] Task<Reply<std::string>> read(std::size_t most) { return read_some(connection(), most); }

    /// Reads until the end and returns all bytes.
    [[nodiscard]] Task<Reply<std::string>> read() { return read_all(connection()); }

    /// Like read(most), into the caller's memory, which must stay valid until it returns. Returns the number of bytes;
    /// 0 at the end.
    [[nodiscard]] Task<Reply<std::size_t>> readinto(std::span<char> bytes) { return read_into(connection(), bytes); }

    /// Reads exactly `count` bytes. Throws IncompleteRead if the end comes first.
    [[nodiscard]] Task<Reply<std::string>> readexactly(std::size_t count) { return read_exactly(connection(), count); }

    /// Reads a line and returns it with its newline. At the end, returns the bytes after the last newline, then an
    /// empty string. Throws LimitOverrun as soon as the line, with its newline, is known to be longer than `limit`, and
    /// drops, as asyncio does, the line if its newline has arrived, or else all that has arrived: the rest of the line
    /// is then read as a line. So a reader may catch the error and continue.
    [[nodiscard]] Task<Reply<std::string>> readline(std::size_t limit = default_limit) {
        return read_line(connection(), limit);
    }

    /// `while (auto line = co_await reader.next_line())` reads line by line, as readline() does, and ends the loop at
    /// the end: then it returns no value. (Without exceptions the line is `*line`, which is a std::optional.)
    [[nodiscard]] Task<Reply<std::optional<std::string>>> next_line(std::size_t limit = default_limit) {
        return read_next_line(connection(), limit);
    }

    /// Reads up to and including `separator`. Throws IncompleteRead if the end comes first, and LimitOverrun as soon as
    /// it is known not to end within `limit` bytes. Then nothing is dropped; to continue, read LimitOverrun::consumed
    /// bytes, or another call throws the same. UsageError if the separator is empty, or longer than the limit.
    [[nodiscard]] Task<Reply<std::string>> readuntil(std::string separator, std::size_t limit = default_limit) {
        if (separator.empty()) detail::misuse("rouse: StreamReader::readuntil: the separator must not be empty");
        if (separator.size() > limit)
            detail::misuse("rouse: StreamReader::readuntil: the limit must not be less than the size of the separator");
        return read_until(connection(), std::move(separator), limit);
    }

    /// Whether the end has arrived and all bytes before it have been read.
    [[nodiscard]] bool at_eof() const { return connection()->ended() && connection()->input().empty(); }

private:
    template <class Object, class State>
    friend Object detail::wrap(std::shared_ptr<State> state) noexcept;
    explicit StreamReader(std::shared_ptr<detail::StreamConnection> connection) noexcept
        : connection_{std::move(connection)} {}

    // By value, so that a read does not depend on the reader.
    using Connection = std::shared_ptr<detail::StreamConnection>;

    [[nodiscard]] const Connection& connection() const {
        if (connection_ == nullptr)
            detail::misuse("rouse: StreamReader: it was moved from; use the one that it was moved to");
        connection_->owner().check_thread(
            "rouse: StreamReader: used on another thread than that of the loop whose tasks use it; pass the bytes to a "
            "task of that loop through a ThreadSafeQueue");
        return connection_;
    }

    static Task<Reply<std::string>> read_some(Connection from, std::size_t most) {
        while (most > 0 && from->input().empty() && !from->ended()) {
            co_await from->more();
            if (!from->receive_more()) co_return from->failure<std::string>();
        }
        co_return from->input().take(most);
    }

    static Task<Reply<std::string>> read_all(Connection from) {
        while (!from->ended()) {
            co_await from->more();
            if (!from->receive_more()) co_return from->failure<std::string>();
        }
        co_return from->input().take((std::numeric_limits<std::size_t>::max)());
    }

    static Task<Reply<std::size_t>> read_into(Connection from, std::span<char> bytes) {
        std::size_t count = (std::min)(bytes.size(), from->input().size());
        if (count > 0) {
            std::memcpy(bytes.data(), from->input().view().data(), count);
            from->input().consume(count);
        }
        while (count == 0 && !bytes.empty() && !from->ended()) {
            co_await from->more();
            if (!from->receive_into(bytes, count)) co_return from->failure<std::size_t>();
        }
        co_return count;
    }

    static Task<Reply<std::string>> read_exactly(Connection from, std::size_t count) {
        while (from->input().size() < count && !from->ended()) {
            co_await from->more();
            if (!from->receive_more()) co_return from->failure<std::string>();
        }
        if (from->input().size() < count)
            co_return detail::ended_early<std::string>(from->input().take(count), count, from->name());
        co_return from->input().take(count);
    }

    static Task<Reply<std::string>> read_line(Connection from, std::size_t limit) {
        Reply<Found> reply = co_await find(*from, "\n", limit);
        if (detail::is_error(reply)) co_return detail::failed<std::string>(detail::error_of(reply));
        const Found found = detail::value_of(reply);
        if (found.end == End::too_far) co_return drop_line<std::string>(*from, found.count, limit);
        co_return from->input().take(found.count);
    }

    static Task<Reply<std::optional<std::string>>> read_next_line(Connection from, std::size_t limit) {
        Reply<Found> reply = co_await find(*from, "\n", limit);
        if (detail::is_error(reply)) co_return detail::failed<std::optional<std::string>>(detail::error_of(reply));
        const Found found = detail::value_of(reply);
        if (found.end == End::too_far) co_return drop_line<std::optional<std::string>>(*from, found.count, limit);
        if (found.count == 0) co_return std::nullopt;
        co_return std::optional{from->input().take(found.count)};
    }

    static Task<Reply<std::string>> read_until(Connection from, std::string separator, std::size_t limit) {
        Reply<Found> reply = co_await find(*from, separator, limit);
        if (detail::is_error(reply)) co_return detail::failed<std::string>(detail::error_of(reply));
        const Found found = detail::value_of(reply);
        if (found.end == End::too_far) co_return detail::too_long<std::string>(limit, found.count, from->name());
        std::string taken = from->input().take(found.count);
        if (found.end == End::of_stream) co_return detail::ended_early<std::string>(std::move(taken), 0, from->name());
        co_return taken;
    }

    enum class End : unsigned char { separator, of_stream, too_far };

    struct Found {
        End end;
        std::size_t count; // too_far: the bytes that precede the separator, as far as is known; else up to the end
    };

    // Receives until the separator has arrived, or cannot arrive within the limit, or the connection has ended. Takes
    // nothing out of the buffer.
    static Task<Reply<Found>> find(detail::StreamConnection& from, std::string_view separator, std::size_t limit) {
        std::size_t searched = 0; // no separator begins before
        for (;;) {
            const std::string_view input = from.input().view();
            const std::size_t found = input.find(separator, searched);
            if (found != input.npos) {
                const std::size_t count = found + separator.size();
                co_return count <= limit ? Found{End::separator, count} : Found{End::too_far, found};
            }
            searched = input.size() < separator.size() ? 0 : input.size() - separator.size() + 1;
            if (input.size() > limit) co_return Found{End::too_far, searched};
            if (from.ended()) co_return Found{End::of_stream, input.size()};
            co_await from.more();
            if (!from.receive_more()) co_return from.failure<Found>();
        }
    }

    // As asyncio does: drops a line that is too long with its newline, or if that has not arrived, all that has.
    template <class T>
    static Reply<T> drop_line(detail::StreamConnection& from, std::size_t length, std::size_t limit) {
        detail::ByteBuffer& input = from.input();
        if (length < input.size() && input.view()[length] == '\n') {
            input.consume(length + 1);
        } else {
            input.clear();
        }
        return detail::too_long<T>(limit, length, from.name());
    }

    Connection connection_;
};

} // namespace ROUSE_ABI
} // namespace rouse

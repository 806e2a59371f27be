// StreamWriter: the outgoing half of a connection, which it also closes.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/io/detail/stream_connection.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// Sends to the peer. Move-only; for the tasks of the loop that the connection was made on. The connection is open as
/// long as its writer: destroying the writer is close().
///
/// What is written is sent in order. If the connection fails, what was not sent is dropped, and drain() throws
/// std::system_error that names the peer. So it is if there is no memory to keep what was not sent. The peer does not
/// take a part for all: it finds a reset behind it, not the end.
///
/// Without exceptions, drain(), wait_closed() and the options give a Result<void> with the error that would be thrown.
class StreamWriter {
public:
    /// For the library: see open_connection and start_server.
    explicit StreamWriter(std::shared_ptr<detail::StreamConnection> connection) noexcept
        : connection_{std::move(connection)} {}
    /// Takes the connection over; only assignment and destruction are allowed of the other then.
    StreamWriter(StreamWriter&&) noexcept = default;
    /// Closes the connection that was here, and takes the other over.
    StreamWriter& operator=(StreamWriter&& other) noexcept {
        StreamWriter before{std::exchange(connection_, std::move(other.connection_))};
        return *this;
    }
    ~StreamWriter() {
        if (connection_ != nullptr) connection_->close_when_sent();
    }

    /// Sends what the system takes at once; the rest is copied, and goes out by itself while the loop runs. Never
    /// waits: follow it by drain(), or memory grows. UsageError after write_eof() or close().
    void write(std::string_view bytes) { connection()->write(bytes); }

    /// The same for several pieces, with one call of the system.
    void writelines(std::span<const std::string_view> pieces) {
        std::size_t size = 0;
        for (const std::string_view piece : pieces) size += piece.size();
        std::string all;
        all.reserve(size);
        for (const std::string_view piece : pieces) all += piece;
        write(all);
    }
    /// The same: `writer.writelines({head, body})`.
    void writelines(std::initializer_list<std::string_view> pieces) {
        writelines(std::span{pieces.begin(), pieces.size()});
    }

    /// Once more than the high-water mark (64 KiB) is still to be sent, waits until no more than the low-water mark
    /// (16 KiB) is; else goes on at once, but now and then goes round the loop. Throws std::system_error if the
    /// connection has failed. Cancelling it loses nothing.
    [[nodiscard]] Task<Reply<void>> drain() { return detail::StreamConnection::drain(connection()); }

    /// Sets the marks of drain(), in bytes. UsageError if `low` is above `high`.
    void set_water_marks(std::size_t low, std::size_t high) { connection()->set_water_marks(low, high); }

    /// Whether small pieces are sent at once (as they are at first), or collected while the peer has not confirmed what
    /// was sent before (Nagle's algorithm). TCP only: else, std::system_error.
    Reply<void> set_nodelay(bool on) { return connection()->set_option(IPPROTO_TCP, TCP_NODELAY, on); }

    /// Whether the system asks now and then if the peer is still there, when nothing is sent; after the system's time
    /// (two hours on Linux) the connection fails if it is not.
    Reply<void> set_keepalive(bool on) { return connection()->set_option(SOL_SOCKET, SO_KEEPALIVE, on); }

    /// Ends our half of the connection after all that was written; the peer's reads then see the end, and may go on
    /// sending.
    void write_eof() { connection()->write_eof(); }

    /// Closes the connection after all that was written has been sent, which a task of its own sees to; if run() ends
    /// before, the rest is dropped and the connection reset. wait_closed() makes sure.
    void close() { connection()->close_when_sent(); }

    /// Waits until the connection is closed. Throws std::system_error if it failed before all was sent.
    [[nodiscard]] Task<Reply<void>> wait_closed() { return detail::StreamConnection::wait_closed(connection()); }

    /// How many bytes are still to be handed to the system.
    [[nodiscard]] std::size_t unsent() const { return connection()->unsent(); }

    /// Where the peer is.
    [[nodiscard]] const Address& peer() const { return connection()->peer(); }

    /// Our end of the connection; no address once it is closed.
    [[nodiscard]] Address local() const { return Address::of_socket(connection()->descriptor()); }

private:
    [[nodiscard]] const std::shared_ptr<detail::StreamConnection>& connection() const {
        if (connection_ == nullptr) detail::misuse("rouse: StreamWriter: it was moved from");
        return connection_;
    }

    std::shared_ptr<detail::StreamConnection> connection_;
};

} // namespace ROUSE_ABI
} // namespace rouse

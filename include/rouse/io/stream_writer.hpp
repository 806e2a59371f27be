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
#include <rouse/io/detail/wrap.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// Sends bytes to the peer, and closes the connection: destroying the writer has the effect of close(). Move-only.
///
/// For the tasks of the loop that the connection was made on.
///
/// Bytes are sent in the order in which they were written. If the connection fails, unsent bytes are dropped, and
/// drain() throws a std::system_error that names the peer; running out of memory for unsent bytes has the same effect.
/// Whenever bytes are dropped, the connection ends in a reset, so the peer cannot mistake the stream for complete.
/// Without exceptions, drain(), wait_closed() and the options return a Result<void> with the error that would be
/// thrown.
///
/// A write that the system takes whole costs one system call and no allocation; the rest of any other write is copied.
class StreamWriter {
public:
    /// Takes over the connection. The other writer may then only be assigned to or destroyed.
    StreamWriter(StreamWriter&&) noexcept = default;
    /// Closes the present connection, as by close(), and takes over the other.
    StreamWriter& operator=(StreamWriter&& other) noexcept {
        StreamWriter before{std::exchange(connection_, std::move(other.connection_))};
        return *this;
    }
    ~StreamWriter() {
        if (connection_ != nullptr) connection_->close_when_sent();
    }

    /// Sends what the system takes at once, copies the rest, and sends that while the loop runs. Never waits: call
    /// drain() after it, or memory may grow without bound. UsageError after write_eof() or close().
    void write(std::string_view bytes) { connection()->write(bytes); }

    /// Writes several pieces with one system call.
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

    /// If more bytes than the high-water mark (64 KiB) are unsent, waits until at most the low-water mark (16 KiB) are.
    /// Otherwise returns at once, except that one call in 16 lets the other tasks run. Throws std::system_error if the
    /// connection has failed. Cancelling it loses nothing.
    [[nodiscard]] Task<Reply<void>> drain() { return detail::StreamConnection::drain(connection()); }

    /// Sets the marks that drain() uses, in bytes. UsageError if `low` is greater than `high`.
    void set_water_marks(std::size_t low, std::size_t high) { connection()->set_water_marks(low, high); }

    /// Turns Nagle's algorithm off (true, the default here) or on. With it, small pieces are held back until the peer
    /// has acknowledged what was sent before. Throws std::system_error if the connection is not TCP.
    Reply<void> set_nodelay(bool on) { return connection()->set_option(IPPROTO_TCP, TCP_NODELAY, on); }

    /// Turns keep-alive probes on or off. With them, the system checks an idle connection (on Linux, after two hours),
    /// and the connection fails if the peer does not answer. Throws std::system_error if the system refuses.
    Reply<void> set_keepalive(bool on) { return connection()->set_option(SOL_SOCKET, SO_KEEPALIVE, on); }

    /// Ends this half of the connection after all written bytes: the peer then reads the end, and may continue to send.
    void write_eof() { connection()->write_eof(); }

    /// Closes the connection once all written bytes have been sent. Returns at once; a separate task keeps the
    /// connection until then. If run() ends earlier, the rest is dropped and the connection reset: call wait_closed()
    /// to make sure.
    void close() { connection()->close_when_sent(); }

    /// Waits until the connection is closed. Throws std::system_error if it failed before all bytes were sent.
    [[nodiscard]] Task<Reply<void>> wait_closed() { return detail::StreamConnection::wait_closed(connection()); }

    /// The number of written bytes that the system has not yet taken.
    [[nodiscard]] std::size_t unsent() const { return connection()->unsent(); }

    /// The address of the peer.
    [[nodiscard]] const Address& peer() const { return connection()->peer(); }

    /// The address of this end of the connection; no address once it is closed.
    [[nodiscard]] Address local() const { return Address::of_socket(connection()->descriptor()); }

private:
    template <class Object, class State>
    friend Object detail::wrap(std::shared_ptr<State> state) noexcept;
    explicit StreamWriter(std::shared_ptr<detail::StreamConnection> connection) noexcept
        : connection_{std::move(connection)} {}

    [[nodiscard]] const std::shared_ptr<detail::StreamConnection>& connection() const {
        if (connection_ == nullptr)
            detail::misuse("rouse: StreamWriter: it was moved from; use the one that it was moved to");
        connection_->owner().check_thread(
            "rouse: StreamWriter: used on another thread than that of the loop whose tasks use it; pass the bytes to a "
            "task of that loop through a ThreadSafeQueue");
        return connection_;
    }

    std::shared_ptr<detail::StreamConnection> connection_;
};

} // namespace ROUSE_ABI
} // namespace rouse

// DatagramSocket: UDP, with anybody or with one peer.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/io/detail/datagram_channel.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// Sends and receives datagrams by UDP: each arrives whole or not at all, perhaps twice, in any order. Move-only; for
/// the tasks of the loop that it was made on. Any number of them may send at a time; one may receive (a second one that
/// would have to wait gets a UsageError). It may be moved while it is used. Destroying it is close().
///
/// Cancelling loses nothing: a datagram that has come is there for the next receive; one whose send was cancelled has
/// not been sent. After an error the socket goes on.
///
/// Without exceptions, what may fail gives a Result, with the error that would be thrown.
///
/// What is there already is received, and sent if there is room, without a turn of the loop, except now and then.
class DatagramSocket {
public:
    /// For the library: see bind() and connect().
    explicit DatagramSocket(std::shared_ptr<detail::DatagramChannel> channel) noexcept : channel_{std::move(channel)} {}
    /// Takes the socket over; only assignment and destruction are allowed of the other then.
    DatagramSocket(DatagramSocket&&) noexcept = default;
    /// Closes the socket that was here, and takes the other over.
    DatagramSocket& operator=(DatagramSocket&& other) noexcept {
        DatagramSocket before{std::exchange(channel_, std::move(other.channel_))};
        return *this;
    }
    ~DatagramSocket() {
        if (channel_ != nullptr) channel_->close();
    }

    /// The most bytes that a datagram may have over IPv4. (20 more over IPv6.)
    static constexpr std::size_t largest = 65507;

    /// A socket at an address of this machine, for datagrams from and to anybody. Port 0 is any that is free. An empty
    /// host is all addresses, IPv4 and IPv6; of one that has several, it is the first that this machine has. Resolving
    /// a name blocks the loop, see Address::resolve. Throws std::system_error that names host and port; UsageError if
    /// there is no loop on an EpollPort.
    [[nodiscard]] static Reply<DatagramSocket> bind(const std::string& host, std::uint16_t port) {
        return detail::open_datagram_socket<DatagramSocket>(host, port, Address::Use::listen);
    }

    /// A socket at a free port, for datagrams from and to one peer: the first address of the host that there is a way
    /// to; whether anybody is there it does not ask. Otherwise as bind(). UsageError for port 0.
    [[nodiscard]] static Reply<DatagramSocket> connect(const std::string& host, std::uint16_t port) {
        if (port == 0) detail::misuse("rouse: DatagramSocket::connect: the peer's port must not be 0");
        return detail::open_datagram_socket<DatagramSocket>(host, port, Address::Use::connect);
    }

    /// Where it is bound, also after close(). "[::]" for all addresses.
    [[nodiscard]] const Address& local() const { return channel()->local(); }

    /// The one peer; no address if it has not been connected.
    [[nodiscard]] const Address& peer() const { return channel()->peer(); }

    /// Sends one datagram, perhaps an empty one; `bytes` must stay until then. Waits while the system has no room for
    /// it. Throws std::system_error that names the peer and the size: EMSGSIZE if it is too large; EBADF once the
    /// socket is closed. UsageError if the socket is connected.
    [[nodiscard]] Task<Reply<void>> send_to(std::string_view bytes, const Address& to) {
        if (peer().size() > 0)
            detail::misuse("rouse: DatagramSocket::send_to: it is connected to one peer; use send()");
        return detail::DatagramChannel::send(channel(), bytes, to);
    }

    /// The same to the one peer. ECONNREFUSED: nobody was there for an earlier datagram, and this one is not sent.
    /// UsageError if the socket is not connected.
    [[nodiscard]] Task<Reply<void>> send(std::string_view bytes) {
        if (peer().size() == 0)
            detail::misuse("rouse: DatagramSocket::send: it is not connected to a peer; use send_to()");
        return detail::DatagramChannel::send(channel(), bytes, Address{});
    }

    /// Waits for a datagram. Throws std::system_error: ECONNREFUSED, on a connected socket, if nobody was there for one
    /// that was sent, with the name of the peer; EBADF once the socket is closed. Or std::bad_alloc: it is lost then.
    [[nodiscard]] Task<Reply<Datagram>> receive() { return detail::DatagramChannel::receive(channel()); }

    /// The same into the caller's memory, which must stay until then. UsageError if there is none.
    [[nodiscard]] Task<Reply<ReceivedInto>> receive_into(std::span<char> bytes) {
        if (bytes.empty()) detail::misuse("rouse: DatagramSocket::receive_into: the span is empty");
        return detail::DatagramChannel::receive_into(channel(), bytes);
    }

    /// Closes at once; those who wait get a std::system_error, EBADF. Does nothing the second time. What has come and
    /// was not received is lost.
    void close() { channel()->close(); }

private:
    [[nodiscard]] const std::shared_ptr<detail::DatagramChannel>& channel() const {
        if (channel_ == nullptr) detail::misuse("rouse: DatagramSocket: it was moved from");
        return channel_;
    }

    std::shared_ptr<detail::DatagramChannel> channel_;
};

} // namespace ROUSE_ABI
} // namespace rouse

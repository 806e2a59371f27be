// DatagramSocket: UDP, with any number of peers or with one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/io/detail/datagram_channel.hpp>
#include <rouse/io/detail/wrap.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// Sends and receives datagrams over UDP: each arrives whole or not at all, possibly twice, in any order. Move-only; it
/// may be moved while tasks use it. Destroying it has the effect of close().
///
/// For the tasks of the loop that it was made on. Any number of tasks may send at a time, and one may receive: a second
/// task that would have to wait gets a UsageError.
///
/// Cancelling loses nothing: a datagram that has arrived is left for the next receive, and one whose send was cancelled
/// has not been sent. The socket can be used after an error. Without exceptions, functions that may fail return a
/// Result with the error that would be thrown.
///
/// A datagram that has arrived, or that the system has room for, is received or sent at once, with one system call and
/// without a turn of the loop, except that now and then the other tasks run first.
class DatagramSocket {
public:
    /// Takes over the socket. The other object may then only be assigned to or destroyed.
    DatagramSocket(DatagramSocket&&) noexcept = default;
    /// Closes the present socket, as by close(), and takes over the other.
    DatagramSocket& operator=(DatagramSocket&& other) noexcept {
        DatagramSocket before{std::exchange(channel_, std::move(other.channel_))};
        return *this;
    }
    ~DatagramSocket() {
        if (channel_ != nullptr) channel_->close();
    }

    /// The greatest size of a datagram over IPv4, in bytes. (20 more over IPv6.)
    static constexpr std::size_t largest = 65507;

    /// Makes a socket at an address of this machine, for datagrams from and to any peer. Port 0 means any free port. An
    /// empty host means all addresses, IPv4 and IPv6; if a host has several addresses, the first that this machine has
    /// is used. Resolving a name blocks the loop, see Address::resolve(). Throws std::system_error that names host and
    /// port; UsageError if there is no loop, or its port cannot watch descriptors.
    [[nodiscard]] static Reply<DatagramSocket> bind(const std::string& host, std::uint16_t port) {
        return detail::open_datagram_socket<DatagramSocket>(host, port, Address::Use::listen);
    }

    /// Makes a socket at a free port, for datagrams from and to one peer: the first address of the host that has a
    /// route. It does not check whether the peer exists. Otherwise like bind(). UsageError for port 0.
    [[nodiscard]] static Reply<DatagramSocket> connect(const std::string& host, std::uint16_t port) {
        if (port == 0) detail::misuse("rouse: DatagramSocket::connect: the peer's port must not be 0");
        return detail::open_datagram_socket<DatagramSocket>(host, port, Address::Use::connect);
    }

    /// The address that it is bound to, also after close(); "[::]" for all addresses.
    [[nodiscard]] const Address& local() const { return channel()->local(); }

    /// The address of the one peer; no address if the socket is not connected.
    [[nodiscard]] const Address& peer() const { return channel()->peer(); }

    /// Sends one datagram, which may be empty. Waits while the system has no room for it; `bytes` must stay valid until
    /// it returns. Throws std::system_error that names the peer and the size: EMSGSIZE if it is too large, EBADF if the
    /// socket is closed. UsageError if the socket is connected.
    [[nodiscard]] Task<Reply<void>> send_to(std::string_view bytes, const Address& to) {
        if (peer().size() > 0)
            detail::misuse("rouse: DatagramSocket::send_to: it is connected to one peer; use send()");
        return detail::DatagramChannel::send(channel(), bytes, to);
    }

    /// Sends one datagram to the one peer, like send_to(). The error ECONNREFUSED means that an earlier datagram found
    /// no receiver; this one is not sent. UsageError if the socket is not connected.
    [[nodiscard]] Task<Reply<void>> send(std::string_view bytes) {
        if (peer().size() == 0)
            detail::misuse("rouse: DatagramSocket::send: it is not connected to a peer; use send_to()");
        return detail::DatagramChannel::send(channel(), bytes, Address{});
    }

    /// Waits for a datagram. Throws std::system_error: on a connected socket, ECONNREFUSED with the name of the peer if
    /// a datagram that was sent found no receiver; EBADF if the socket is closed. Throws std::bad_alloc if there is no
    /// memory for the datagram, which is lost then.
    [[nodiscard]] Task<Reply<Datagram>> receive() { return detail::DatagramChannel::receive(channel()); }

    /// Like receive(), into the caller's memory, which must stay valid until it returns. UsageError if the span is
    /// empty.
    [[nodiscard]] Task<Reply<ReceivedInto>> receive_into(std::span<char> bytes) {
        if (bytes.empty()) detail::misuse("rouse: DatagramSocket::receive_into: the span must not be empty");
        return detail::DatagramChannel::receive_into(channel(), bytes);
    }

    /// Closes the socket at once. Waiting tasks get a std::system_error, EBADF; datagrams that were not received are
    /// lost. Does nothing the second time.
    void close() { channel()->close(); }

private:
    template <class Object, class State>
    friend Object detail::wrap(std::shared_ptr<State> state) noexcept;
    explicit DatagramSocket(std::shared_ptr<detail::DatagramChannel> channel) noexcept : channel_{std::move(channel)} {}

    [[nodiscard]] const std::shared_ptr<detail::DatagramChannel>& channel() const {
        if (channel_ == nullptr)
            detail::misuse("rouse: DatagramSocket: it was moved from; use the one that it was moved to");
        channel_->owner().check_thread(
            "rouse: DatagramSocket: used on another thread than that of the loop whose tasks use it; pass the bytes to "
            "a task of that loop through a ThreadSafeQueue");
        return channel_;
    }

    std::shared_ptr<detail::DatagramChannel> channel_;
};

} // namespace ROUSE_ABI
} // namespace rouse

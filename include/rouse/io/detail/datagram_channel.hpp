// Datagram, ReceivedInto, and DatagramChannel: the state that a DatagramSocket shares with the tasks that wait in it.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <rouse/core/task.hpp>
#include <rouse/io/address.hpp>
#include <rouse/io/detail/descriptor.hpp>
#include <rouse/io/detail/socket.hpp>
#include <rouse/io/detail/wrap.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// Returned by DatagramSocket::receive().
struct Datagram {
    std::string bytes; ///< Its bytes; there may be none.
    Address from;      ///< The address of the sender.
    bool cut = false;  ///< Whether it was longer; the rest is lost.
};

/// Returned by DatagramSocket::receive_into().
struct ReceivedInto {
    std::size_t bytes = 0; ///< The number of bytes put into the caller's memory.
    Address from;          ///< The address of the sender.
    bool cut = false;      ///< Whether it was longer than the memory; the rest is lost.
};

namespace detail {

/// Sends and receives datagrams for a DatagramSocket and the tasks that wait in it. For the thread of its loop. A
/// cancelled wait loses nothing. An idle channel has no buffer.
///
/// It does not use Socket::receive(), which takes a short read for a drained socket: another datagram may follow a
/// short one. Here only EAGAIN exhausts a direction.
class DatagramChannel final : public Socket {
public:
    /// Takes over a non-blocking descriptor for datagrams; see Socket. `peer` is no address if it is not connected.
    DatagramChannel(Descriptor&& taken, const Address& peer, int& error)
        : Socket{std::move(taken), error}, local_{Address::of_socket(descriptor())}, peer_{peer} {
        output_slot().make_ready(loop());
    }

    [[nodiscard]] const Address& local() const noexcept { return local_; }
    [[nodiscard]] const Address& peer() const noexcept { return peer_; }

    /// Sends to the connected peer if `to` is no address. `bytes` must stay valid until it returns.
    static Task<Reply<void>> send(std::shared_ptr<DatagramChannel> channel, std::string_view bytes, Address to) {
        for (;;) {
            co_await channel->output_slot().wait();
            const int error = channel->try_to_send(bytes, to);
            if (error == 0) co_return done();
            if (error != EAGAIN) co_return channel->cannot_send(error, bytes.size(), to);
        }
    }

    static Task<Reply<Datagram>> receive(std::shared_ptr<DatagramChannel> channel) {
        Datagram datagram;
        for (;;) {
            co_await channel->incoming();
            const int error = channel->take(datagram);
            if (error == 0) co_return std::move(datagram);
            if (error != EAGAIN) co_return channel->cannot_receive<Datagram>(error);
        }
    }

    static Task<Reply<ReceivedInto>> receive_into(std::shared_ptr<DatagramChannel> channel, std::span<char> bytes) {
        ReceivedInto received;
        for (;;) {
            co_await channel->incoming();
            const int error = channel->take_into(bytes, received);
            if (error == 0) co_return received;
            if (error != EAGAIN) co_return channel->cannot_receive<ReceivedInto>(error);
        }
    }

private:
    [[nodiscard]] WatchSlot::Awaiter incoming() {
        return input_slot().wait_alone("rouse: DatagramSocket: another task is receiving from it; one at a time may");
    }

    template <class T>
    [[nodiscard]] Reply<T> cannot(int error, const std::string& what) const {
        return failed<T>(error, is_open() ? what : what + ", as the socket is closed");
    }

    // Returns 0 or an errno: EAGAIN if there is no room yet.
    int try_to_send(std::string_view bytes, const Address& to) noexcept {
        const sockaddr* const place = to.size() > 0 ? to.data() : nullptr;
        return transfer(
                   output_slot(),
                   [&] { return ::sendto(descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL, place, to.size()); })
            .error;
    }

    Reply<void> cannot_send(int error, std::size_t size, const Address& to) const {
        const std::string peer = (to.size() > 0 ? to : peer_).text();
        return cannot<void>(error, "cannot send a datagram of " + std::to_string(size) + " bytes to " + peer);
    }

    // Returns 0 or an errno: EAGAIN if there is no datagram yet.
    int take_into(std::span<char> bytes, ReceivedInto& received) noexcept {
        sockaddr_storage from{};
        iovec place{bytes.data(), bytes.size()};
        msghdr message{};
        message.msg_name = &from;
        message.msg_namelen = sizeof from;
        message.msg_iov = &place;
        message.msg_iovlen = 1;
        const Transfer done = transfer(input_slot(), [&] { return ::recvmsg(descriptor(), &message, 0); });
        if (done.error == 0)
            received = {done.bytes, unmapped(from, message.msg_namelen), (message.msg_flags & MSG_TRUNC) != 0};
        return done.error;
    }

    int take(Datagram& datagram) {
        const std::span<char> bytes = scratch(); // the port's: a waiting socket has no buffer
        ReceivedInto received;
        const int error = take_into(bytes, received);
        if (error == 0) datagram = {std::string{bytes.data(), received.bytes}, received.from, received.cut};
        return error;
    }

    template <class T>
    [[nodiscard]] Reply<T> cannot_receive(int error) const {
        const bool connected = peer_.size() > 0;
        return cannot<T>(error, "cannot receive " + (connected ? "from " + peer_.text() : "at " + local_.text()));
    }

    // A socket for both IPv4 and IPv6 shows IPv4 peers as ::ffff:1.2.3.4. Turns that into the plain IPv4 address.
    static Address unmapped(const sockaddr_storage& address, socklen_t size) noexcept {
        const auto& six = reinterpret_cast<const sockaddr_in6&>(address);
        if (address.ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&six.sin6_addr))
            return Address{reinterpret_cast<const sockaddr*>(&address), size};
        sockaddr_in four{};
        four.sin_family = AF_INET;
        four.sin_port = six.sin6_port;
        std::memcpy(&four.sin_addr, &six.sin6_addr.s6_addr[12], sizeof four.sin_addr);
        return Address{reinterpret_cast<const sockaddr*>(&four), sizeof four};
    }

    Address local_;
    Address peer_;
};

/// Opens a socket that is bound to an address of this machine, or connected to a peer. With `for_both`, an IPv6 socket
/// also serves IPv4. Returns 0 or an errno.
inline int open_channel(const Address& address, Address::Use use, bool for_both,
                        std::shared_ptr<DatagramChannel>& opened) {
    Descriptor descriptor{::socket(address.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!descriptor) return errno;
    const int only = for_both ? 0 : 1;
    if (address.family() == AF_INET6) ::setsockopt(descriptor.number(), IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    const bool connects = use == Address::Use::connect;
    const int done = connects ? ::connect(descriptor.number(), address.data(), address.size())
                              : ::bind(descriptor.number(), address.data(), address.size());
    if (done != 0) return errno;
    int error = 0;
    opened = std::make_shared<DatagramChannel>(std::move(descriptor), connects ? address : Address{}, error);
    return error;
}

/// Opens a socket at the first of a host's addresses where this succeeds, and returns it as a Socket. The error names
/// the host and the port.
template <class Socket>
[[nodiscard]] Reply<Socket> open_datagram_socket(const std::string& host, std::uint16_t port, Address::Use use) {
    Reply<std::vector<Address>> resolved = Address::resolve(host, port, use);
    if (is_error(resolved)) return failed<Socket>(error_of(resolved));
    std::vector<Address>& addresses = value_of(resolved);
    const bool connects = use == Address::Use::connect;
    const bool for_both = !connects && host.empty();
    if (for_both) { // IPv6 first, as its socket also serves IPv4
        std::partition(addresses.begin(), addresses.end(), [](const Address& a) { return a.family() == AF_INET6; });
    }
    int error_of_first = 0;
    for (const Address& address : addresses) {
        std::shared_ptr<DatagramChannel> channel;
        const int error = open_channel(address, use, for_both, channel);
        if (error == 0) return wrap<Socket>(std::move(channel));
        if (error_of_first == 0) error_of_first = error;
        if (connects || error == EAFNOSUPPORT || error == EADDRNOTAVAIL) continue;
        error_of_first = error; // this machine has the address, but it is in use or not permitted
        break;
    }
    const std::string name = !host.empty() ? host : connects ? "this machine" : "any address";
    const std::string what = (connects ? "cannot connect to " : "cannot bind to ") + host_and_port(name, port);
    return failed<Socket>(error_of_first, what);
}

} // namespace detail

} // namespace ROUSE_ABI
} // namespace rouse

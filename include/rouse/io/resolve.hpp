// resolve: names of hosts become addresses, without blocking the loop.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <rouse/io/address.hpp>
#include <rouse/threads/unblock.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

/// Whether a host is an address in digits, for which nobody has to be asked.
inline bool is_numeric(const std::string& host) noexcept {
    in6_addr unused;
    return ::inet_pton(AF_INET, host.c_str(), &unused) == 1 || ::inet_pton(AF_INET6, host.c_str(), &unused) == 1;
}

} // namespace detail

/// `co_await resolve(host, port)`: as Address::resolve, but a name is looked up on a thread of its own, while the other
/// tasks go on. If the task is cancelled the thread ends by itself when the system's time limit is over.
[[nodiscard]] inline Task<Reply<std::vector<Address>>> resolve(std::string host, std::uint16_t port,
                                                               Address::Use use = Address::Use::connect) {
    if (host.empty() || detail::is_numeric(host)) co_return Address::resolve(host, port, use);
    co_return co_await unblock(&Address::resolve, std::move(host), port, use);
}

} // namespace ROUSE_ABI
} // namespace rouse

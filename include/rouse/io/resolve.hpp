// resolve: looks up the addresses of a host without blocking the loop.
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

/// Whether a host is a numeric address, which needs no name server.
inline bool is_numeric(const std::string& host) noexcept {
    in6_addr unused;
    return ::inet_pton(AF_INET, host.c_str(), &unused) == 1 || ::inet_pton(AF_INET6, host.c_str(), &unused) == 1;
}

} // namespace detail

/// Looks up the addresses of a host like Address::resolve(), but a name on a separate thread, while the other tasks
/// run. For tasks of any loop. Throws std::system_error that names the host. Cancelling it abandons the lookup: the
/// thread ends by itself when the system's time limit is over. Costs a thread for each name, and nothing for a numeric
/// address.
[[nodiscard]] inline Task<Reply<std::vector<Address>>> resolve(std::string host, std::uint16_t port,
                                                               Address::Use use = Address::Use::connect) {
    if (host.empty() || detail::contains_nul(host) || detail::is_numeric(host))
        co_return Address::resolve(host, port, use);
    co_return co_await unblock(&Address::resolve, std::move(host), port, use);
}

} // namespace ROUSE_ABI
} // namespace rouse

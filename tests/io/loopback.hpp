// A connection to test with: our streams at one end, and at the other a plain socket that does exactly what it is told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rouse/io/open_connection.hpp>
#include <rouse/rouse.hpp>

namespace loopback {

/// The descriptors that this process has open.
inline std::ptrdiff_t open_descriptors() {
    return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, std::filesystem::directory_iterator{});
}

/// No test takes longer than this many seconds.
struct Deadline {
    explicit Deadline(unsigned seconds = 30) { ::alarm(seconds); }
    ~Deadline() { ::alarm(0); }
};

/// Runs a test, for as long as it may take.
inline void bounded(rouse::Task<> test, unsigned seconds = 30) {
    const Deadline deadline{seconds};
    rouse::run(std::move(test));
}

/// A plain socket; closed when destroyed.
class Plain {
public:
    explicit Plain(int descriptor) : descriptor_{descriptor} {
        if (descriptor < 0) throw std::runtime_error{"no socket to test with"};
    }
    Plain(Plain&& other) noexcept : descriptor_{std::exchange(other.descriptor_, -1)} {}
    Plain& operator=(Plain&&) = delete;
    ~Plain() { close(); }

    /// Listens on a free port of 127.0.0.1.
    static Plain listening(int backlog = 8) {
        Plain socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::bind(socket.descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(socket.descriptor_, backlog) != 0) {
            throw std::runtime_error{"cannot listen"};
        }
        return socket;
    }

    /// Connected to that port of 127.0.0.1.
    static Plain connected(std::uint16_t port) {
        Plain socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        socket.connect(port);
        return socket;
    }
    void connect(std::uint16_t port) const {
        const rouse::Address address = rouse::Address::resolve("127.0.0.1", port).front();
        if (::connect(descriptor_, address.data(), address.size()) != 0) throw std::runtime_error{"cannot connect"};
    }

    Plain accept() const { return Plain{::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC)}; }

    std::uint16_t port() const { return rouse::Address::of_socket(descriptor_).port(); }
    int descriptor() const { return descriptor_; }

    /// Returns how many went without waiting.
    std::size_t send(std::string_view bytes) const {
        const auto count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return count < 0 ? 0 : static_cast<std::size_t>(count);
    }

    /// What is there to be read now; `end` tells whether the end came after it.
    std::string take(bool* end = nullptr) const {
        std::string all;
        char part[65536];
        for (;;) {
            const auto count = ::recv(descriptor_, part, sizeof part, MSG_DONTWAIT);
            if (end != nullptr) *end = count == 0;
            if (count <= 0) return all;
            all.append(part, static_cast<std::size_t>(count));
        }
    }

    void end() const { ::shutdown(descriptor_, SHUT_WR); }

    void close() {
        if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
    }

    void reset() {
        const linger at_once{1, 0};
        ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close();
    }

private:
    int descriptor_;
};

struct Connection {
    rouse::StreamReader reader;
    rouse::StreamWriter writer;
    Plain peer;
};

inline rouse::Task<Connection> connect() {
    const Plain listener = Plain::listening();
    auto [reader, writer] = co_await rouse::open_connection("127.0.0.1", listener.port());
    co_return Connection{std::move(reader), std::move(writer), listener.accept()};
}

/// A handler that sends everything back until the client has ended its half.
inline rouse::Task<> echo(rouse::StreamReader reader, rouse::StreamWriter writer) {
    for (;;) {
        const std::string part = co_await reader.read(8192);
        if (part.empty()) break;
        writer.write(part);
        co_await writer.drain();
    }
}

/// A handler that reads, to no purpose.
inline rouse::Task<> until_cancelled(rouse::StreamReader reader, rouse::StreamWriter) { co_await reader.read(); }

/// Lets the loop see what the peer has done.
inline rouse::Task<> settle() { co_await rouse::sleep(std::chrono::milliseconds{5}); }

/// Bytes that differ from place to place.
inline std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    std::uint32_t state = 7;
    for (char& byte : bytes) {
        state = state * 1664525 + 1013904223;
        byte = static_cast<char>(state >> 24);
    }
    return bytes;
}

/// What `task` throws, in words; empty if it does not.
template <class E, class T>
rouse::Task<std::string> thrown(rouse::Task<T> task) {
    try {
        static_cast<void>(co_await task);
    } catch (const E& error) {
        co_return std::string{error.what()};
    }
    co_return std::string{};
}

} // namespace loopback

// EchoLoad: the clients of an echo server, the same for every side: N connections on which 64 bytes go out, come back,
// are compared, and go out again. One thread, which never sleeps while it waits for answers, so that the server's sends
// do not pay for waking it.
#pragma once

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {

class EchoLoad {
public:
    static constexpr std::size_t message_bytes = 64;

    /// Connects to 127.0.0.1. Each connection is used once, so that the server has accepted all.
    EchoLoad(std::uint16_t port, int connections)
        : epoll_{::epoll_create1(EPOLL_CLOEXEC)}, clients_(static_cast<std::size_t>(connections)) {
        constexpr std::size_t at_once = 100; // fewer than any backlog
        for (std::size_t i = 0; i < clients_.size(); ++i) {
            connect(clients_[i], port);
            if ((i + 1) % at_once == 0) once(i + 1 - at_once, i + 1);
        }
        once(clients_.size() - clients_.size() % at_once, clients_.size());
    }
    ~EchoLoad() {
        for (const Client& client : clients_) ::close(client.descriptor);
        ::close(epoll_);
    }
    EchoLoad(const EchoLoad&) = delete;
    EchoLoad& operator=(const EchoLoad&) = delete;

    /// Makes requests for so long, on all connections at once, and returns how many. Ends the program if an answer is
    /// not what was sent.
    long run_for(std::chrono::nanoseconds time) {
        using Clock = std::chrono::steady_clock;
        const auto end = Clock::now() + time;
        return run(0, clients_.size(), [end] { return Clock::now() < end; });
    }

private:
    struct Client {
        int descriptor = -1;
        std::uint64_t sent = 0;
        std::size_t received = 0; // of the present answer
    };

    [[noreturn]] static void fail(const char* what) {
        std::perror(what);
        std::exit(1);
    }

    void connect(Client& client, std::uint16_t port) {
        client.descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (client.descriptor < 0) fail("echo load: socket");
        const int on = 1;
        ::setsockopt(client.descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
        address.sin_port = ::htons(port);
        if (::connect(client.descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            fail("echo load: connect");
        epoll_event event{};
        event.events = EPOLLIN | EPOLLET;
        event.data.ptr = &client;
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, client.descriptor, &event) != 0) fail("echo load: epoll_ctl");
    }

    // No two connections, and no two requests on one, send the same.
    std::array<std::uint64_t, message_bytes / 8> message(const Client& client) const {
        std::array<std::uint64_t, message_bytes / 8> words;
        words.fill(client.sent);
        words.front() = static_cast<std::uint64_t>(&client - clients_.data());
        return words;
    }

    void send(Client& client) {
        ++client.sent;
        client.received = 0;
        if (::send(client.descriptor, message(client).data(), message_bytes, MSG_NOSIGNAL) != message_bytes)
            fail("echo load: send");
    }

    // True if the answer is complete.
    bool receive(Client& client) {
        std::array<char, message_bytes> answer;
        const ssize_t count = ::recv(client.descriptor, answer.data(), message_bytes - client.received, MSG_DONTWAIT);
        if (count < 0 && errno == EAGAIN) return false;
        if (count <= 0) fail("echo load: recv");
        const auto expected = message(client);
        if (std::memcmp(answer.data(), reinterpret_cast<const char*>(expected.data()) + client.received,
                        static_cast<std::size_t>(count)) != 0) {
            std::fprintf(stderr, "echo load: an answer is not what was sent\n");
            std::exit(1);
        }
        client.received += static_cast<std::size_t>(count);
        return client.received == message_bytes;
    }

    void once(std::size_t first, std::size_t last) {
        run(first, last, [] { return false; });
    }

    // On each of a part of the connections once, and again for as long as more() is true.
    template <class More>
    long run(std::size_t first, std::size_t last, More more) {
        std::array<epoll_event, 128> events;
        std::size_t unanswered = last - first;
        long answered = 0;
        for (; first != last; ++first) send(clients_[first]);
        for (bool go_on = true; unanswered > 0;) {
            const int count = ::epoll_wait(epoll_, events.data(), events.size(), 0);
            go_on = go_on && more();
            for (int i = 0; i < count; ++i) {
                Client& client = *static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
                if (!receive(client)) continue;
                ++answered;
                if (go_on) {
                    send(client);
                } else {
                    --unanswered;
                }
            }
        }
        return answered;
    }

    int epoll_;
    std::vector<Client> clients_;
};

} // namespace bench

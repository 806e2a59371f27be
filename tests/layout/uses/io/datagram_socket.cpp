#include <rouse/io/datagram_socket.hpp>

rouse::Task<bool> echo() {
    rouse::DatagramSocket socket = rouse::DatagramSocket::bind("127.0.0.1", 0);
    co_await socket.send_to("hello", socket.local());
    const rouse::Datagram datagram = co_await socket.receive();
    co_return datagram.from == socket.local();
}

int main() { return rouse::run(echo()) ? 0 : 1; }

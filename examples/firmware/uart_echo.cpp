// The firmware's echo server: bytes come by the UART's interrupt into a RingIO, a task reads them and writes them back,
// and the interrupt sends them. Ends when it gets Ctrl-D (4). Status 1 if a byte was lost.
#include "run_task.hpp"

static void send_next();

// The task starts the transmitter when it was idle, by sending the first byte.
static constinit rouse::RingIO<64, send_next> uart;

static void send_next() {
    if (const auto byte = uart.next_to_send()) board::send_to_uart(*byte);
}

extern "C" void uart_interrupt() {
    if (board::uart_has_byte()) uart.received(board::take_from_uart());
    if (board::uart_has_sent()) send_next();
}

static rouse::Task<int> main_task() {
    constexpr char ctrl_d = 4;
    std::uint32_t echoed = 0;
    char bytes[32];
    for (bool end = false; !end;) {
        std::size_t count = co_await uart.read(bytes);
        if (count == 0) {
            board::print("lost ", uart.lost(), " bytes behind the first ", echoed, "\n");
            co_return 1;
        }
        end = bytes[count - 1] == ctrl_d;
        if (end) --count;
        co_await uart.write({bytes, count});
        echoed += static_cast<std::uint32_t>(count);
    }
    co_await uart.drain();
    board::print("echoed ", echoed, " bytes\n");
    co_return 0;
}

int main() {
    board::start_uart();
    return run_task(main_task());
}

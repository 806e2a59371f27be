// StreamConnection: the state that a StreamReader and a StreamWriter share: the socket, the bytes that were received
// and not yet read, the bytes that were written and not yet sent, and how the connection ended.
//
// The output side:
//
//              write: the system does not take all
//     idle  ---------------------------------------->  sending, whenever the socket is writable
//       ^  \                                                  |
//       |   \  write_eof(), close()                          | all is sent
//       |    '------------------->  shut, closed  <----------|  (after write_eof(), close())
//       '----------------------------------------------------'
//
// A failure in any state drops the output; tasks that read, drain or wait get the error. If anything was dropped,
// closing resets the connection, so that the peer gets an error too.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/start.hpp>
#include <rouse/core/sleep.hpp>
#include <rouse/core/task_handle.hpp>
#include <rouse/io/detail/byte_buffer.hpp>
#include <rouse/io/detail/socket.hpp>
#include <rouse/io/reply.hpp>
#include <rouse/sync/event.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// One end of a pipe or similar file, for error messages: the number of the descriptor that it was opened from, and its
/// direction.
struct PipeEnd {
    int number = -1;
    bool writes = false;

    [[nodiscard]] std::string text() const {
        if (number == STDIN_FILENO && !writes) return "standard input";
        if (number == STDOUT_FILENO && writes) return "standard output";
        if (number == STDERR_FILENO && writes) return "standard error";
        return "descriptor " + std::to_string(number);
    }
};

/// Buffers and sends for one connection or one end of a pipe. Shared by its StreamReader, its StreamWriter, and the
/// tasks that wait in either. For the thread of its loop.
///
/// Bytes are received and sent in order. A cancelled wait loses nothing. What was received before a failure can still
/// be read. An idle connection has no buffers.
class StreamConnection final : public Socket, public std::enable_shared_from_this<StreamConnection> {
public:
    /// Takes over a non-blocking descriptor that is connected or connecting; see Socket. For a file that is both read
    /// and written, such as a serial port, `peer` is its path, as of a Unix socket.
    StreamConnection(Descriptor&& taken, const Address& peer, int& error, Calls calls = Calls::of_socket)
        : Socket{std::move(taken), error, calls}, peer_{peer} {
        const int on = 1;
        if (peer.family() != AF_UNIX) ::setsockopt(descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        drained_.set();
    }

    /// Takes over one end of a pipe, to be read and written by `calls`. If it is `reopened`, input is tried at once:
    /// epoll does not report an end that was reached before.
    StreamConnection(Descriptor&& taken, PipeEnd end, Calls calls, bool reopened, int& error)
        : Socket{std::move(taken), error, calls}, end_{end} {
        drained_.set();
        if (reopened) input_slot().make_ready(loop());
    }

    /// The last owner is gone: the loop ends, or no task waited until all bytes were sent.
    ~StreamConnection() override {
        if (is_open() && !output_.empty()) make_close_a_reset();
    }

    [[nodiscard]] const Address& peer() const noexcept { return peer_; }

    // ---- input ------------------------------------------------------------------------------------------------------

    /// The bytes that were received and not yet read.
    [[nodiscard]] ByteBuffer& input() noexcept { return input_; }

    /// Whether no more bytes will be received.
    [[nodiscard]] bool ended() const noexcept { return ended_ || !is_open(); }

    /// Waits until receive_more() or receive_into() is worth a try. UsageError if another task waits.
    [[nodiscard]] auto more() {
        return input_slot().wait_alone("rouse: StreamReader: another task is reading from it; one at a time may");
    }

    /// Receives at most one chunk into input(), possibly nothing. False if the connection has failed, see failure().
    [[nodiscard]] bool receive_more() {
        std::span<char> bytes; // the port's: an idle connection has no buffer
        std::size_t count = 0;
        const auto find_memory = [&] {
            bytes = scratch();
            return true;
        };
        const auto keep = [&] {
            input_.append({bytes.data(), count});
            return true;
        };
        const bool has_memory = attempt(find_memory);
        if (has_memory && !receive_into(bytes, count)) return false;
        if (has_memory && attempt(keep)) return true;
        gap_ = true;
        connection_failed(ENOMEM);
        return false;
    }

    /// Receives into `bytes`, bypassing input(), which must be empty, and sets `count`, possibly to 0. Returns like
    /// receive_more().
    [[nodiscard]] bool receive_into(std::span<char> bytes, std::size_t& count) noexcept {
        count = 0;
        if (ended()) return true; // closed during the wait
        if (gap_) return false;
        const Transfer done = receive(bytes);
        count = done.bytes;
        if (count > 0) return true;
        if (done.error != 0 && done.error != EAGAIN) connection_failed(done.error);
        if (failure_ != 0) return false;
        ended_ = done.error == 0;
        return true;
    }

    /// The error that made the connection fail.
    template <class T>
    [[nodiscard]] Reply<T> failure() const {
        return failed<T>(failure_, is_pipe() ? what_of_pipe() : name());
    }

    /// "connection with 127.0.0.1 port 80", or the name of a pipe.
    [[nodiscard]] std::string name() const {
        return is_pipe() ? end_.text() : "connection with " + host_and_port(peer_);
    }

    // ---- output -----------------------------------------------------------------------------------------------------

    /// Sends what the system takes at once, and keeps the rest for later. Drops the bytes if the connection has failed.
    /// Without memory for the rest the connection fails; a part of the bytes may have been sent.
    void write(std::string_view bytes) {
        if (failure_ != 0) {
            lost_ = true;
            return;
        }
        if (output_end_ != OutputEnd::open)
            misuse(
                "rouse: StreamWriter::write: the output has been ended by write_eof() or close(); write before that");
        if (bytes.empty()) return;
        if (output_.empty()) {
            const Transfer done = send(bytes);
            if (done.error != 0 && done.error != EAGAIN) {
                lost_ = true;
                return connection_failed(done.error);
            }
            bytes.remove_prefix(done.bytes);
        }
        if (!attempt([&] {
                output_.append(bytes);
                return true;
            })) {
            lost_ = true;
            return connection_failed(ENOMEM);
        }
        if (output_.size() > high_water_) drained_.clear();
    }

    [[nodiscard]] std::size_t unsent() const noexcept { return output_.size(); }

    /// A writer is held back once more than `high` bytes are unsent, until at most `low` are.
    void set_water_marks(std::size_t low, std::size_t high) {
        if (low > high)
            misuse("rouse: StreamWriter::set_water_marks: the low mark must not be greater than the high mark");
        low_water_ = low;
        high_water_ = high;
        if (output_.size() > high) drained_.clear();
        if (output_.size() <= low) drained_.set();
    }

    /// Turns an option of the socket on or off. If the system refuses, the error names the peer.
    Reply<void> set_option(int level, int option, bool on) const {
        const int value = on ? 1 : 0;
        if (::setsockopt(descriptor(), level, option, &value, sizeof value) == 0) return done();
        const int error = errno;
        return failed<void>(error, "cannot set an option of the " + name());
    }

    /// Waits while the writer is held back. Returns the error that made the connection fail, if it has failed.
    static Task<Reply<void>> drain(std::shared_ptr<StreamConnection> connection) {
        // As WatchSlot does for input: a peer that takes everything must not keep the other tasks from running.
        if (++connection->drains_in_a_row_ % most_drains_in_a_row == 0) co_await yield();
        co_await connection->drained_.wait();
        if (connection->failure_ != 0) co_return connection->failure<void>();
        co_return done();
    }

    /// Ends this half of the connection once all bytes are sent.
    void write_eof() noexcept {
        if (output_end_ != OutputEnd::open) return;
        output_end_ = OutputEnd::shut;
        finish_output();
    }

    /// Closes once all bytes are sent: at once, or in a task that keeps the connection until then.
    void close_when_sent() {
        if (closing()) return;
        output_end_ = OutputEnd::closed;
        finish_output();
        if (!is_open()) return;
        const TaskHandle<> task = start(loop(), linger(shared_from_this()), "closing connection");
        if (!task) connection_failed(ENOMEM); // no task keeps it until all is sent
    }

    [[nodiscard]] bool closing() const noexcept { return output_end_ == OutputEnd::closed; }

    /// Closes at once and drops unsent bytes. To a writer that is left, the connection has failed.
    void abort() noexcept {
        output_end_ = OutputEnd::closed;
        if (is_open()) connection_failed(ECONNABORTED);
    }

    /// Waits until the connection is closed.
    [[nodiscard]] auto closed() noexcept { return closed_.wait(); }

    /// Waits until the connection is closed. Returns the error that made it fail, if written bytes were lost.
    static Task<Reply<void>> wait_closed(std::shared_ptr<StreamConnection> connection) {
        co_await connection->closed();
        if (connection->lost_ && connection->failure_ != 0) co_return connection->failure<void>();
        co_return done();
    }

    void on_ready(Readiness readiness) noexcept override {
        drains_in_a_row_ = 0;
        Socket::on_ready(readiness);
        if (output_.empty() || !output_slot().ready()) return;
        const Transfer done = send(output_.view());
        if (done.error != 0 && done.error != EAGAIN) return connection_failed(done.error);
        output_.consume(done.bytes);
        if (output_.size() <= low_water_) drained_.set();
        finish_output();
    }

private:
    enum class OutputEnd : std::uint8_t { open, shut, closed };
    static constexpr unsigned most_drains_in_a_row = 16;

    static Task<void> linger(std::shared_ptr<StreamConnection> connection) { co_await connection->closed(); }

    // If all bytes are sent, does what write_eof() or close_when_sent() asked for.
    void finish_output() noexcept {
        if (!output_.empty() || !is_open()) return;
        if (output_end_ == OutputEnd::shut && is_socket()) ::shutdown(descriptor(), SHUT_WR);
        if (output_end_ == OutputEnd::open || (output_end_ == OutputEnd::shut && is_socket())) return;
        if (lost_) make_close_a_reset(); // the peer must not mistake the bytes for complete
        close();
        drained_.set();
        closed_.set();
    }

    void connection_failed(int error) noexcept {
        if (failure_ == 0) failure_ = error;
        lost_ = lost_ || !output_.empty();
        output_.clear();
        drained_.set();
        wake_both();
        finish_output();
    }

    [[nodiscard]] bool is_pipe() const noexcept { return end_.number >= 0; }
    [[nodiscard]] std::string what_of_pipe() const {
        return (end_.writes ? "cannot write to " : "cannot read from ") + end_.text();
    }

    Address peer_; // no address for a pipe
    PipeEnd end_;  // empty for a connection
    ByteBuffer input_;
    ByteBuffer output_;
    std::size_t low_water_ = 16 * 1024;
    std::size_t high_water_ = 64 * 1024;
    Event drained_; // cleared while a writer is held back
    Event closed_;
    unsigned drains_in_a_row_ = 0; // since the last on_ready(), so since the loop's last turn
    int failure_ = 0;              // the errno that made the connection fail, or 0
    OutputEnd output_end_ = OutputEnd::open;
    bool ended_ = false; // the peer has ended its half
    bool lost_ = false;  // written bytes were dropped
    bool gap_ = false;   // received bytes were dropped for want of memory, so none after them may be read
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

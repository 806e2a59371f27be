// RingIO: a stream of bytes between an interrupt and a task, in both directions.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include <rouse/core/detail/atomic.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/task.hpp>
#include <rouse/threadsafe/thread_safe_flag.hpp>
#include <rouse/threadsafe/thread_safe_queue.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {
inline void start_nothing() noexcept {}
} // namespace detail

/// The byte stream of a UART, or of anything else that delivers and takes single bytes. At one end is the device: an
/// interrupt, or a thread, core or signal handler in its place. At the other are tasks that read and write. The reading
/// interface is that of StreamReader, but reads into the caller's memory instead of the heap. The bytes need not be
/// text.
///
/// `received()` and `next_to_send()` may be called from any context, each by one context at a time. `close()` and
/// `closed()` may be called from any context at any time. Everything else is for the tasks of one loop: one task at a
/// time reads and one writes; a second one that would have to wait gets a UsageError. The stream must outlive the tasks
/// that use it. Every call of the device's end must have returned before it is destroyed: join the thread or disable
/// the interrupt first.
///
/// Bytes arrive in order. A byte that finds no room is lost and counted, and so are all bytes after it until the reader
/// has been told. The reader gets every byte from before the gap, then 0 bytes as at the end of the stream, and asks
/// lost(). A readexactly() that returned 0 may have left bytes from before the gap; lost() reports the gap only after
/// read() has taken them. A cancelled read takes nothing out of the stream. A cancelled write may have written some of
/// its bytes.
///
/// The stream stores N bytes in each direction, and N more for the reader. Nothing is allocated except a frame for each
/// read, write and drain. It can be `constinit`. A byte costs what an item of a ThreadSafeQueue costs. In addition a
/// read moves the bytes that it leaves, and readline() searches the buffered bytes each time it is woken; both at most
/// N.
///
/// `start_sending` is called by write(), in the writer's context, when there is something to send and the transmitter
/// is idle. It must arrange that next_to_send() is called from then on. If the transmitter's interrupt fires whenever
/// there is room, enable that interrupt; if it fires only after a byte was sent, send what next_to_send() returns. The
/// transmitter becomes idle, and its interrupt should be disabled, when next_to_send() has returned nothing. A writer
/// on another core may already have started it again by then: in that case disable the interrupt before next_to_send(),
/// and enable it if there was a byte.
//
// Only the context that changes the word `sending_` from idle to sending may take bytes out of the sending queue. Both
// ends change it by an exchange, so the later one sees what the other did before:
//
//     writer:       put bytes;  exchange for `sending`;  if it was idle: start_sending()
//     transmitter:  no byte;    exchange for `idle`;     if there is a byte now: exchange for `sending`, and continue
//                                                        if it was idle; else the writer has started it again
//
// If the writer's exchange comes after the transmitter's exchange for `idle`, the writer starts the transmitter. If it
// comes before, the transmitter's exchange acquires the byte, so the transmitter sees it.
//
// The reader does not wait in the queue. It waits for a flag that is set after everything the reader may have to look
// at: a byte, a gap, the end. The queue would not wake it for a gap that begins just after it has emptied the queue.
template <std::size_t N, void (*start_sending)() = detail::start_nothing>
class RingIO {
public:
    constexpr RingIO() noexcept {}
    RingIO(const RingIO&) = delete;
    RingIO& operator=(const RingIO&) = delete;

    // ---- for the device ----

    /// Delivers a byte that was received. Returns false if it is lost or the stream is closed; a lost byte is counted,
    /// so the result may be ignored.
    bool received(char byte) noexcept {
        if (count_if_in_gap()) return false;
        const bool accepted = in_.put_sync(byte);
        // release: the bytes accepted before, for the acquires in get() and lost(). While it is 0, only this end
        // changes it.
        if (!accepted && !in_.closed()) lost_.store(1, std::memory_order_release);
        arrived_.set(); // also if closed: the reader may have seen this put in progress, and waits for it
        return accepted;
    }

    /// Delivers bytes that were received. Returns how many were not lost. Those are the first ones, unless the reader
    /// runs in the meantime.
    std::size_t received(std::string_view bytes) noexcept {
        std::size_t count = 0;
        for (const char byte : bytes) count += received(byte) ? 1 : 0;
        return count;
    }

    /// Takes the next byte to send. Returns nothing if there is none; the transmitter is then idle until start_sending
    /// is called.
    [[nodiscard]] std::optional<char> next_to_send() noexcept {
        for (;;) {
            if (const auto byte = out_.get_sync()) return byte;
            // acquire: the bytes of a writer that found this end sending; pairs with start_if_idle(). release: what was
            // taken, for the next transmitter and for all_sent().
            sending_.exchange(idle, std::memory_order_acq_rel);
            if (out_.empty()) break;
            // acquire: what a transmitter took that was started in the meantime and is idle again; pairs with its
            // release above.
            if (sending_.exchange(sending, std::memory_order_acquire) != idle) return std::nullopt;
        }
        idle_.set();
        return std::nullopt;
    }

    // ---- for tasks ----

    /// `co_await io.read(bytes)` reads the available bytes, waiting for at least one. Returns how many; 0 at the end of
    /// the stream and at a gap.
    [[nodiscard]] Task<std::size_t> read(std::span<char> bytes) { return get(bytes, Wanted::some); }

    /// `co_await io.readexactly(bytes)` fills `bytes`, of which there may be at most N (otherwise a UsageError).
    /// Returns how many; 0 if the end or a gap comes first, and the bytes before it are then left for read().
    [[nodiscard]] Task<std::size_t> readexactly(std::span<char> bytes) { return get(bytes, Wanted::all); }

    /// `co_await io.readline(bytes)` reads a line, including its newline, into `bytes`, of which there may be at most N
    /// (otherwise a UsageError). Returns the number of bytes; 0 at the end of the stream and at a gap. There is no
    /// newline if the line does not fit into `bytes`, and the next read continues it, or if the end or a gap cuts it
    /// off.
    [[nodiscard]] Task<std::size_t> readline(std::span<char> bytes) { return get(bytes, Wanted::line); }

    /// After a read that returned 0: how many bytes are missing here (at most what the type can express); the following
    /// read continues after the gap. Returns 0 if there is no gap, or if bytes from before it are still unread.
    [[nodiscard]] unsigned lost() noexcept {
        const bool gap = lost_.load(std::memory_order_acquire) != 0;
        if (!gap || buffered_count_ > 0 || !in_.empty()) return 0;
        // release: the queue is empty; pairs with the acquire in count_if_in_gap().
        return lost_.exchange(0, std::memory_order_release);
    }

    /// `co_await io.write(bytes)` puts the bytes into the stream, waiting whenever there is no room. Returns false if
    /// the stream is closed. The memory of `bytes` must stay valid until it returns.
    [[nodiscard]] Task<bool> write(std::string_view bytes) {
        bool some = false; // some bytes have been put and the transmitter may be idle
        for (const char byte : bytes) {
            if (!out_.put_sync(byte)) {
                if (some) start_if_idle();
                some = false;
                const bool accepted = co_await out_.put(byte);
                if (!accepted) co_return false;
            }
            some = true;
        }
        if (some) start_if_idle();
        co_return true;
    }

    /// `co_await io.drain()` waits until the transmitter is idle and has thus taken all bytes that were written.
    [[nodiscard]] Task<> drain() {
        while (!all_sent()) co_await idle_.wait();
    }

    /// Closes both directions: bytes received or written after this are refused. Bytes received before can still be
    /// read, and bytes written before are still sent. May be called from any context.
    void close() noexcept {
        in_.close();
        out_.close();
        arrived_.set();
    }

    /// Whether close() has been called. Bytes may be left. May be called from any context.
    [[nodiscard]] bool closed() const noexcept { return in_.closed(); }

private:
    enum class Wanted : unsigned char { some, all, line };

    // If there is a gap of which the reader has not been told, counts the received byte as lost and returns true.
    bool count_if_in_gap() noexcept {
        // Repeats at most once: if the reader takes the count in the meantime.
        for (;;) {
            unsigned lost = lost_.load(std::memory_order_acquire); // pairs with the release in lost()
            if (lost == 0) return false;
            if (lost == (std::numeric_limits<unsigned>::max)()) return true;
            // Relaxed: nothing was put since the gap began, and the release of what came before it remains in effect.
            if (lost_.compare_exchange_strong(lost, lost + 1, std::memory_order_relaxed, std::memory_order_relaxed))
                return true;
        }
    }

    Task<std::size_t> get(std::span<char> bytes, Wanted wanted) {
        if (bytes.size() > N && wanted != Wanted::some)
            detail::misuse(
                "rouse: RingIO: readexactly and readline: more bytes than the ring can hold; pass at most N bytes");
        for (;;) {
            // Before the queue is emptied: if there is a gap, no byte is put until lost() has been called. The acquire
            // pairs with the release in received().
            const bool gap = lost_.load(std::memory_order_acquire) != 0;
            buffer_available();
            const std::size_t ready = ready_count(bytes.size(), wanted);
            if (ready > 0 || bytes.empty()) co_return take(bytes.first(ready));
            if (gap || in_.drained()) break;
            co_await arrived_.wait();
        }
        co_return take(bytes.first(wanted == Wanted::line ? buffered_count_ : 0));
    }

    void buffer_available() noexcept {
        while (buffered_count_ < N) {
            const auto byte = in_.get_sync();
            if (!byte) return;
            buffered_[buffered_count_++] = *byte;
        }
    }

    // How many buffered bytes a read with this much room can return now; 0: it must wait for more.
    [[nodiscard]] std::size_t ready_count(std::size_t room, Wanted wanted) const noexcept {
        const std::size_t most = (std::min)(room, buffered_count_);
        if (wanted == Wanted::some) return most;
        if (wanted == Wanted::line) {
            for (std::size_t i = 0; i < most; ++i) {
                if (buffered_[i] == '\n') return i + 1;
            }
        }
        return most == room ? room : 0;
    }

    std::size_t take(std::span<char> bytes) noexcept {
        std::copy_n(buffered_, bytes.size(), bytes.data());
        std::copy(buffered_ + bytes.size(), buffered_ + buffered_count_, buffered_);
        buffered_count_ -= bytes.size();
        return bytes.size();
    }

    void start_if_idle() {
        // release: the bytes, for the acquires in next_to_send(). acquire: what the last transmitter took, for the one
        // that is started now; pairs with the release in next_to_send().
        if (sending_.exchange(sending, std::memory_order_acq_rel) == idle) start_sending();
    }

    // The queue must be checked first: while it holds a byte, the transmitter is idle only for the moment before it
    // looks again. Once the last byte is known to be taken, the word cannot be one from before that.
    [[nodiscard]] bool all_sent() const noexcept {
        if (!out_.empty()) return false;
        return sending_.load(std::memory_order_acquire) == idle; // pairs with the release in next_to_send()
    }

    static constexpr unsigned idle = 0;
    static constexpr unsigned sending = 1;

    ThreadSafeQueue<char, N> in_;
    ThreadSafeFlag arrived_;           // set by received() after each byte and gap, and by close()
    detail::Atomic<unsigned> lost_{0}; // bytes lost in the present gap; counted up by received(), reset by lost()
    char buffered_[N] = {};            // taken out of in_ and not yet read; used by the reader only
    std::size_t buffered_count_ = 0;   // how many those are; used by the reader only

    ThreadSafeQueue<char, N> out_;
    detail::Atomic<unsigned> sending_{idle}; // `idle` or `sending`; written by both ends
    ThreadSafeFlag idle_;                    // set by the transmitter whenever it becomes idle
};

} // namespace ROUSE_ABI
} // namespace rouse

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

/// The stream of a UART, or of anything else that delivers and takes bytes one by one: the interrupt (or thread, core,
/// signal handler) is on the one end, and tasks that read and write are on the other. Each direction has room for N
/// bytes, and the reader for N more. It reads like a StreamReader, without a heap: into the caller's memory.
///
/// received() and next_to_send() may be called from any context, each by one at a time. The rest belongs to the loop's
/// side: one task at a time reads and one writes; a second one that would have to wait gets a UsageError. close() is
/// safe anywhere.
///
/// Overruns: a byte that finds no room is lost and counted, and so are those behind it until the reader knows. The
/// reader gets everything from before the gap, then 0 bytes as at the end of the stream, and asks lost(). A readexactly
/// that gives 0 may have left bytes from before the gap: lost() waits until read() has taken them.
///
/// A cancelled read takes nothing out of the stream. A cancelled write has written a part. Bytes of text or not, as in
/// StreamReader. No allocation but a frame for each read, write and drain; `constinit`-able. A byte costs what it costs
/// in a queue; a read moves what it leaves, and readline looks at what it holds whenever it is roused: both at most N
/// bytes.
///
/// It must outlive the tasks that use it, and when it goes every call of the other end must have returned: join its
/// thread, or disable its interrupt, first.
///
/// `start_sending` is called by write, in the writer's context, when there is something to send and the transmitter is
/// idle. It sees to it that next_to_send() is called from then on: by enabling the transmitter's interrupt if that
/// comes whenever there is room, or by sending what next_to_send() returns if it comes only after a byte. The
/// transmitter goes idle, and its interrupt is to stop, when next_to_send() has returned nothing. If the writer is on
/// another core it may have started it again by then: there, disable the interrupt before next_to_send(), and enable it
/// if there was a byte.
//
// Who may take bytes out of the sending queue is said by the word `sending_`: who changes it from idle to sending. Both
// ends do that by an exchange, so the one that comes second sees what the other did before:
//
//     writer:       put bytes;  exchange for `sending`;  if it was idle: start_sending()
//     transmitter:  no byte;    exchange for `idle`;     if there is a byte now: exchange for `sending`, and if it
//                                                        was idle go on; else the writer has started it again
//
// If the writer's exchange comes after the transmitter's for `idle`, it starts the transmitter; if it comes before,
// the transmitter's acquires the byte, and sees it.
//
// The reader does not wait in the queue, but for a flag that is set after everything that it may have to look at: a
// byte, a gap, the end. The queue would not rouse it for a gap that comes just as it has emptied the queue.
template <std::size_t N, void (*start_sending)() = detail::start_nothing>
class RingIO {
public:
    constexpr RingIO() noexcept {}
    RingIO(const RingIO&) = delete;
    RingIO& operator=(const RingIO&) = delete;

    // ---- the interrupt's end ----

    /// A byte has come. False if it is lost, or the stream is closed.
    bool received(char byte) noexcept {
        if (counted_as_lost()) return false;
        const bool accepted = in_.put_sync(byte);
        // release: what was accepted before, for the acquire in get() and lost(). From 0 nobody else changes it.
        if (!accepted && !in_.closed()) lost_.store(1, std::memory_order_release);
        arrived_.set(); // also if it is closed: the reader may have seen this put, and waits for its end
        return accepted;
    }

    /// Some bytes have come. Returns how many were not lost; the first ones, if the reader cannot run meanwhile.
    std::size_t received(std::string_view bytes) noexcept {
        std::size_t count = 0;
        for (const char byte : bytes) count += received(byte) ? 1 : 0;
        return count;
    }

    /// The next byte to send; nothing if there is none, and then the transmitter is idle until it is started again.
    [[nodiscard]] std::optional<char> next_to_send() noexcept {
        for (;;) {
            if (const auto byte = out_.get_sync()) return byte;
            // acquire: the bytes of a writer that did not start us. release: what was taken, for whoever is next.
            sending_.exchange(idle, std::memory_order_acq_rel);
            if (out_.empty()) break;
            // acquire: what has been taken meanwhile, by one who was started after us and is idle again.
            if (sending_.exchange(sending, std::memory_order_acquire) != idle) return std::nullopt;
        }
        idle_.set();
        return std::nullopt;
    }

    // ---- the task's end ----

    /// `co_await io.read(bytes)`: what is there, but waits for one byte at least. How many; 0 at the end and at a gap.
    [[nodiscard]] Task<std::size_t> read(std::span<char> bytes) { return get(bytes, Wanted::some); }

    /// `co_await io.readexactly(bytes)`: as many as fit into `bytes`, which are N at the most (UsageError). How many; 0
    /// if the end or a gap comes first, and then those before it are left for read().
    [[nodiscard]] Task<std::size_t> readexactly(std::span<char> bytes) { return get(bytes, Wanted::all); }

    /// `co_await io.readline(bytes)`: a line with its newline. How many bytes that is; 0 at the end and at a gap.
    /// Without a newline if the line does not fit into `bytes`, which are N at the most (UsageError); then the rest
    /// comes with the next read; or if it is cut off by the end or a gap.
    [[nodiscard]] Task<std::size_t> readline(std::span<char> bytes) { return get(bytes, Wanted::line); }

    /// Where a read() or readline() has come to a gap: how many bytes are missing, or the most that the type can say;
    /// reading goes on behind it. Else 0; so also while bytes from before the gap are unread.
    [[nodiscard]] unsigned lost() noexcept {
        const bool gap = lost_.load(std::memory_order_acquire) != 0;
        if (!gap || held_count_ > 0 || !in_.empty()) return 0;
        return lost_.exchange(0, std::memory_order_release); // that the queue is empty, for counted_as_lost()
    }

    /// `co_await io.write(bytes)`: waits while there is no room. False if the stream is closed. `bytes` must stay where
    /// they are until then.
    [[nodiscard]] Task<bool> write(std::string_view bytes) {
        bool some = false; // have been put, and the transmitter may be idle
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

    /// `co_await io.drain()`: waits until the transmitter is idle, so that it has taken all that was written.
    [[nodiscard]] Task<> drain() {
        while (!all_sent()) co_await idle_.wait();
    }

    /// Refuses what comes and what is to be written from now on. What has come can still be read, and what was written
    /// is still sent. From any context.
    void close() noexcept {
        in_.close();
        out_.close();
        arrived_.set();
    }

    /// Whether close() has been called; bytes may be left. From any context.
    [[nodiscard]] bool closed() const noexcept { return in_.closed(); }

private:
    enum class Wanted : unsigned char { some, all, line };

    // Whether the byte that has come is one more behind a gap of which the reader does not know yet.
    bool counted_as_lost() noexcept {
        // Twice at the most: when the reader takes the count meanwhile.
        for (;;) {
            unsigned lost = lost_.load(std::memory_order_acquire); // pairs with the release in lost()
            if (lost == 0) return false;
            if (lost == std::numeric_limits<unsigned>::max()) return true;
            // Relaxed: nothing was put since the gap began, and what came before it stays released.
            if (lost_.compare_exchange_strong(lost, lost + 1, std::memory_order_relaxed, std::memory_order_relaxed))
                return true;
        }
    }

    Task<std::size_t> get(std::span<char> bytes, Wanted wanted) {
        if (bytes.size() > N && wanted != Wanted::some)
            detail::misuse("rouse: RingIO: readexactly and readline of more bytes than the ring has room for");
        for (;;) {
            // Looked at before the queue is emptied: if there is a gap, nothing is put until lost() has been called.
            const bool gap = lost_.load(std::memory_order_acquire) != 0;
            hold_what_is_there();
            const std::size_t ready = ready_of(bytes.size(), wanted);
            if (ready > 0 || bytes.empty()) co_return take(bytes.first(ready));
            if (gap || in_.drained()) break;
            co_await arrived_.wait();
        }
        co_return take(bytes.first(wanted == Wanted::line ? held_count_ : 0));
    }

    void hold_what_is_there() noexcept {
        while (held_count_ < N) {
            const auto byte = in_.get_sync();
            if (!byte) return;
            held_[held_count_++] = *byte;
        }
    }

    // How many of the bytes held can be given to one who has room for so many; 0: wait for more.
    [[nodiscard]] std::size_t ready_of(std::size_t room, Wanted wanted) const noexcept {
        const std::size_t most = std::min(room, held_count_);
        if (wanted == Wanted::some) return most;
        if (wanted == Wanted::line) {
            for (std::size_t i = 0; i < most; ++i) {
                if (held_[i] == '\n') return i + 1;
            }
        }
        return most == room ? room : 0;
    }

    std::size_t take(std::span<char> bytes) noexcept {
        std::copy_n(held_, bytes.size(), bytes.data());
        std::copy(held_ + bytes.size(), held_ + held_count_, held_);
        held_count_ -= bytes.size();
        return bytes.size();
    }

    void start_if_idle() {
        // release: the bytes. acquire: what the transmitter has taken, for the one who is started now.
        if (sending_.exchange(sending, std::memory_order_acq_rel) == idle) start_sending();
    }

    // The queue first: with a byte in it the transmitter is idle only for the moment before it looks again. That it
    // has taken the last one is known then, and the word is not an older one.
    [[nodiscard]] bool all_sent() const noexcept {
        if (!out_.empty()) return false;
        return sending_.load(std::memory_order_acquire) == idle; // pairs with the release in next_to_send()
    }

    static constexpr unsigned idle = 0;
    static constexpr unsigned sending = 1;

    ThreadSafeQueue<char, N> in_;
    ThreadSafeFlag arrived_;           // set after each byte, each gap and the end
    detail::Atomic<unsigned> lost_{0}; // counted up by the interrupt, taken by the reader
    char held_[N] = {};                // fetched from in_ and not read yet; the reader's
    std::size_t held_count_ = 0;       // the reader's

    ThreadSafeQueue<char, N> out_;
    detail::Atomic<unsigned> sending_{idle}; // written by both ends
    ThreadSafeFlag idle_;                    // set whenever the transmitter has gone idle
};

} // namespace ROUSE_ABI
} // namespace rouse

// The echo server of floor_echo.hpp on io_uring: multishot accept, multishot receive into buffers that the kernel takes
// from a ring, and one system call a turn, which submits the answers and waits.
#pragma once

#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0) // of the headers; what the kernel has is asked at run time
#define HAVE_URING 1

#include <algorithm>
#include <bit>
#include <functional>
#include <memory>
#include <vector>

#include "floor_uring.hpp"

namespace floor_of {

/// How the server uses io_uring. Only the first is a server of io_uring alone.
enum class UringBy {
    ring,      ///< receives and sends
    receiving, ///< receives; each answer is a send() of its own
    readiness, ///< multishot poll in place of epoll; recv() and send() as with epoll: what a port alone could change
};

struct UringWay {
    UringBy by = UringBy::ring;
    bool deferred = true; ///< the kernel's work for completions is done in the waiting call, else after any call
    bool direct = false;  ///< no descriptors, but entries of the ring's own table
    bool bundles = false; ///< a receive may fill several buffers
    bool poller = false;  ///< a thread of the kernel looks for submissions (SQPOLL)

    [[nodiscard]] constexpr unsigned setup() const {
        constexpr unsigned single = IORING_SETUP_SINGLE_ISSUER;
        if (poller) return single | IORING_SETUP_SQPOLL;
        return deferred ? single | IORING_SETUP_DEFER_TASKRUN : single | IORING_SETUP_COOP_TASKRUN;
    }
};

// The kernel's ring of free buffers. Its tail is in a part of the first entry that is not used otherwise.
class UringBuffers {
public:
    static constexpr unsigned short group = 0;

    UringBuffers(Uring& uring, unsigned count)
        : count_{count},
          ring_{static_cast<io_uring_buf*>(std::aligned_alloc(4096, std::max(count * sizeof(io_uring_buf), 4096UL)))},
          bytes_{std::make_unique<char[]>(count * echo_buffer_bytes)} {
        ring_[0].resv = 0;
        io_uring_buf_reg registration{};
        registration.ring_addr = reinterpret_cast<std::uint64_t>(ring_);
        registration.ring_entries = count;
        registration.bgid = group;
        uring.do_register(IORING_REGISTER_PBUF_RING, &registration, 1);
        for (unsigned i = 0; i < count; ++i) give_back(static_cast<unsigned short>(i));
        publish();
    }
    ~UringBuffers() { std::free(ring_); } // the ring is gone by then
    UringBuffers(const UringBuffers&) = delete;
    UringBuffers& operator=(const UringBuffers&) = delete;

    [[nodiscard]] char* operator[](unsigned id) const { return &bytes_[id * echo_buffer_bytes]; }
    [[nodiscard]] unsigned short after(unsigned id) const {
        return static_cast<unsigned short>((id + 1) & (count_ - 1));
    }

    void give_back(unsigned short id) {
        io_uring_buf& buffer = ring_[tail_++ & (count_ - 1)];
        buffer.addr = reinterpret_cast<std::uint64_t>((*this)[id]);
        buffer.len = echo_buffer_bytes;
        buffer.bid = id;
    }
    void publish() { std::atomic_ref{ring_[0].resv}.store(tail_, std::memory_order_release); } // with the kernel

private:
    unsigned count_;
    unsigned short tail_ = 0;
    io_uring_buf* ring_;
    std::unique_ptr<char[]> bytes_;
};

template <UringWay way>
class UringEcho {
public:
    explicit UringEcho(int connections)
        : connections_{connections}, buffers_{uring_, std::bit_ceil(std::clamp(2U * count(), 8U, 4096U))} {
        if constexpr (way.direct) {
            io_uring_rsrc_register table{};
            table.nr = count() + 8;
            table.flags = IORING_RSRC_REGISTER_SPARSE;
            uring_.do_register(IORING_REGISTER_FILES2, &table, sizeof table);
        }
    }

    void serve(const std::function<void(std::uint16_t)>& listening) {
        const auto [listener, port] = listen_on_loopback(0);
        listener_ = listener;
        accept();
        listening(port);
        while (connections_ > 0) {
            uring_.enter(1);
            // The answers of the turn before have been copied by now, so their buffers are free.
            for (const unsigned short id : used_) buffers_.give_back(id);
            used_.clear();
            buffers_.publish();
            uring_.completions([this](const io_uring_cqe& completion) { take(completion); });
        }
        uring_.enter(0);
        ::close(listener_);
    }

private:
    // In the upper half of user_data; in the lower one is the descriptor, or for a send that is told of, the buffer.
    enum : std::uint64_t { receiving, accepting = 1ULL << 32, sending = 2ULL << 32, closing = 3ULL << 32 };

    [[nodiscard]] unsigned count() const { return static_cast<unsigned>(connections_); }

    void accept() {
        io_uring_sqe& sqe = uring_.next(IORING_OP_ACCEPT, listener_, accepting);
        sqe.ioprio = IORING_ACCEPT_MULTISHOT;
        if constexpr (way.direct) {
            sqe.file_index = IORING_FILE_INDEX_ALLOC;
        } else {
            sqe.accept_flags = SOCK_CLOEXEC | (way.by == UringBy::readiness ? SOCK_NONBLOCK : 0);
        }
    }

    void receive(int descriptor) {
        const auto data = static_cast<std::uint64_t>(descriptor);
        if constexpr (way.by == UringBy::readiness) {
            io_uring_sqe& sqe = uring_.next(IORING_OP_POLL_ADD, descriptor, data);
            sqe.poll32_events = EPOLLIN | EPOLLRDHUP; // multishot is edge-triggered
            sqe.len = IORING_POLL_ADD_MULTI;
        } else {
            constexpr unsigned short bundle = 1U << 4; // IORING_RECVSEND_BUNDLE
            io_uring_sqe& sqe = uring_.next(IORING_OP_RECV, descriptor, data);
            sqe.ioprio = IORING_RECV_MULTISHOT | (way.bundles ? bundle : 0);
            sqe.flags = IOSQE_BUFFER_SELECT | (way.direct ? IOSQE_FIXED_FILE : 0);
            sqe.buf_group = UringBuffers::group;
        }
    }

    // With MSG_WAITALL a send that was not whole is a failure, and only failures are told of. But with a poller it has
    // to be known when the buffer is free.
    void send(int descriptor, unsigned short id, std::size_t size) {
        if constexpr (way.by == UringBy::receiving) {
            send_all(descriptor, buffers_[id], size);
        } else {
            io_uring_sqe& sqe = uring_.next(IORING_OP_SEND, descriptor, sending | id);
            sqe.addr = reinterpret_cast<std::uint64_t>(buffers_[id]);
            sqe.len = static_cast<std::uint32_t>(size);
            sqe.msg_flags = MSG_NOSIGNAL | MSG_WAITALL;
            sqe.flags = (way.poller ? 0 : IOSQE_CQE_SKIP_SUCCESS) | (way.direct ? IOSQE_FIXED_FILE : 0);
        }
        if constexpr (!way.poller) used_.push_back(id);
    }

    void close(int descriptor) {
        --connections_;
        if constexpr (way.direct) {
            io_uring_sqe& sqe = uring_.next(IORING_OP_CLOSE, 0, closing);
            sqe.file_index = static_cast<std::uint32_t>(descriptor) + 1;
            sqe.flags = IOSQE_CQE_SKIP_SUCCESS;
        } else {
            ::close(descriptor);
        }
    }

    // It keeps the socket open.
    void remove_poll(std::uint64_t descriptor) {
        io_uring_sqe& sqe = uring_.next(IORING_OP_POLL_REMOVE, -1, closing | descriptor);
        sqe.addr = descriptor;
        sqe.flags = IOSQE_CQE_SKIP_SUCCESS;
    }

    void take(const io_uring_cqe& completion) {
        const bool more = (completion.flags & IORING_CQE_F_MORE) != 0;
        const auto value = static_cast<std::uint32_t>(completion.user_data);
        if (completion.user_data >= closing && way.by == UringBy::readiness) {
            if (completion.res == -EALREADY) remove_poll(value); // the kernel was about to tell of it; else it is gone
        } else if (completion.user_data >= sending) {
            check(completion.res);
            if (way.poller && completion.user_data < closing) used_.push_back(static_cast<unsigned short>(value));
        } else if (completion.user_data >= accepting) {
            receive(check(completion.res));
            if (!more) accept();
        } else if (way.by == UringBy::readiness) {
            take_readiness(static_cast<int>(value), completion.res, more);
        } else if (completion.res == -ENOBUFS || completion.res > 0) {
            answer(completion, static_cast<int>(value));
            if (!more) receive(static_cast<int>(value));
        } else {
            check(completion.res);
            close(static_cast<int>(value));
        }
    }

    void take_readiness(int descriptor, int events, bool more) {
        const auto index = static_cast<std::size_t>(descriptor);
        if (closed_.size() <= index) closed_.resize(index + 1);
        if (closed_[index]) return; // told before the poll was removed
        if (send_back(descriptor, (check(events) & EPOLLRDHUP) != 0)) {
            closed_[index] = true;
            --connections_;
            if (more) remove_poll(static_cast<std::uint64_t>(descriptor));
        } else if (!more) {
            receive(descriptor);
        }
    }

    void answer(const io_uring_cqe& completion, int descriptor) {
        auto id = static_cast<unsigned short>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
        for (int left = completion.res; left > 0; left -= static_cast<int>(echo_buffer_bytes), id = buffers_.after(id))
            send(descriptor, id, std::min(static_cast<std::size_t>(left), echo_buffer_bytes));
    }

    static int check(int result) {
        if (result < 0) errno = -result;
        return checked(result, "io_uring's completion");
    }

    int connections_;
    int listener_ = -1;
    Uring uring_{std::bit_ceil(std::clamp(2U * count(), 8U, 4096U)), way.setup()};
    UringBuffers buffers_;
    std::vector<unsigned short> used_; // buffers with answers that are submitted
    std::vector<bool> closed_;         // by descriptor; of `readiness` only, and no number comes twice
};

/// Whether uring_echo() can be called.
inline bool uring_works(UringWay way = {}) { return Uring::works(way.setup()); }

/// As echo() of floor_echo.hpp.
template <UringWay way = UringWay{}>
void uring_echo(int connections, const std::function<void(std::uint16_t)>& listening) {
    UringEcho<way>{connections}.serve(listening);
}

} // namespace floor_of
#endif

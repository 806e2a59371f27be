// asio in queues.cpp: a handler for each item; and its channel, which a coroutine receives from.
#pragma once

#if HAVE_ASIO
#include <semaphore>

#include <asio.hpp>
#include <asio/experimental/concurrent_channel.hpp>

#include "stream.hpp"

namespace peer {

/// Bounded by a semaphore.
class AsioPost {
public:
    void produce(long count) {
        for (long i = 0; i < count; ++i) {
            room_.acquire();
            asio::post(io_, [this, i] {
                room_.release();
                (*received_)(static_cast<bench::Item>(i));
            });
        }
        go_on_.reset();
    }
    void consume(long, bench::Received& received) {
        received_ = &received;
        io_.run();
    }

private:
    asio::io_context io_{1};
    asio::executor_work_guard<asio::io_context::executor_type> go_on_{io_.get_executor()};
    std::counting_semaphore<> room_{bench::capacity};
    bench::Received* received_ = nullptr;
};

class AsioChannel {
public:
    void produce(long count) {
        for (long i = 0; i < count; ++i) {
            const auto item = static_cast<bench::Item>(i);
            if (!channel_.try_send(std::error_code{}, item))
                channel_.async_send(std::error_code{}, item, asio::use_future).get();
        }
    }
    void consume(long count, bench::Received& received) {
        asio::co_spawn(io_, receive(count, received), asio::detached);
        io_.run();
    }

private:
    asio::awaitable<void> receive(long count, bench::Received& received) {
        for (; count > 0; --count) received(co_await channel_.async_receive(asio::use_awaitable));
    }

    asio::io_context io_{1};
    asio::experimental::concurrent_channel<void(std::error_code, bench::Item)> channel_{io_, bench::capacity};
};

} // namespace peer
#endif

// Timers of asio: steady_timer, in a coroutine and by itself.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include "sleepers.hpp"

namespace peer_asio {

inline asio::awaitable<void> sleeper(asio::io_context& context, long i) {
    const std::int64_t ns = bench::sleep_of(i);
    const std::int64_t due = bench::Wakes::due(i, ns);
    asio::steady_timer timer{context, std::chrono::nanoseconds{ns}};
    co_await timer.async_wait(asio::use_awaitable);
    bench::wakes.woken(due);
}

/// All sleep, once each.
inline void run_sleepers(asio::io_context& context) {
    context.restart();
    for (long i = 0; i < bench::sleepers; ++i) {
        asio::co_spawn(context, sleeper(context, i), asio::detached);
        if (i % bench::batch == 0) context.poll();
    }
    context.run();
}

/// A number of timers that are set and cancelled.
class Timers {
public:
    explicit Timers(std::size_t count) {
        timers_.reserve(count);
        for (std::size_t i = 0; i < count; ++i) timers_.emplace_back(context_);
    }

    void add(std::size_t i, std::int64_t in_ns) {
        timers_[i].expires_after(std::chrono::nanoseconds{in_ns});
        timers_[i].async_wait([](asio::error_code error) {
            if (error != asio::error::operation_aborted) std::abort();
        });
    }
    void remove(std::size_t i) {
        timers_[i].cancel();
        if (++cancelled_ % 64 == 0) context_.poll(); // runs the handlers
    }

private:
    asio::io_context context_{1};
    std::vector<asio::steady_timer> timers_;
    unsigned cancelled_ = 0;
};

} // namespace peer_asio

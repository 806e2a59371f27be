// The work of tasks.cpp by standalone asio's awaitables, on an io_context that knows that it has one thread.
#pragma once

#include <utility>

#include <asio.hpp>

namespace peer_asio {

using asio::awaitable;
using asio::use_awaitable;

/// Runs a coroutine to its end, and returns what it returns.
inline long run(awaitable<long> main) {
    asio::io_context context{1};
    long result = -1;
    asio::co_spawn(context, std::move(main), [&](std::exception_ptr, long value) { result = value; });
    context.run();
    return result;
}

[[gnu::noinline]] inline awaitable<long> child(long value) { co_return value; }

inline awaitable<long> tasks(long count) {
    const auto executor = co_await asio::this_coro::executor;
    long sum = 0;
    for (long i = 0; i < count; ++i) sum += co_await asio::co_spawn(executor, child(i), use_awaitable);
    co_return sum;
}

inline awaitable<long> children(long count) {
    long sum = 0;
    for (long i = 0; i < count; ++i) sum += co_await child(i);
    co_return sum;
}

inline awaitable<void> yielder(long count, long& switches) {
    for (long i = 0; i < count; ++i) co_await asio::post(use_awaitable);
    switches += count;
}

inline long switch_between(int tasks, long each) {
    asio::io_context context{1};
    long switches = 0;
    for (int i = 0; i < tasks; ++i) asio::co_spawn(context, yielder(each, switches), asio::detached);
    context.run();
    return switches;
}

} // namespace peer_asio

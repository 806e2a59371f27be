// Timers of libuv: callbacks, in whole milliseconds.
#pragma once

#include <uv.h>

#include "sleepers.hpp"

namespace peer_uv {

inline std::uint64_t milliseconds(std::int64_t ns) { return static_cast<std::uint64_t>((ns + 999'999) / 1'000'000); }

/// All sleep, once each.
class Sleepers {
public:
    Sleepers() { ::uv_loop_init(&loop_); }
    ~Sleepers() { ::uv_loop_close(&loop_); }
    Sleepers(const Sleepers&) = delete;
    Sleepers& operator=(const Sleepers&) = delete;

    void run() {
        for (long i = 0; i < bench::sleepers; ++i) {
            Sleeper& sleeper = all_[static_cast<std::size_t>(i)];
            const std::int64_t ns = bench::sleep_of(i);
            sleeper.due = bench::Wakes::due(i, ns);
            ::uv_timer_init(&loop_, &sleeper.timer);
            sleeper.timer.data = &sleeper;
            ::uv_timer_start(&sleeper.timer, &woken, milliseconds(ns), 0);
            if (i % bench::batch == 0) ::uv_run(&loop_, UV_RUN_NOWAIT);
        }
        ::uv_run(&loop_, UV_RUN_DEFAULT);
    }

private:
    struct Sleeper {
        uv_timer_t timer;
        std::int64_t due;
    };
    static void woken(uv_timer_t* timer) {
        bench::wakes.woken(static_cast<Sleeper*>(timer->data)->due);
        ::uv_close(reinterpret_cast<uv_handle_t*>(timer), nullptr);
    }

    uv_loop_t loop_;
    std::vector<Sleeper> all_{static_cast<std::size_t>(bench::sleepers)};
};

/// A number of timers that are started and stopped.
class Timers {
public:
    explicit Timers(std::size_t count) : timers_(count) {
        ::uv_loop_init(&loop_);
        for (uv_timer_t& timer : timers_) ::uv_timer_init(&loop_, &timer);
    }
    ~Timers() {
        for (uv_timer_t& timer : timers_) ::uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
        ::uv_run(&loop_, UV_RUN_DEFAULT);
        ::uv_loop_close(&loop_);
    }
    Timers(const Timers&) = delete;
    Timers& operator=(const Timers&) = delete;

    void add(std::size_t i, std::int64_t in_ns) { ::uv_timer_start(&timers_[i], &due, milliseconds(in_ns), 0); }
    void remove(std::size_t i) { ::uv_timer_stop(&timers_[i]); }

private:
    static void due(uv_timer_t*) { std::abort(); }

    uv_loop_t loop_;
    std::vector<uv_timer_t> timers_;
};

} // namespace peer_uv

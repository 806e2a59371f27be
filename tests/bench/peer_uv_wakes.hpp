// libuv in wakes.cpp: a signal is uv_async_send, of which several may be one. It looks before it exchanges, and so can
// lose a wake.
#pragma once

#if HAVE_UV
#include <atomic>

#include <uv.h>

#include "pinger.hpp"

namespace peer {

class Uv {
public:
    Uv() {
        ::uv_loop_init(&loop_);
        ::uv_async_init(&loop_, &async_, [](uv_async_t* async) { static_cast<Uv*>(async->data)->taken(); });
        ::uv_idle_init(&loop_, &idle_);
        async_.data = this;
        idle_.data = this;
    }
    ~Uv() {
        ::uv_close(reinterpret_cast<uv_handle_t*>(&async_), nullptr);
        ::uv_close(reinterpret_cast<uv_handle_t*>(&idle_), nullptr);
        ::uv_run(&loop_, UV_RUN_DEFAULT);
        ::uv_loop_close(&loop_);
    }
    Uv(const Uv&) = delete;
    Uv& operator=(const Uv&) = delete;

    void ping() { ::uv_async_send(&async_); }

    void serve(long pings, floor_of::Futex& answer) {
        pings_ = pings;
        answer_ = &answer;
        ::uv_run(&loop_, UV_RUN_DEFAULT);
    }

    long stay_awake(bench::Rounds rounds, std::atomic<bool>& awake, const std::atomic<bool>& done) {
        rounds_ = rounds;
        awake_ = &awake;
        done_ = &done;
        ::uv_idle_start(&idle_, [](uv_idle_t* idle) { static_cast<Uv*>(idle->data)->work(); });
        ::uv_run(&loop_, UV_RUN_DEFAULT);
        return taken_;
    }

private:
    void taken() {
        ++taken_;
        if (answer_ == nullptr) return;
        answer_->wake();
        if (taken_ == pings_) ::uv_stop(&loop_);
    }

    // While the idle handle is active, the loop looks for events and does not sleep.
    void work() {
        *awake_ = true;
        if (rounds_ == bench::Rounds::one) {
            while (!*done_) {
            }
        }
        if (*done_ && taken_ > 0) ::uv_stop(&loop_);
    }

    uv_loop_t loop_{};
    uv_idle_t idle_{};
    alignas(64) uv_async_t async_{};
    floor_of::Futex* answer_ = nullptr;
    long pings_ = 0;
    long taken_ = 0;
    bench::Rounds rounds_{};
    std::atomic<bool>* awake_ = nullptr;
    const std::atomic<bool>* done_ = nullptr;
};

} // namespace peer
#endif

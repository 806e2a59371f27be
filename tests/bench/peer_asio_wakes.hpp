// asio in wakes.cpp: a signal is a handler that is posted; each runs.
#pragma once

#if HAVE_ASIO
#include <atomic>

#include <asio.hpp>

#include "pinger.hpp"

namespace peer {

class Asio {
public:
    void ping() {
        asio::post(io_, [this] { taken(); });
    }

    void serve(long pings, floor_of::Futex& answer) {
        answer_ = &answer;
        const auto work = asio::make_work_guard(io_);
        while (taken_ < pings) io_.run_one();
    }

    long stay_awake(bench::Rounds rounds, std::atomic<bool>& awake, const std::atomic<bool>& done) {
        asio::post(io_, [=, this, &awake, &done] {
            awake = true;
            work(rounds, done);
        });
        io_.run();
        return taken_;
    }

private:
    void taken() {
        ++taken_;
        if (answer_ != nullptr) answer_->wake();
    }

    void work(bench::Rounds rounds, const std::atomic<bool>& done) {
        if (rounds == bench::Rounds::one) {
            while (!done) {
            }
        } else if (!done) {
            asio::post(io_, [=, this, &done] { work(rounds, done); });
        }
    }

    asio::io_context io_{1};
    floor_of::Futex* answer_ = nullptr;
    long taken_ = 0;
};

} // namespace peer
#endif

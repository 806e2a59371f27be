// What the storms have in common. A storm plays rounds for some seconds, in each of which somebody waits for something
// that another context does just then. In request/response form, because a stream of signals hides a wake that was
// lost: here it is a round without end, which the storm reports by itself.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>
#include <string>
#include <thread>

#include "support/catch.hpp"
#include "support/spin.hpp"

namespace test {

/// Chance, the same each time; what it meets is not.
class Dice {
public:
    explicit Dice(unsigned seed) : engine_{seed} {}
    int operator()(int sides) { return static_cast<int>(engine_() % static_cast<unsigned>(sides)); }
    bool one_in(int sides) { return (*this)(sides) == 0; }
    /// From nothing to a fraction of a microsecond, or to as much as `most` turns take.
    void linger(int most = 400) { spin((*this)(most)); }
    /// Most often within the few instructions that count, at times so long that the others have gone to sleep.
    void linger_or_sleep(int most = 400) {
        if (one_in(16)) {
            std::this_thread::sleep_for(std::chrono::microseconds{(*this)(200)});
        } else {
            linger(most);
        }
    }

private:
    std::mt19937 engine_;
};

/// Counts rounds for two seconds, and longer on a machine too busy for the least number of rounds; prints how many
/// there were. If half a minute passes without a round, a wake was lost: the program ends with a message.
///
/// ROUSE_STORM_SECONDS and ROUSE_STORM_STALL in the environment change the two seconds and the thirty.
class Storm {
public:
    explicit Storm(std::string name, long least = 100) : name_{std::move(name)}, least_{least} {
        sigset_t all, before; // the signals are for the others
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        watchdog_ = std::thread{[this] { watch(); }};
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    ~Storm() {
        {
            const std::lock_guard guard{mutex_};
            ended_ = true;
        }
        end_.notify_one();
        watchdog_.join();
        std::printf("storm: %s: %ld rounds\n", name_.c_str(), rounds_.load());
    }
    Storm(const Storm&) = delete;
    Storm& operator=(const Storm&) = delete;

    /// Begins a round, or says that the time is over. For one thread.
    bool goes_on() {
        const bool time_is_over = Clock::now() - start_ > std::chrono::seconds{setting("ROUSE_STORM_SECONDS", 2)};
        if (time_is_over && rounds_ >= least_) return false;
        ++rounds_;
        return true;
    }
    [[nodiscard]] int round() const { return static_cast<int>(rounds_.load(std::memory_order_relaxed)); }

private:
    using Clock = std::chrono::steady_clock;

    static int setting(const char* name, int otherwise) {
        const char* const text = std::getenv(name);
        return text == nullptr ? otherwise : std::atoi(text);
    }

    void watch() {
        const std::chrono::seconds stall{setting("ROUSE_STORM_STALL", 30)};
        std::unique_lock lock{mutex_};
        long seen = -1;
        for (auto since = Clock::now(); !ended_;) {
            if (rounds_ != seen) {
                seen = rounds_;
                since = Clock::now();
            } else if (Clock::now() - since > stall) {
                std::printf("storm: %s: no end of round %ld in %d s: a wake was lost\n", name_.c_str(), seen,
                            static_cast<int>(stall.count()));
                std::fflush(stdout);
                std::_Exit(EXIT_FAILURE);
            }
            end_.wait_for(lock, stall / 4.0, [this] { return ended_; });
        }
    }

    std::string name_;
    long least_;
    Clock::time_point start_ = Clock::now();
    std::atomic<long> rounds_{0};
    std::mutex mutex_;
    std::condition_variable end_;
    bool ended_ = false;
    std::thread watchdog_;
};

} // namespace test

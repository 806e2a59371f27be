// A program whose main thread knows nothing of coroutines, and a loop in a background thread that does its timed work.
// The main thread starts tasks there by a Remote and waits for their results in futures.
//
//   background_loop [jobs]        the default is 5
#include <chrono>
#include <exception>
#include <future>
#include <thread>
#include <vector>

#include <fmt/core.h>

#include <rouse/rouse.hpp>
#include <rouse/threads/remote.hpp>

#include "arguments.hpp"

using namespace std::chrono_literals;

/// A thread that runs a loop until this object is destroyed.
class BackgroundLoop {
public:
    BackgroundLoop() : remote_{made_.get_future().get()} {}
    ~BackgroundLoop() {
        // Cannot be refused, because the loop does not end before this.
        static_cast<void>(remote_.call([] { rouse::Loop::current().stop(); }, rouse::block));
    }
    BackgroundLoop(const BackgroundLoop&) = delete;
    BackgroundLoop& operator=(const BackgroundLoop&) = delete;

    rouse::Remote& remote() { return remote_; }

private:
    void run() {
        rouse::DefaultPort port;
        rouse::Loop loop{port};
        made_.set_value(rouse::Remote{loop});
        loop.run_forever();
    } // the tasks that are left end here, and their futures get a CancelledError

    std::promise<rouse::Remote> made_;
    std::jthread thread_{[this] { run(); }}; // joined after remote_ has gone
    rouse::Remote remote_;
};

static rouse::Task<int> job(int number) {
    co_await rouse::sleep(number * 5ms);
    co_return number* number;
}

int main(int argc, char** argv) {
    constexpr auto usage = "background_loop [jobs]: jobs is a whole number from 1";
    if (const auto status = example::wrong_arguments(argc, argv, 1, usage)) return *status;
    const auto count = example::count_argument(argc, argv, 5);
    if (!count) return example::refuse(usage);
    try {
        std::future<void> endless;
        {
            BackgroundLoop background;
            std::vector<std::future<int>> results;
            for (int i = 1; i <= *count; ++i) {
                results.push_back(background.remote().spawn([i] { return job(i); }, rouse::block));
            }
            endless = background.remote().spawn([]() -> rouse::Task<> { co_await rouse::sleep(24h); }, rouse::block);
            long sum = 0;
            for (std::future<int>& result : results) sum += result.get();
            fmt::print("{} jobs at once, sum {}\n", *count, sum);
        }
        endless.get(); // the loop has ended, so this does not block
    } catch (const rouse::CancelledError& error) {
        fmt::print("the endless one: {}\n", error.what());
    } catch (const std::exception& error) {
        fmt::print(stderr, "background_loop: {}\n", error.what());
        return 1;
    }
}

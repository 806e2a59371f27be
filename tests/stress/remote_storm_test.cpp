// Threads call functions and start tasks by a Remote while its loop begins, runs and ends.
#include <array>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <sys/mman.h>

#include <rouse/rouse.hpp>
#include <rouse/threads/remote.hpp>

#include "stress/storm.hpp"

using namespace rouse;
using namespace test;
using namespace std::chrono_literals;

namespace {

// A loop in memory that is gone with it, so whoever touches it later is found.
class MappedLoop {
public:
    MappedLoop() : loop_{::new(memory_) Loop{port_}} {}
    ~MappedLoop() {
        loop_->~Loop();
        ::munmap(memory_, sizeof(Loop));
    }
    MappedLoop(const MappedLoop&) = delete;
    MappedLoop& operator=(const MappedLoop&) = delete;
    Loop& operator*() { return *loop_; }
    Loop* operator->() { return loop_; }

private:
    DefaultPort port_;
    void* memory_ = ::mmap(nullptr, sizeof(Loop), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    Loop* loop_;
};

// It can be seen whether all that were made have gone.
struct Counted {
    static inline std::atomic<int> alive{0};
    Counted() { ++alive; }
    Counted(const Counted&) { ++alive; }
    ~Counted() { --alive; }
};

// What a thread has sent, and what came of it.
struct Tally {
    int accepted = 0; // of the calls of its thread
    int answers = 0;  // of its futures
    int spawned = 0;
    int called = 0; // written on the loop
    int last = -1;  // the number of the last call
    bool in_order = true;
};

void send(Remote remote, Dice dice, Tally& tally, const std::atomic<bool>& enough) {
    for (int i = 0; !enough && i < 200; ++i) {
        dice.linger();
        if (dice.one_in(4)) {
            auto future = remote.spawn([kept = Counted{}]() -> Task<int> {
                co_await yield();
                co_return 1;
            });
            ++tally.spawned;
            try {
                tally.answers += future.get();
            } catch (const CancelledError&) {
                ++tally.answers;
            } catch (const RemoteRefused&) {
                ++tally.answers;
            }
        } else {
            auto call = [&tally, i, kept = Counted{}] {
                ++tally.called;
                tally.in_order = tally.in_order && tally.last < i;
                tally.last = i;
            };
            tally.accepted += dice.one_in(2) ? remote.call(std::move(call)) : remote.call(std::move(call), block);
        }
    }
}

// Until all that was accepted has been called.
Task<> until_all_called(const std::vector<std::unique_ptr<Tally>>& tallies) {
    for (const auto& tally : tallies) {
        while (tally->called != tally->accepted) co_await sleep(10us);
    }
}

} // namespace

TEST_CASE("storm: threads send calls and tasks to a loop, which does them all") {
    Storm storm{"calls of threads", 20};
    Dice dice{4};
    while (storm.goes_on()) {
        std::vector<std::unique_ptr<Tally>> tallies;
        {
            MappedLoop loop;
            const Remote remote{*loop, static_cast<std::size_t>(dice(8) + 1)};
            std::atomic<bool> never{false};
            std::atomic<int> running{3};
            std::vector<std::thread> threads;
            for (unsigned i = 0; i < 3; ++i) {
                tallies.push_back(std::make_unique<Tally>());
                threads.emplace_back([&, i, tally = tallies.back().get()] {
                    send(remote, Dice{i + 10 * static_cast<unsigned>(storm.round())}, *tally, never);
                    --running;
                });
            }
            loop->run([](std::atomic<int>& left) -> Task<> {
                while (left > 0) co_await sleep(50us);
            }(running));
            for (std::thread& thread : threads) thread.join();
            loop->run(until_all_called(tallies));
        }
        for (const auto& tally : tallies) {
            if (tally->called != tally->accepted || tally->answers != tally->spawned || !tally->in_order) {
                FAIL(tally->accepted << " accepted, " << tally->called << " called, " << tally->spawned << " spawned, "
                                     << tally->answers << " answers in round " << storm.round());
            }
        }
        if (Counted::alive != 0) FAIL(Counted::alive << " are left after round " << storm.round());
    }
}

TEST_CASE("storm: a loop ends while threads send calls and tasks to it") {
    Storm storm{"loops that end under calls", 50};
    Dice dice{5};
    while (storm.goes_on()) {
        std::array<Tally, 2> tallies;
        std::vector<std::thread> threads;
        std::atomic<bool> enough{false};
        {
            MappedLoop loop;
            std::optional<Remote> remote{std::in_place, *loop, static_cast<std::size_t>(dice(4) + 1)};
            for (unsigned i = 0; i < 2; ++i) {
                threads.emplace_back(send, *remote, Dice{i + 10 * static_cast<unsigned>(storm.round())},
                                     std::ref(tallies[i]), std::cref(enough));
            }
            if (dice.one_in(2)) remote.reset();
            const auto time = std::chrono::microseconds{dice(300)};
            loop->run([](std::chrono::microseconds t) -> Task<> { co_await sleep(t); }(time));
        }
        enough = true;
        for (std::thread& thread : threads) thread.join();
        for (const Tally& tally : tallies) {
            if (tally.called > tally.accepted || tally.answers != tally.spawned || !tally.in_order) {
                FAIL(tally.accepted << " accepted, " << tally.called << " called, " << tally.spawned << " spawned, "
                                    << tally.answers << " answers in round " << storm.round());
            }
        }
        if (Counted::alive != 0) FAIL(Counted::alive << " are left after round " << storm.round());
    }
}

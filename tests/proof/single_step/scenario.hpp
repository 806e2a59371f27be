// What the states have in common: the loop that they run on.
#pragma once

#include <optional>

#include <rouse/combine/select.hpp>
#include <rouse/combine/wait_for.hpp>
#include <rouse/core/loop.hpp>
#include <rouse/core/sleep.hpp>
#include <rouse/core/task_handle.hpp>

#include "port.hpp"
#include "table.hpp"

namespace step {

struct World {
    SteppedPort port;
    std::optional<rouse::Loop> loop{std::in_place, port};

    /// One turn of a host's own loop, which goes on until it is told that there is nothing more to do.
    void poll() {
        while (loop->poll()) {
        }
    }

    /// As a host: sleeps, and polls when it is told to, until `done`.
    void host_until(const bool& done) {
        int polls = 0;
        while (!done) {
            check(++polls < 1000, "the descriptor stays readable, so that the host never sleeps");
            finish();
            if (!port.readable()) {
                check(loop->next_deadline() != rouse::no_deadline,
                      "a wake was lost: the host sleeps, its descriptor is not readable");
                port.advance_to(loop->next_deadline());
            }
            poll();
        }
        poll();
        check(!port.readable(), "the descriptor stays readable, so that the host never sleeps");
    }

    void end() {
        loop.reset();
        check(!port.readable(), "the loop has ended before a wake that it was owed");
    }
};

inline std::optional<World> world;

/// Nobody is resumed by what has been consumed already.
inline rouse::Task<> quiet() {
    const rouse::TimePoint start = rouse::Clock::now();
    co_await rouse::sleep(std::chrono::milliseconds{1});
    check(rouse::Clock::now() - start >= std::chrono::milliseconds{1}, "a task was resumed twice");
}

/// A world whose frame pool has its memory, so that this is not traced.
inline void make_world() {
    world.emplace();
    world->loop->run_until_complete(quiet());
}

/// A state that is the main task of run().
template <rouse::Task<> (*main)()>
void in_run() {
    make_world();
    world->loop->run(main());
    end();
    world->end();
}

/// A state that drives the loop itself.
template <void (*body)()>
void by_host() {
    make_world();
    body();
    world->end();
}

} // namespace step

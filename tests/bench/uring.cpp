// What io_uring is good for in a TCP echo server of 64 bytes a request: ways of using it, each beside epoll. In
// "receives by it" and "readiness by it" the rest is done by system calls, as with epoll. Of the poller's way the CPU
// time is that of both threads, the server's and the kernel's.
#include <string>

#include "comparison.hpp"
#include "floor_echo.hpp"
#include "floor_uring_echo.hpp"
#include "placement.hpp"
#include "server_process.hpp"

#if HAVE_URING
namespace {

using floor_of::UringBy;
using floor_of::UringWay;

class Sides {
public:
    Sides(int connections, const bench::Options& options) : connections_{connections}, options_{options} {}

    void add(const std::string& name, bench::Server serve) {
        comparison_.side(name, [measurement = bench::ServerMeasurement{serve, connections_}]() mutable {
            return measurement.cpu();
        });
    }

    template <UringWay way>
    void add(const std::string& name) {
        if (floor_of::uring_works(way)) add(name, floor_of::uring_echo<way>);
    }

    void run() { comparison_.run(options_); }

private:
    int connections_;
    const bench::Options& options_;
    bench::Comparison comparison_{"io_uring", fmt::format("TCP echo, {} connections", connections_), "us", 0,
                                  "thousand requests a second"};
};

void compare(int connections, const bench::Options& options) {
    Sides sides{connections, options};
    sides.add("floor: edge-triggered epoll", floor_of::echo);
    sides.add<UringWay{}>("io_uring");
    sides.add<UringWay{.deferred = false}>("io_uring, COOP_TASKRUN");
    sides.add<UringWay{.direct = true}>("io_uring, direct descriptors");
    sides.add<UringWay{.bundles = true}>("io_uring, bundles");
    sides.add<UringWay{.by = UringBy::receiving}>("receives by io_uring");
    sides.add<UringWay{.by = UringBy::readiness}>("readiness by io_uring");
    sides.add<UringWay{.poller = true}>("io_uring, SQPOLL");
    sides.run();
}

} // namespace

int main(int argc, char** argv) {
    const bench::Options options{argc, argv};
    if (options.allocations) return 0; // they would be those of this process, not of the servers
    bench::pin(1);
    if (!floor_of::uring_works()) {
        fmt::print("this kernel has no io_uring for us, or not all that is needed of it\n");
    } else if (!bench::enough_descriptors(1100)) {
        fmt::print("too few descriptors (ulimit -Hn)\n");
    } else {
        for (const int connections : {1, 8, 64, 512, 1000}) compare(connections, options);
    }
}
#else
int main() { fmt::print("the headers of Linux are older than 6.1\n"); }
#endif

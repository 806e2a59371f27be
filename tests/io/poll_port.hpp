// PollPort: an IoPort over poll(2), which is level-triggered: a direction that was reported stays out of its set until
// rearm(). It shows that io/ needs no edges, and asks for each report that it waits for.
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <vector>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rouse/ports/detail/io_port.hpp>

namespace test {

class PollPort final : public rouse::detail::IoPort {
    using Watch = rouse::detail::Watch;
    using Readiness = rouse::detail::Readiness;

public:
    PollPort() = default;
    ~PollPort() { ::close(wake_); }

    [[nodiscard]] rouse::TimePoint now() const noexcept override {
        return rouse::TimePoint{std::chrono::steady_clock::now().time_since_epoch()};
    }

    unsigned wait_until(rouse::TimePoint deadline) noexcept override {
        std::vector<pollfd> set{{wake_, POLLIN, 0}};
        for (const Entry& each : entries_) {
            if (each.armed != 0) set.push_back({each.descriptor, each.armed, 0});
        }
        ++waits;
        if (::poll(set.data(), set.size(), milliseconds_until(deadline)) <= 0) return 0;
        for (std::size_t i = 1; i < set.size(); ++i) {
            if (set[i].revents != 0) report(set[i]);
        }
        std::uint64_t wakes = 0;
        if (set[0].revents != 0 && ::read(wake_, &wakes, sizeof wakes) != sizeof wakes) return 0;
        return static_cast<unsigned>(wakes);
    }

    void wake() noexcept override {
        const std::uint64_t one = 1;
        while (::write(wake_, &one, sizeof one) < 0 && errno == EINTR) {
        }
    }

    [[nodiscard]] int arm(int descriptor, Watch& watch) override {
        struct stat file{};
        if (::fstat(descriptor, &file) != 0) return errno;
        if (S_ISREG(file.st_mode) || S_ISDIR(file.st_mode)) return EPERM; // poll(2) finds them always ready
        if (find_entry(descriptor) != entries_.end()) return EEXIST;
        entries_.push_back({descriptor, &watch, POLLIN | POLLOUT});
        return 0;
    }

    void rearm(int descriptor, Watch&, Readiness direction) noexcept override {
        const auto entry = find_entry(descriptor);
        const int bit = direction == Readiness::readable ? POLLIN : POLLOUT;
        if (entry != entries_.end()) entry->armed = static_cast<short>(entry->armed | bit);
    }

    void remove(int descriptor, Watch&) noexcept override { entries_.erase(find_entry(descriptor)); }

    int waits = 0; ///< How often the loop has waited.

private:
    struct Entry {
        int descriptor;
        Watch* watch;
        short armed; // of POLLIN and POLLOUT
    };

    std::vector<Entry>::iterator find_entry(int descriptor) noexcept {
        return std::find_if(entries_.begin(), entries_.end(),
                            [&](const Entry& each) { return each.descriptor == descriptor; });
    }

    void report(const pollfd& event) noexcept {
        const auto entry = find_entry(event.fd);
        if (entry == entries_.end()) return; // removed by an earlier report
        using enum Readiness;
        const bool over = (event.revents & (POLLHUP | POLLERR)) != 0;
        entry->armed = over ? short{0} : static_cast<short>(entry->armed & ~event.revents);
        entry->watch->on_ready(((event.revents & POLLIN) != 0 ? readable : none) |
                               ((event.revents & POLLOUT) != 0 ? writable : none) | (over ? broken : none));
    }

    int milliseconds_until(rouse::TimePoint deadline) const noexcept {
        if (deadline == rouse::no_deadline) return -1;
        if (deadline <= now()) return 0;
        return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(deadline - now()).count());
    }

    int wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    std::vector<Entry> entries_;
};

} // namespace test

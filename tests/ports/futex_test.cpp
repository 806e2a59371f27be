#include <rouse/ports/detail/futex.hpp>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>
#include <thread>
#include <vector>

#include <rouse/rouse.hpp>

#include "in_child.hpp"
#include "refused_call.hpp"
#include "support/catch.hpp"

using namespace rouse;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

struct Call {
    long number;
    std::int64_t seconds;
    std::int64_t nanoseconds;
    bool bounded;
    bool operator==(const Call&) const = default;
};

// What has been called, and what it is to return: an error, or 0.
struct Kernel {
    std::vector<Call> calls;
    int with_long_says = 0;
    int with_64_bits_says = 0;
};

// A platform whose `long` has the width of `L`, and which has the calls of these numbers.
template <class L, long WithLong, long With64Bits>
struct Platform {
    static constexpr long none = -1;
    static constexpr long with_long = WithLong;
    static constexpr long with_64_bits = With64Bits;
    using Long = L;
    Kernel& kernel;

    long operator()(long number, void*, int, std::uint32_t, const void* timeout) const {
        Call call{number, 0, 0, timeout != nullptr};
        if (timeout != nullptr && number == with_long) {
            L time[2];
            std::memcpy(time, timeout, sizeof time);
            call.seconds = time[0];
            call.nanoseconds = time[1];
        } else if (timeout != nullptr) {
            std::int64_t time[2];
            std::memcpy(time, timeout, sizeof time);
            call.seconds = time[0];
            call.nanoseconds = time[1];
        }
        kernel.calls.push_back(call);
        errno = number == with_long ? kernel.with_long_says : kernel.with_64_bits_says;
        return errno == 0 ? 0 : -1;
    }
};

constexpr long old_call = 240;
constexpr long new_call = 422;
using Wide = Platform<std::int64_t, old_call, -1>;         // x86-64
using Narrow = Platform<std::int32_t, old_call, new_call>; // i386, armhf
using Newest = Platform<std::int32_t, -1, new_call>;       // riscv32

template <class P>
bool wait(Kernel& kernel, steady_clock::time_point deadline) {
    kernel.calls.clear();
    std::uint32_t word = 0;
    return detail::futex_wait_by(P{kernel}, &word, 0, deadline);
}

constexpr steady_clock::time_point soon{1234567890123ns};
constexpr steady_clock::time_point in_2100{24h * 365 * 130 + 5ns}; // beyond 32 bits of seconds

} // namespace

TEST_CASE("where long has 64 bits, the futex call gets the time in two of them") {
    Kernel kernel;
    CHECK(wait<Wide>(kernel, soon));
    CHECK(kernel.calls == std::vector<Call>{{old_call, 1234, 567890123, true}});
    CHECK(wait<Wide>(kernel, in_2100));
    CHECK(kernel.calls == std::vector<Call>{{old_call, 130LL * 365 * 24 * 3600, 5, true}});
}

TEST_CASE("where long has 32 bits, the futex call for times of 64 bits is used") {
    Kernel kernel;
    CHECK(wait<Narrow>(kernel, soon));
    CHECK(kernel.calls == std::vector<Call>{{new_call, 1234, 567890123, true}});
    CHECK(wait<Narrow>(kernel, in_2100));
    CHECK(kernel.calls == std::vector<Call>{{new_call, 130LL * 365 * 24 * 3600, 5, true}});
    CHECK(wait<Newest>(kernel, soon));
    CHECK(kernel.calls == std::vector<Call>{{new_call, 1234, 567890123, true}});
}

TEST_CASE("a kernel or a sandbox without that call gets the one with times of 32 bits") {
    for (const int error : {ENOSYS, EPERM}) {
        Kernel kernel;
        kernel.with_64_bits_says = error;
        CHECK(wait<Narrow>(kernel, soon));
        CHECK(kernel.calls == std::vector<Call>{{new_call, 1234, 567890123, true}, {old_call, 1234, 567890123, true}});
        kernel.with_long_says = ETIMEDOUT;
        CHECK(!wait<Narrow>(kernel, soon));
        // A time beyond 32 bits is not up when the kernel says so of the last time that they can express.
        CHECK(wait<Narrow>(kernel, in_2100));
        CHECK(kernel.calls.back() == Call{old_call, std::numeric_limits<std::int32_t>::max(), 0, true});
    }
}

TEST_CASE("a futex wait tells only of a deadline that has passed, and has none for the maximum") {
    Kernel kernel;
    CHECK(wait<Wide>(kernel, steady_clock::time_point::max()));
    CHECK(!kernel.calls.at(0).bounded);
    CHECK(wait<Wide>(kernel, steady_clock::time_point::min()));
    CHECK(kernel.calls.at(0) == Call{old_call, 0, 0, true});
    CHECK(wait<Wide>(kernel, steady_clock::time_point::min() + 1ns));
    CHECK(kernel.calls.at(0) == Call{old_call, 0, 0, true});
    CHECK(wait<Wide>(kernel, steady_clock::time_point::max() - 1ns));
    CHECK(kernel.calls.at(0) == Call{old_call, 9223372036, 854775806, true});
    for (const int error : {EINTR, EAGAIN}) {
        kernel.with_long_says = kernel.with_64_bits_says = error;
        CHECK(wait<Wide>(kernel, soon));
        CHECK(wait<Narrow>(kernel, soon));
        CHECK(wait<Newest>(kernel, soon));
    }
    kernel.with_long_says = kernel.with_64_bits_says = ETIMEDOUT;
    CHECK(!wait<Wide>(kernel, soon));
    CHECK(!wait<Narrow>(kernel, soon));
    CHECK(kernel.calls.size() == 1);
    CHECK(!wait<Newest>(kernel, soon));
}

TEST_CASE("any other error of a futex call panics, as the thread would spin or hang") {
    for (const int error : {ENOSYS, EPERM, EINVAL, EFAULT, ENOMEM}) {
        Kernel kernel;
        kernel.with_long_says = kernel.with_64_bits_says = error;
        CHECK(test::in_child([&] { return wait<Wide>(kernel, soon); }).panicked());
        CHECK(test::in_child([&] { return wait<Narrow>(kernel, soon); }).panicked());
        CHECK(test::in_child([&] { return wait<Newest>(kernel, soon); }).panicked());
        std::uint32_t word = 0;
        const bool panics = error != EINVAL && error != EFAULT; // the memory of the word may be gone
        CHECK(test::in_child([&] {
                  detail::futex_wake_by(Wide{kernel}, &word);
                  return true;
              }).panicked() == panics);
    }
}

TEST_CASE("a thread that cannot sleep panics at once, if a filter refuses the call") {
    for (const int error : {ENOSYS, EPERM, EINVAL}) {
        const test::Child child = test::in_child([error] {
            if (!test::refuse_call(SYS_futex, error)) return false;
            ThreadSafeQueue<int, 1> queue;
            return queue.get_sync(1h).has_value();
        });
        CHECK(child.panicked());
        CHECK(child.said.find("rouse: futex(2) failed") != std::string::npos);
    }
}

TEST_CASE("a blocking call with a time limit waits that long, and no longer") {
    ThreadSafeQueue<int, 1> queue;
    const auto start = steady_clock::now();
    const auto item = queue.get_sync(30ms);
    CHECK(!item.has_value());
    CHECK(steady_clock::now() - start >= 30ms);
}

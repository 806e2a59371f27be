// The table of net in docs/cancellation.md: as tests/docs/cancellation_test.cpp, but with sockets and the real clock.
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/eventfd.h>
#include <unistd.h>

#include <rouse/io/io.hpp>
#include <rouse/rouse.hpp>

#include "loopback.hpp"
#include "support/catch.hpp"
#include "support/page.hpp"

using namespace rouse;
using namespace std::chrono_literals;
using loopback::Plain;
using loopback::settle;
using test::check_page;
using test::Row;
using test::Table;

enum class Moment { before, at, after };

static const char* const lost = "LOST";

// A scenario has: prepare(); task(), which awaits the thing, and then rests(); happen(), which is called until it has
// happened; and became(), which says what has become of it.
class Case {
public:
    explicit Case(Moment when) : moment{when} {}
    static constexpr bool starts_waiting = true; // whether it waits until happen()
    [[nodiscard]] bool has_completed() const { return completed_; }
    [[nodiscard]] const std::string& told() const { return told_; }
    bool started = false;

protected:
    auto watch() {
        started = true;
        return on_cancel([this] { told_ = completed_ ? "next" : "here"; });
    }
    auto rest() {
        completed_ = true;
        return sleep(24h);
    }
    [[nodiscard]] bool later() const { return moment == Moment::before; }
    [[nodiscard]] bool has_it() const { return moment == Moment::after; }

    const Moment moment;

private:
    bool completed_ = false;
    std::string told_;
};

// The cell of a scenario.
template <class C>
static Task<std::string> play(Moment moment) {
    C scenario{moment};
    co_await scenario.prepare();
    const TaskHandle<> task = create_task(scenario.task());
    if (C::starts_waiting || moment == Moment::before) co_await settle();
    REQUIRE(!scenario.has_completed());
    if (moment == Moment::after) {
        while (!scenario.has_completed()) {
            scenario.happen();
            co_await yield();
        }
    }
    if (moment == Moment::at) {
        while (!scenario.started || record_of(task)->state != detail::TaskState::ready) {
            scenario.happen();
            co_await yield();
        }
        REQUIRE(!scenario.has_completed());
    }
    REQUIRE(task.cancel());
    co_await task.outcome();
    REQUIRE(task.cancelled());
    if (moment == Moment::before) scenario.happen();
    co_await settle();
    const std::string became = co_await scenario.became();
    co_return scenario.told() + ": " + became;
}

template <class C>
static std::vector<std::string> cells() {
    return {run(play<C>(Moment::before)), run(play<C>(Moment::at)), run(play<C>(Moment::after))};
}

struct WithConnection : Case {
    using Case::Case;
    std::optional<loopback::Connection> connection;

    Task<> prepare() {
        auto made = co_await loopback::connect();
        connection.emplace(std::move(made));
    }
};

// Half of it is there before.
struct Reading : WithConnection {
    using WithConnection::WithConnection;
    bool sent = false;
    std::string got;

    Task<> prepare() {
        co_await WithConnection::prepare();
        connection->peer.send("abc");
    }
    void happen() {
        if (!std::exchange(sent, true)) connection->peer.send("de\n");
    }
    Task<std::string> became() {
        connection->peer.end();
        const std::string rest_of_it = co_await connection->reader.read();
        if (has_it()) co_return got == "abcde\n" && rest_of_it.empty() ? "it has the bytes" : lost;
        co_return rest_of_it == "abcde\n" ? "all bytes stay for the next read" : lost;
    }
};

struct ReadingExactly : Reading {
    using Reading::Reading;
    Task<> task() {
        const auto guard = watch();
        got = co_await connection->reader.readexactly(6);
        co_await rest();
    }
};

struct ReadingLine : Reading {
    using Reading::Reading;
    Task<> task() {
        const auto guard = watch();
        got = co_await connection->reader.readline();
        co_await rest();
    }
};

struct ReadingSome : Reading {
    using Reading::Reading;
    Task<> prepare() { return WithConnection::prepare(); }
    Task<> task() {
        const auto guard = watch();
        got = co_await connection->reader.read(6);
        co_await rest();
    }
    void happen() {
        if (!std::exchange(sent, true)) connection->peer.send("abcde\n");
    }
};

// More than the system takes is written before.
struct Sending : WithConnection {
    using WithConnection::WithConnection;
    const std::string all = loopback::pattern(8 * 1024 * 1024);
    std::string arrived;
    bool end = false;

    Task<> prepare() {
        co_await WithConnection::prepare();
        connection->writer.write(all);
    }
    void happen() { arrived += connection->peer.take(&end); }
};

struct Draining : Sending {
    using Sending::Sending;
    Task<> task() {
        const auto guard = watch();
        co_await connection->writer.drain();
        co_await rest();
    }
    Task<std::string> became() {
        for (int i = 0; i < 2000 && arrived.size() < all.size(); ++i) {
            happen();
            co_await sleep(1ms);
        }
        co_return arrived == all ? "what was written is sent" : lost;
    }
};

struct WaitingUntilClosed : Sending {
    using Sending::Sending;
    Task<> prepare() {
        co_await Sending::prepare();
        connection->writer.close();
    }
    Task<> task() {
        const auto guard = watch();
        co_await connection->writer.wait_closed();
        co_await rest();
    }
    Task<std::string> became() {
        for (int i = 0; i < 2000 && !end; ++i) {
            happen();
            co_await sleep(1ms);
        }
        co_return end&& arrived == all ? "what was written is sent, then it closes" : lost;
    }
};

struct Connecting : Case {
    using Case::Case;
    static constexpr bool starts_waiting = false;
    Plain listener = Plain::listening(0);
    std::vector<TaskHandle<>> others;
    std::ptrdiff_t descriptors = 0;

    Task<> connect() {
        auto connected = co_await open_connection("127.0.0.1", listener.port());
        co_await sleep(24h);
    }
    Task<> prepare() {
        // Nobody accepts, and the backlog is full.
        if (later()) {
            for (int i = 0; i < 8; ++i) others.push_back(create_task(connect()));
        }
        co_await settle();
        descriptors = loopback::open_descriptors();
    }
    Task<> task() {
        const auto guard = watch();
        auto connected = co_await open_connection("127.0.0.1", listener.port());
        co_await rest();
    }
    void happen() {}
    Task<std::string> became() {
        co_await settle();
        if (loopback::open_descriptors() != descriptors) co_return lost;
        co_return has_it() ? "its StreamWriter closes the connection" : "what was begun is closed";
    }
};

struct WaitingForDescriptor : Case {
    using Case::Case;
    int number = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    Task<> prepare() { co_return; }
    Task<> task() {
        const auto guard = watch();
        co_await readable(number);
        co_await rest();
    }
    void happen() const { ::eventfd_write(number, 1); }
    Task<std::string> became() const {
        co_await readable(number);
        eventfd_t count = 0;
        const bool there = ::eventfd_read(number, &count) == 0 && count > 0;
        ::close(number);
        co_return there ? "the descriptor stays readable" : lost;
    }
};

TEST_CASE("the table of net in docs/cancellation.md says what happens") {
    const loopback::Deadline deadline;
    const std::vector<Row> rows{
        {"`read(n)`", cells<ReadingSome>()},
        {"`readexactly(n)`", cells<ReadingExactly>()},
        {"`readline()`", cells<ReadingLine>()},
        {"`drain()`", cells<Draining>()},
        {"`wait_closed()`", cells<WaitingUntilClosed>()},
        {"`open_connection(host, port)`", cells<Connecting>()},
        {"`readable(fd)`, `writable(fd)`", cells<WaitingForDescriptor>()},
    };
    const Table net{"net", "tests/io/cancellation_test.cpp", "| | before | at | after |\n|---|---|---|---|\n"};
    check_page("cancellation.md", [&](const std::string& page) {
        std::string made = net.put_into(page, rows);
        CHECK(made.find(lost) == made.npos);
        return made;
    });
}

#include <rouse/hosts/asio.hpp>
#include <rouse/rouse.hpp>

#if ROUSE_EXCEPTIONS // without, asio 1.22 does not compile as a whole
#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>
#endif

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "support/catch.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

// An operation that completes on a thread of its own, or is dropped there.
template <class Signature, class... Results>
auto async_on_thread(std::thread& thread, bool completes, Results... results) {
    return asio::async_initiate<const UseRouse, Signature>(
        [&thread, completes](auto handler, auto... values) {
            thread = std::thread{[handler = std::move(handler), completes, ... values = std::move(values)]() mutable {
                auto once = std::move(handler);
                if (completes) std::move(once)(std::move(values)...);
            }};
        },
        use_rouse, std::move(results)...);
}

} // namespace

TEST_CASE("an operation that asio completes on a thread continues on the loop, with its result") {
    run([]() -> Task<> {
        const auto here = std::this_thread::get_id();
        std::thread thread;
        co_await async_on_thread<void()>(thread, true);
        CHECK(std::this_thread::get_id() == here);
        thread.join();
        const int number = co_await async_on_thread<void(int)>(thread, true, 5);
        CHECK(number == 5);
        thread.join();
    }());
}

TEST_CASE("an operation that a thread drops ends the wait") {
    run([]() -> Task<> {
        std::thread thread;
        auto waits =
            create_task([](std::thread& on) -> Task<> { co_await async_on_thread<void()>(on, false); }(thread));
        const auto outcome = co_await waits.outcome();
        thread.join();
#if ROUSE_EXCEPTIONS
        CHECK_THROWS_AS(std::rethrow_exception(outcome.error()), AbandonedError);
#else
        CHECK(outcome.cancelled());
#endif
    }());
}

#if !ROUSE_EXCEPTIONS
TEST_CASE("an error of an operation of asio is part of its result") {
    run([]() -> Task<> {
        std::thread thread;
        const auto end = std::make_error_code(std::errc::io_error);
        const auto [error, bytes] = co_await async_on_thread<void(std::error_code, int)>(thread, true, end, 4);
        thread.join();
        CHECK(error == end);
        CHECK(bytes == 4);
        const std::error_code alone = co_await async_on_thread<void(std::error_code)>(thread, true, end);
        thread.join();
        CHECK(alone == end);
    }());
}
#else

namespace {

// An io_context that a thread of its own runs.
class Runner {
public:
    Runner() : thread_{[this] { context.run(); }} {}
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;
    ~Runner() {
        work_.reset();
        thread_.join();
    }

    asio::io_context context;

private:
    asio::executor_work_guard<asio::io_context::executor_type> work_{context.get_executor()};
    std::thread thread_;
};

// An operation of the caller's own: completes at once, on the context's thread.
template <class Signature, class Token, class... Results>
auto async_completes(asio::io_context& context, Token&& token, Results... results) {
    return asio::async_initiate<Token, Signature>(
        [&context](auto handler, auto... values) {
            asio::post(context, [handler = std::move(handler), ... values = std::move(values)]() mutable {
                std::move(handler)(std::move(values)...);
            });
        },
        token, std::move(results)...);
}

} // namespace

TEST_CASE("a task awaits a timer of asio that a thread runs, and continues on its loop") {
    Runner runner;
    run([](asio::io_context& context) -> Task<> {
        const auto here = std::this_thread::get_id();
        asio::steady_timer timer{context, std::chrono::milliseconds{1}};
        co_await timer.async_wait(use_rouse);
        CHECK(std::this_thread::get_id() == here);
        CHECK(timer.expiry() <= std::chrono::steady_clock::now());
    }(runner.context));
}

TEST_CASE("an operation of asio is awaited on the thread that runs both the context and the loop") {
    asio::io_context context;
    DefaultPort port;
    Loop loop{port};
    bool ended = false;
    auto task = loop.create_task([](asio::io_context& on, bool& done) -> Task<> {
        asio::steady_timer timer{on, std::chrono::milliseconds{1}};
        co_await timer.async_wait(use_rouse);
        done = true;
    }(context, ended));
    loop.poll();
    context.run();
    CHECK(!ended); // asio's thread does not run the task
    loop.poll();
    CHECK(ended);
}

TEST_CASE("an operation of asio starts when it is awaited") {
    Runner runner;
    run([](asio::io_context& context) -> Task<> {
        int started = 0;
        const auto initiate = [&](auto handler) {
            ++started;
            asio::post(context, [handler = std::move(handler)]() mutable { std::move(handler)(7); });
        };
        auto operation = asio::async_initiate<const UseRouse, void(int)>(initiate, use_rouse);
        CHECK(started == 0);
        const int result = co_await std::move(operation);
        CHECK(result == 7);
        CHECK(started == 1);
    }(runner.context));
}

TEST_CASE("the result of an operation of asio is nothing, a value or a tuple") {
    Runner runner;
    run([](asio::io_context& context) -> Task<> {
        co_await async_completes<void()>(context, use_rouse);
        co_await asio::post(context, use_rouse);
        const int number = co_await async_completes<void(int)>(context, use_rouse, 5);
        CHECK(number == 5);
        const auto [text, other] =
            co_await async_completes<void(std::string, int)>(context, use_rouse, std::string("text"), 3);
        CHECK(text == "text");
        CHECK(other == 3);
        const std::unique_ptr<int> moved =
            co_await async_completes<void(std::unique_ptr<int>)>(context, use_rouse, std::make_unique<int>(9));
        CHECK(*moved == 9);
        const auto [error, bytes] = co_await async_completes<void(asio::error_code, int)>(
            context, asio::experimental::as_tuple(use_rouse), asio::error_code(asio::error::eof), 4);
        CHECK(error == asio::error::eof);
        CHECK(bytes == 4);
    }(runner.context));
}

TEST_CASE("bytes go through a pair of asio's sockets") {
    Runner runner;
    run([](asio::io_context& context) -> Task<> {
        asio::local::stream_protocol::socket a{context};
        asio::local::stream_protocol::socket b{context};
        asio::local::connect_pair(a, b);
        std::array<char, 5> buffer{};
        auto reads = create_task([](auto& from, auto& into) -> Task<std::size_t> {
            co_return co_await asio::async_read(from, asio::buffer(into), use_rouse);
        }(b, buffer));
        co_await yield();
        co_await asio::async_write(a, asio::buffer("hello", 5), use_rouse);
        const std::size_t read = co_await reads;
        CHECK(read == 5);
        CHECK(std::string(buffer.data(), 5) == "hello");
    }(runner.context));
}

TEST_CASE("a cancelled task waits for its operation, which asio cancels") {
    Runner runner;
    run([](asio::io_context& context) -> Task<> {
        asio::steady_timer timer{context, std::chrono::hours{1}};
        auto waits = create_task([](asio::steady_timer& on) -> Task<> { co_await on.async_wait(use_rouse); }(timer));
        co_await yield();
        waits.cancel();
        co_await sleep(2ms);
        CHECK(!waits.done());
        asio::post(context, [&timer] { timer.cancel(); });
        const auto outcome = co_await waits.outcome();
        CHECK(outcome.cancelled());
    }(runner.context));
}

TEST_CASE("an operation that is dropped because its context is destroyed ends the wait") {
    run([]() -> Task<> {
        auto context = std::make_unique<asio::io_context>();
        std::optional<asio::steady_timer> timer{std::in_place, *context, std::chrono::hours{1}};
        auto waits = create_task([](asio::steady_timer& on) -> Task<> { co_await on.async_wait(use_rouse); }(*timer));
        co_await yield();
        // A handler that was posted, and is never called, has it.
        timer->cancel();
        timer.reset();
        context.reset();
        const auto outcome = co_await waits.outcome();
        CHECK_THROWS_AS(std::rethrow_exception(outcome.error()), AbandonedError);
    }());
}

TEST_CASE("an error of an operation of asio is thrown") {
    Runner runner;
    run([](asio::io_context& context) -> Task<> {
        asio::error_code code;
        try {
            co_await async_completes<void(asio::error_code, int)>(context, use_rouse,
                                                                  asio::error_code(asio::error::eof), 4);
        } catch (const std::system_error& error) {
            code = error.code();
        }
        CHECK(code == asio::error::eof);
        const int bytes =
            co_await async_completes<void(asio::error_code, int)>(context, use_rouse, asio::error_code(), 4);
        CHECK(bytes == 4);
        int thrown = 0;
        try {
            co_await async_completes<void(std::exception_ptr)>(context, use_rouse, std::make_exception_ptr(8));
        } catch (int n) {
            thrown = n;
        }
        CHECK(thrown == 8);
    }(runner.context));
}

TEST_CASE("what an initiation throws is thrown at the co_await") {
    run([]() -> Task<> {
        int thrown = 0;
        const auto initiate = [](auto) { throw 6; };
        try {
            co_await asio::async_initiate<const UseRouse, void()>(initiate, use_rouse);
        } catch (int n) {
            thrown = n;
        }
        CHECK(thrown == 6);
    }());
}
#endif

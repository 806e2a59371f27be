#include <rouse/io/run_interruptible.hpp>

#include <chrono>
#include <csignal>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include <rouse/io/open_connection.hpp>
#include <rouse/io/server.hpp>
#include <rouse/io/signal.hpp>
#include <rouse/rouse.hpp>

#include "ports/in_child.hpp"
#include "support/catch.hpp"

using namespace rouse;
using namespace std::chrono_literals;

// Runs `body` in a child process whose signals have their default actions (not Catch2's).
template <class F>
static test::Child in_child(F body) {
    return test::in_child([&] {
        std::signal(SIGINT, SIG_DFL);
        std::signal(SIGTERM, SIG_DFL);
        return body();
    });
}

static bool ended_by(const test::Child& child, int number) {
    return WIFSIGNALED(child.status) && WTERMSIG(child.status) == number;
}

// Sends the signal to this process from another one, as a terminal or a shell does.
static void send_from_outside(int number) {
    const pid_t here = ::getpid();
    const pid_t sender = ::fork();
    if (sender == 0) ::_exit(::kill(here, number));
    ::waitpid(sender, nullptr, 0);
}

static Task<> forever_after(int number) {
    send_from_outside(number);
    co_await sleep(1h);
}

// What a run that a signal ended says; an empty string if it did not.
template <class T, class... Grace>
static std::string interruption(Task<T> main, int& status, Grace... grace) {
    try {
        static_cast<void>(run_interruptible(std::move(main), grace...));
    } catch (const Interrupted& error) {
        status = error.exit_status();
        return error.what();
    }
    return "";
}

static Task<int> seven() {
    co_await yield();
    co_return 7;
}

static Task<> fails() {
    co_await yield();
    throw std::runtime_error{"a failure of main"};
}

TEST_CASE("run_interruptible returns what main returns, and throws what it throws") {
    CHECK(run_interruptible(seven()) == 7);
    CHECK_THROWS_WITH(run_interruptible(fails()), "a failure of main");
    CHECK(*run_interruptible([]() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(7); }()) == 7);
}

TEST_CASE("run_interruptible cancels the remaining tasks when main has ended, and waits for them") {
    bool cleaned_up = false;
    run_interruptible([](bool& done) -> Task<> {
        create_task([](bool& clean) -> Task<> {
            try {
                co_await sleep(1h);
            } catch (const CancelledError&) {
            }
            co_await sleep(2ms);
            clean = true;
        }(done));
        co_await yield();
    }(cleaned_up));
    CHECK(cleaned_up);
}

TEST_CASE("Ctrl-C, or SIGTERM, cancels main, and the error says which signal it was") {
    for (const int number : {SIGINT, SIGTERM}) {
        CHECK(in_child([number] {
                  int status = 0;
                  const std::string what = interruption(forever_after(number), status);
                  return status == 128 + number &&
                         what == "rouse: run_interruptible: main was cancelled by a signal: " +
                                     std::string{::strsignal(number)};
              }).well());
    }
}

// Cleans up for a while after its cancellation.
static Task<> cleans_up(bool& done, Clock::duration time) {
    try {
        co_await sleep(1h);
    } catch (const CancelledError&) {
    }
    co_await sleep(time);
    done = true;
    throw CancelledError{};
}

static Task<> main_and_worker(bool& main_done, bool& worker_done, Clock::duration time) {
    create_task(cleans_up(worker_done, time), "worker");
    send_from_outside(SIGINT);
    co_await cleans_up(main_done, time);
}

TEST_CASE("after Ctrl-C, main and then the other tasks may clean up, and are cancelled once") {
    CHECK(in_child([] {
              bool main_done = false, worker_done = false;
              int status = 0;
              interruption(main_and_worker(main_done, worker_done, 50ms), status);
              return main_done && worker_done && status == 130;
          }).well());
}

struct Mark {
    bool& mark;
    ~Mark() { mark = true; }
};

static Task<> never_ends(bool& destroyed) {
    const Mark mark{destroyed};
    for (;;) {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
        }
    }
}

TEST_CASE("tasks that do not end in time after Ctrl-C are destroyed, and counted, main as well") {
    CHECK(in_child([] {
              bool worker = false, main = false;
              try {
                  run_interruptible(
                      [](bool& destroyed, bool& destroyed_main) -> Task<> {
                          create_task(never_ends(destroyed));
                          send_from_outside(SIGINT);
                          co_await never_ends(destroyed_main);
                      }(worker, main),
                      10ms);
              } catch (const Interrupted& error) {
                  return worker && main && error.abandoned == 2;
              }
              return false;
          }).well());
    CHECK(in_child([] {
              bool worker = false;
              try {
                  run_interruptible(
                      [](bool& destroyed) -> Task<> {
                          create_task(never_ends(destroyed));
                          send_from_outside(SIGINT);
                          co_await sleep(1h);
                      }(worker),
                      10ms);
              } catch (const Interrupted& error) {
                  return worker && error.abandoned == 1;
              }
              return false;
          }).well());
}

TEST_CASE("tasks that are created while the program winds down are cancelled, too") {
    CHECK(in_child([] {
              int status = 0;
              interruption(
                  []() -> Task<> {
                      create_task([]() -> Task<> {
                          const auto last = on_cancel([] { create_task([]() -> Task<> { co_await sleep(1h); }()); });
                          co_await sleep(1h);
                      }());
                      send_from_outside(SIGINT);
                      co_await sleep(1h);
                  }(),
                  status, 1h);
              return status == 130;
          }).well());
}

TEST_CASE("main may catch the cancellation of Ctrl-C and return a value") {
    CHECK(in_child([] {
              const int value = run_interruptible([]() -> Task<int> {
                  try {
                      co_await forever_after(SIGINT);
                  } catch (const CancelledError&) {
                  }
                  co_return 7;
              }());
              return value == 7;
          }).well());
}

TEST_CASE("an exception of main's cleanup after Ctrl-C is thrown") {
    CHECK(in_child([] {
              try {
                  run_interruptible([]() -> Task<> {
                      try {
                          co_await forever_after(SIGINT);
                      } catch (const CancelledError&) {
                      }
                      co_await fails();
                  }());
              } catch (const std::runtime_error& error) {
                  return std::string{error.what()} == "a failure of main";
              }
              return false;
          }).well());
}

TEST_CASE("a second Ctrl-C, or a SIGTERM after it, ends the program at once, even if the loop is stuck") {
    for (const int second : {SIGINT, SIGTERM}) {
        const auto child = in_child([second] {
            int status = 0;
            interruption(
                [](int number) -> Task<> {
                    send_from_outside(SIGINT);
                    send_from_outside(number);
                    co_await sleep(1h);
                }(second),
                status);
            return true;
        });
        CHECK(ended_by(child, second));
    }
}

TEST_CASE("Ctrl-C once main has ended takes its default action") {
    CHECK(ended_by(in_child([] {
                       run_interruptible([]() -> Task<> {
                           create_task([]() -> Task<> {
                               try {
                                   co_await sleep(1h);
                               } catch (const CancelledError&) {
                                   send_from_outside(SIGINT);
                               }
                               co_await sleep(1h);
                           }());
                           co_await yield();
                       }());
                       return true;
                   }),
                   SIGINT));
    CHECK(ended_by(in_child([] {
                       run_interruptible([]() -> Task<> {
                           send_from_outside(SIGTERM); // and main ends before it can be cancelled
                           co_return;
                       }());
                       return true;
                   }),
                   SIGTERM));
}

TEST_CASE("after run_interruptible the signals have their default actions again, and it can run again") {
    CHECK(in_child([] {
              int status = 0;
              bool well = true;
              for (int round = 0; round < 3; ++round) {
                  interruption(forever_after(SIGINT), status);
                  well = well && status == 130 && run_interruptible(seven()) == 7;
                  for (const int number : {SIGINT, SIGTERM}) {
                      struct sigaction action{};
                      ::sigaction(number, nullptr, &action);
                      well = well && action.sa_handler == SIG_DFL;
                  }
              }
              return well;
          }).well());
}

TEST_CASE("a signal that the program ignores or handles is left alone") {
    CHECK(in_child([] {
              std::signal(SIGINT, SIG_IGN);
              static volatile std::sig_atomic_t handled = 0;
              std::signal(SIGTERM, [](int) { handled = 1; });
              run_interruptible([]() -> Task<> {
                  send_from_outside(SIGINT);
                  send_from_outside(SIGTERM);
                  co_await sleep(2ms);
              }());
              return handled == 1;
          }).well());
}

TEST_CASE("a Signal in a task takes the signal over while it lives") {
    CHECK(in_child([] {
              int status = 0;
              bool got = false;
              const std::string what = interruption(
                  [](bool& given) -> Task<> {
                      {
                          Signal own{SIGINT};
                          send_from_outside(SIGINT);
                          given = co_await own.wait() == SIGINT;
                      }
                      co_await forever_after(SIGINT);
                  }(got),
                  status);
              return got && status == 130;
          }).well());
}

TEST_CASE("a second run_interruptible at a time, and one inside a loop, are clear errors") {
    CHECK_THROWS_AS(run(([]() -> Task<> {
                        run_interruptible(seven());
                        co_return;
                    }())),
                    UsageError);
    std::string what;
    run_interruptible([](std::string& said) -> Task<> {
        said = co_await unblock([] {
            try {
                run_interruptible(seven());
            } catch (const UsageError& error) {
                return std::string{error.what()};
            }
            return std::string{};
        });
    }(what));
    CHECK(what == "rouse: run_interruptible: it is running on another thread already; use run() there");
    CHECK(run_interruptible(seven()) == 7);
}

TEST_CASE("a server closes on Ctrl-C, and its handlers may finish") {
    CHECK(in_child([] {
              int status = 0;
              bool answered = false;
              interruption(
                  [](bool& got_answer) -> Task<> {
                      auto handler = [](StreamReader reader, StreamWriter writer) -> Task<> {
                          const std::string line = co_await reader.readline();
                          writer.write(line);
                      };
                      auto server = co_await start_server(handler, "127.0.0.1", 0);
                      auto client = [](std::uint16_t port, bool& got) -> Task<> {
                          auto [reader, writer] = co_await open_connection("127.0.0.1", port);
                          co_await sleep(5ms);
                          send_from_outside(SIGINT);
                          co_await sleep(5ms);
                          writer.write("a line\n");
                          const std::string line = co_await reader.readline();
                          got = line == "a line\n";
                      };
                      create_task(client(server.port(), got_answer));
                      co_await server.serve_forever(1h);
                  }(answered),
                  status);
              return answered && status == 130;
          }).well());
}

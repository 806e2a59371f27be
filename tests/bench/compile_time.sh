#!/bin/bash
# P10: the time and the memory that it takes to compile a file with one coroutine: with the least that it needs (a
# handwritten task type), with rouse, and with asio if it is installed. In turn, the median and the ratio to the floor.
#
#   compile_time.sh [--out FILE] [--rounds N]     --out appends every measurement to FILE, as the benchmarks do
#   CXX=clang++ CXXFLAGS=-O0 compile_time.sh      another compiler, other flags (default: g++ -O2)
set -eu
include=$(cd "$(dirname "$0")/../../include" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/floor.cpp" <<'EOF'
#include <chrono>
#include <coroutine>
#include <exception>
#include <utility>

struct Task {
    struct promise_type {
        Task get_return_object() { return Task{std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };
    std::coroutine_handle<promise_type> frame;
    explicit Task(std::coroutine_handle<promise_type> f) : frame{f} {}
    Task(Task&& other) noexcept : frame{std::exchange(other.frame, nullptr)} {}
    ~Task() {
        if (frame) frame.destroy();
    }
};

struct Sleep {
    std::chrono::nanoseconds duration;
    bool await_ready() { return duration.count() <= 0; }
    void await_suspend(std::coroutine_handle<>) {}
    void await_resume() {}
};

Task blink() { co_await Sleep{std::chrono::milliseconds{1}}; }

int main() { blink().frame.resume(); }
EOF
cat >"$work/rouse.cpp" <<'EOF'
#include <rouse/rouse.hpp>

rouse::Task<> blink() { co_await rouse::sleep(std::chrono::milliseconds{1}); }

int main() { rouse::run(blink()); }
EOF
cat >"$work/asio.cpp" <<'EOF'
#include <asio.hpp>

asio::awaitable<void> blink() {
    asio::steady_timer timer{co_await asio::this_coro::executor, std::chrono::milliseconds{1}};
    co_await timer.async_wait(asio::use_awaitable);
}

int main() {
    asio::io_context context;
    asio::co_spawn(context, blink(), asio::detached);
    context.run();
}
EOF

exec python3 - "$work" "$include" "$@" <<'EOF'
import argparse, os, shlex, statistics, subprocess, sys, time

parser = argparse.ArgumentParser(prog="compile_time.sh")
parser.add_argument("--out")
parser.add_argument("--rounds", type=int, default=5)
work, include = sys.argv[1:3]
options = parser.parse_args(sys.argv[3:])
command = [os.environ.get("CXX", "g++"), "-std=c++20", *shlex.split(os.environ.get("CXXFLAGS", "-O2")), "-I", include]


def compile(side):
    """Seconds and the MiB at the peak, of the compiler and its children; None if it cannot be compiled."""
    start = time.monotonic()
    process = subprocess.Popen([*command, "-c", f"{work}/{side}.cpp", "-o", "/dev/null"], stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return (time.monotonic() - start, usage.ru_maxrss / 1024) if process.returncode == 0 else None


sides = [side for side in ("floor", "rouse", "asio") if compile(side)]  # which also fills the file cache
if sides[:2] != ["floor", "rouse"]:
    sys.exit("compile_time.sh: what is to be measured does not compile")
samples = {side: [] for side in sides}
for _ in range(options.rounds):
    for side in sides:
        samples[side].append(compile(side))

print("P10 compile a file with one coroutine, goal 1.60 x floor")
for side in sides:
    seconds, mebibytes = (statistics.median(each) for each in zip(*samples[side]))
    ratio = statistics.median(own[0] / floor[0] for own, floor in zip(samples[side], samples["floor"]))
    print(f"    {side:28} {seconds:10.2f} s     ratio {ratio:.2f}   MiB: {mebibytes:.0f}")
if options.out:
    with open(options.out, "a") as out:
        for side in sides:
            for i, (seconds, mebibytes) in enumerate(samples[side]):
                print("P10", "compile a file with one coroutine", "s", 1.6, "MiB", side, i, seconds, mebibytes,
                      sep="\t", file=out)
EOF

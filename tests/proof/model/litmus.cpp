// Shows that the checker is right: for each of the classic litmus tests, the set of outcomes that it finds is the one
// that the standard allows; no more, and no less (but for load buffering, which the checker does not have).
#include <cstdio>
#include <functional>
#include <string>

#include "checker.hpp"
#include "policy.hpp"

namespace {

using model::Atomic;
using model::Order;
constexpr auto relaxed = Order::relaxed;
constexpr auto acquire = Order::acquire;
constexpr auto release = Order::release;
constexpr auto acq_rel = Order::acq_rel;
constexpr auto seq_cst = Order::seq_cst;

int passed = 0, failed = 0;

// Notes one outcome: the digits of what was read.
template <class... Ints>
void outcome(Ints... values) {
    std::string text;
    ((text += static_cast<char>('0' + values)), ...);
    model::outcome(text);
}

// `expected`: the outcomes, separated by blanks. "broken" instead of any: an execution fails.
void litmus(const char* name, const std::string& expected, const std::function<void()>& program) {
    const model::Result result = model::explore(program, {});
    std::string text;
    for (const std::string& each : result.outcomes) text += (text.empty() ? "" : " ") + each;
    if (!result.failure.empty()) text = "broken";
    const bool right = text == expected;
    ++(right ? passed : failed);
    std::printf("%s %-52s %6llu executions: %s\n", right ? "ok  " : "BAD ", name,
                static_cast<unsigned long long>(result.executions), text.c_str());
    if (!right) std::printf("     expected: %s %s\n", expected.c_str(), result.failure.c_str());
}

void message_passing(const char* name, const std::string& expected, Order write, Order read) {
    litmus(name, expected, [write, read] {
        Atomic<int> data{0}, ready{0};
        int a = 0, b = 0;
        model::spawn([&] {
            data.store(1, relaxed);
            ready.store(1, write);
        });
        model::spawn([&] {
            a = ready.load(read);
            b = data.load(relaxed);
        });
        model::join();
        outcome(a, b);
    });
}

void message_passing_by_fences() {
    litmus("message passing, by fences", "00 01 11", [] {
        Atomic<int> data{0}, ready{0};
        int a = 0, b = 0;
        model::spawn([&] {
            data.store(1, relaxed);
            model::fence(release, model::Where::current());
            ready.store(1, relaxed);
        });
        model::spawn([&] {
            a = ready.load(relaxed);
            model::fence(acquire, model::Where::current());
            b = data.load(relaxed);
        });
        model::join();
        outcome(a, b);
    });
}

void plain_message(const char* name, const std::string& expected, Order write, Order read) {
    litmus(name, expected, [write, read] {
        int* data = new int{0};
        Atomic<int> ready{0};
        model::spawn([&] {
            *data = 1;
            ready.store(1, write);
        });
        model::spawn([&] {
            if (ready.load(read) == 1) outcome(*data);
        });
        model::join();
        delete data;
    });
}

void use_after_free(const char* name, const std::string& expected, Order taken) {
    litmus(name, expected, [taken] {
        int* data = new int{0};
        Atomic<int> users{2};
        for (int i = 0; i < 2; ++i) {
            model::spawn([&] {
                const int seen = *data;
                if (users.fetch_add(-1, taken) == 1) delete data;
                outcome(seen);
            });
        }
        model::join();
    });
}

// Both store, then look at the other's. 00 is the outcome that loses a wake.
void store_buffering(const char* name, const std::string& expected, const std::function<void()>& one,
                     const std::function<void()>& other, Order write, Order read) {
    litmus(name, expected, [&one, &other, write, read] {
        Atomic<int> x{0}, y{0};
        int a = 0, b = 0;
        model::spawn([&] {
            x.store(1, write);
            one();
            a = y.load(read);
        });
        model::spawn([&] {
            y.store(1, write);
            other();
            b = x.load(read);
        });
        model::join();
        outcome(a, b);
    });
}

void load_buffering() {
    litmus("load buffering (allowed by C++; not explored)", "00 01 10", [] {
        Atomic<int> x{0}, y{0};
        int a = 0, b = 0;
        model::spawn([&] {
            a = x.load(relaxed);
            y.store(1, relaxed);
        });
        model::spawn([&] {
            b = y.load(relaxed);
            x.store(1, relaxed);
        });
        model::join();
        outcome(a, b);
    });
}

void coherence() {
    litmus("coherence, read-read: no step back", "00 01 02 11 12 22", [] {
        Atomic<int> x{0};
        int a = 0, b = 0;
        model::spawn([&] {
            x.store(1, relaxed);
            x.store(2, relaxed);
        });
        model::spawn([&] {
            a = x.load(relaxed);
            b = x.load(relaxed);
        });
        model::join();
        outcome(a, b);
    });
    litmus("coherence, two writers, two readers: one order", "no disagreement", [] {
        Atomic<int> x{0};
        int read[4] = {};
        model::spawn([&] {
            x.store(1, relaxed);
            read[0] = x.load(relaxed);
        });
        model::spawn([&] {
            x.store(2, relaxed);
            read[1] = x.load(relaxed);
        });
        model::spawn([&] {
            read[2] = x.load(relaxed);
            read[3] = x.load(relaxed);
        });
        model::join();
        // 1 then 2 for a reader means that the writer of 1 may read 2, but the writer of 2 cannot read 1.
        if (read[2] == 1 && read[3] == 2 && read[1] == 1) model::outcome("disagreement");
        if (read[2] == 2 && read[3] == 1 && read[0] == 2) model::outcome("disagreement");
        if (read[0] == 2 && read[1] == 1) model::outcome("disagreement");
        model::outcome("no disagreement");
    });
    litmus("2+2W: the orders of two locations may cross", "11 12 21 22", [] {
        Atomic<int> x{0}, y{0};
        model::spawn([&] {
            x.store(1, relaxed);
            y.store(2, relaxed);
        });
        model::spawn([&] {
            y.store(1, relaxed);
            x.store(2, relaxed);
        });
        model::join();
        outcome(x.load(relaxed), y.load(relaxed));
    });
}

void independent_reads(const char* name, bool may_disagree, Order write, Order read, bool fences) {
    litmus(name, may_disagree ? "agree disagree" : "agree", [write, read, fences] {
        Atomic<int> x{0}, y{0};
        int r[4] = {};
        const auto between = [fences] {
            if (fences) model::fence(seq_cst, model::Where::current());
        };
        model::spawn([&] { x.store(1, write); });
        model::spawn([&] {
            r[0] = x.load(read);
            between();
            r[1] = y.load(read);
        });
        model::spawn([&] {
            r[2] = y.load(read);
            between();
            r[3] = x.load(read);
        });
        y.store(1, write);
        model::join();
        model::outcome(r[0] == 1 && r[1] == 0 && r[2] == 1 && r[3] == 0 ? "disagree" : "agree");
    });
}

void release_sequence(const char* name, const std::string& expected, bool by_exchange) {
    litmus(name, expected, [by_exchange] {
        Atomic<int> data{0}, word{0};
        int a = 0, b = 0;
        model::spawn([&] {
            data.store(1, relaxed);
            word.store(1, release);
        });
        model::spawn([&] {
            if (word.load(relaxed) != 1) return;
            if (by_exchange) {
                word.exchange(2, relaxed);
            } else {
                word.store(2, relaxed);
            }
        });
        model::spawn([&] {
            a = word.load(acquire);
            b = data.load(relaxed);
        });
        model::join();
        if (a == 2) outcome(a, b);
    });
}

void causality() {
    litmus("write to read causality, by release and acquire", "ok", [] {
        Atomic<int> x{0}, y{0};
        model::spawn([&] { x.store(1, release); });
        model::spawn([&] {
            if (x.load(acquire) == 1) y.store(1, release);
        });
        model::spawn([&] {
            const bool seen = y.load(acquire) == 1;
            if (seen && x.load(relaxed) == 0) model::outcome("lost");
        });
        model::join();
        model::outcome("ok");
    });
}

void atomicity() {
    litmus("read-modify-write: each gets a value of its own", "01 10", [] {
        Atomic<int> x{0};
        int a = 0, b = 0;
        model::spawn([&] { a = x.fetch_add(1, relaxed); });
        model::spawn([&] { b = x.fetch_add(1, relaxed); });
        model::join();
        outcome(a, b);
    });
    litmus("compare-exchange: one wins", "01 10", [] {
        Atomic<int> x{0};
        int won[2] = {};
        for (int i = 0; i < 2; ++i) {
            model::spawn([&x, &won, i] {
                int expected = 0;
                won[i] = x.compare_exchange_strong(expected, i + 1, acq_rel, acquire);
            });
        }
        model::join();
        outcome(won[0], won[1]);
    });
    litmus("a failed compare-exchange may read an old value", "0 1 2", [] {
        Atomic<int> x{0};
        int expected = 7;
        model::spawn([&] {
            x.store(1, relaxed);
            x.store(2, relaxed);
        });
        model::spawn([&] { x.compare_exchange_strong(expected, 9, acq_rel, acquire); });
        model::join();
        outcome(expected);
    });
}

} // namespace

int main() {
    const auto nothing = [] {};
    const auto fence = [] { model::fence(seq_cst, model::Where::current()); };
    const auto light = [] { model::light_barrier(model::Where::current()); };
    const auto heavy = [] { model::heavy_barrier(model::Where::current()); };

    message_passing("message passing, release and acquire", "00 01 11", release, acquire);
    message_passing("message passing, relaxed store", "00 01 10 11", relaxed, acquire);
    message_passing("message passing, relaxed load", "00 01 10 11", release, relaxed);
    message_passing_by_fences();
    plain_message("plain data behind release and acquire", "1", release, acquire);
    plain_message("plain data behind a relaxed store: a race", "broken", relaxed, acquire);
    plain_message("plain data behind a relaxed load: a race", "broken", release, relaxed);
    use_after_free("the last user frees, acq_rel", "0", acq_rel);
    use_after_free("the last user frees, relaxed: a race", "broken", relaxed);
    store_buffering("store buffering, release and acquire", "00 01 10 11", nothing, nothing, release, acquire);
    store_buffering("store buffering, seq_cst", "01 10 11", nothing, nothing, seq_cst, seq_cst);
    store_buffering("store buffering, two full fences", "01 10 11", fence, fence, relaxed, relaxed);
    store_buffering("store buffering, one full fence", "00 01 10 11", fence, nothing, relaxed, relaxed);
    store_buffering("store buffering, light and heavy barrier", "01 10 11", light, heavy, relaxed, relaxed);
    store_buffering("store buffering, two heavy barriers", "01 10 11", heavy, heavy, relaxed, relaxed);
    store_buffering("store buffering, two light barriers", "00 01 10 11", light, light, relaxed, relaxed);
    store_buffering("store buffering, a heavy barrier alone", "00 01 10 11", nothing, heavy, relaxed, relaxed);
    load_buffering();
    coherence();
    independent_reads("IRIW, release and acquire: readers may disagree", true, release, acquire, false);
    independent_reads("IRIW, seq_cst", false, seq_cst, seq_cst, false);
    independent_reads("IRIW, full fences between the reads", false, relaxed, relaxed, true);
    release_sequence("release sequence: an exchange hands on", "21", true);
    release_sequence("release sequence: a store ends it", "20 21", false);
    causality();
    atomicity();
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}

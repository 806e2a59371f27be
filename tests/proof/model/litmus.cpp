// Shows that the checker is right: for each of the classic litmus tests, the set of outcomes that it finds is the one
// that the standard allows; no more, and no less (but for load buffering, which the checker does not have).
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include <rouse/check/check.hpp>

namespace {

namespace check = rouse::check;
using check::Atomic;
using Order = std::memory_order;
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
    check::outcome(text);
}

std::string text_of(const check::Result& result) {
    if (result.kind == check::Failure::checker) return "checker: " + result.failure;
    if (!result.failure.empty()) return "broken";
    std::string text;
    for (const std::string& each : result.outcomes) text += (text.empty() ? "" : " ") + each;
    return text;
}

// `expected`: the outcomes, separated by blanks. "broken" instead of any: an execution fails. Each test is run twice:
// as the programs are, and with nothing left out because it would repeat something.
void litmus(const char* name, const std::string& expected, const std::function<void()>& program,
            check::Options options = {}) {
    options.shorten = false;
    const check::Result result = check::explore(program, options);
    const std::string text = text_of(result);
    if (options.preemptions < 0) options.preemptions = 1000;
    const std::string in_full = text_of(check::explore(program, options));
    const bool right = text == expected && in_full == expected;
    ++(right ? passed : failed);
    std::printf("%s %-52s %6llu executions: %s\n", right ? "ok  " : "BAD ", name,
                static_cast<unsigned long long>(result.executions), text.c_str());
    if (!right) std::printf("     expected: %s; in full: %s\n", expected.c_str(), in_full.c_str());
}

void message_passing(const char* name, const std::string& expected, Order write, Order read) {
    litmus(name, expected, [write, read] {
        Atomic<int> data{0}, ready{0};
        int a = 0, b = 0;
        check::thread([&] {
            data.store(1, relaxed);
            ready.store(1, write);
        });
        check::thread([&] {
            a = ready.load(read);
            b = data.load(relaxed);
        });
        check::join();
        outcome(a, b);
    });
}

void message_passing_by_fences() {
    litmus("message passing, by fences", "00 01 11", [] {
        Atomic<int> data{0}, ready{0};
        int a = 0, b = 0;
        check::thread([&] {
            data.store(1, relaxed);
            check::fence(release);
            ready.store(1, relaxed);
        });
        check::thread([&] {
            a = ready.load(relaxed);
            check::fence(acquire);
            b = data.load(relaxed);
        });
        check::join();
        outcome(a, b);
    });
}

void plain_message(const char* name, const std::string& expected, Order write, Order read) {
    litmus(name, expected, [write, read] {
        int* data = new int{0};
        Atomic<int> ready{0};
        check::thread([&] {
            *data = 1;
            ready.store(1, write);
        });
        check::thread([&] {
            if (ready.load(read) == 1) outcome(*data);
        });
        check::join();
        delete data;
    });
}

void use_after_free(const char* name, const std::string& expected, Order taken) {
    litmus(name, expected, [taken] {
        int* data = new int{0};
        Atomic<int> users{2};
        for (int i = 0; i < 2; ++i) {
            check::thread([&] {
                const int seen = *data;
                if (users.fetch_add(-1, taken) == 1) delete data;
                outcome(seen);
            });
        }
        check::join();
    });
}

// Both store, then look at the other's. 00 is the outcome that loses a wake.
void store_buffering(const char* name, const std::string& expected, const std::function<void()>& one,
                     const std::function<void()>& other, Order write, Order read) {
    litmus(name, expected, [&one, &other, write, read] {
        Atomic<int> x{0}, y{0};
        int a = 0, b = 0;
        check::thread([&] {
            x.store(1, write);
            one();
            a = y.load(read);
        });
        check::thread([&] {
            y.store(1, write);
            other();
            b = x.load(read);
        });
        check::join();
        outcome(a, b);
    });
}

void load_buffering() {
    litmus("load buffering (allowed by C++; not explored)", "00 01 10", [] {
        Atomic<int> x{0}, y{0};
        int a = 0, b = 0;
        check::thread([&] {
            a = x.load(relaxed);
            y.store(1, relaxed);
        });
        check::thread([&] {
            b = y.load(relaxed);
            x.store(1, relaxed);
        });
        check::join();
        outcome(a, b);
    });
}

void coherence() {
    litmus("coherence, read-read: no step back", "00 01 02 11 12 22", [] {
        Atomic<int> x{0};
        int a = 0, b = 0;
        check::thread([&] {
            x.store(1, relaxed);
            x.store(2, relaxed);
        });
        check::thread([&] {
            a = x.load(relaxed);
            b = x.load(relaxed);
        });
        check::join();
        outcome(a, b);
    });
    litmus("coherence, two writers, two readers: one order", "no disagreement", [] {
        Atomic<int> x{0};
        int read[4] = {};
        check::thread([&] {
            x.store(1, relaxed);
            read[0] = x.load(relaxed);
        });
        check::thread([&] {
            x.store(2, relaxed);
            read[1] = x.load(relaxed);
        });
        check::thread([&] {
            read[2] = x.load(relaxed);
            read[3] = x.load(relaxed);
        });
        check::join();
        // 1 then 2 for a reader means that the writer of 1 may read 2, but the writer of 2 cannot read 1.
        if (read[2] == 1 && read[3] == 2 && read[1] == 1) check::outcome("disagreement");
        if (read[2] == 2 && read[3] == 1 && read[0] == 2) check::outcome("disagreement");
        if (read[0] == 2 && read[1] == 1) check::outcome("disagreement");
        check::outcome("no disagreement");
    });
    litmus("2+2W: the orders of two locations may cross", "11 12 21 22", [] {
        Atomic<int> x{0}, y{0};
        check::thread([&] {
            x.store(1, relaxed);
            y.store(2, relaxed);
        });
        check::thread([&] {
            y.store(1, relaxed);
            x.store(2, relaxed);
        });
        check::join();
        outcome(x.load(relaxed), y.load(relaxed));
    });
}

void independent_reads(const char* name, bool may_disagree, Order write, Order read, bool fences) {
    litmus(name, may_disagree ? "agree disagree" : "agree", [write, read, fences] {
        Atomic<int> x{0}, y{0};
        int r[4] = {};
        const auto between = [fences] {
            if (fences) check::fence(seq_cst);
        };
        check::thread([&] { x.store(1, write); });
        check::thread([&] {
            r[0] = x.load(read);
            between();
            r[1] = y.load(read);
        });
        check::thread([&] {
            r[2] = y.load(read);
            between();
            r[3] = x.load(read);
        });
        y.store(1, write);
        check::join();
        check::outcome(r[0] == 1 && r[1] == 0 && r[2] == 1 && r[3] == 0 ? "disagree" : "agree");
    });
}

void release_sequence(const char* name, const std::string& expected, bool by_exchange) {
    litmus(name, expected, [by_exchange] {
        Atomic<int> data{0}, word{0};
        int a = 0, b = 0;
        check::thread([&] {
            data.store(1, relaxed);
            word.store(1, release);
        });
        check::thread([&] {
            if (word.load(relaxed) != 1) return;
            if (by_exchange) {
                word.exchange(2, relaxed);
            } else {
                word.store(2, relaxed);
            }
        });
        check::thread([&] {
            a = word.load(acquire);
            b = data.load(relaxed);
        });
        check::join();
        if (a == 2) outcome(a, b);
    });
}

void causality() {
    litmus("write to read causality, by release and acquire", "ok", [] {
        Atomic<int> x{0}, y{0};
        check::thread([&] { x.store(1, release); });
        check::thread([&] {
            if (x.load(acquire) == 1) y.store(1, release);
        });
        check::thread([&] {
            const bool seen = y.load(acquire) == 1;
            if (seen && x.load(relaxed) == 0) check::outcome("lost");
        });
        check::join();
        check::outcome("ok");
    });
}

void atomicity() {
    litmus("read-modify-write: each gets a value of its own", "01 10", [] {
        Atomic<int> x{0};
        int a = 0, b = 0;
        check::thread([&] { a = x.fetch_add(1, relaxed); });
        check::thread([&] { b = x.fetch_add(1, relaxed); });
        check::join();
        outcome(a, b);
    });
    litmus("compare-exchange: one wins", "01 10", [] {
        Atomic<int> x{0};
        int won[2] = {};
        for (int i = 0; i < 2; ++i) {
            check::thread([&x, &won, i] {
                int expected = 0;
                won[i] = x.compare_exchange_strong(expected, i + 1, acq_rel, acquire);
            });
        }
        check::join();
        outcome(won[0], won[1]);
    });
    litmus("a failed compare-exchange may read an old value", "0 1 2", [] {
        Atomic<int> x{0};
        int expected = 7;
        check::thread([&] {
            x.store(1, relaxed);
            x.store(2, relaxed);
        });
        check::thread([&] { x.compare_exchange_strong(expected, 9, acq_rel, acquire); });
        check::join();
        outcome(expected);
    });
}

void read_modify_writes() {
    litmus("release sequence: a store of the same thread ends it", "20 21", [] {
        Atomic<int> data{0}, word{0};
        int a = 0, b = 0;
        check::thread([&] {
            data.store(1, relaxed);
            word.store(1, release);
            word.store(2, relaxed);
        });
        check::thread([&] {
            a = word.load(acquire);
            b = data.load(relaxed);
        });
        check::join();
        if (a == 2) outcome(a, b);
    });
    litmus("nothing comes between an exchange and what it read", "ok", [] {
        Atomic<int> x{0};
        int before = 0, r[3] = {};
        check::thread([&] { before = x.exchange(2, relaxed); });
        check::thread([&] { x.store(1, relaxed); });
        check::thread([&] {
            for (int& each : r) each = x.load(relaxed);
        });
        check::join();
        const bool torn =
            before == 0 && ((r[0] == 1 && r[1] == 2) || (r[1] == 1 && r[2] == 2) || (r[0] == 1 && r[2] == 2));
        check::outcome(torn ? "torn" : "ok");
    });
    for (const bool acquiring : {true, false}) {
        litmus(acquiring ? "a failed compare-exchange acquires by its own order" : "the same, relaxed: by no order",
               acquiring ? "1" : "0 1", [acquiring] {
                   Atomic<int> data{0}, x{0};
                   check::thread([&] {
                       data.store(1, relaxed);
                       x.store(1, release);
                   });
                   check::thread([&] {
                       int expected = 7;
                       x.compare_exchange_strong(expected, 9, acq_rel, acquiring ? acquire : relaxed);
                       if (expected == 1) outcome(data.load(relaxed));
                   });
                   check::join();
               });
    }
    for (const int failures : {0, 1}) {
        litmus(failures == 1 ? "a weak compare-exchange may fail for no reason" : "the same, not allowed to",
               failures == 1 ? "0 1" : "1",
               [] {
                   Atomic<int> x{0};
                   int expected = 0;
                   outcome(static_cast<int>(x.compare_exchange_weak(expected, 1, acq_rel, acquire)));
               },
               {.weak_failures = failures});
    }
}

void sleep_while(Atomic<std::uint32_t>& word, std::uint32_t expected) {
    rouse::detail::futex_wait(word, expected, std::chrono::steady_clock::time_point::max());
}

void sleeping() {
    const auto look_and_sleep = [](bool kernel_looks) {
        return [kernel_looks] {
            Atomic<std::uint32_t> word{0};
            check::thread([&] {
                while (word.load(acquire) == 0) {
                    if (kernel_looks) {
                        sleep_while(word, 0);
                    } else {
                        sleep_while(word, word.load(relaxed));
                    }
                }
            });
            check::thread([&] {
                word.store(1, release);
                rouse::detail::futex_wake(&word);
            });
            check::join();
            check::outcome("ends");
        };
    };
    litmus("a sleep that looks again with the kernel", "ends", look_and_sleep(true));
    litmus("a sleep that does not: a lost wake, a deadlock", "broken", look_and_sleep(false));
    const auto sleep_beside_a_wake = [] {
        Atomic<std::uint32_t> word{0};
        check::thread([&] { rouse::detail::futex_wake(&word); });
        outcome(static_cast<int>(rouse::detail::futex_wait(word, 0, std::chrono::steady_clock::time_point{})));
        check::join();
    };
    litmus("a timed sleep, without preemption: woken, or not", "0 1", sleep_beside_a_wake, {.preemptions = 0});
}

void lifetimes() {
    litmus("three bytes of a word, the first without order", "broken", [] {
        struct Bytes {
            bool a, b, c;
        };
        const auto s = std::make_unique<Bytes>();
        Atomic<int> m{0};
        check::thread([&] {
            s->a = true;
            m.store(1, release);
            s->b = true;
            m.store(2, release);
            s->c = true;
            m.store(3, release);
        });
        check::thread([&] {
            if (m.load(relaxed) == 3) check::outcome(s->a ? "1" : "0");
        });
        check::join();
    });
    litmus("an atomic of a scope that has ended", "broken", [] {
        Atomic<Atomic<int>*> shown{nullptr};
        check::thread([&] {
            Atomic<int> brief{0};
            shown.store(&brief, release);
        });
        check::thread([&] {
            if (Atomic<int>* brief = shown.load(acquire)) brief->store(1, relaxed);
        });
        check::join();
    });
}

// Sequentially consistent accesses of two locations depend on each other.
void seq_cst_is_one_order() {
    litmus("seq_cst accesses of two locations, with weaker ones", "010 011 110 111 210 211", [] {
        Atomic<int> x{0}, y{0};
        int a = 0, b = 0, c = 0;
        check::thread([&] { a = y.load(seq_cst); });
        check::thread([&] {
            y.store(1, release);
            x.store(1, relaxed);
            b = x.load(seq_cst);
        });
        check::thread([&] {
            c = x.load(seq_cst);
            y.store(2, relaxed);
        });
        check::join();
        outcome(a, b, c);
    });
}

} // namespace

int main() {
    const auto nothing = [] {};
    const auto fence = [] { check::fence(seq_cst); };
    const auto light = [] { rouse::detail::light_barrier(); };
    const auto heavy = [] { rouse::detail::heavy_barrier(); };

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
    read_modify_writes();
    sleeping();
    lifetimes();
    seq_cst_is_one_order();
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}

// One execution after another of a program, each by other decisions than those before.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "checker.hpp"
#include "fiber.hpp"
#include "memory.hpp"

namespace model {

/// What a thread is about to do, so far as others may depend on it.
struct Step {
    enum class Kind : std::uint8_t { begin, read, write, light, heavy, fence, sleep, wake, join };
    Kind kind = Kind::begin;
    const void* what = nullptr; // the location, or what is slept on
    const char* name = "";
    Where where{};
    bool seq_cst = false;
};

class Execution {
public:
    static Execution& now();

    /// While one lives, the checker is at work and not the program: what is allocated is the checker's.
    class Inside {
    public:
        Inside() : before_{std::exchange(in_program_, false)} {}
        ~Inside() { in_program_ = before_; }
        Inside(const Inside&) = delete;
        Inside& operator=(const Inside&) = delete;

    private:
        bool before_;
    };
    [[nodiscard]] static bool in_program() { return in_program_; }

    Result explore(const std::function<void()>& program, const Options& options);

    // ---- for the operations of the policy, in a thread of the program -------------------------------------------

    [[nodiscard]] bool running() const { return current_ >= 0; }
    [[nodiscard]] ThreadId thread() const { return current_; }
    [[nodiscard]] std::uint32_t number() const { return number_; }
    Memory& memory() { return memory_; }

    /// The thread is about to take this step; returns when it is its turn. Not before `possible()`; a step that is
    /// possible only `for_no_reason` does not count as the way out of a deadlock.
    void step(const Step& next, std::function<bool()> possible = nullptr,
              std::function<bool()> for_no_reason = nullptr);

    /// Tries all numbers from 0 to n-1.
    int choose(int n);

    void outcome(const std::string& what) { result_.outcomes.emplace(what.data(), what.size()); }

    /// Adds to the account of the present step.
    void note(const std::string& text);
    [[nodiscard]] bool keeps_account() const { return keep_account_; }

    /// What is left to the thread of the budgets for what happens for no reason.
    int& spurious_left() { return threads_[static_cast<std::size_t>(current_)].spurious_left; }
    int& no_threads_left() { return no_threads_left_; }
    int& weak_failures_left() { return threads_[static_cast<std::size_t>(current_)].weak_failures_left; }

    /// The present thread sleeps on that address, or no longer on any; returns where it is told that it was woken.
    bool& sleep_on(const void* address);
    /// Of those that sleep on that address, any one is woken, or all are.
    void wake_one(const void* address);
    void wake_all(const void* address);
    [[nodiscard]] bool is_slept_on(const void* address) const;

    ThreadId spawn(std::function<void()> body);
    void join();
    void join(ThreadId id);
    [[noreturn]] void fail(const std::string& why);

private:
    static constexpr int most_steps = 3000;

    struct Thread {
        enum State : std::uint8_t { none, alive, ended };
        State state = none;
        Fiber fiber;
        std::function<void()> body;
        Step next;
        std::function<bool()> possible, for_no_reason;
        const void* sleeps_on = nullptr;
        bool woken = false;
        int spurious_left = 0;
        int weak_failures_left = 0;
        std::array<void*, 2> exceptions{}; // the C++ run-time's, of this thread
        std::array<void*, 2> loops{};      // rouse's thread-locals
    };

    // A decision: between threads, or between numbers.
    struct Decision {
        bool between_threads;
        std::uint8_t chosen;
        std::uint8_t options; // how many numbers
        std::uint8_t may;     // threads: the set that may be chosen and was not yet
        std::uint8_t asleep;  // threads: the set that need not be tried, or has been
    };

    void run_one();
    void start(ThreadId id, std::function<void()> body);
    bool advance();
    void switch_to_next();
    void leave();
    [[nodiscard]] static bool depend(const Step& a, const Step& b);
    // The sets of threads that may take their next step; some of them only for no reason.
    struct Possible {
        std::uint8_t by_themselves;
        std::uint8_t any;
    };
    [[nodiscard]] Possible possible_threads() const;
    int decide_thread(std::uint8_t may);
    static void thread_main();
    static void exchange_thread_locals(Thread& out, Thread& in);

    static inline bool in_program_ = false;
    Memory memory_{[this](int n) { return choose(n); }};
    std::array<Thread, most_threads> threads_;
    Fiber outside_;
    Thread outside_thread_;
    ThreadId current_ = -1;
    std::uint32_t number_ = 0;

    std::vector<Decision> decisions_;
    std::size_t position_ = 0;
    std::uint8_t asleep_ = 0;
    int preemptions_ = 0;
    int no_threads_left_ = 0;
    int steps_ = 0;
    enum class End : std::uint8_t { none, complete, pruned, failed };
    End end_ = End::none;

    const std::function<void()>* program_ = nullptr;
    Options options_;
    Result result_;
    std::vector<std::string> account_; // kept only while a failure is run again
    bool keep_account_ = false;
};

/// Puts rouse's thread-locals away, and others in their place.
void exchange_loops(std::array<void*, 2>& out, const std::array<void*, 2>& in);

} // namespace model

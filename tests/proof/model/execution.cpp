#include "execution.hpp"

#include <cxxabi.h>
#include <algorithm>
#include <bit>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <utility>

#include "arena.hpp"
#include "races.hpp"

namespace model {

Execution& Execution::now() {
    static Execution execution;
    return execution;
}

Result explore(const std::function<void()>& program, const Options& options) {
    return Execution::now().explore(program, options);
}
void spawn(std::function<void()> body) {
    const Execution::Inside inside;
    Execution::now().spawn(std::move(body));
}
void join() {
    const Execution::Inside inside;
    Execution::now().join();
}
void fail(const std::string& why) { Execution::now().fail(why); }
void outcome(const std::string& what) {
    const Execution::Inside inside;
    Execution::now().outcome(what);
}
void fail_checker(const std::string& why) { fail("CHECKER: " + why); }
int choose(int n) {
    const Execution::Inside inside;
    return Execution::now().choose(n);
}

Result Execution::explore(const std::function<void()>& program, const Options& options) {
    program_ = &program;
    options_ = options;
    result_ = {};
    decisions_.clear();
    keep_account_ = false;
    do {
        run_one();
        result_.steps += static_cast<std::uint64_t>(steps_);
        if (end_ == End::failed) {
            // Once more, by the same decisions, to tell how it came.
            const std::string failure = result_.failure;
            keep_account_ = true;
            account_.clear();
            run_one();
            keep_account_ = false;
            for (const std::string& line : account_) result_.how_it_came += line + '\n';
            if (result_.failure != failure)
                result_.how_it_came += "(not the same when run again: " + result_.failure + ")\n";
            result_.failure = failure;
            return result_;
        }
        ++(end_ == End::pruned ? result_.pruned : result_.executions);
        if (result_.executions + result_.pruned >= options_.most_executions) return result_;
    } while (advance());
    result_.complete = true;
    return result_;
}

// To the next set of decisions, depth first; false if there is none.
bool Execution::advance() {
    while (!decisions_.empty()) {
        Decision& last = decisions_.back();
        if (last.between_threads) {
            const auto tried = static_cast<std::uint8_t>(1u << last.chosen);
            last.may = static_cast<std::uint8_t>(last.may & ~tried);
            if (options_.preemptions < 0) last.asleep = static_cast<std::uint8_t>(last.asleep | tried);
            if (last.may != 0) {
                last.chosen = static_cast<std::uint8_t>(std::countr_zero(last.may));
                return true;
            }
        } else if (last.chosen + 1 < last.options) {
            ++last.chosen;
            return true;
        }
        decisions_.pop_back();
    }
    return false;
}

void Execution::run_one() {
    ++number_;
    memory_.reset();
    races::begin_execution(Arena::now().used());
    Arena::now().reset();
    for (Thread& thread : threads_) {
        thread.state = Thread::none;
        thread.spurious_left = options_.spurious;
        thread.weak_failures_left = options_.weak_failures;
        thread.sleeps_on = nullptr;
        thread.exceptions = {};
        thread.loops = {};
    }
    position_ = 0;
    asleep_ = 0;
    preemptions_ = steps_ = 0;
    no_threads_left_ = options_.no_threads;
    end_ = End::none;
    start(0, *program_);
    current_ = 0;
    exchange_thread_locals(outside_thread_, threads_[0]);
    threads_[0].fiber.enter(&outside_);
    current_ = -1;
}

void Execution::start(ThreadId id, std::function<void()> body) {
    Thread& thread = threads_[static_cast<std::size_t>(id)];
    thread.state = Thread::alive;
    thread.body = std::move(body);
    thread.next = Step{Step::Kind::begin, nullptr, "begins"};
    thread.possible = thread.for_no_reason = nullptr;
    thread.fiber.prepare(Arena::now().stack(id), Arena::stack_bytes, &Execution::thread_main);
}

void Execution::thread_main() {
    Execution& self = now();
    Thread& thread = self.threads_[static_cast<std::size_t>(self.current_)];
    in_program_ = true;
    try {
        thread.body();
    } catch (const std::exception& error) {
        self.fail(std::string{"an exception leaves the thread: "} + error.what());
    } catch (...) {
        self.fail("an exception leaves the thread");
    }
    in_program_ = false;
    thread.state = Thread::ended;
    self.switch_to_next();
    __builtin_unreachable();
}

// Back to explore(), and never to be continued.
void Execution::leave() {
    exchange_thread_locals(threads_[static_cast<std::size_t>(current_)], outside_thread_);
    outside_.enter(nullptr);
}

void Execution::fail(const std::string& why) {
    in_program_ = false;
    if (current_ < 0) throw std::logic_error{why};
    result_.failure = why;
    note(why);
    end_ = End::failed;
    leave();
    __builtin_unreachable();
}

// What the C++ run-time and rouse keep for a thread of the operating system, and here each modelled one needs for
// itself.
void Execution::exchange_thread_locals(Thread& out, Thread& in) {
    void* const exceptions = abi::__cxa_get_globals();
    std::memcpy(&out.exceptions, exceptions, sizeof out.exceptions);
    std::memcpy(exceptions, &in.exceptions, sizeof in.exceptions);
    exchange_loops(out.loops, in.loops);
}

void Execution::note(const std::string& text) {
    if (keep_account_) account_.push_back("    thread " + std::to_string(current_) + ": " + text);
}

bool& Execution::sleep_on(const void* address) {
    Thread& thread = threads_[static_cast<std::size_t>(current_)];
    thread.sleeps_on = address;
    if (address != nullptr) thread.woken = false;
    return thread.woken;
}

void Execution::wake_one(const void* address) {
    std::array<Thread*, most_threads> sleepers{};
    int count = 0;
    for (Thread& thread : threads_) {
        if (thread.state == Thread::alive && thread.sleeps_on == address && !thread.woken)
            sleepers[static_cast<std::size_t>(count++)] = &thread;
    }
    if (count > 0) sleepers[static_cast<std::size_t>(choose(count))]->woken = true;
}

void Execution::wake_all(const void* address) {
    for (Thread& thread : threads_) {
        if (thread.state == Thread::alive && thread.sleeps_on == address) thread.woken = true;
    }
}

bool Execution::is_slept_on(const void* address) const {
    return std::any_of(threads_.begin(), threads_.end(), [address](const Thread& thread) {
        return thread.state == Thread::alive && thread.sleeps_on == address;
    });
}

ThreadId Execution::spawn(std::function<void()> body) {
    for (ThreadId id = 1; id < most_threads; ++id) {
        if (threads_[static_cast<std::size_t>(id)].state != Thread::none) continue;
        start(id, std::move(body));
        memory_.begin_thread(id);
        memory_.hand_over(current_, id);
        return id;
    }
    fail_checker("the program starts more threads than there are");
}

void Execution::join() {
    if (current_ != 0) fail_checker("only thread 0 joins");
    step(Step{Step::Kind::join, nullptr, "joins"}, [this] {
        for (ThreadId id = 1; id < most_threads; ++id) {
            if (threads_[static_cast<std::size_t>(id)].state == Thread::alive) return false;
        }
        return true;
    });
    for (ThreadId id = 1; id < most_threads; ++id) {
        Thread& thread = threads_[static_cast<std::size_t>(id)];
        if (thread.state == Thread::ended) memory_.hand_over(id, 0);
        thread.state = Thread::none;
    }
}

void Execution::join(ThreadId id) {
    Thread& thread = threads_[static_cast<std::size_t>(id)];
    step(Step{Step::Kind::join, nullptr, "joins a thread"}, [&thread] { return thread.state == Thread::ended; });
    memory_.hand_over(id, current_);
    thread.state = Thread::none;
}

void Execution::step(const Step& next, std::function<bool()> possible, std::function<bool()> for_no_reason) {
    if (current_ < 0) fail("an operation outside of a program");
    Thread& thread = threads_[static_cast<std::size_t>(current_)];
    thread.next = next;
    thread.possible = std::move(possible);
    thread.for_no_reason = std::move(for_no_reason);
    switch_to_next();
    if (++steps_ > most_steps) fail("it does not end");
}

Execution::Possible Execution::possible_threads() const {
    unsigned by_themselves = 0, for_no_reason = 0;
    for (std::size_t id = 0; id < most_threads; ++id) {
        const Thread& thread = threads_[id];
        if (thread.state != Thread::alive) continue;
        if (thread.possible == nullptr || thread.possible()) {
            by_themselves |= 1u << id;
        } else if (thread.for_no_reason != nullptr && thread.for_no_reason()) {
            for_no_reason |= 1u << id;
        }
    }
    return {static_cast<std::uint8_t>(by_themselves), static_cast<std::uint8_t>(by_themselves | for_no_reason)};
}

bool Execution::depend(const Step& a, const Step& b) {
    using Kind = Step::Kind;
    if (a.seq_cst && b.seq_cst) return true;
    const auto barrier = [](const Step& step) { return step.kind >= Kind::light && step.kind <= Kind::fence; };
    if (barrier(a) && barrier(b)) return a.kind != Kind::light || b.kind != Kind::light;
    return a.what != nullptr && a.what == b.what && (a.kind != Kind::read || b.kind != Kind::read);
}

// All threads stand before a step: picks the one that takes it, and goes on there.
void Execution::switch_to_next() {
    const Possible possible = possible_threads();
    bool all_ended = true;
    for (const Thread& thread : threads_) all_ended = all_ended && thread.state != Thread::alive;
    if (all_ended) {
        end_ = End::complete;
        leave();
    }
    if (possible.by_themselves == 0) {
        std::string who;
        for (std::size_t id = 0; id < most_threads; ++id) {
            if (threads_[id].state == Thread::alive)
                who += " thread " + std::to_string(id) + " " + threads_[id].next.name + ";";
        }
        fail("deadlock, a wake was lost:" + who);
    }
    const int chosen = decide_thread(possible.any);
    if (chosen < 0) {
        end_ = End::pruned;
        leave();
    }
    Thread& from = threads_[static_cast<std::size_t>(current_)];
    Thread& to = threads_[static_cast<std::size_t>(chosen)];
    if (&from == &to) return;
    current_ = chosen;
    exchange_thread_locals(from, to);
    to.fiber.enter(from.state == Thread::ended ? nullptr : &from.fiber);
}

// -1: every thread that could go on would only repeat what has been explored.
int Execution::decide_thread(std::uint8_t may) {
    const auto self = static_cast<std::uint8_t>(1u << current_);
    // A thread that sleeps gives way by itself, also if its sleep may end before it is woken.
    const Thread& running = threads_[static_cast<std::size_t>(current_)];
    const bool can_go_on =
        (may & self) != 0 && running.state == Thread::alive && running.next.kind != Step::Kind::sleep;
    if (position_ == decisions_.size()) {
        auto candidates = static_cast<std::uint8_t>(may & ~asleep_);
        if (options_.preemptions >= 0 && can_go_on && preemptions_ >= options_.preemptions) candidates &= self;
        if (candidates == 0) return -1;
        const bool stay = (candidates & self) != 0;
        const int first = stay ? current_ : std::countr_zero(candidates);
        decisions_.push_back(Decision{true, static_cast<std::uint8_t>(first), 0, candidates, asleep_});
    }
    const Decision& decision = decisions_[position_++];
    if (!decision.between_threads) fail_checker("the program is not the same each time");
    if (can_go_on && decision.chosen != current_) ++preemptions_;
    unsigned still_asleep = 0;
    for (unsigned id = 0; id < most_threads; ++id) {
        if ((decision.asleep >> id & 1u) != 0 && !depend(threads_[id].next, threads_[decision.chosen].next))
            still_asleep |= 1u << id;
    }
    asleep_ = static_cast<std::uint8_t>(still_asleep);
    return decision.chosen;
}

int Execution::choose(int n) {
    if (n <= 1) return 0;
    if (position_ == decisions_.size()) decisions_.push_back(Decision{false, 0, static_cast<std::uint8_t>(n), 0, 0});
    const Decision& decision = decisions_[position_++];
    if (decision.between_threads || decision.options != n) fail_checker("the program is not the same each time");
    return decision.chosen;
}

} // namespace model

// One execution after another of a program, each by other decisions than those before.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <cxxabi.h>

#include <rouse/check/detail/arena.hpp>
#include <rouse/check/detail/failing.hpp>
#include <rouse/check/detail/fiber.hpp>
#include <rouse/check/detail/memory.hpp>
#include <rouse/check/explore.hpp>
#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Of the arena, so many bytes were used by the execution before: none of them is poisoned any more.
void begin_race_detection(std::size_t bytes_used);

/// What a context is about to do, so far as others may depend on it.
struct Step {
    enum class Kind : std::uint8_t { begin, read, write, light, heavy, fence, sleep, wake, lock, join };
    Kind kind = Kind::begin;
    const void* what = nullptr; // the location, or what is slept on
    const char* name = "";
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

    check::Result explore(const std::function<void()>& program, const check::Options& options);

    // ---- for the operations, in a context of the program ----

    [[nodiscard]] bool running() const { return current_ >= 0; }
    [[nodiscard]] ContextId context() const { return current_; }
    [[nodiscard]] std::uint32_t number() const { return number_; }
    Memory& memory() { return memory_; }

    /// The context is about to take this step; returns when it is its turn. Not before `possible()`; a step that is
    /// possible only `for_no_reason` does not count as the way out of a deadlock.
    void step(const Step& next, std::function<bool()> possible = nullptr,
              std::function<bool()> for_no_reason = nullptr);

    /// Tries all numbers from 0 to n-1.
    int choose(int n);

    void outcome(const std::string& what) { result_.outcomes.emplace(what.data(), what.size()); }

    /// Adds a line to the story, about the present step.
    void note(const std::string& text);
    [[nodiscard]] bool keeps_story() const { return keeps_story_; }

    /// What is left to the context of the budgets for what happens without a reason.
    int& spurious_left() { return present().spurious_left; }
    int& no_threads_left() { return no_threads_left_; }
    int& weak_failures_left() { return present().weak_failures_left; }

    /// The present context sleeps on that address, or no longer on any; returns where it is told that it was woken.
    bool& sleep_on(const void* address);
    /// Of those that sleep on that address, any one is woken, or all are.
    void wake_one(const void* address);
    void wake_all(const void* address);
    [[nodiscard]] bool is_slept_on(const void* address) const;

    ContextId start_thread(const char* name, std::function<void()> body);
    void start_interrupt(const char* name, std::function<void()> handler, int priority);
    void mask_interrupts();
    void unmask_interrupts();
    void join();
    void join(ContextId id);
    [[noreturn]] void fail(check::Failure kind, const std::string& why);
    [[nodiscard]] std::string name_of(ContextId id) const;

private:
    static constexpr int most_steps = 3000;
    static constexpr int most_steps_of_a_sample = 100'000;
    static constexpr std::size_t story_lines = 200; // the end of a longer story

    struct Context {
        enum State : std::uint8_t { none, alive, ended };
        State state = none;
        const char* name = nullptr;
        Fiber fiber;
        std::function<void()> body;
        Step next;
        std::function<bool()> possible, for_no_reason;
        const void* sleeps_on = nullptr;
        bool woken = false;
        int spurious_left = 0;
        int weak_failures_left = 0;
        std::array<void*, 2> exceptions{}; // the C++ run-time's, of this context
        std::array<void*, 2> loops{};      // rouse's thread-locals
        // Of an interrupt: on top of which context it runs. That one stands still from its begin to its end.
        ContextId host = -1;
        int priority = 0;
        bool begun = false;
        // Of a context that is interrupted.
        int masked = 0;
        Knowledge at_mask; // what its interrupts and masked sections hand on to each other
    };

    // A decision: between contexts, or between numbers.
    struct Decision {
        bool between_contexts;
        std::uint8_t chosen;
        std::uint8_t options; // how many numbers
        std::uint8_t may;     // contexts: the set that may be chosen and was not yet
        std::uint8_t asleep;  // contexts: the set that need not be tried, or has been
    };

    void explore_all();
    void sample_all();
    void shorten();
    void shorten_sample();
    bool repeats(const std::vector<std::uint8_t>& decisions, check::Failure kind);
    [[nodiscard]] int draw(int n);
    [[nodiscard]] std::vector<std::uint8_t> decided() const;
    void tell_story();
    void run_one();
    void start(ContextId id, const char* name, std::function<void()> body);
    [[nodiscard]] ContextId free_context();
    bool advance();
    void switch_to_next();
    void begin_interrupt(Context& interrupt);
    void end_interrupt(Context& interrupt);
    void leave();
    [[noreturn]] void nothing_is_possible();
    [[nodiscard]] bool stands_still(ContextId id) const;
    [[nodiscard]] bool may_begin(const Context& interrupt) const;
    [[nodiscard]] bool depend(ContextId a, ContextId b) const;
    // The sets of contexts that may take their next step; some of them only without a reason.
    struct Possible {
        std::uint8_t by_themselves;
        std::uint8_t any;
    };
    [[nodiscard]] Possible possible_contexts() const;
    int decide_context(std::uint8_t may);
    static void context_main();
    static void save_thread_locals(Context& out);
    static void restore_thread_locals(const Context& in);
    [[nodiscard]] std::string seed() const;
    void read_seed(const std::string& seed);

    [[nodiscard]] Context& at(ContextId id) { return contexts_[static_cast<std::size_t>(id)]; }
    [[nodiscard]] const Context& at(ContextId id) const { return contexts_[static_cast<std::size_t>(id)]; }
    [[nodiscard]] Context& present() { return at(current_); }
    [[nodiscard]] ContextId id_of(const Context& context) const {
        return static_cast<ContextId>(&context - contexts_.data());
    }

    static inline bool in_program_ = false;
    Memory memory_{[this](int n) { return choose(n); }};
    std::array<Context, most_contexts> contexts_;
    Fiber outside_;
    Context outside_context_;
    ContextId current_ = -1;
    std::uint32_t number_ = 0;

    std::vector<Decision> decisions_;
    std::vector<std::uint8_t> replayed_; // instead of what would be decided
    bool forgiving_ = false;             // what is replayed and is not possible is replaced by the simplest
    std::uint64_t random_ = 0;           // not 0: decisions are drawn
    std::size_t position_ = 0;
    std::uint8_t asleep_ = 0;
    int preemptions_ = 0;
    int no_threads_left_ = 0;
    int steps_ = 0;
    enum class End : std::uint8_t { none, complete, pruned, failed };
    End end_ = End::none;

    const std::function<void()>* program_ = nullptr;
    check::Options options_;
    check::Result result_;
    std::vector<std::string> story_; // kept only while a failure is run again
    bool keeps_story_ = false;
};

/// Reads rouse's thread-locals, or writes them.
std::array<void*, 2> loops_of_thread();
void set_loops_of_thread(const std::array<void*, 2>& loops);

inline Execution& Execution::now() {
    static Execution execution;
    return execution;
}

// ---- from one execution to the next ----

inline check::Result Execution::explore(const std::function<void()>& program, const check::Options& options) {
    if (running()) throw std::logic_error{"rouse: check::explore: called in a checked program"};
    program_ = &program;
    options_ = options;
    result_ = {};
    decisions_.clear();
    replayed_.clear();
    keeps_story_ = forgiving_ = false;
    random_ = 0;
    if (const char* set = std::getenv("ROUSE_CHECK_SEED")) options_.seed = set;
    if (!options_.seed.empty()) {
        read_seed(options_.seed);
        run_one();
        ++result_.executions;
        result_.steps = static_cast<std::uint64_t>(steps_);
        if (end_ == End::failed) tell_story();
        return result_;
    }
    options_.samples != 0 ? sample_all() : explore_all();
    if (result_.kind != check::Failure::none) {
        if (options_.shorten && result_.kind != check::Failure::checker)
            options_.samples != 0 ? shorten_sample() : shorten();
        tell_story();
    }
    return result_;
}

inline void Execution::explore_all() {
    do {
        run_one();
        result_.steps += static_cast<std::uint64_t>(steps_);
        if (end_ == End::failed) return;
        ++(end_ == End::pruned ? result_.pruned : result_.executions);
        if (result_.executions + result_.pruned >= options_.most_executions) return;
    } while (advance());
    result_.complete = true;
}

inline void Execution::sample_all() {
    for (std::uint64_t sample = 0; sample < options_.samples; ++sample) {
        // Consecutive seeds must not draw alike: the multiplier of splitmix64 (Steele et al., OOPSLA 2014).
        random_ = (options_.random_seed + sample) * 0x9e3779b97f4a7c15u | 1u;
        decisions_.clear();
        run_one();
        random_ = 0;
        result_.steps += static_cast<std::uint64_t>(steps_);
        if (end_ == End::failed) return;
        ++result_.executions;
    }
    result_.complete = true;
}

// xorshift64* (Vigna, 2016).
inline int Execution::draw(int n) {
    random_ ^= random_ >> 12;
    random_ ^= random_ << 25;
    random_ ^= random_ >> 27;
    return static_cast<int>((random_ * 0x2545f4914f6cdd1du >> 33) % static_cast<std::uint64_t>(n));
}

inline std::vector<std::uint8_t> Execution::decided() const {
    std::vector<std::uint8_t> result;
    for (const Decision& decision : decisions_) result.push_back(decision.chosen);
    return result;
}

// Whether the execution that these decisions lead to fails in this way; where they are not possible or come to an end,
// by the simplest ones.
inline bool Execution::repeats(const std::vector<std::uint8_t>& decisions, check::Failure kind) {
    replayed_ = decisions;
    forgiving_ = true;
    decisions_.clear();
    result_.kind = check::Failure::none;
    run_one();
    forgiving_ = false;
    replayed_.clear();
    return end_ == End::failed && result_.kind == kind;
}

// Leaves out decisions as long as the failure stays: first from the end, then one after another.
inline void Execution::shorten_sample() {
    const check::Result found = result_;
    std::string failure = result_.failure;
    std::vector<std::uint8_t> best = decided();
    std::size_t few = 0;
    for (std::size_t many = best.size(); few < many;) {
        const std::size_t middle = few + (many - few) / 2;
        if (repeats({best.begin(), best.begin() + static_cast<std::ptrdiff_t>(middle)}, found.kind)) {
            many = middle;
        } else {
            few = middle + 1;
        }
    }
    best.resize(few);
    constexpr std::uint8_t simplest = 0xff; // of a decision that is replayed: as if there were none
    for (std::size_t i = best.size(); i-- > 0;) {
        const std::uint8_t before = std::exchange(best[i], simplest);
        if (!repeats(best, found.kind)) best[i] = before;
    }
    if (repeats(best, found.kind)) failure = result_.failure;
    const std::vector<Decision> decisions = decisions_;
    result_ = found;
    result_.failure = failure;
    decisions_ = decisions;
}

// Looks for an execution that fails in the same way with fewer preemptions: the fewer there are, the easier the story
// is to follow.
inline void Execution::shorten() {
    constexpr std::uint64_t enough = 20'000;
    const check::Result found = result_;
    const check::Options options = options_;
    const std::vector<Decision> decisions = decisions_;
    const int most = options.preemptions < 0 ? 4 : options.preemptions;
    options_.most_executions = enough;
    for (int preemptions = 0; preemptions < most; ++preemptions) {
        options_.preemptions = preemptions;
        decisions_.clear();
        result_ = {};
        explore_all();
        if (result_.kind == found.kind) break;
    }
    const bool shorter = result_.kind == found.kind;
    options_ = options;
    if (!shorter) decisions_ = decisions;
    const std::string failure = shorter ? result_.failure : found.failure;
    result_ = found;
    result_.failure = failure;
}

// Runs the execution that has failed once more, by the same decisions.
inline void Execution::tell_story() {
    const std::string failure = result_.failure;
    const check::Failure kind = result_.kind;
    result_.seed = seed();
    keeps_story_ = true;
    story_.clear();
    run_one();
    keeps_story_ = false;
    std::size_t first = 0;
    if (story_.size() > story_lines) {
        first = story_.size() - story_lines;
        result_.story = "    (" + std::to_string(first) + " lines before)\n";
    }
    for (std::size_t i = first; i < story_.size(); ++i) result_.story += story_[i] + '\n';
    if (result_.failure != failure) result_.story += "    (not the same when run again: " + result_.failure + ")\n";
    result_.failure = failure;
    result_.kind = kind;
}

// The numbers of the decisions, "0*3,1,0": three times 0, once 1, once 0.
inline std::string Execution::seed() const {
    std::string text;
    for (std::size_t i = 0; i < decisions_.size();) {
        std::size_t end = i;
        while (end < decisions_.size() && decisions_[end].chosen == decisions_[i].chosen) ++end;
        text += (text.empty() ? "" : ",") + std::to_string(decisions_[i].chosen);
        if (end - i > 1) text += '*' + std::to_string(end - i);
        i = end;
    }
    return text;
}

inline void Execution::read_seed(const std::string& seed) {
    const auto number = [&seed](std::size_t& at) {
        std::size_t value = 0;
        const std::size_t begin = at;
        for (; at < seed.size() && seed[at] >= '0' && seed[at] <= '9' && value < 100'000; ++at)
            value = value * 10 + static_cast<std::size_t>(seed[at] - '0');
        if (at == begin) throw std::invalid_argument{"rouse: check::explore: not a seed: " + seed};
        return value;
    };
    for (std::size_t at = 0; at < seed.size();) {
        const auto chosen = static_cast<std::uint8_t>(number(at));
        std::size_t times = 1;
        if (at < seed.size() && seed[at] == '*') times = number(++at);
        replayed_.insert(replayed_.end(), times, chosen);
        if (at < seed.size() && seed[at++] != ',')
            throw std::invalid_argument{"rouse: check::explore: not a seed: " + seed};
    }
}

// To the next set of decisions, depth first; false if there is none.
inline bool Execution::advance() {
    while (!decisions_.empty()) {
        Decision& last = decisions_.back();
        if (last.between_contexts) {
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

// ---- one execution ----

inline void Execution::run_one() {
    ++number_;
    memory_.reset();
    begin_race_detection(Arena::now().used());
    Arena::now().reset();
    for (Context& context : contexts_) {
        context.state = Context::none;
        context.spurious_left = options_.spurious;
        context.weak_failures_left = options_.weak_failures;
        context.sleeps_on = nullptr;
        context.exceptions = {};
        context.loops = {};
        context.masked = 0;
        context.at_mask = {};
    }
    position_ = 0;
    asleep_ = 0;
    preemptions_ = steps_ = 0;
    no_threads_left_ = options_.no_threads;
    end_ = End::none;
    start(0, "main", *program_);
    current_ = 0;
    save_thread_locals(outside_context_);
    restore_thread_locals(present());
    present().fiber.enter(&outside_);
    current_ = -1;
}

inline void Execution::start(ContextId id, const char* name, std::function<void()> body) {
    Context& context = at(id);
    context.state = Context::alive;
    context.name = name;
    context.body = std::move(body);
    context.next = Step{Step::Kind::begin, nullptr, "has not begun"};
    context.possible = context.for_no_reason = nullptr;
    context.host = -1;
    context.begun = false;
    context.fiber.prepare(Arena::now().stack(id), Arena::stack_bytes, &Execution::context_main);
}

inline void Execution::context_main() {
    Execution& execution = now();
    Context& context = execution.present();
    in_program_ = true;
    try {
        context.body();
    } catch (const std::exception& error) {
        execution.fail(check::Failure::assertion, std::string{"an exception leaves the context: "} + error.what());
    } catch (...) {
        execution.fail(check::Failure::assertion, "an exception leaves the context");
    }
    in_program_ = false;
    context.state = Context::ended;
    if (context.host >= 0) execution.end_interrupt(context);
    execution.switch_to_next();
    __builtin_unreachable();
}

// Back to explore(), and never to be continued.
inline void Execution::leave() {
    save_thread_locals(present());
    restore_thread_locals(outside_context_);
    outside_.enter(nullptr);
}

inline void Execution::fail(check::Failure kind, const std::string& why) {
    in_program_ = false;
    if (current_ < 0) throw std::logic_error{why};
    result_.kind = kind;
    result_.failure = why;
    note(why);
    end_ = End::failed;
    leave();
    __builtin_unreachable();
}

// What the C++ run-time and rouse keep for a thread of the operating system, and here each context needs for itself.
inline void Execution::save_thread_locals(Context& out) {
    std::memcpy(&out.exceptions, abi::__cxa_get_globals(), sizeof out.exceptions);
    out.loops = loops_of_thread();
}

inline void Execution::restore_thread_locals(const Context& in) {
    std::memcpy(static_cast<void*>(abi::__cxa_get_globals()), &in.exceptions, sizeof in.exceptions);
    set_loops_of_thread(in.loops);
}

inline std::string Execution::name_of(ContextId id) const {
    const char* name = at(id).name;
    return name != nullptr ? name : "thread " + std::to_string(id);
}

inline void Execution::note(const std::string& text) {
    if (!keeps_story_) return;
    std::string step = std::to_string(steps_), name = name_of(current_);
    step.insert(0, step.size() < 5 ? 5 - step.size() : 0, ' ');
    if (name.size() < 12) name.append(12 - name.size(), ' ');
    story_.push_back(step + "  " + name + ' ' + text);
}

// ---- sleeping ----

inline bool& Execution::sleep_on(const void* address) {
    Context& context = present();
    context.sleeps_on = address;
    if (address != nullptr) context.woken = false;
    return context.woken;
}

inline void Execution::wake_one(const void* address) {
    std::array<Context*, most_contexts> sleepers{};
    int count = 0;
    for (Context& context : contexts_) {
        if (context.state == Context::alive && context.sleeps_on == address && !context.woken)
            sleepers[static_cast<std::size_t>(count++)] = &context;
    }
    if (count > 0) sleepers[static_cast<std::size_t>(choose(count))]->woken = true;
}

inline void Execution::wake_all(const void* address) {
    for (Context& context : contexts_) {
        if (context.state == Context::alive && context.sleeps_on == address) context.woken = true;
    }
}

inline bool Execution::is_slept_on(const void* address) const {
    return std::any_of(contexts_.begin(), contexts_.end(), [address](const Context& context) {
        return context.state == Context::alive && context.sleeps_on == address;
    });
}

// ---- contexts ----

inline ContextId Execution::free_context() {
    for (ContextId id = 1; id < most_contexts; ++id) {
        if (at(id).state == Context::none) return id;
    }
    fail_checker("the program starts more contexts than the checker has");
}

inline ContextId Execution::start_thread(const char* name, std::function<void()> body) {
    const ContextId id = free_context();
    start(id, name, std::move(body));
    memory_.begin_thread(id);
    memory_.hand_over(current_, id);
    return id;
}

inline void Execution::start_interrupt(const char* name, std::function<void()> handler, int priority) {
    if (present().host >= 0) fail_checker("an interrupt starts an interrupt");
    const ContextId id = start_thread(name, std::move(handler));
    at(id).host = current_;
    at(id).priority = priority;
}

inline void Execution::join() {
    if (current_ != 0) fail_checker("join() is called by another context than main");
    step(Step{Step::Kind::join, nullptr, "waits for the end of the others"}, [this] {
        return std::none_of(contexts_.begin() + 1, contexts_.end(),
                            [](const Context& context) { return context.state == Context::alive; });
    });
    for (ContextId id = 1; id < most_contexts; ++id) {
        if (at(id).state == Context::ended) memory_.hand_over(id, 0);
        at(id).state = Context::none;
    }
}

inline void Execution::join(ContextId id) {
    step(Step{Step::Kind::join, nullptr, "waits for the end of a thread"},
         [&context = at(id)] { return context.state == Context::ended; });
    memory_.hand_over(id, current_);
    at(id).state = Context::none;
}

// ---- interrupts ----

inline void Execution::mask_interrupts() {
    Context& context = present();
    step(Step{Step::Kind::lock, nullptr, "masks interrupts"});
    if (context.masked++ == 0) memory_.acquire_from(current_, context.at_mask);
    note("masks interrupts");
}

inline void Execution::unmask_interrupts() {
    Context& context = present();
    if (context.masked == 1) memory_.release_to(current_, context.at_mask);
    --context.masked;
    note("unmasks interrupts");
}

// Whether an interrupt is on top of this context.
inline bool Execution::stands_still(ContextId id) const {
    const Context& context = at(id);
    return std::any_of(contexts_.begin(), contexts_.end(), [&](const Context& other) {
        if (other.state != Context::alive || !other.begun || &other == &context) return false;
        return other.host == id || (context.begun && other.host == context.host && other.priority > context.priority);
    });
}

inline bool Execution::may_begin(const Context& interrupt) const {
    if (at(interrupt.host).masked > 0) return false;
    return std::none_of(contexts_.begin(), contexts_.end(), [&](const Context& other) {
        return other.state == Context::alive && other.begun && other.host == interrupt.host &&
               other.priority >= interrupt.priority;
    });
}

// The contexts of one core know of each other's stores. What interrupts use without atomics is ordered among themselves
// and with the masked sections, as these never overlap; not with the rest of the context that they interrupt.
inline void Execution::begin_interrupt(Context& interrupt) {
    const ContextId id = id_of(interrupt);
    interrupt.begun = true;
    for (const Context& other : contexts_) {
        if (other.state == Context::none) continue;
        if (id_of(other) == interrupt.host || (other.begun && other.host == interrupt.host))
            memory_.continue_on_core(id_of(other), id);
    }
    memory_.acquire_from(id, at(interrupt.host).at_mask);
    interrupt.loops = at(interrupt.host).loops;
}

inline void Execution::end_interrupt(Context& interrupt) {
    const ContextId id = id_of(interrupt);
    note("returns to " + name_of(interrupt.host));
    memory_.release_to(id, at(interrupt.host).at_mask);
    for (const Context& other : contexts_) {
        if (other.state == Context::none) continue;
        if (id_of(other) == interrupt.host || (other.begun && other.host == interrupt.host))
            memory_.continue_on_core(id, id_of(other));
    }
}

// ---- steps ----

inline void Execution::step(const Step& next, std::function<bool()> possible, std::function<bool()> for_no_reason) {
    if (current_ < 0) throw std::logic_error{"rouse: check: an operation outside of a checked program"};
    Context& context = present();
    context.next = next;
    context.possible = std::move(possible);
    context.for_no_reason = std::move(for_no_reason);
    switch_to_next();
    if (++steps_ > (options_.samples != 0 ? most_steps_of_a_sample : most_steps))
        fail(check::Failure::endless, "it does not end");
}

inline Execution::Possible Execution::possible_contexts() const {
    unsigned by_themselves = 0, for_no_reason = 0;
    for (ContextId id = 0; id < most_contexts; ++id) {
        const Context& context = at(id);
        if (context.state != Context::alive || stands_still(id)) continue;
        if (context.host >= 0 && !context.begun && !may_begin(context)) continue;
        if (context.possible == nullptr || context.possible()) {
            by_themselves |= 1u << id;
        } else if (context.for_no_reason != nullptr && context.for_no_reason()) {
            for_no_reason |= 1u << id;
        }
    }
    return {static_cast<std::uint8_t>(by_themselves), static_cast<std::uint8_t>(by_themselves | for_no_reason)};
}

// Whether it matters which of two steps is taken first.
inline bool Execution::depend(ContextId first, ContextId second) const {
    using Kind = Step::Kind;
    const auto begins_on_core_of = [this](ContextId interrupt, ContextId other) {
        const ContextId host = at(interrupt).host;
        return host >= 0 && !at(interrupt).begun && (other == host || at(other).host == host);
    };
    if (begins_on_core_of(first, second) || begins_on_core_of(second, first)) return true;
    const Step &a = at(first).next, &b = at(second).next;
    if (a.seq_cst && b.seq_cst) return true;
    const auto barrier = [](const Step& step) { return step.kind >= Kind::light && step.kind <= Kind::fence; };
    if (barrier(a) && barrier(b)) return a.kind != Kind::light || b.kind != Kind::light;
    return a.what != nullptr && a.what == b.what && (a.kind != Kind::read || b.kind != Kind::read);
}

// All contexts are before a step: picks the one that takes it, and continues there.
inline void Execution::switch_to_next() {
    const Possible possible = possible_contexts();
    bool all_ended = true;
    for (const Context& context : contexts_) all_ended = all_ended && context.state != Context::alive;
    if (all_ended) {
        end_ = End::complete;
        leave();
    }
    if (possible.by_themselves == 0) nothing_is_possible();
    const int chosen = decide_context(possible.any);
    if (chosen < 0) {
        end_ = End::pruned;
        leave();
    }
    Context& from = present();
    Context& to = at(chosen);
    if (&from == &to) return;
    save_thread_locals(from);
    current_ = chosen;
    if (to.host >= 0 && !to.begun) begin_interrupt(to);
    if (to.next.kind == Step::Kind::begin)
        note(to.host >= 0 ? "interrupts " + name_of(to.host) : std::string{"begins"});
    restore_thread_locals(to);
    to.fiber.enter(from.state == Context::ended ? nullptr : &from.fiber);
}

inline void Execution::nothing_is_possible() {
    bool sleeps = false, locks = false;
    std::string who;
    for (ContextId id = 0; id < most_contexts; ++id) {
        const Context& context = at(id);
        if (context.state != Context::alive) continue;
        sleeps = sleeps || context.next.kind == Step::Kind::sleep;
        locks = locks || context.next.kind == Step::Kind::lock;
        who += (who.empty() ? "" : "; ") + name_of(id) + ' ' + context.next.name;
    }
    if (sleeps && !locks)
        fail(check::Failure::lost_wake, "a wake was lost: " + who + "; no context is left that could wake it");
    fail(check::Failure::deadlock, "deadlock: " + who);
}

// -1: every context that could continue would only repeat what has been explored.
inline int Execution::decide_context(std::uint8_t may) {
    const auto execution = static_cast<std::uint8_t>(1u << current_);
    // A context that sleeps gives way by itself, also if its sleep may end before it is woken.
    const Context& running = present();
    const bool can_go_on =
        (may & execution) != 0 && running.state == Context::alive && running.next.kind != Step::Kind::sleep;
    const auto is_free = [this](int chosen) { return at(chosen).host >= 0 && !at(chosen).begun; };
    if (position_ == decisions_.size()) {
        if (position_ < replayed_.size()) {
            std::uint8_t chosen = replayed_[position_];
            const bool possible = chosen < most_contexts && (may >> chosen & 1u) != 0;
            if (!possible && !forgiving_) fail_checker("the seed is of another program, or of other options");
            if (!possible)
                chosen = static_cast<std::uint8_t>((may & execution) != 0 ? current_ : std::countr_zero(may));
            decisions_.push_back(Decision{true, chosen, 0, 0, 0});
        } else {
            auto candidates = static_cast<std::uint8_t>(may & ~asleep_);
            if (options_.preemptions >= 0 && can_go_on && preemptions_ >= options_.preemptions) {
                unsigned allowed = execution;
                for (int id = 0; id < most_contexts; ++id) allowed |= is_free(id) ? 1u << id : 0u;
                candidates = static_cast<std::uint8_t>(candidates & allowed);
            }
            if (candidates == 0) return -1;
            const bool stay = (candidates & execution) != 0;
            int first = stay ? current_ : std::countr_zero(candidates);
            // Mostly stays, as few preemptions in the right places find more than many anywhere.
            if (random_ != 0 && (!stay || draw(4) == 0)) {
                for (int left = draw(std::popcount(candidates)), rest = candidates; left >= 0; --left) {
                    first = std::countr_zero(static_cast<unsigned>(rest));
                    rest &= rest - 1;
                }
            }
            decisions_.push_back(Decision{true, static_cast<std::uint8_t>(first), 0, candidates, asleep_});
        }
    }
    const Decision& decision = decisions_[position_++];
    if (!decision.between_contexts) fail_checker("the program is not the same each time");
    if (can_go_on && decision.chosen != current_ && !is_free(decision.chosen)) ++preemptions_;
    unsigned still_asleep = 0;
    for (int id = 0; id < most_contexts; ++id) {
        if ((decision.asleep >> id & 1u) != 0 && !depend(id, decision.chosen)) still_asleep |= 1u << id;
    }
    asleep_ = static_cast<std::uint8_t>(still_asleep);
    return decision.chosen;
}

inline int Execution::choose(int n) {
    if (n <= 1) return 0;
    if (position_ == decisions_.size()) {
        int chosen = position_ < replayed_.size() ? replayed_[position_] : 0;
        if (chosen >= n && !forgiving_) fail_checker("the seed is of another program, or of other options");
        if (chosen >= n) chosen = 0;
        if (random_ != 0) chosen = draw(n);
        decisions_.push_back(Decision{false, static_cast<std::uint8_t>(chosen), static_cast<std::uint8_t>(n), 0, 0});
    }
    const Decision& decision = decisions_[position_++];
    if (decision.between_contexts || decision.options != n) fail_checker("the program is not the same each time");
    return decision.chosen;
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

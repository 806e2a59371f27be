// What the simulation runs: a few tasks, each a short list of steps, and a few interrupts.
//
// A program is decoded from a string of bytes, and every string of bytes is a program; so the seeded generator and
// libFuzzer drive the same thing. An operation that is added needs a row here, a row in reference.hpp, which says what
// it means, and a case in run.hpp, which does it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace simulation {

enum class Op : std::uint8_t {
    yield,
    sleep,
    event_set,
    event_clear,
    event_wait,
    lock_acquire,
    lock_release,
    condition_wait,
    condition_notify,
    condition_notify_all,
    semaphore_acquire,
    semaphore_release,
    queue_put,
    queue_get,
    queue_put_nowait,
    queue_get_nowait,
    queue_close,
    barrier_wait,
    barrier_reset,
    barrier_abort,
    delay_trigger,
    delay_stop,
    delay_wait,
    flag_set,
    flag_clear,
    flag_wait,
    shared_event_set,
    shared_event_clear,
    shared_event_wait,
    shared_queue_put,
    shared_queue_get,
    shared_queue_put_sync,
    shared_queue_get_sync,
    shared_queue_close,
    message_set,
    message_clear,
    message_wait,
    message_next,
    latest_publish,
    latest_value,
    latest_next,
    one_shot_set,
    one_shot_drop,
    one_shot_next,
    ring_io_received,
    ring_io_received_burst,
    ring_io_next_to_send,
    ring_io_read,
    ring_io_readexactly,
    ring_io_readline,
    ring_io_lost,
    ring_io_write,
    ring_io_drain,
    ring_io_close,
    create,
    cancel,
    done,
    join,
    outcome,
    gather,
    gather_outcomes,
    fail,
    end_of_list,
};

/// What the operand of a step is a number of.
enum class Operand : std::uint8_t { nothing, duration, object, task, tasks };

/// Operations that have to do with each other.
enum class Group : std::uint8_t {
    time,
    tasks,
    event,
    lock,
    semaphore,
    queue,
    barrier,
    delay,
    flag,
    shared_event,
    shared_queue,
    message,
    latest,
    one_shot,
    ring_io,
    end_of_list
};

struct OpText {
    Op op;
    Group group;
    Operand operand;
    bool limit;       // may be given a time limit, by try_wait_for
    const char* text; // % is the operand
};

inline constexpr OpText texts[] = {
    {Op::yield, Group::time, Operand::nothing, true, "yield()"},
    {Op::sleep, Group::time, Operand::duration, true, "sleep(%ms)"},
    {Op::event_set, Group::event, Operand::object, false, "event%.set()"},
    {Op::event_clear, Group::event, Operand::object, false, "event%.clear()"},
    {Op::event_wait, Group::event, Operand::object, true, "event%.wait()"},
    {Op::lock_acquire, Group::lock, Operand::object, true, "lock%.acquire()"},
    {Op::lock_release, Group::lock, Operand::object, false, "lock%.release()"},
    {Op::condition_wait, Group::lock, Operand::object, true, "condition_of_lock%.wait()"},
    {Op::condition_notify, Group::lock, Operand::object, false, "condition_of_lock%.notify()"},
    {Op::condition_notify_all, Group::lock, Operand::object, false, "condition_of_lock%.notify_all()"},
    {Op::semaphore_acquire, Group::semaphore, Operand::object, true, "semaphore%.acquire()"},
    {Op::semaphore_release, Group::semaphore, Operand::object, false, "semaphore%.release()"},
    {Op::queue_put, Group::queue, Operand::object, true, "queue%.put(next_number)"},
    {Op::queue_get, Group::queue, Operand::object, true, "queue%.get()"},
    {Op::queue_put_nowait, Group::queue, Operand::object, false, "queue%.put_nowait(next_number)"},
    {Op::queue_get_nowait, Group::queue, Operand::object, false, "queue%.get_nowait()"},
    {Op::queue_close, Group::queue, Operand::object, false, "queue%.close()"},
    {Op::barrier_wait, Group::barrier, Operand::object, true, "barrier%.wait()"},
    {Op::barrier_reset, Group::barrier, Operand::object, false, "barrier%.reset()"},
    {Op::barrier_abort, Group::barrier, Operand::object, false, "barrier%.abort()"},
    {Op::delay_trigger, Group::delay, Operand::object, false, "delay%.trigger()"},
    {Op::delay_stop, Group::delay, Operand::object, false, "delay%.stop()"},
    {Op::delay_wait, Group::delay, Operand::object, true, "delay%.wait()"},
    {Op::flag_set, Group::flag, Operand::object, false, "flag%.set()"},
    {Op::flag_clear, Group::flag, Operand::object, false, "flag%.clear()"},
    {Op::flag_wait, Group::flag, Operand::object, true, "flag%.wait()"},
    {Op::shared_event_set, Group::shared_event, Operand::object, false, "thread_safe_event%.set()"},
    {Op::shared_event_clear, Group::shared_event, Operand::object, false, "thread_safe_event%.clear()"},
    {Op::shared_event_wait, Group::shared_event, Operand::object, true, "thread_safe_event%.wait()"},
    {Op::shared_queue_put, Group::shared_queue, Operand::object, true, "thread_safe_queue%.put(next_number)"},
    {Op::shared_queue_get, Group::shared_queue, Operand::object, true, "thread_safe_queue%.get()"},
    {Op::shared_queue_put_sync, Group::shared_queue, Operand::object, false,
     "thread_safe_queue%.put_sync(next_number)"},
    {Op::shared_queue_get_sync, Group::shared_queue, Operand::object, false, "thread_safe_queue%.get_sync()"},
    {Op::shared_queue_close, Group::shared_queue, Operand::object, false, "thread_safe_queue%.close()"},
    {Op::message_set, Group::message, Operand::object, false, "message%.set(next_number)"},
    {Op::message_clear, Group::message, Operand::object, false, "message%.clear()"},
    {Op::message_wait, Group::message, Operand::object, false, "message%.wait()"},
    {Op::message_next, Group::message, Operand::object, false, "message%.next()"},
    {Op::latest_publish, Group::latest, Operand::object, false, "latest%.publish(next_number)"},
    {Op::latest_value, Group::latest, Operand::object, false, "latest%.value()"},
    {Op::latest_next, Group::latest, Operand::object, false, "latest%.next()"},
    {Op::one_shot_set, Group::one_shot, Operand::object, false, "sender%.set(next_number)"},
    {Op::one_shot_drop, Group::one_shot, Operand::object, false, "sender% = {}"},
    {Op::one_shot_next, Group::one_shot, Operand::object, true, "one_shot%.next(), and the next sender%"},
    {Op::ring_io_received, Group::ring_io, Operand::object, false, "ring_io%.received(next_byte)"},
    {Op::ring_io_received_burst, Group::ring_io, Operand::object, false, "ring_io%.received(next_byte, three times)"},
    {Op::ring_io_next_to_send, Group::ring_io, Operand::object, false, "ring_io%.next_to_send()"},
    {Op::ring_io_read, Group::ring_io, Operand::object, false, "ring_io%.read(one byte)"},
    {Op::ring_io_readexactly, Group::ring_io, Operand::object, false, "ring_io%.readexactly(two bytes)"},
    {Op::ring_io_readline, Group::ring_io, Operand::object, false, "ring_io%.readline(two bytes)"},
    {Op::ring_io_lost, Group::ring_io, Operand::object, false, "ring_io%.lost()"},
    {Op::ring_io_write, Group::ring_io, Operand::object, false, "ring_io%.write(next_byte, three times)"},
    {Op::ring_io_drain, Group::ring_io, Operand::object, false, "ring_io%.drain()"},
    {Op::ring_io_close, Group::ring_io, Operand::object, false, "ring_io%.close()"},
    {Op::create, Group::tasks, Operand::task, false, "task% = create_task(body%())"},
    {Op::cancel, Group::tasks, Operand::task, false, "task%.cancel()"},
    {Op::done, Group::tasks, Operand::task, false, "task%.done()"},
    {Op::join, Group::tasks, Operand::task, true, "task%"},
    {Op::outcome, Group::tasks, Operand::task, true, "task%.outcome()"},
    {Op::gather, Group::tasks, Operand::tasks, false, "gather(%)"},
    {Op::gather_outcomes, Group::tasks, Operand::tasks, false, "gather(return_exceptions, %)"},
    {Op::fail, Group::tasks, Operand::nothing, false, "throw Failure{}"},
};

inline constexpr int most_tasks = 5;
inline constexpr int most_steps = 8;
inline constexpr int most_interrupts = 3;
inline constexpr int objects_of_a_kind = 2;
inline constexpr int starts_of_a_body = 2; // so that programs end
inline constexpr int no_limit = 0;         // in Step::limit; else a time limit of limit - 1 ms
inline constexpr int no_rival = 0;
inline constexpr int ring_bytes = 2; // the room of a RingIO in each direction
inline constexpr int burst = 3;      // bytes, which are more than that
inline constexpr int horizon = 12;   // ms, after which what still runs is cancelled

static_assert(std::size(texts) == std::size_t(Op::end_of_list));

/// Tasks are numbered from 1; 0 is the task that starts them and in the end cancels them.
struct Step {
    Op op = Op::yield;
    std::uint8_t operand = 0;
    std::uint8_t limit = no_limit;
    std::uint8_t rival = no_rival;  // if it is a select, the second wait: rivals[rival - 1], and
    std::uint8_t rival_operand = 0; // its operand; the time limit is that of the select
    bool operator==(const Step&) const = default;
};

struct Body {
    bool at_start = false; // started when the program starts; else only by create_task
    bool catches = false;  // goes on with its next step when it was cancelled, or what it awaited has failed
    std::uint8_t count = 0;
    std::array<Step, most_steps> steps{};
    bool operator==(const Body&) const = default;
};

/// Something that a foreign context does when the loop sleeps at this time, or would sleep beyond it.
struct Interrupt {
    std::uint8_t time = 0;
    Step step;
    bool operator==(const Interrupt&) const = default;
};

/// How the program ends, at the horizon.
enum class Ending : std::uint8_t {
    cancelled,      // all tasks are cancelled until all have ended: the only one whose end is checked step by step
    run_cancels,    // the main task returns, and Loop::run cancels the others
    loop_destroyed, // with the tasks in it
    objects_first,  // the objects that may be destroyed while tasks wait are, and then the loop
};

struct Program {
    Ending ending = Ending::cancelled;
    std::uint8_t tasks = 1;
    std::uint8_t interrupt_count = 0;
    std::array<Body, most_tasks + 1> bodies{}; // body 0 is not used
    std::array<Interrupt, most_interrupts> interrupts{};
    bool operator==(const Program&) const = default;

    [[nodiscard]] int steps() const {
        int sum = interrupt_count;
        for (const Body& body : bodies) sum += body.count;
        return sum;
    }
};

/// Puts a number, the next of all.
constexpr bool puts(Op op) {
    return op == Op::queue_put || op == Op::queue_put_nowait || op == Op::shared_queue_put ||
           op == Op::shared_queue_put_sync || op == Op::message_set || op == Op::latest_publish ||
           op == Op::one_shot_set || op == Op::ring_io_received || op == Op::ring_io_received_burst ||
           op == Op::ring_io_write;
}

/// The byte that stands for a number in a RingIO: of every three, one is a newline.
constexpr char byte_of(int number) { return number % 3 == 0 ? '\n' : char(number % 128); }

/// Some bytes as one number: each of them can be told from it, and how many they are.
constexpr int number_of(std::span<const char> bytes) {
    int number = 0;
    for (const char each : bytes) number = 128 * number + each;
    return number;
}

// What may be raced in a select. (What goes once round the ready queue would always win or lose.)
inline constexpr Op rivals[] = {
    Op::sleep,     Op::event_wait,        Op::lock_acquire,     Op::semaphore_acquire, Op::queue_put,     Op::queue_get,
    Op::flag_wait, Op::shared_event_wait, Op::shared_queue_put, Op::shared_queue_get,  Op::one_shot_next, Op::join};

constexpr bool can_be_raced(Op op) { return std::find(std::begin(rivals), std::end(rivals), op) != std::end(rivals); }

/// The two waits of a select, each by itself.
inline std::array<Step, 2> raced(Step step) {
    return {Step{step.op, step.operand}, Step{rivals[step.rival - 1], step.rival_operand}};
}

constexpr bool puts(const Step& step) {
    return puts(step.op) || (step.rival != no_rival && puts(rivals[step.rival - 1]));
}

// What an interrupt may do: what is allowed in any context.
inline constexpr Op foreign[] = {
    Op::flag_set,           Op::shared_event_set, Op::shared_queue_put_sync,  Op::shared_queue_get_sync,
    Op::shared_queue_close, Op::message_set,      Op::latest_publish,         Op::one_shot_set,
    Op::one_shot_drop,      Op::ring_io_received, Op::ring_io_received_burst, Op::ring_io_next_to_send,
    Op::ring_io_close};

inline std::uint8_t reduced(Op op, unsigned operand) {
    switch (texts[std::size_t(op)].operand) {
    case Operand::nothing: return 0;
    case Operand::duration: return std::uint8_t(operand % 4);
    case Operand::object: return std::uint8_t(operand % objects_of_a_kind);
    case Operand::task: return std::uint8_t(1 + operand % most_tasks);
    case Operand::tasks: return std::uint8_t(operand % (1U << most_tasks));
    }
    return 0;
}

inline void race(Step& step, Op rival, unsigned operand) {
    step.rival = std::uint8_t(1 + (std::find(std::begin(rivals), std::end(rivals), rival) - std::begin(rivals)));
    step.rival_operand = reduced(rival, operand);
    if (step.op == Op::sleep && step.operand == 0) step.operand = 1;
    if (rival == Op::sleep && step.rival_operand == 0) step.rival_operand = 1;
}

inline Program decode(std::span<const std::uint8_t> bytes) {
    std::size_t at = 0;
    const auto next = [&]() -> unsigned { return at < bytes.size() ? bytes[at++] : 0; };
    Program program;
    const unsigned ending = next() % 8;
    program.ending = ending < 5 ? Ending::cancelled : Ending(ending - 4);
    program.tasks = std::uint8_t(1 + next() % most_tasks);
    for (int i = 1; i <= program.tasks; ++i) {
        Body& body = program.bodies[std::size_t(i)];
        const unsigned bits = next();
        body.at_start = (bits & 3) != 3;
        body.catches = (bits & 4) != 0;
        body.count = std::uint8_t((bits >> 3) % (most_steps + 1));
        for (Step& step : std::span{body.steps}.first(body.count)) {
            step.op = Op(next() % unsigned(Op::end_of_list));
            step.operand = reduced(step.op, next());
            const unsigned limit = next() % 8;
            if (texts[std::size_t(step.op)].limit && limit >= 4) step.limit = std::uint8_t(limit - 3);
            if (const unsigned rival = next(); can_be_raced(step.op) && rival >= 200)
                race(step, rivals[rival % std::size(rivals)], next());
        }
    }
    program.interrupt_count = std::uint8_t(next() % (most_interrupts + 1));
    unsigned time = 0;
    for (Interrupt& each : std::span{program.interrupts}.first(program.interrupt_count)) {
        each.time = std::uint8_t(time += next() % 5);
        each.step.op = foreign[next() % std::size(foreign)];
        each.step.operand = reduced(each.step.op, next());
    }
    return program;
}

/// Pseudo-random numbers: splitmix64 (Steele, Lea, Flood, 2014).
class Random {
public:
    explicit Random(std::uint64_t seed) : state_{seed} {}
    unsigned operator()(unsigned below) {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return unsigned(((z ^ (z >> 31)) >> 32) * below >> 32);
    }

private:
    std::uint64_t state_;
};

/// The operations of a group.
inline std::span<const OpText> members(Group group) {
    const auto first =
        std::find_if(std::begin(texts), std::end(texts), [=](auto& each) { return each.group == group; });
    const auto last = std::find_if(first, std::end(texts), [=](auto& each) { return each.group != group; });
    return {first, last};
}

/// The program of a seed. Each one uses a few kinds of objects only, so that its tasks have to do with each other.
inline Program generate(std::uint64_t seed) {
    Random random{seed};
    std::array<std::uint8_t, 2 + most_tasks * (1 + 5 * most_steps) + 1 + 3 * most_interrupts> bytes;
    for (std::uint8_t& byte : bytes) byte = std::uint8_t(random(256));
    bytes[1] = std::uint8_t(1 + random(most_tasks - 1));
    Program program = decode(bytes);

    constexpr unsigned first_of_objects = unsigned(Group::event);
    std::array<Group, 2> chosen;
    for (Group& each : chosen) each = Group(first_of_objects + random(unsigned(Group::end_of_list) - first_of_objects));
    for (unsigned i = 1; i <= program.tasks; ++i) {
        unsigned acquired = 0; // locks, by this body
        for (Step& step : std::span{program.bodies[i].steps}.first(program.bodies[i].count)) {
            const unsigned what = random(8);
            const auto ops = members(what == 0 ? Group::time : what < 3 ? Group::tasks : chosen[random(2)]);
            const OpText& op = what == 1 ? texts[std::size_t(Op::cancel)] : ops[random(unsigned(ops.size()))];
            step.op = op.op;
            step.operand = reduced(step.op, random(256));
            if (op.operand == Operand::task) step.operand = std::uint8_t(1 + random(program.tasks));
            if (random(8) != 0) { // seldom itself
                if (op.operand == Operand::task && step.operand == i)
                    step.operand = std::uint8_t(1 + i % program.tasks);
                if (op.operand == Operand::tasks) step.operand = std::uint8_t(step.operand & ~(1U << (i - 1)));
            }
            if (op.operand == Operand::object && random(2) == 0) step.operand = 0;
            if (op.group == Group::lock && random(8) != 0) { // acquired first, and once
                const unsigned lock = 1U << step.operand;
                if ((acquired & lock) == 0) step.op = Op::lock_acquire;
                if ((acquired & lock) != 0 && op.op == Op::lock_acquire) step.op = Op::condition_wait;
                acquired = step.op == Op::lock_release ? acquired & ~lock : acquired | lock;
            }
            if (!texts[std::size_t(step.op)].limit) step.limit = no_limit;
            step.rival = no_rival;
            step.rival_operand = 0;
            if (!can_be_raced(step.op) || random(6) != 0) continue;
            const auto others = members(chosen[random(2)]);
            const Op rival = random(3) == 0 ? rivals[random(unsigned(std::size(rivals)))]
                                            : others[random(unsigned(others.size()))].op;
            if (can_be_raced(rival)) race(step, rival, random(256));
        }
    }
    return program;
}

/// Instead of +, of which GCC 12 warns at -O3, wrongly.
inline std::string joined(std::initializer_list<std::string_view> parts) {
    std::string text;
    for (const std::string_view part : parts) text += part;
    return text;
}

inline std::string to_text(Op op, unsigned operand) {
    const OpText& text_of = texts[std::size_t(op)];
    std::string number = std::to_string(operand);
    if (text_of.operand == Operand::tasks) {
        number.clear();
        for (unsigned i = 0; i < most_tasks; ++i) {
            if ((operand >> i & 1) == 0) continue;
            number += number.empty() ? "task" : ", task";
            number += std::to_string(i + 1);
        }
    }
    std::string text;
    for (const char* c = text_of.text; *c != '\0'; ++c) *c == '%' ? text += number : text += *c;
    return text;
}

inline std::string to_text(const Step& step) {
    std::string text = to_text(step.op, step.operand);
    if (step.rival != no_rival)
        text = joined({"select(", text, ", ", to_text(rivals[step.rival - 1], step.rival_operand), ")"});
    if (step.limit == no_limit) return text;
    return joined({"try_wait_for(", text, ", ", std::to_string(step.limit - 1), "ms)"});
}

inline std::string to_text(const Program& program) {
    static constexpr std::string_view endings[] = {"everything is cancelled, until it has ended",
                                                   "Loop::run cancels what is left", "the loop is destroyed",
                                                   "the objects are destroyed, then the loop"};
    std::string text;
    for (std::size_t i = 1; i <= program.tasks; ++i) {
        const Body& body = program.bodies[i];
        if (!body.at_start && body.count == 0) continue;
        const std::string number = std::to_string(i);
        text += joined({"body", number});
        if (body.at_start) text += joined({", started as task", number});
        text += body.catches ? ", goes on when cancelled:\n" : ":\n";
        for (std::size_t s = 0; s < body.count; ++s)
            text += joined({"    ", std::to_string(s), ": ", to_text(body.steps[s]), "\n"});
    }
    for (std::size_t i = 0; i < program.interrupt_count; ++i) {
        const Interrupt& each = program.interrupts[i];
        text += joined({"interrupt at ", std::to_string(each.time), "ms: ", to_text(each.step), "\n"});
    }
    text += joined({"at ", std::to_string(horizon), "ms: ", endings[std::size_t(program.ending)], "\n"});
    return text;
}

} // namespace simulation

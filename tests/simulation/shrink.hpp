// Makes a program that fails smaller, for as long as it fails.
#pragma once

#include "child.hpp"

namespace simulation {

class Shrinking {
public:
    explicit Shrinking(const Program& failing) : best_{failing} {}

    Program smallest() {
        for (bool smaller = true; smaller;) {
            smaller = false;
            for (std::size_t i = best_.interrupt_count; i-- > 0;) smaller |= attempt([i](Program& p) { remove(p, i); });
            for (std::size_t i = most_tasks; i > 0; --i) smaller |= shrink_body(i);
            smaller |= attempt([](Program& p) { p.ending = Ending::cancelled; });
            smaller |= remove_pairs();
            while (best_.tasks > 1 && attempt([](Program& p) { p.bodies[p.tasks--] = {}; })) smaller = true;
        }
        return best_;
    }

private:
    bool shrink_body(std::size_t i) {
        bool smaller = attempt([i](Program& p) { p.bodies[i] = {}; });
        for (std::size_t s = best_.bodies[i].count; s-- > 0;) {
            if (attempt([=](Program& p) { remove(p.bodies[i], s); })) {
                smaller = true;
                continue;
            }
            const Op op = best_.bodies[i].steps[s].op;
            if (op != Op::yield && op != Op::sleep) { // is it only to pass time?
                for (std::uint8_t time = 1; time <= 3; ++time) {
                    if (attempt([=](Program& p) { p.bodies[i].steps[s] = {Op::sleep, time, no_limit}; }))
                        smaller = true;
                    if (best_.bodies[i].steps[s].op == Op::sleep) break;
                }
            }
            smaller |= attempt([=](Program& p) { p.bodies[i].steps[s].limit = no_limit; });
            smaller |= attempt([=](Program& p) { --p.bodies[i].steps[s].limit; });
            for (std::uint8_t operand = 0; operand < best_.bodies[i].steps[s].operand; ++operand) {
                const std::uint8_t allowed = reduced(best_.bodies[i].steps[s].op, operand);
                if (allowed == operand && attempt([=](Program& p) { p.bodies[i].steps[s].operand = operand; }))
                    smaller = true;
            }
        }
        smaller |= attempt([i](Program& p) { p.bodies[i].catches = false; });
        return smaller;
    }

    // Steps that only make sense together, as acquire() and release().
    bool remove_pairs() {
        const int steps = best_.steps() - best_.interrupt_count;
        for (int first = 0; first < steps; ++first) {
            for (int second = first + 1; second < steps; ++second) {
                const bool removed = attempt([=](Program& p) {
                    remove(p, second);
                    remove(p, first);
                });
                if (removed) return true;
            }
        }
        return false;
    }

    static void remove(Program& program, int step) {
        for (Body& body : program.bodies) {
            if (step < body.count) return remove(body, std::size_t(step));
            step -= body.count;
        }
    }
    static void remove(Body& body, std::size_t step) {
        for (; step + 1 < body.count; ++step) body.steps[step] = body.steps[step + 1];
        body.steps[--body.count] = {};
    }
    static void remove(Program& program, std::size_t interrupt) {
        for (; interrupt + 1 < program.interrupt_count; ++interrupt)
            program.interrupts[interrupt] = program.interrupts[interrupt + 1];
        program.interrupts[--program.interrupt_count] = {};
    }

    template <class F>
    bool attempt(F change) {
        Program candidate = best_;
        change(candidate);
        for (const Body& body : candidate.bodies) {
            for (const Step& step : body.steps) {
                if (step.limit > most_limit) return false; // below none
            }
        }
        if (candidate == best_ || fault_of(candidate).empty()) return false;
        best_ = candidate;
        return true;
    }

    static constexpr std::uint8_t most_limit = 4;

    Program best_;
};

} // namespace simulation

// The operations of the policy: each waits for its turn, takes effect on the memory, and is what a mutant changes.
#include <string>

#include "arena.hpp"
#include "execution.hpp"
#include "mutants.hpp"
#include "policy.hpp"
#include "races.hpp"

namespace model {

namespace {

using Kind = Step::Kind;

Order without_acquire(Order order) {
    if (order == Order::acq_rel || order == Order::seq_cst) return Order::release;
    return order == Order::acquire ? Order::relaxed : order;
}
Order without_release(Order order) {
    if (order == Order::acq_rel || order == Order::seq_cst) return Order::acquire;
    return order == Order::release ? Order::relaxed : order;
}
Order weakened(Order order, Change change) {
    if (change == Change::no_acquire) return without_acquire(order);
    return change == Change::no_release ? without_release(order) : order;
}

Execution& execution() { return Execution::now(); }

std::uint8_t place(const Location& location) {
    Execution& self = execution();
    if (!self.running()) fail("an atomic is used outside of a program");
    if (location.execution != self.number()) fail("an atomic is used that is gone, or was never made");
    races::touch(&location, sizeof location, races::Access::atomic);
    return static_cast<std::uint8_t>(location.id);
}

std::string value_text(std::uint64_t value) {
    if (!execution().keeps_account()) return {};
    const auto* address = reinterpret_cast<const void*>(value);
    return Arena::now().contains(address) ? "@" + std::to_string(Arena::now().offset(address)) : std::to_string(value);
}

void note(const char* what, const Where& where, const std::string& rest = {}) {
    if (!execution().keeps_account()) return;
    const std::string file = where.file_name();
    execution().note(file.substr(file.rfind('/') + 1) + ':' + std::to_string(where.line()) + ' ' + what + ' ' + rest);
}

void turn(Kind kind, const Location& location, const char* what, const Where& where, Order order) {
    execution().step(Step{kind, &location, what, where, order == Order::seq_cst});
}

} // namespace

void construct(Location& location, std::uint64_t value) {
    const Execution::Inside inside;
    location.initial = value;
    location.execution = 0;
    Execution& self = execution();
    if (!self.running()) return;
    races::touch(&location, sizeof location, races::Access::write);
    location.id = self.memory().new_location(self.thread(), value);
    location.execution = self.number();
}

// An atomic on a stack is not poisoned, as the stack is used again; but nobody may use it any more.
void destroy(Location& location) {
    const Execution::Inside inside;
    if (!execution().running() || location.execution != execution().number()) return;
    races::touch(&location, sizeof location, races::Access::write);
    location.execution = 0;
}

std::uint64_t load(const Location& location, Order order, const Where& where) {
    const Execution::Inside inside;
    const Change change = Mutants::now().visit(where, Operation::load, order);
    turn(Kind::read, location, "loads", where, order);
    const std::uint64_t value =
        execution().memory().load(execution().thread(), place(location), weakened(order, change));
    note("load", where, value_text(value));
    return value;
}

void store(Location& location, std::uint64_t value, Order order, const Where& where) {
    const Execution::Inside inside;
    const Change change = Mutants::now().visit(where, Operation::store, order);
    if (change == Change::no_store) return;
    turn(Kind::write, location, "stores", where, order);
    execution().memory().store(execution().thread(), place(location), value, weakened(order, change));
    note("store", where, value_text(value));
}

namespace {

// The two forms of a read-modify-write that a mutant may have, and the right one.
template <class F>
std::uint64_t change_value(Location& location, Order success, Order failure, Change change, const char* what,
                           const Where& where, F new_value) {
    turn(Kind::write, location, what, where, success);
    const std::uint8_t at = place(location);
    Memory& memory = execution().memory();
    const ThreadId thread = execution().thread();
    std::uint64_t before = 0;
    if (change == Change::not_atomic || change == Change::no_store) {
        before = memory.load(thread, at, without_release(success));
        std::uint64_t value = before;
        if (new_value(value) && change == Change::not_atomic) {
            turn(Kind::write, location, what, where, success);
            memory.store(thread, place(location), value, without_acquire(success));
        }
    } else {
        before = memory.read_modify_write(thread, at, success, failure, new_value);
    }
    std::uint64_t after = before;
    const bool stored = new_value(after);
    if (execution().keeps_account())
        note(what, where, value_text(before) + (stored ? " -> " + value_text(after) : ", fails"));
    return before;
}

} // namespace

std::uint64_t exchange(Location& location, std::uint64_t value, Order order, const Where& where) {
    const Execution::Inside inside;
    const Change change = Mutants::now().visit(where, Operation::exchange, order);
    order = weakened(order, change);
    return change_value(location, order, order, change, "exchanges", where, [value](std::uint64_t& word) {
        word = value;
        return true;
    });
}

std::uint64_t fetch_add(Location& location, std::uint64_t value, Order order, const Where& where) {
    const Execution::Inside inside;
    const Change change = Mutants::now().visit(where, Operation::exchange, order); // to a mutant it is one
    order = weakened(order, change);
    return change_value(location, order, order, change, "adds", where, [value](std::uint64_t& word) {
        word += value;
        return true;
    });
}

bool compare_exchange(Location& location, std::uint64_t& expected, std::uint64_t desired, Order success, Order failure,
                      bool weak, const Where& where) {
    const Execution::Inside inside;
    const Change change = Mutants::now().visit(where, Operation::compare_exchange, success, failure);
    if (change == Change::no_acquire_failing) failure = Order::relaxed;
    success = weakened(success, change);
    if (weak && execution().weak_failures_left() > 0 && execution().choose(2) == 1) {
        --execution().weak_failures_left();
        turn(Kind::read, location, "fails for no reason", where, failure);
        expected = execution().memory().load(execution().thread(), place(location), failure);
        note("fails for no reason", where, value_text(expected));
        return false;
    }
    const std::uint64_t before = change_value(location, success, failure, change, "compares and exchanges", where,
                                              [expected, desired](std::uint64_t& word) {
                                                  if (word != expected) return false;
                                                  word = desired;
                                                  return true;
                                              });
    if (before == expected) return true;
    expected = before;
    return false;
}

void fence(Order order, const Where& where) {
    const Execution::Inside inside;
    execution().step(Step{Kind::fence, nullptr, "fences", where, order == Order::seq_cst});
    execution().memory().fence(execution().thread(), order);
}

void light_barrier(const Where& where) {
    const Execution::Inside inside;
    if (Mutants::now().visit(where, Operation::light) == Change::left_out) return;
    execution().step(Step{Kind::light, nullptr, "light barrier", where});
    execution().memory().light_barrier(execution().thread());
    note("light barrier", where);
}

void heavy_barrier(const Where& where) {
    const Execution::Inside inside;
    if (Mutants::now().visit(where, Operation::heavy) == Change::left_out) return;
    execution().step(Step{Kind::heavy, nullptr, "heavy barrier", where});
    execution().memory().heavy_barrier(execution().thread());
    note("heavy barrier", where);
}

} // namespace model

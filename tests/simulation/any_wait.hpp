// Any wait of an object, as one type: so that select can be tried with each of them beside each other.
#pragma once

#include <coroutine>
#include <type_traits>
#include <variant>

#include "reference.hpp"
#include "world.hpp"

namespace simulation {

inline Given given(const std::optional<Item>& item) {
    return item ? Given{Result::ok, item->number()} : Given{Result::closed, 0};
}

/// Forwards to the awaiter that it holds.
class AnyWait {
    // Final, because clang takes what a variant destroys for something that might be derived from.
    template <class A>
    struct Held final {
        A wait;
    };
    template <class... As>
    using OneOf = std::variant<Held<As>...>;
    using Wait =
        OneOf<decltype(rouse::sleep(Milliseconds{})), decltype(std::declval<rouse::Event&>().wait()),
              decltype(std::declval<rouse::Lock&>().acquire()), decltype(std::declval<rouse::Semaphore&>().acquire()),
              decltype(std::declval<rouse::Queue<Item>&>().put(std::declval<Item>())),
              decltype(std::declval<rouse::Queue<Item>&>().next()),
              decltype(std::declval<rouse::ThreadSafeFlag&>().wait()),
              decltype(std::declval<rouse::ThreadSafeEvent&>().wait()),
              decltype(std::declval<rouse::ThreadSafeQueue<Item>&>().put(std::declval<Item>())),
              decltype(std::declval<rouse::ThreadSafeQueue<Item>&>().next()),
              decltype(std::declval<rouse::OneShot<Item>&>().next())>;

public:
    /// What a step waits for; `item` is what it puts.
    AnyWait(World& world, Step step, Item& item) : wait_{made(world, step, item)} {}

    bool await_ready() {
        return std::visit([](auto& each) { return each.wait.await_ready(); }, wait_);
    }
    bool await_suspend(std::coroutine_handle<> frame) {
        return std::visit(
            [frame](auto& each) {
                auto& wait = each.wait;
                if constexpr (std::is_void_v<decltype(wait.await_suspend(frame))>) {
                    wait.await_suspend(frame);
                    return true;
                } else {
                    return bool(wait.await_suspend(frame));
                }
            },
            wait_);
    }
    Given await_resume() {
        return std::visit(
            [](auto& each) {
                auto& wait = each.wait;
                if constexpr (std::is_void_v<decltype(wait.await_resume())>) {
                    wait.await_resume();
                    return Given{};
                } else if constexpr (std::is_same_v<decltype(wait.await_resume()), bool>) {
                    return Given{wait.await_resume() ? Result::ok : Result::closed, 0};
                } else {
                    return given(wait.await_resume());
                }
            },
            wait_);
    }
    /// For wait_for and select.
    bool interrupted() {
        return std::visit([](auto& each) { return rouse::detail::was_interrupted(each.wait); }, wait_);
    }

private:
    static Wait made(World& w, Step step, Item& item) {
        const std::size_t n = step.operand;
        Objects& o = *w.objects;
        switch (step.op) {
        case Op::sleep: return Held{rouse::sleep(Milliseconds{n})};
        case Op::event_wait: return Held{o.events[n].wait()};
        case Op::lock_acquire: return Held{w.locks[n].acquire()};
        case Op::semaphore_acquire: return Held{o.semaphores[n].acquire()};
        case Op::queue_put: return Held{o.queues[n].put(std::move(item))};
        case Op::queue_get: return Held{o.queues[n].next()};
        case Op::flag_wait: return Held{o.flags[n].wait()};
        case Op::shared_event_wait: return Held{o.shared_events[n].wait()};
        case Op::shared_queue_put: return Held{o.shared_queues[n].put(std::move(item))};
        case Op::one_shot_next: return Held{w.one_shots[n].next()};
        default: return Held{o.shared_queues[n].next()};
        }
    }

    Wait wait_;
};

} // namespace simulation

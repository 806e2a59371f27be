// Loops and objects that end at random moments around a foreign set or put.
#include <memory>

#include <rouse/rouse.hpp>

#include "stress/storm.hpp"

using namespace rouse;
using namespace test;
using namespace std::chrono_literals;

namespace {

// Calls f(dice) for each object that it is shown, once.
template <class T>
class Shown {
public:
    template <class F>
    explicit Shown(F f)
        : thread_{[this, f] {
              Dice dice{5};
              while (!stop_) {
                  T* const object = shown_.exchange(nullptr);
                  if (object == nullptr) {
                      std::this_thread::yield();
                      continue;
                  }
                  dice.linger_or_sleep();
                  f(*object);
                  ++seen_;
              }
          }} {}
    ~Shown() {
        stop_ = true;
        thread_.join();
    }
    Shown(const Shown&) = delete;
    Shown& operator=(const Shown&) = delete;

    void show(T& object) { shown_ = &object; }
    [[nodiscard]] int seen() const { return seen_; }

private:
    std::atomic<T*> shown_{nullptr};
    std::atomic<bool> stop_{false};
    std::atomic<int> seen_{0};
    std::thread thread_;
};

// A new loop each time, and a new descriptor. The object goes when its waiter has gone on.
template <class T>
void play(const char* name, unsigned seed) {
    Shown<T> setter{[](T& shown) { shown.set(); }};
    Storm storm{name};
    Dice dice{seed};
    while (storm.goes_on()) {
        auto main = [&]() -> Task<> {
            auto brief = std::make_unique<T>();
            auto waiter = create_task([](T& object) -> Task<> { co_await object.wait(); }(*brief));
            if (dice.one_in(2)) co_await yield();
            setter.show(*brief);
            if (dice.one_in(2)) dice.linger();
            co_await waiter;
            brief.reset();
        };
        run(main());
    }
}

} // namespace

TEST_CASE("storm: an event and its loop go as soon as the waiter has been roused") {
    play<ThreadSafeEvent>("events and loops that end", 1);
}

TEST_CASE("storm: a flag and its loop go as soon as the waiter has been roused") {
    play<ThreadSafeFlag>("flags and loops that end", 2);
}

TEST_CASE("storm: a loop ends while its task is cancelled, or dropped, in a queue that a thread puts to") {
    using Channel = ThreadSafeQueue<int, 1>;
    Shown<Channel> putter{[](Channel& shown) { (void)shown.put_sync(1); }};
    Storm storm{"loops that end around a put"};
    Dice dice{3};
    int got = 0, left = 0;
    while (storm.goes_on()) {
        Channel queue;
        const int seen = putter.seen();
        {
            auto gets = [&]() -> Task<> { got += co_await queue.get(); };
            auto main = [&]() -> Task<> {
                auto getter = create_task(gets());
                co_await yield();
                putter.show(queue);
                dice.linger();
                if (dice.one_in(2)) getter.cancel();
            };
            EpollPort port;
            Loop loop{port};
            if (dice.one_in(2)) {
                loop.run(main()); // cancels what is left
            } else {
                loop.run_until_complete(main()); // destroys it
            }
        }
        while (putter.seen() == seen) std::this_thread::yield();
        left += queue.get_sync().has_value();
    }
    CHECK(got + left == storm.round()); // each item is somewhere
}

#include <rouse/combine/task_group.hpp>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

Task<> says_after(Log& log, std::string word, Clock::duration time) {
    Mark mark{log, word + " gone"};
    co_await sleep(time);
    log(word);
}

Task<> says(Log& log, std::string word) {
    log(word);
    co_return;
}

} // namespace

TEST_CASE("run returns when all tasks of the group have ended") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        co_await TaskGroup::run([&](TaskGroup& group) -> Task<> {
            group.create_task(says_after(to, "2", 2s));
            group.create_task(says_after(to, "1", 1s));
            to("body");
            co_return;
        });
        to("left");
        CHECK(Clock::now() == TimePoint{2s});
    }(log));
    CHECK(log == "body 1 1 gone 2 2 gone left");
}

TEST_CASE(
    "the body runs at once, and if it ends last run returns without passing through the ready queue, as in Python") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        create_task(says(to, "other"));
        to("before");
        co_await TaskGroup::run([&](TaskGroup&) -> Task<> {
            to("body");
            co_return;
        });
        to("left");
        co_await yield();
        create_task(says(to, "other"));
        co_await TaskGroup::run([&](TaskGroup& group) -> Task<> {
            group.create_task(says(to, "member"));
            co_await yield();
            create_task(says(to, "after"));
            to("body");
        });
        to("left");
    }(log));
    CHECK(log == "before body left other other member body left after");
}

TEST_CASE("tasks of a group may start others in it, and its size counts the body") {
    run_virtual([]() -> Task<> {
        int sum = 0;
        co_await TaskGroup::run([&](TaskGroup& group) -> Task<> {
            CHECK(group.size() == 1);
            auto nested = [&](int n) -> Task<> {
                auto innermost = [&](int m) -> Task<> {
                    co_await sleep(1s);
                    sum += m;
                };
                group.create_task(innermost(n));
                co_await sleep(2s); // innermost is used until then
            };
            for (int i = 1; i <= 3; ++i) group.create_task(nested(i));
            CHECK(group.size() == 4);
            co_await sleep(5s);
            CHECK(group.size() == 1);
        });
        CHECK(sum == 6);
    }());
}

TEST_CASE("the handle of a task in a group can be awaited and cancelled; that is not a failure") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        co_await TaskGroup::run([&](TaskGroup& group) -> Task<> {
            auto value = group.create_task(returns_after(3, 1s), "three");
            CHECK(value.name() == "three");
            auto victim = group.create_task(says_after(to, "victim", 9s));
            const int three = co_await value;
            CHECK(three == 3);
            victim.cancel();
        });
        CHECK(Clock::now() == TimePoint{1s});
        to("left");
    }(log));
    CHECK(log == "victim gone left");
}

TEST_CASE("a group takes the handle of a task and an object's wait, and cancels them like its other tasks") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        Event event;
        auto handle = create_task(returns_after(3, 1s));
        co_await TaskGroup::run([&](TaskGroup& group) -> Task<> {
            auto three = group.create_task(handle, "three");
            group.create_task(event.wait());
            const int value = co_await three;
            CHECK(value == 3);
            event.set();
        });
        CHECK(handle.result() == 3);
        CHECK(Clock::now() == TimePoint{1s});
        event.clear();
        auto doomed = create_task(says_after(to, "wrong", 9s));
        co_await TaskGroup::run([&](TaskGroup& group) -> Task<> {
            group.create_task(event.wait());
            group.create_task(doomed);
            co_await yield();
            group.cancel();
        });
        CHECK(doomed.cancelled());
        CHECK(Loop::current().live_tasks() == 1);
    }(log));
    CHECK(log == "wrong gone");
}

TEST_CASE("cancelling the task that runs a group cancels the body and the tasks, and waits for them") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        auto in_group = [](Log& into) -> Task<> {
            Mark mark{into, "outer gone"};
            co_await TaskGroup::run([&](TaskGroup& group) -> Task<> {
                Mark inner{into, "body gone"};
                group.create_task(says_after(into, "task", 9s));
                co_await sleep(9s);
            });
            into("not reached");
        };
        auto task = create_task(in_group(to));
        co_await sleep(1s);
        CHECK(task.cancel());
        const auto outcome = co_await task.outcome();
        CHECK(outcome.cancelled());
    }(log));
    CHECK(log == "body gone task gone outer gone");
}

TEST_CASE("cancelling the task that runs a group cancels the tasks, too, after the body has ended") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        auto in_group = [](Log& into) -> Task<> {
            co_await TaskGroup::run([&](TaskGroup& group) -> Task<> {
                group.create_task(says_after(into, "task", 9s));
                co_return;
            });
        };
        auto task = create_task(in_group(to));
        co_await sleep(1s);
        task.cancel();
        const auto outcome = co_await task.outcome();
        CHECK(outcome.cancelled());
        CHECK(Clock::now() == TimePoint{1s});
    }(log));
    CHECK(log == "task gone");
}

TEST_CASE("cancel() of a group ends the body and the tasks without an error, and what is started later") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        co_await TaskGroup::run([&](TaskGroup& group) -> Task<> {
            group.create_task(says_after(to, "task", 9s));
            co_await sleep(1s);
            group.cancel();
            auto late = group.create_task(says(to, "late"));
            CHECK_FALSE(late.done());
            co_await sleep(1s);
            to("not reached");
        });
        to("left");
        CHECK(Clock::now() == TimePoint{1s});
    }(log));
    CHECK(log == "task gone left");
}

TEST_CASE("a body that is cancelled from inside cancels the group and the task that runs it") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        auto in_group = [](Log& into) -> Task<> {
            co_await TaskGroup::run([&](TaskGroup& group) -> Task<> {
                auto body_task = current_task();
                auto cancels = [](TaskHandle<> victim) -> Task<> {
                    victim.cancel();
                    co_return;
                };
                group.create_task(says_after(into, "task", 9s));
                group.create_task(cancels(body_task));
                co_await sleep(9s);
            });
            into("not reached");
        };
        auto task = create_task(in_group(to));
        const auto outcome = co_await task.outcome();
        CHECK(outcome.cancelled());
    }(log));
    CHECK(log == "task gone");
}

TEST_CASE("groups nest, and a time limit ends a group with everything in it") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        auto nested = [](Log& into) -> Task<> {
            co_await TaskGroup::run([&](TaskGroup& outer) -> Task<> {
                outer.create_task(says_after(into, "outer", 9s));
                co_await TaskGroup::run([&](TaskGroup& inner) -> Task<> {
                    inner.create_task(says_after(into, "inner", 9s));
                    co_return;
                });
            });
        };
        const auto outcome = co_await try_wait_for(nested(to), 1s);
        CHECK(outcome.timed_out());
        CHECK(Clock::now() == TimePoint{1s});
    }(log));
    CHECK(contains(log, "inner gone"));
    CHECK(contains(log, "outer gone"));
}

TEST_CASE("a named body is referred to, an unnamed one lives in the wait") {
    run_virtual([]() -> Task<> {
        int runs = 0;
        auto named = [&runs, owned = std::make_unique<int>(2)](TaskGroup&) -> Task<> {
            co_await yield();
            runs += *owned;
        };
        co_await TaskGroup::run(named);
        auto later = TaskGroup::run([&runs](TaskGroup&) -> Task<> {
            co_await yield();
            ++runs;
        });
        co_await later;
        CHECK(runs == 3);
    }());
}

TEST_CASE("a thousand tasks in a group return their memory") {
    VirtualTimePort port;
    Loop loop{port};
    loop.run([]() -> Task<> {
        int ended = 0;
        for (int round = 0; round < 3; ++round) {
            co_await TaskGroup::run([&](TaskGroup& group) -> Task<> {
                auto counts = [&ended](int n) -> Task<> {
                    co_await sleep(std::chrono::milliseconds{n % 7});
                    ++ended;
                };
                for (int i = 0; i < 1000; ++i) group.create_task(counts(i));
                co_await sleep(1s); // `counts` is used until then
            });
        }
        CHECK(ended == 3000);
    }());
    CHECK(loop.live_tasks() == 0);
}

TEST_CASE("destroying a loop destroys a group with everything in it") {
    Log log;
    {
        VirtualTimePort port;
        Loop loop{port};
        loop.create_task([](Log& to) -> Task<> {
            Mark mark{to, "outer gone"};
            co_await TaskGroup::run([&](TaskGroup& group) -> Task<> {
                group.create_task(says_after(to, "task", 9s));
                co_await sleep(9s);
            });
        }(log));
        for (int i = 0; i < 5; ++i) loop.poll();
    }
    CHECK(contains(log, "outer gone"));
    CHECK(contains(log, "task gone"));
}

TEST_CASE("an empty task gives an empty handle, and changes nothing in the group") {
    run_virtual([]() -> Task<> {
        co_await TaskGroup::run([&](TaskGroup& group) -> Task<> {
            const auto handle = group.create_task(Task<>{});
            CHECK_FALSE(handle);
            CHECK(group.size() == 1);
            co_return;
        });
    }());
}

TEST_CASE("a group that has ended accepts no more tasks") {
    const auto message = misuse_of([] {
        run_virtual([]() -> Task<> {
            TaskGroup* leaked = nullptr;
            auto adds = [](TaskGroup*& group) -> Task<> {
                co_await sleep(1s);
                group->create_task(returns_after(1, 1s)); // the last task has ended, run() has not resumed yet
            };
            TaskHandle<> late;
            co_await TaskGroup::run([&](TaskGroup& group) -> Task<> {
                leaked = &group;
                auto last = []() -> Task<> { co_await sleep(1s); };
                group.create_task(last());
                co_await yield();
                late = create_task(adds(leaked));
            });
            co_await late;
        }());
    });
    CHECK(contains(message, "rouse: TaskGroup::create_task: the group has ended"));
}

TEST_CASE("a body that returns an empty Task is a UsageError") {
    const auto message = misuse_of(
        [] { run_virtual([]() -> Task<> { co_await TaskGroup::run([](TaskGroup&) { return Task<>{}; }); }()); });
    CHECK(contains(message, "rouse: TaskGroup::run: the body returned an empty Task"));
}

TEST_CASE("a task of a group that awaits the task which runs the group hangs, but does not overflow the stack") {
    VirtualTimePort port;
    Loop loop{port};
    auto circle = []() -> Task<> {
        const auto self = current_task();
        co_await TaskGroup::run([&](TaskGroup& group) -> Task<> {
            auto awaits = [](TaskHandle<> outer) -> Task<> { co_await outer.outcome(); };
            group.create_task(awaits(self));
            co_await yield();
            group.cancel();
        });
    };
    const auto task = loop.create_task(circle());
    for (int i = 0; i < 5; ++i) loop.poll();
    CHECK_FALSE(task.done());
}

TEST_CASE("destroying a loop ends the tasks of groups before the frames around them") {
    VirtualTimePort port;
    Loop loop{port};
    auto serve = []() -> Task<> {
        Lock lock;
        co_await TaskGroup::run([&](TaskGroup&) -> Task<> {
            const auto guard = co_await lock.scoped();
            co_await sleep(1h);
        });
    };
    for (int i = 0; i < 100; ++i) {
        loop.create_task(serve());
        loop.poll();
        loop.poll();
    }
}

TEST_CASE("a cancellation from outside is not lost when the group cancels itself in the same step") {
    run_virtual([]() -> Task<> {
        bool went_on = false;
        auto runs = [](bool& on) -> Task<> {
            co_await TaskGroup::run([](TaskGroup& group) -> Task<> {
                auto cancels = [](TaskGroup& g) -> Task<> {
                    co_await sleep(1s);
                    g.cancel();
                };
                group.create_task(cancels(group));
                co_await sleep(1h);
            });
            on = true;
        };
        const auto task = create_task(runs(went_on));
        co_await sleep(1s);
        CHECK(task.cancel());
        const auto outcome = co_await task.outcome();
        CHECK(outcome.cancelled());
        CHECK_FALSE(went_on);
    }());
}

TEST_CASE("a body that cancels the task which runs its group, and returns, has cancelled it") {
    run_virtual([]() -> Task<> {
        TaskHandle<> self;
        auto runs = [](TaskHandle<>& own) -> Task<> {
            co_await TaskGroup::run([&](TaskGroup&) -> Task<> {
                co_await sleep(1s);
                CHECK(own.cancel());
            });
            co_await sleep(1h);
        };
        self = create_task(runs(self));
        const auto outcome = co_await self.outcome();
        CHECK(outcome.cancelled());
        CHECK(Clock::now() == TimePoint{1s});
    }());
}

TEST_CASE("cancelling a task that runs a group whose body awaits that task does not overflow the stack") {
    VirtualTimePort port;
    Loop loop{port};
    TaskHandle<> self;
    auto runs = [](TaskHandle<>& own) -> Task<> {
        co_await TaskGroup::run([&](TaskGroup&) -> Task<> { co_await own; });
    };
    self = loop.create_task(runs(self));
    for (int i = 0; i < 3; ++i) loop.poll();
    CHECK(self.cancel());
    for (int i = 0; i < 3; ++i) loop.poll();
}

TEST_CASE("destroying a loop just after a set ends the tasks of a group before the frame around it") {
    ThreadSafeFlag flag;
    for (int others = 0; others < 4; ++others) {
        Log log;
        VirtualTimePort port;
        auto idle = []() -> Task<> { co_await sleep(1h); };
        auto outer = [](Log& to, ThreadSafeFlag& waits_for) -> Task<> {
            Mark mark{to, "outer"};
            co_await TaskGroup::run([&](TaskGroup& group) -> Task<> {
                auto member = [](Log& into, ThreadSafeFlag& f) -> Task<> {
                    Mark inner{into, "member"};
                    co_await f.wait();
                };
                group.create_task(member(to, waits_for));
                co_return;
            });
        };
        {
            Loop loop{port};
            for (int i = 0; i < others; ++i) loop.create_task(idle());
            loop.create_task(outer(log, flag));
            for (int i = 0; i < 3; ++i) loop.poll();
            flag.set();
        }
        flag.clear();
        CHECK(log == "member outer");
    }
}

TEST_CASE("next_ended returns the tasks of the group in the order in which they end, and then an empty handle") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        const auto body = [&](TaskGroup& group) -> Task<> {
            const auto slow = group.create_task(returns_after(3, 3s));
            const auto fast = group.create_task(returns_after(1, 1s));
            const auto same = group.create_task(returns_after(2, 1s));
            while (const auto ended = co_await group.next_ended()) {
                CHECK(ended.done());
                if (ended == fast) to("fast");
                if (ended == same) to("same");
                if (ended == slow) to("slow");
            }
            CHECK(Clock::now() == TimePoint{3s});
            CHECK(group.size() == 1);
            CHECK(slow.result() + fast.result() + same.result() == 6);
            const auto none = co_await group.next_ended();
            CHECK(!none);
        };
        co_await TaskGroup::run(body);
    }(log));
    CHECK(log == "fast same slow");
}

TEST_CASE(
    "next_ended returns what has ended since it was first called, also if it was not waiting, and what comes later") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        const auto body = [&](TaskGroup& group) -> Task<> {
            group.create_task(says_after(to, "before", 0s));
            co_await sleep(1s);
            const auto nothing = co_await group.next_ended(); // it was not called when that task ended
            CHECK(!nothing);
            const auto first = group.create_task(says_after(to, "first", 1s));
            const auto second = group.create_task(says_after(to, "second", 1s));
            co_await sleep(2s);
            CHECK(group.size() == 1);
            const auto one = co_await group.next_ended();
            CHECK(one == first);
            group.create_task(says_after(to, "third", 1s));
            const auto two = co_await group.next_ended();
            CHECK(two == second);
            const auto three = co_await group.next_ended();
            CHECK((three && three != first));
        };
        co_await TaskGroup::run(body);
    }(log));
    CHECK(log == "before before gone first first gone second second gone third third gone");
}

TEST_CASE("next_ended returns cancelled tasks too, and the body need not ask for all") {
    run_virtual([]() -> Task<> {
        const auto body = [](TaskGroup& group) -> Task<> {
            const auto one = group.create_task(returns_after(1, 5s));
            group.create_task(returns_after(2, 6s));
            create_task([](TaskHandle<int> other) -> Task<> {
                co_await sleep(1s);
                other.cancel();
            }(one));
            const auto ended = co_await group.next_ended();
            CHECK(ended == one);
            CHECK(ended.cancelled());
        };
        co_await TaskGroup::run(body);
        CHECK(Clock::now() == TimePoint{6s});
    }());
}

TEST_CASE("a wait for the next that ends may have a time limit, and loses no task by it") {
    run_virtual([]() -> Task<> {
        const auto body = [](TaskGroup& group) -> Task<> {
            const auto one = group.create_task(returns_after(1, 2s));
            const auto late = co_await try_wait_for(group.next_ended(), 1s);
            CHECK(late.timed_out());
            const auto ended = co_await group.next_ended();
            CHECK(ended == one);
        };
        co_await TaskGroup::run(body);
    }());
}

TEST_CASE("cancelling a group ends a wait for the next that ends, with the body") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        const auto body = [&](TaskGroup& group) -> Task<> {
            Mark mark{to, "body gone"};
            group.create_task(says_after(to, "wrong", 2s));
            create_task([](TaskGroup& other) -> Task<> {
                co_await sleep(1s);
                other.cancel();
            }(group));
            static_cast<void>(co_await group.next_ended());
            to("wrong");
        };
        co_await TaskGroup::run(body);
        to("left");
    }(log));
    CHECK(log == "body gone wrong gone left");
}

TEST_CASE("a task of the group that calls next_ended would wait for itself, which is a UsageError") {
    CHECK(contains(misuse_of([] {
                       run_virtual([]() -> Task<> {
                           const auto body = [](TaskGroup& group) -> Task<> {
                               const auto member = [](TaskGroup& own) -> Task<> {
                                   static_cast<void>(co_await own.next_ended());
                               };
                               group.create_task(member(group));
                               co_return;
                           };
                           co_await TaskGroup::run(first_error, body);
                       }());
                   }),
                   "rouse: TaskGroup::next_ended: a task of the group would wait for itself; call it in the body"));
}

#if ROUSE_EXCEPTIONS

namespace {

Task<> fails_after(Clock::duration time, const char* what) {
    co_await sleep(time);
    throw std::runtime_error{what};
}

// "a b" for an ExceptionGroup of the errors a and b; else "cancelled" or "nothing".
Task<std::string> failure_of(Task<> task) {
    std::string found = "nothing";
    try {
        co_await task;
    } catch (const ExceptionGroup& group) {
        Log log;
        for (const auto& error : group.errors()) {
            try {
                std::rethrow_exception(error);
            } catch (const std::exception& each) {
                log(each.what());
            }
        }
        found = log;
    } catch (const CancelledError&) {
        found = "cancelled";
    }
    co_return found;
}

} // namespace

TEST_CASE("the first task that fails cancels the rest and the body, and the errors are reported together") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        const auto what = co_await failure_of(TaskGroup::run([&](TaskGroup& group) -> Task<> {
            auto fails_when_cancelled = []() -> Task<> {
                try {
                    co_await sleep(9s);
                } catch (const CancelledError&) {
                    throw std::runtime_error{"second"};
                }
            };
            Mark mark{to, "body gone"};
            group.create_task(says_after(to, "task", 9s));
            group.create_task(fails_after(1s, "first"));
            group.create_task(fails_when_cancelled());
            co_await sleep(9s);
            to("not reached");
        }));
        CHECK(what == "first second");
        CHECK(Clock::now() == TimePoint{1s});
    }(log));
    CHECK(log == "body gone task gone");
}

TEST_CASE("a body that fails cancels the tasks, and its error comes last") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        const auto what = co_await failure_of(TaskGroup::run([&](TaskGroup& group) -> Task<> {
            auto fails_when_cancelled = []() -> Task<> {
                try {
                    co_await sleep(9s);
                } catch (const CancelledError&) {
                    throw std::runtime_error{"task"};
                }
            };
            group.create_task(fails_when_cancelled());
            group.create_task(says_after(to, "other", 9s));
            co_await yield();
            throw std::runtime_error{"body"};
        }));
        CHECK(what == "task body");
    }(log));
    CHECK(log == "other gone");
}

TEST_CASE("errors of tasks in a group do not go to the exception handler") {
    VirtualTimePort port;
    Loop loop{port};
    int reported = 0;
    loop.set_exception_handler([&reported](std::string_view, const std::exception_ptr&) { ++reported; });
    loop.run([]() -> Task<> {
        const auto what = co_await failure_of(TaskGroup::run([](TaskGroup& group) -> Task<> {
            group.create_task(fails_after(1s, "a"));
            co_return;
        }));
        CHECK(what == "a");
    }());
    CHECK(reported == 0);
}

TEST_CASE("a cancellation from outside is not lost when the group fails meanwhile: it comes at the next wait") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        auto in_group = [](Log& into) -> Task<> {
            auto fails_when_cancelled = []() -> Task<> {
                try {
                    co_await sleep(9s);
                } catch (const CancelledError&) {
                    throw std::runtime_error{"failed"};
                }
            };
            const auto what = co_await failure_of(TaskGroup::run([&](TaskGroup& group) -> Task<> {
                group.create_task(fails_when_cancelled());
                co_await sleep(9s);
            }));
            into(what);
            co_await sleep(1s);
            into("not reached");
        };
        auto task = create_task(in_group(to));
        co_await sleep(1s);
        task.cancel();
        const auto outcome = co_await task.outcome();
        CHECK(outcome.cancelled());
    }(log));
    CHECK(log == "failed");
}

TEST_CASE("awaiting a cancelled task in the body is a cancellation, as without a group") {
    run_virtual([]() -> Task<> {
        const auto what = co_await failure_of(TaskGroup::run([](TaskGroup& group) -> Task<> {
            auto task = group.create_task(returns_after(1, 9s));
            co_await yield();
            task.cancel();
            co_await task;
        }));
        CHECK(what == "cancelled");
    }());
}

TEST_CASE("awaiting a failing task of the group ends the body at once, and its error is reported once") {
    run_virtual([]() -> Task<> {
        const auto what = co_await failure_of(TaskGroup::run([](TaskGroup& group) -> Task<> {
            const auto task = group.create_task(fails_after(1s, "failed"));
            try {
                co_await task;
            } catch (const std::exception&) {
            }
            co_await sleep(1h);
        }));
        CHECK(what == "failed");
        CHECK(Clock::now() == TimePoint{1s});
    }());
}

TEST_CASE("a body that catches a cancellation from outside and continues keeps the group alive, as in Python") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        auto in_group = [](Log& into) -> Task<> {
            co_await TaskGroup::run([&](TaskGroup& group) -> Task<> {
                group.create_task(says_after(into, "member", 2s));
                try {
                    co_await sleep(1h);
                } catch (const CancelledError&) {
                    into("caught");
                }
            });
            into("left");
        };
        const auto task = create_task(in_group(to));
        co_await sleep(1s);
        CHECK(task.cancel());
        co_await task;
        CHECK_FALSE(task.cancelled());
    }(log));
    CHECK(log == "caught member member gone left");
}

TEST_CASE("a body that is a plain function may start tasks and throw") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        const auto what = co_await failure_of(TaskGroup::run([&](TaskGroup& group) -> Task<> {
            group.create_task(says_after(to, "member", 1h));
            throw std::runtime_error{"thrown"};
            co_return;
        }));
        CHECK(what == "thrown");
        auto plain = [&to](TaskGroup& group) -> Task<> {
            group.create_task(says_after(to, "other", 1h));
            if (group.size() > 0) throw std::runtime_error{"plain"};
            return Task<>{};
        };
        const auto second = co_await failure_of(TaskGroup::run(plain));
        CHECK(second == "plain");
    }(log));
}

TEST_CASE("cleanup after the end of main can use a group, a select, gather and a time limit") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        auto cleans_up = [](Log& into) -> Task<> {
            try {
                co_await sleep(1h);
            } catch (const CancelledError&) {
            }
            co_await TaskGroup::run([&](TaskGroup& group) -> Task<> {
                group.create_task(says(into, "member"));
                into("body");
                co_return;
            });
            co_await select(says(into, "selected"), sleep(1h));
            const auto outcome = co_await try_wait_for(says(into, "limited"), 1h);
            CHECK(outcome.has_value());
            co_await gather(says(into, "gathered"));
        };
        create_task(cleans_up(to));
        co_await yield();
    }(log));
    CHECK(log == "body member selected limited gathered");
}

#endif

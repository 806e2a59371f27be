#!/bin/bash
# Bad use that the compiler can find must not compile, and the error must say what to do instead. Where a program may mean
# it, it compiles with a warning.
# usage: check.sh <compiler> <source root>
set -u
compiler=$1
root=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# The header is compiled once, and what is right in all cases together.
cat >"$work/common.hpp" <<'END'
#include <rouse/rouse.hpp>
#include <memory>
#include <tuple>
#include <vector>
using namespace rouse; using namespace std::chrono_literals;
inline Task<int> number() { co_return 1; }
END
syntax() { "$compiler" -std=c++20 -fsyntax-only -I "$root/include" "$@" 2>"$work/log"; }
# GCC finds an ignored result of co_await only in the middle end.
compile() { "$compiler" -std=c++20 -S -I "$root/include" "$@" -o /dev/null 2>"$work/log"; }
cp "$work/common.hpp" "$work/not_precompiled.hpp"
"$compiler" -std=c++20 -I "$root/include" -x c++-header "$work/common.hpp" -o "$work/common.hpp.gch" || exit 1
task() { echo "Task<> task() { $1" && echo 'co_await yield(); }'; }
part() { sed -n "s/^$1: //p" <<<"$body"; }

# refuses NAME MESSAGE [FLAGS [HEADER]]: reads two bodies of a task from standard input. The one after "wrong: " must not
# compile, with MESSAGE in the error; the one after "right: " must. With FLAGS, both are compiled without the precompiled
# header, and with HEADER, if it is given.
refuses() {
    local name=$1 message=$2 flags=${3:-} header=$work/common.hpp body
    body=$(cat)
    [ -z "$flags" ] || header=${4:-$work/not_precompiled.hpp}
    task "$(part wrong)" >"$work/wrong.cpp"
    task "$(part right)" >"$work/right.cpp"
    if [ -z "$flags" ]; then
        echo "namespace right_$((passed + failed)) { $(<"$work/right.cpp") }" >>"$work/all_right.cpp"
    elif ! syntax $flags -include "$header" "$work/right.cpp"; then
        echo "FAILED: $name: what is right does not compile" && head -5 "$work/log"
        failed=$((failed + 1))
        return
    fi
    if syntax $flags -include "$header" "$work/wrong.cpp"; then
        echo "FAILED: $name compiles"
        failed=$((failed + 1))
    elif ! tr -d '\n' <"$work/log" | grep -qF "$message"; then
        echo "FAILED: $name: the error does not say: $message" && head -5 "$work/log"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
}

# warns NAME: like refuses, but the body after "wrong: " must compile, with the warning that a result is ignored. The one
# after "right: " must not have a warning.
warns() {
    local name=$1 body
    body=$(cat)
    task "$(part wrong)" >"$work/wrong.cpp"
    task "$(part right)" >"$work/right.cpp"
    echo "namespace right_$((passed + failed)) { $(<"$work/right.cpp") }" >>"$work/all_right.cpp"
    if ! compile -include "$work/common.hpp" "$work/wrong.cpp"; then
        echo "FAILED: $name does not compile" && head -5 "$work/log"
        failed=$((failed + 1))
    elif ! grep -q "warning: ignoring return value" "$work/log"; then
        echo "FAILED: $name gives no warning" && head -5 "$work/log"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
}

warns "a Queue's put that may be refused" <<'END'
wrong: Queue<int> queue; co_await queue.put(1);
right: Queue<int> queue; if (!co_await queue.put(1)) co_return;
END
warns "a Queue's put in a template" <<'END'
wrong: auto put = [](auto& queue) -> Task<> { co_await queue.put(1); }; Queue<int, 1> queue; co_await put(queue);
right: auto put = [](auto& queue) -> Task<> { std::ignore = co_await queue.put(1); }; Queue<int, 1> queue; co_await put(queue);
END
echo '#include <rouse/threads/remote.hpp>' | cat "$work/common.hpp" - >"$work/remote.hpp"
refuses "Remote::spawn without exceptions" "use call() with a function that creates the task" "-fno-exceptions -fno-rtti" \
    "$work/remote.hpp" <<'END'
wrong: Remote remote{Loop::current()}; (void)remote.spawn([] { return number(); });
right: Remote remote{Loop::current()}; (void)remote.call([] { create_task(number()); });
END
refuses "a Task for Remote::call" "returns a Task, which would never run; use spawn()" "-fexceptions" "$work/remote.hpp" <<'END'
wrong: Remote remote{Loop::current()}; (void)remote.call([] { return number(); });
right: Remote remote{Loop::current()}; (void)remote.spawn([] { return number(); });
END
refuses "what is no coroutine for Remote::spawn" "the callable must return a Task" "-fexceptions" "$work/remote.hpp" <<'END'
wrong: Remote remote{Loop::current()}; (void)remote.spawn([] { return 1; });
right: Remote remote{Loop::current()}; (void)remote.call([] { return 1; });
END
refuses "wait_for without exceptions" "without exceptions use try_wait_for" "-fno-exceptions -fno-rtti" <<'END'
wrong: co_await wait_for(number(), 1s);
right: co_await try_wait_for(number(), 1s);
END
refuses "a named Task in a gather" "pass a named one by std::move(task)" <<'END'
wrong: Task<int> named = number(); co_await gather(named, number());
right: Task<int> named = number(); co_await gather(std::move(named), number());
END
refuses "a queue's put in a gather" "put it from a separate Task" <<'END'
wrong: ThreadSafeQueue<int, 2> queue; co_await gather(queue.put(1), number());
right: ThreadSafeQueue<int, 2> queue; co_await gather(queue.get(), number());
END
refuses "a Condition's wait in a select" "wait in a separate Task" <<'END'
wrong: Condition condition; co_await select(condition.wait(), sleep(1s));
right: Condition condition; co_await try_wait_for(condition.wait(), 1s);
END
refuses "a select of nothing" "would never return" <<'END'
wrong: co_await select();
right: co_await select(sleep(1s));
END
refuses "a shield around a Task" "start the Task with create_task" <<'END'
wrong: co_await shield(number());
right: const auto handle = create_task(number()); co_await shield(handle);
END
refuses "a shield around an object's wait" "start the Task with create_task" <<'END'
wrong: Event event; co_await shield(event.wait());
right: Event event; co_await event.wait();
END
refuses "a Broadcast of what has a copy constructor of its own" "Broadcast: the value must be trivially copyable" <<'END'
wrong: Broadcast<std::shared_ptr<int>, 4> broadcast; broadcast.publish(nullptr);
right: Broadcast<int*, 4> broadcast; broadcast.publish(nullptr);
END
refuses "a Broadcast that keeps nothing" "Broadcast: at least one value must be kept" <<'END'
wrong: Broadcast<int, 0> broadcast;
right: Broadcast<int, 1> broadcast;
END
refuses "a Latest of what has a copy constructor of its own" "Latest: the value must be trivially copyable" <<'END'
wrong: Latest<std::shared_ptr<int>> latest; latest.publish(nullptr);
right: Latest<int*> latest; latest.publish(nullptr);
END
refuses "a Latest of what cannot be assigned" "Latest: the value must be copyable, also by assignment" <<'END'
wrong: struct Fixed { const int number = 1; }; Latest<Fixed> latest;
right: struct Free { int number = 1; }; Latest<Free> latest;
END
refuses "a Message for nobody to set" "Message: from 1 to 29 setters" <<'END'
wrong: Message<int, 0> message;
right: Message<int, 1> message;
END
refuses "a Message of what cannot be copied for each waiter" "Message: the value must be default constructible and copyable" <<'END'
wrong: Message<std::unique_ptr<int>> message;
right: Message<std::shared_ptr<int>> message;
END
refuses "a Message of what may throw when it is moved" "Message: moving the value must not throw" <<'END'
wrong: struct Throws { Throws() {} Throws(const Throws&) {} Throws& operator=(const Throws&) { return *this; } }; Message<Throws> message;
right: struct Moves { Moves() {} Moves(const Moves&) noexcept {} Moves& operator=(const Moves&) noexcept { return *this; } }; Message<Moves> message;
END
refuses "a result that no frame aligns" "Task<T>: T needs a stricter alignment than coroutine frames have" <<'END'
wrong: struct alignas(64) Wide { int number; }; co_await []() -> Task<Wide> { co_return Wide{1}; }();
right: struct alignas(64) Wide { int number; }; co_await []() -> Task<std::unique_ptr<Wide>> { co_return std::make_unique<Wide>(); }();
END
refuses "an argument that no frame aligns" "an argument of the coroutine needs a stricter alignment" <<'END'
wrong: struct alignas(64) Wide { int number; }; co_await [](Wide) -> Task<> { co_return; }(Wide{1});
right: struct alignas(64) Wide { int number; }; Wide* wide = nullptr; co_await [](Wide*, const Wide&) -> Task<> { co_return; }(wide, *wide);
END
refuses "a Queue of items that no frame aligns" "Queue: an item needs a stricter alignment" <<'END'
wrong: struct alignas(64) Wide { int number; }; Queue<Wide> queue;
right: struct alignas(64) Wide { int number; }; Queue<Wide*> queue;
END
refuses "a ThreadSafeQueue of items that no frame aligns" "ThreadSafeQueue: an item needs a stricter alignment" <<'END'
wrong: struct alignas(64) Wide { int number; }; ThreadSafeQueue<Wide, 2> queue;
right: struct alignas(64) Wide { int number; }; ThreadSafeQueue<Wide*, 2> queue;
END
refuses "a Message that no frame aligns" "Message: the value needs a stricter alignment" <<'END'
wrong: struct alignas(64) Wide { int number; }; Message<Wide> message;
right: struct alignas(64) Wide { int number; }; Message<Wide*> message;
END
refuses "a Latest that no frame aligns" "Latest: the value needs a stricter alignment" <<'END'
wrong: struct alignas(64) Wide { int number; }; Latest<Wide> latest;
right: struct alignas(64) Wide { int number; }; Latest<Wide*> latest;
END
refuses "a result that is const" "write Task<T>" <<'END'
wrong: co_await []() -> Task<const int> { co_return 1; }();
right: co_await []() -> Task<const int*> { co_return nullptr; }();
END
refuses "a Queue of const items" "Queue: the items must be objects that are not const" <<'END'
wrong: Queue<const int> queue;
right: Queue<const int*> queue;
END
refuses "a ThreadSafeQueue of references" "ThreadSafeQueue: the items must be objects that are not const" <<'END'
wrong: ThreadSafeQueue<int&, 2> queue;
right: ThreadSafeQueue<int*, 2> queue;
END
refuses "a Message of what only claims to be copyable" "Message: the value must be default constructible and copyable" <<'END'
wrong: Message<std::vector<std::unique_ptr<int>>> message;
right: Message<std::vector<std::shared_ptr<int>>> message;
END
refuses "a queue without room" "ThreadSafeQueue: a queue must hold at least one item" <<'END'
wrong: ThreadSafeQueue<int, 0> queue;
right: ThreadSafeQueue<int, 1> queue;
END
warns "a put whose refusal is ignored" <<'END'
wrong: ThreadSafeQueue<int, 2> queue; co_await queue.put(1);
right: ThreadSafeQueue<int, 2> queue; if (!co_await queue.put(1)) co_return;
END
warns "a put in a template whose refusal is ignored" <<'END'
wrong: auto put = [](auto& queue) -> Task<> { co_await queue.put(1); }; ThreadSafeQueue<int, 2> queue; co_await put(queue);
right: auto put = [](auto& queue) -> Task<> { std::ignore = co_await queue.put(1); }; ThreadSafeQueue<int, 2> queue; co_await put(queue);
END
warns "a put_sync whose refusal is ignored" <<'END'
wrong: ThreadSafeQueue<int, 2> queue; queue.put_sync(1);
right: ThreadSafeQueue<int, 2> queue; if (!queue.put_sync(1)) co_return;
END
warns "a put_sync that blocks, whose refusal is ignored" <<'END'
wrong: ThreadSafeQueue<int, 2> queue; queue.put_sync(1, block);
right: ThreadSafeQueue<int, 2> queue; if (!queue.put_sync(1, block)) co_return;
END
warns "a Message's set whose refusal is ignored" <<'END'
wrong: Message<int> message; message.set(1);
right: Message<int> message; std::ignore = message.set(1);
END
cat >"$work/loop.hpp" <<'END'
#include <rouse/core/loop.hpp>
#include <rouse/core/sleep.hpp>
using namespace rouse;
inline Task<int> number() { co_return 1; }
END
refuses "run without a default port" "include <rouse/rouse.hpp> or <rouse/ports/default_port.hpp>" "-O0" "$work/loop.hpp" <<'END'
wrong: run(number());
right: Loop::current().run(number());
END
refuses "a custom awaiter that cannot be retracted" "retract" <<'END'
wrong: struct Never final : AwaiterBase { bool await_ready() { return false; } void await_suspend(std::coroutine_handle<> f) { park(f); } void await_resume() {} }; co_await Never{};
right: struct Never final : AwaiterBase { bool await_ready() { return false; } void await_suspend(std::coroutine_handle<> f) { park(f); } void await_resume() {} bool retract() noexcept override { return true; } }; co_await Never{};
END
refuses "a task made of a callable that returns no Task" "the callable must return a Task" <<'END'
wrong: create_task([](int n) { return n; }, 1);
right: create_task([](int n) -> Task<int> { co_return n; }, 1);
END
refuses "a task whose coroutine would refer to a converted argument" "pass an argument of the parameter's type" <<'END'
wrong: create_task([](const std::string& s) -> Task<> { co_await yield(); std::ignore = s; }, "text");
right: create_task([](const std::string& s) -> Task<> { co_await yield(); std::ignore = s; }, std::string("text"));
END
refuses "a task of a group whose coroutine would refer to a converted argument" "pass an argument of the parameter's type" <<'END'
wrong: auto long_task = [](const long& n) -> Task<> { co_await yield(); std::ignore = n; }; co_await TaskGroup::run([&](TaskGroup& group) -> Task<> { group.create_task(named{"x"}, long_task, 1); co_return; });
right: auto long_task = [](const long& n) -> Task<> { co_await yield(); std::ignore = n; }; co_await TaskGroup::run([&](TaskGroup& group) -> Task<> { group.create_task(named{"x"}, long_task, 1L); co_return; });
END
cat >"$work/threads.hpp" <<'END'
#include <rouse/rouse.hpp>
#include <rouse/threads/threads.hpp>
#include <memory>
using namespace rouse;
END
refuses "a coroutine on a thread" "co_await it in a task" "-O0" "$work/threads.hpp" <<'END'
wrong: Context context; co_await context.assign([]() -> Task<> { co_return; });
right: Context context; co_await context.assign([] {});
END
refuses "a function on a thread that returns a reference to its argument" "pass the argument by std::ref" "-O0" "$work/threads.hpp" <<'END'
wrong: std::string text; co_await unblock([](const std::string& s) -> const std::string& { return s; }, text);
right: std::string text; co_await unblock([](const std::string& s) -> const std::string& { return s; }, std::ref(text));
END
cat >"$work/io.hpp" <<'END'
#include <rouse/io/io.hpp>
#include <rouse/rouse.hpp>
#include <memory>
using namespace rouse;
END
refuses "a server's handler that refers to its arguments" "by value" "-O0" "$work/io.hpp" <<'END'
wrong: auto server = co_await start_server([](StreamReader&& r, StreamWriter) -> Task<> { co_await r.read(); }, "", 0);
right: auto server = co_await start_server([](StreamReader r, StreamWriter) -> Task<> { co_await r.read(); }, "", 0);
END
refuses "a Unix server's handler that refers to its arguments" "by value" "-O0" "$work/io.hpp" <<'END'
wrong: auto server = co_await start_unix_server([](StreamReader, const StreamWriter&) -> Task<> { co_return; }, "path");
right: auto server = co_await start_unix_server([](StreamReader, StreamWriter) -> Task<> { co_return; }, "path");
END
if "$compiler" -dM -E -x c++ /dev/null | grep -q '__GNUC__ 12' && ! "$compiler" --version | grep -q clang; then
    refuses "a group's lambda with captures that GCC 12 destroys twice" "give the lambda a name first" <<'END'
wrong: auto p = std::make_shared<int>(1); co_await TaskGroup::run([p](TaskGroup&) -> Task<> { co_return; });
right: auto p = std::make_shared<int>(1); auto body = [p](TaskGroup&) -> Task<> { co_return; }; co_await TaskGroup::run(body);
END
refuses "a capturing lambda inside of the co_await of a condition" "rouse: Condition::wait: this compiler destroys a lambda that is written inside" <<'END'
wrong: auto p = std::make_shared<int>(1); Condition c; co_await c.wait([p] { return *p == 1; });
right: auto p = std::make_shared<int>(1); Condition c; auto is_one = [p] { return *p == 1; }; co_await c.wait(is_one);
END
refuses "the same, under the name of asyncio" "rouse: Condition::wait: this compiler destroys a lambda that is written inside" <<'END'
wrong: auto p = std::make_shared<int>(1); Condition c; co_await c.wait_for([p] { return *p == 1; });
right: auto p = std::make_shared<int>(1); Condition c; co_await c.wait_for([&p] { return *p == 1; });
END
    refuses "a function's captures that GCC 12 destroys twice" "give the lambda a name first" "-O0" "$work/threads.hpp" <<'END'
wrong: auto p = std::make_shared<int>(1); co_await unblock([p] {});
right: auto p = std::make_shared<int>(1); auto function = [p] {}; co_await unblock(function);
END
    refuses "a Context's function whose captures GCC 12 destroys twice" "pass what cannot be copied as an argument" "-O0" "$work/threads.hpp" <<'END'
wrong: auto p = std::make_unique<int>(1); Context context; co_await context.assign([p = std::move(p)] {});
right: auto p = std::make_unique<int>(1); Context context; co_await context.assign([](std::unique_ptr<int>) {}, std::move(p));
END
    refuses "a handler's captures that GCC 12 destroys twice" "give the lambda a name first" "-O0" "$work/io.hpp" <<'END'
wrong: auto p = std::make_shared<int>(1); auto server = co_await start_server([p](StreamReader, StreamWriter) -> Task<> { co_return; }, "", 0);
right: auto p = std::make_shared<int>(1); auto handler = [p](StreamReader, StreamWriter) -> Task<> { co_return; }; auto server = co_await start_server(handler, "", 0);
END
fi
if ! compile -include "$work/common.hpp" "$work/all_right.cpp"; then
    echo "FAILED: what is right does not compile" && head -20 "$work/log"
    failed=$((failed + 1))
elif grep -q "warning: ignoring return value" "$work/log"; then
    echo "FAILED: what is right gives a warning" && head -20 "$work/log"
    failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))

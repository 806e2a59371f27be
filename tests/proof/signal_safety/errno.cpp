// Every foreign call leaves errno as it was, also if it makes a system call, and if that fails. All system calls of
// rouse go through ::syscall, of which this program has its own: it spoils errno each time, fails on demand, and keeps
// a record.
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <set>
#include <thread>
#include <tuple>
#include <vector>

#include <sys/syscall.h>
#include <unistd.h>

#include <rouse/rouse.hpp>

using namespace rouse;

namespace {

struct Call {
    long number = 0;
    long arguments[6]{};
};

thread_local bool in_foreign_call = false; // this thread is in a foreign call
bool failing = false;
int faults = 0;
std::set<long> numbers; // of the system calls in foreign calls
std::vector<Call> failed;

// As the kernel has it: the result, or an errno, negative.
long enter_kernel(const Call& call) {
    long result = call.number;
    register long a3 asm("r10") = call.arguments[3];
    register long a4 asm("r8") = call.arguments[4];
    register long a5 asm("r9") = call.arguments[5];
    asm volatile("syscall"
                 : "+a"(result)
                 : "D"(call.arguments[0]), "S"(call.arguments[1]), "d"(call.arguments[2]), "r"(a3), "r"(a4), "r"(a5)
                 : "rcx", "r11", "memory");
    return result;
}

} // namespace

extern "C" long syscall(long number, ...) noexcept {
    Call call{number};
    va_list list;
    va_start(list, number);
    for (long& argument : call.arguments) argument = va_arg(list, long);
    va_end(list);
    if (in_foreign_call) {
        numbers.insert(number);
        if (failing) {
            failed.push_back(call);
            errno = number == SYS_write ? EAGAIN : EFAULT; // with any other error a foreign call panics
            return -1;
        }
    }
    const long result = enter_kernel(call);
    errno = result < 0 ? static_cast<int>(-result) : EDOM;
    return result < 0 ? -1 : result;
}

namespace {

// Everything that foreign contexts call, and who waits for it.
struct Objects {
    ThreadSafeFlag flag;
    ThreadSafeEvent event;
    ThreadSafeQueue<int, 1> empty, full, to_thread, from_thread;
    int buffer_space[2]{};
    ThreadSafeQueue<int> buffer{buffer_space};

    Objects() {
        (void)full.put_sync(0);
        (void)from_thread.put_sync(0);
    }
};

struct Foreign {
    const char* name;
    std::function<void(Objects&)> call;
};

const Foreign calls[] = {
    {"ThreadSafeFlag::set", [](Objects& o) { o.flag.set(); }},
    {"ThreadSafeFlag::clear", [](Objects& o) { o.flag.clear(); }},
    {"ThreadSafeFlag::is_set", [](Objects& o) { (void)o.flag.is_set(); }},
    {"ThreadSafeEvent::set", [](Objects& o) { o.event.set(); }},
    {"ThreadSafeEvent::is_set", [](Objects& o) { (void)o.event.is_set(); }},
    {"put_sync", [](Objects& o) { (void)o.empty.put_sync(1); }},
    {"put_sync, into a buffer", [](Objects& o) { (void)o.buffer.put_sync(1); }},
    {"put_sync, refused", [](Objects& o) { (void)o.full.put_sync(1); }},
    {"put_sync, a thread is blocked", [](Objects& o) { (void)o.to_thread.put_sync(1); }},
    {"get_sync", [](Objects& o) { (void)o.full.get_sync(); }},
    {"get_sync, of nothing", [](Objects& o) { (void)o.empty.get_sync(); }},
    {"get_sync, a thread is blocked", [](Objects& o) { (void)o.from_thread.get_sync(); }},
    {"close, a task gets", [](Objects& o) { o.empty.close(); }},
    {"close, a task puts", [](Objects& o) { o.full.close(); }},
    {"close, a thread gets", [](Objects& o) { o.to_thread.close(); }},
    {"close, a thread puts", [](Objects& o) { o.from_thread.close(); }},
    {"closed", [](Objects& o) { (void)o.full.closed(); }},
    {"qsize", [](Objects& o) { (void)o.full.qsize(); }},
};

void call_and_look(const Foreign& what, Objects& objects, const char* state) {
    in_foreign_call = true;
    errno = ENOTTY;
    what.call(objects);
    const int after = errno;
    in_foreign_call = false;
    if (after == ENOTTY) return;
    ++faults;
    std::printf("errno: %s, %s%s: was spoilt\n", what.name, state, failing ? ", a system call fails" : "");
}

Task<> waits_for_flag(ThreadSafeFlag& flag) { co_await flag.wait(); }
Task<> waits_for_event(ThreadSafeEvent& event) { co_await event.wait(); }
Task<> gets(auto& queue) { (void)co_await queue.next(); }
Task<> puts(auto& queue) { std::ignore = co_await queue.put(2); }

void nobody_waits(const Foreign& what) {
    Objects objects;
    call_and_look(what, objects, "nobody waits");
}

void all_wait(const Foreign& what) {
    Objects objects;
    EpollPort port;
    Loop loop{port};
    loop.create_task(waits_for_flag(objects.flag));
    loop.create_task(waits_for_event(objects.event));
    loop.create_task(gets(objects.empty));
    loop.create_task(gets(objects.buffer));
    loop.create_task(puts(objects.full));
    std::thread getter{[&] { (void)objects.to_thread.get_sync(block); }};
    std::thread putter{[&] { (void)objects.from_thread.put_sync(2, block); }};
    while (loop.poll()) {
    } // it is asleep
    usleep(1000); // and so are the threads
    call_and_look(what, objects, "all wait");
    for (const Call& call : failed) { // to be made up for: who was to be woken is owed it
        if (call.number == SYS_write) {
            port.wake();
        } else {
            enter_kernel(call);
        }
    }
    failed.clear();
    while (loop.poll()) {
    }
    objects.to_thread.close();
    objects.from_thread.close();
    getter.join();
    putter.join();
}

} // namespace

int main() {
    alarm(60);
    for (const Foreign& what : calls) {
        for (const bool fails : {false, true}) {
            failing = fails;
            nobody_waits(what);
            all_wait(what);
        }
    }
    std::printf(
        "errno: %zu foreign calls, with and without somebody to wake, with system calls that work and that fail; "
        "the calls made:%s%s; spoilt %d times\n",
        std::size(calls), numbers.count(SYS_write) != 0 ? " write" : "", numbers.count(SYS_futex) != 0 ? " futex" : "",
        faults);
    return faults == 0 && numbers == std::set<long>{SYS_write, SYS_futex} ? EXIT_SUCCESS : EXIT_FAILURE;
}

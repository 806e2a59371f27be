#include "trace.hpp"

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include <poll.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

namespace step {

namespace {

// What all processes of a run write.
struct Shared {
    Result result;
    const char* why;
};
Shared* shared = nullptr;

// Of this process. Read by handlers: volatile.
volatile Operation operations[2] = {};
volatile int pending = 0; // the next of them
volatile int given = 0;   // how many there are
volatile Operation postponed = nullptr;
volatile bool tracing = false;
volatile bool in_sleep = false;         // between before_sleep() and after_sleep()
volatile bool to_come_in_sleep = false; // the operation is to interrupt the system call itself
volatile int ticks = 0;
int stride = 1;
int count = 0; // of boundaries since the last interrupt
Failure here{};
int epoll = -1, wake = -1;

constexpr greg_t trap_flag = 0x100;

void raise_trap_flag() {
    asm volatile("sub $128, %%rsp; pushfq; orq $0x100, (%%rsp); popfq; add $128, %%rsp" ::: "memory", "cc");
}
void lower_trap_flag() {
    asm volatile("sub $128, %%rsp; pushfq; andq $~0x100, (%%rsp); popfq; add $128, %%rsp" ::: "memory", "cc");
}

void let_time_pass(long first_microseconds) {
    const itimerval timer{{0, first_microseconds == 0 ? 0 : 5000}, {0, first_microseconds}};
    ::setitimer(ITIMER_REAL, &timer, nullptr);
}

bool all_done() { return pending == given; }

void perform() {
    const Operation operation = operations[pending];
    pending = pending + 1;
    operation();
}

bool at_system_call(const greg_t* registers, int bytes_back) {
    const auto* code = reinterpret_cast<const unsigned char*>(registers[REG_RIP]) - bytes_back;
    return code[0] == 0x0f && code[1] == 0x05;
}

bool nothing_to_tell() {
    pollfd look{epoll, POLLIN, 0};
    return ::poll(&look, 1, 0) == 0;
}

// Whether the next instruction makes epoll sleep, without a deadline and with nothing to tell.
bool falls_asleep(const greg_t* registers) {
    if (!at_system_call(registers, 0)) return false;
    const auto timeout = registers[REG_R10];
    switch (registers[REG_RAX]) {
#if defined(SYS_epoll_pwait2)
    case SYS_epoll_pwait2:
        if (timeout != 0) return false;
        break;
#endif
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
        if (static_cast<int>(timeout) >= 0) return false;
        break;
    default: return false;
    }
    return nothing_to_tell();
}

// The kernel's clock_gettime() reads again and again until it was not interrupted for a while, so it is left alone.
bool in_clock(const greg_t* registers) {
    static const auto begin = static_cast<greg_t>(::getauxval(AT_SYSINFO_EHDR));
    return registers[REG_RIP] >= begin && registers[REG_RIP] < begin + 0x4000;
}

// An instruction that is executed very often is one of a loop (that of the frame pool through its memory) or, where
// nothing is inlined, of a small function; it is interrupted the first times. The places before and after its call are
// its caller's, and are interrupted as well.
bool often_before(const greg_t* registers) {
    constexpr std::size_t size = 1 << 22; // larger than the program
#if defined(__OPTIMIZE__)
    constexpr unsigned char enough = 24;
#else
    constexpr unsigned char enough = 2;
#endif
    static unsigned char times[size];
    unsigned char& time = times[static_cast<std::size_t>(registers[REG_RIP]) % size];
    if (time == enough) return true;
    ++time;
    return false;
}

std::uint64_t take_wakes() {
    std::uint64_t wakes = 0;
    return wake >= 0 && ::read(wake, &wakes, sizeof wakes) == sizeof wakes ? wakes : 0;
}
void put_wakes(std::uint64_t wakes) {
    if (wakes != 0 && ::write(wake, &wakes, sizeof wakes) != sizeof wakes) fail("harness: cannot put the wakes back");
}

// True in the child. The parent waits for it, and has put back what it shares with it.
bool in_child(const greg_t* registers) {
    const std::uint64_t wakes = take_wakes();
    put_wakes(wakes);
    shared->why = nullptr;
    const auto child = static_cast<pid_t>(::syscall(SYS_fork)); // as fork() is not for handlers
    if (child < 0) fail("harness: cannot fork");
    if (child == 0) {
        here.instruction[pending] = reinterpret_cast<const void*>(registers[REG_RIP]);
        here.count[pending] = std::exchange(count, 0);
        return true;
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    take_wakes();
    put_wakes(wakes);
    ++shared->result.boundaries;
    if (status == 0) return false;
    if (shared->result.failed++ < Result::most) {
        Failure& failure = shared->result.first[shared->result.failed - 1];
        failure = here;
        failure.instruction[pending] = reinterpret_cast<const void*>(registers[REG_RIP]);
        failure.count[pending] = count;
        failure.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        failure.why = shared->why;
    }
    shared->why = nullptr;
    return false;
}

void run_on(greg_t* registers, long first_tick = 5000) {
    tracing = false;
    registers[REG_EFL] &= ~trap_flag;
    let_time_pass(first_tick);
}

// `last`: the loop is about to sleep, and if this does not wake it, what comes next has to.
void interrupt(greg_t* registers, bool last) {
    do perform();
    while (last && !all_done() && falls_asleep(registers));
    if (!all_done()) return;
    if (last) finish();
    if (postponed == nullptr || !in_sleep) run_on(registers);
}

void on_step(int, siginfo_t*, void* context) {
    const int saved = errno;
    greg_t* const registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    const bool last = falls_asleep(registers);
    ++count;
    if (all_done()) { // and traced only because something is to come before the sleep
        if (last) finish();
        if (postponed == nullptr || !in_sleep) run_on(registers);
    } else if (last) {
        if (!in_child(registers) && pending + 1 == given && in_child(registers)) {
            to_come_in_sleep = true;
            run_on(registers, 200);
        } else {
            interrupt(registers, last);
        }
    } else if (!in_clock(registers) && count % stride == 0 && !often_before(registers) && in_child(registers)) {
        interrupt(registers, last);
    }
    errno = saved;
}

// A program whose last interrupt is behind it, and whose system call was ended by nothing but this tick, has nobody
// left to wake it; unless the port has something to tell, and the tick was only faster.
void on_tick(int, siginfo_t*, void* context) {
    const int saved = errno;
    const greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    if (at_system_call(registers, 2) && registers[REG_RAX] == -EINTR && nothing_to_tell()) {
        if (!to_come_in_sleep) fail("a wake was lost: the loop sleeps, and nobody is left to wake it");
        to_come_in_sleep = false;
        while (!all_done()) perform();
        finish();
    } else if (ticks = ticks + 1; ticks > 200) {
        fail("the program does not end");
    }
    errno = saved;
}

void handle(int signal, void (*handler)(int, siginfo_t*, void*)) {
    struct sigaction action{};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO;
    sigaddset(&action.sa_mask, SIGALRM);
    if (::sigaction(signal, &action, nullptr) != 0) std::abort();
}

} // namespace

void begin() {
    if (all_done()) return;
    let_time_pass(0);
    tracing = true;
    raise_trap_flag();
}

void end() {
    lower_trap_flag();
    tracing = false;
    to_come_in_sleep = false;
    let_time_pass(5000);
    while (!all_done()) perform();
}

void later(Operation operation) { postponed = operation; }
void finish() {
    const Operation operation = postponed;
    if (operation == nullptr) return; // and one that comes from here on stays for the last instruction
    postponed = nullptr;
    operation();
}

void before_sleep() {
    in_sleep = true;
    finish();
}
void after_sleep() { in_sleep = false; }

void descriptors(int of_epoll, int of_wake) {
    epoll = of_epoll;
    wake = of_wake;
}

void fail(const char* why) {
    shared->why = why;
    ::_exit(1);
}

Result run(void (*body)(), Operation first, Operation second, int stride_of_both) {
    if (shared == nullptr) {
        void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) std::abort();
        shared = static_cast<Shared*>(memory);
    }
    *shared = {};
    const pid_t child = ::fork();
    if (child == 0) {
        handle(SIGTRAP, on_step);
        handle(SIGALRM, on_tick);
        operations[0] = first;
        operations[1] = second;
        given = second != nullptr ? 2 : 1;
        stride = stride_of_both;
        let_time_pass(5000);
        body();
        ::_exit(all_done() ? 0 : 3);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    Result result = shared->result;
    ++result.boundaries; // the program itself, interrupted behind the last instruction
    if (status != 0 && result.failed++ < Result::most) {
        result.first[result.failed - 1].signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        result.first[result.failed - 1].why = shared->why;
    }
    return result;
}

} // namespace step

// What follows a throw is not traced: some ten thousand instructions of the unwinder. The build without exceptions
// shows how a wait ends there. The linker puts this in the place of __cxa_throw (--wrap).
extern "C" {
[[noreturn]] void __real___cxa_throw(void*, void*, void (*)(void*));
[[noreturn]] void __wrap___cxa_throw(void* object, void* type, void (*destroy)(void*)) {
    step::lower_trap_flag();
    if (step::tracing) {
        step::tracing = false;
        step::to_come_in_sleep = true; // or in end(), if that is first
        step::let_time_pass(200);
    }
    __real___cxa_throw(object, type, destroy);
}
}

// Stops a program at every instruction of a stretch of it, by the trap flag of x86-64 on Linux.
//
// The processor raises SIGTRAP after each instruction. At each of these boundaries the signal's handler forks: the
// child calls the interrupt handler under test, in the signal handler, and then runs on, untraced, to the end of the
// program, where it finds out whether all is well. The parent waits for it and continues to the next instruction. So
// each boundary has a process of its own, with one interrupt and nothing after it that could repair a lost wake; a
// crash or a hang is a result like any other. With two handlers, the child is traced in its turn, and its children call
// the second one.
//
// When the traced program is about to sleep in the system without a deadline, that is the last boundary, because only
// the handler can wake it. There are three programs there: in one child the handler comes just before the system call,
// in the other it interrupts the call itself, and at last it comes in the traced program.
//
// What is shared by the processes is put back by the parent: the counts of eventfds, by which loops are woken.
#pragma once

#include <rouse/core/config.hpp>

#if defined(__linux__) && defined(__x86_64__)

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include <poll.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

#if ROUSE_EXCEPTIONS
// The addresses of these functions of the C++ ABI, some of which <cxxabi.h> does not declare.
extern "C" {
void rouse_throw_of_the_abi() asm("__cxa_throw");
void rouse_rethrow_of_the_abi() asm("__cxa_rethrow");
void rouse_begin_catch_of_the_abi() asm("__cxa_begin_catch");
}
#endif

/// The state of a traced program, for its signal handlers. One at a time in a process.
class InstructionSteps {
public:
    using Handler = void (*)();

    /// What all processes of a run write.
    struct Shared {
        int boundaries;
        int failed;
        // Of the first that failed: before which instructions the interrupts came; null: in a sleep, or at the end.
        std::array<const void*, 2> instruction;
        int signal; // that ended that program, or 0
        char why[200];
        char present[200]; // of the child that is running
    };

    /// In a process that was forked for it: `first`, and then `second` unless it is null, come at every `every`-th
    /// instruction of what is done between begin() and end().
    static void prepare(Shared& shared, Handler first, Handler second, int every) {
        shared_ = &shared;
        handlers_ = {first, second};
        given_ = second != nullptr ? 2 : 1;
        every_ = every;
        handle(SIGTRAP, on_step);
        handle(SIGALRM, on_tick);
        let_time_pass();
    }

    static void begin() {
        if (shared_ == nullptr || all_done()) return;
        find_descriptors();
        stop_time();
        begun_ = true;
        tracing_ = true;
        asm volatile("sub $128, %%rsp; pushfq; orq $0x100, (%%rsp); popfq; add $128, %%rsp" ::: "memory", "cc");
    }

    static void end() {
        if (shared_ == nullptr) return;
        asm volatile("sub $128, %%rsp; pushfq; andq $~0x100, (%%rsp); popfq; add $128, %%rsp" ::: "memory", "cc");
        tracing_ = false;
        let_time_pass();
        while (!all_done()) perform(); // the boundary after the last instruction
    }

    static void postpone(Handler handler) { postponed_ = handler; }
    static void perform_postponed() {
        const Handler handler = postponed_;
        if (handler == nullptr) return; // and one that comes from here on stays for the next sleep
        postponed_ = nullptr;
        handler();
    }

    [[nodiscard]] static bool performed() { return all_done(); }

    static void tell(const char* why) {
        if (shared_ != nullptr) std::snprintf(shared_->present, sizeof shared_->present, "%s", why);
    }
    [[noreturn]] static void end_with(const char* why) {
        tell(why);
        ::_exit(1);
    }

private:
    static constexpr greg_t trap_flag = 0x100;
    static constexpr long tick = 5000;       // in microseconds
    static constexpr long first_tick = 200;  // where something is to interrupt a sleep
    static constexpr int ticks_of_poll = 4;  // in a call without a deadline, as it seems
    static constexpr int ticks_of_any = 400; // in a call of which nothing is known
    static constexpr int ticks_of_a_hang = 6000;
    static constexpr long seconds_of_a_hang = 2; // of computing
    static constexpr unsigned unlimited = 0xffffffff;

    static bool all_done() { return next_ == given_; }

    static void perform() {
        const Handler handler = handlers_[static_cast<std::size_t>(next_)];
        next_ = next_ + 1;
        handler();
    }

    static void handle(int signal, void (*function)(int, siginfo_t*, void*)) {
        struct sigaction action{};
        action.sa_sigaction = function;
        action.sa_flags = SA_SIGINFO;
        sigaddset(&action.sa_mask, SIGALRM);
        if (::sigaction(signal, &action, nullptr) != 0) std::abort();
    }

    static long seconds_computed() {
        timespec time{};
        ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
        return static_cast<long>(time.tv_sec);
    }
    static void let_time_pass(long first = tick) {
        computed_before_ = seconds_computed();
        const itimerval timer{{0, tick}, {0, first}};
        ::setitimer(ITIMER_REAL, &timer, nullptr);
    }
    static void stop_time() {
        const itimerval timer{};
        ::setitimer(ITIMER_REAL, &timer, nullptr);
    }

    // ---- what programs are woken by ----

    struct Descriptors {
        std::array<int, 16> of;
        std::size_t count;
        void add(int descriptor) {
            if (count < of.size()) of[count++] = descriptor;
        }
        [[nodiscard]] bool contain(greg_t descriptor) const {
            for (std::size_t i = 0; i < count; ++i) {
                if (of[i] == descriptor) return true;
            }
            return false;
        }
    };

    static void find_descriptors() {
        for (int descriptor = 0; descriptor < 256; ++descriptor) {
            char path[32], name[32] = {};
            std::snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
            if (::readlink(path, name, sizeof name - 1) <= 0) continue;
            if (std::strcmp(name, "anon_inode:[eventfd]") == 0) events_.add(descriptor);
            if (std::strcmp(name, "anon_inode:[eventpoll]") == 0) epolls_.add(descriptor);
        }
    }

    static bool readable(int descriptor) {
        pollfd look{descriptor, POLLIN, 0};
        return ::poll(&look, 1, 0) == 1 && (look.revents & POLLIN) != 0;
    }
    static bool nothing_to_tell() {
        for (const Descriptors* each : {&events_, &epolls_}) {
            for (std::size_t i = 0; i < each->count; ++i) {
                if (readable(each->of[i])) return false;
            }
        }
        return true;
    }

    using Counts = std::array<std::uint64_t, 16>;
    static Counts take_counts() {
        Counts counts{};
        for (std::size_t i = 0; i < events_.count; ++i) {
            std::uint64_t count = 0;
            if (readable(events_.of[i]) && ::read(events_.of[i], &count, sizeof count) == sizeof count)
                counts[i] = count;
        }
        return counts;
    }
    static void put_counts(const Counts& counts) {
        for (std::size_t i = 0; i < events_.count; ++i) {
            if (counts[i] != 0 && ::write(events_.of[i], &counts[i], sizeof counts[i]) != sizeof counts[i])
                std::abort();
        }
    }

    // ---- where a program is ----

    static bool at_system_call(const greg_t* registers, int bytes_back) {
        const auto* code = reinterpret_cast<const unsigned char*>(registers[REG_RIP]) - bytes_back;
        return code[0] == 0x0f && code[1] == 0x05;
    }

    // Whether the next instruction makes the program sleep for ever, as nothing has happened that ends it.
    static bool falls_asleep(const greg_t* registers) {
        if (!at_system_call(registers, 0)) return false;
        switch (registers[REG_RAX]) {
#if defined(SYS_epoll_pwait2)
        case SYS_epoll_pwait2: return registers[REG_R10] == 0 && !readable(static_cast<int>(registers[REG_RDI]));
#endif
        case SYS_epoll_wait:
        case SYS_epoll_pwait:
            return static_cast<int>(registers[REG_R10]) < 0 && !readable(static_cast<int>(registers[REG_RDI]));
        case SYS_poll:
            return static_cast<int>(registers[REG_RDX]) < 0 && ::poll(reinterpret_cast<pollfd*>(registers[REG_RDI]),
                                                                      static_cast<nfds_t>(registers[REG_RSI]), 0) == 0;
        case SYS_pause: return true;
        default: return false;
        }
    }

    // For how many ticks a call of the system that a tick has just ended must have slept to be one without a deadline;
    // 0: it has one. The number of the call is gone.
    static int ticks_without_deadline(const greg_t* registers) {
        const auto as_int = [](greg_t value) { return static_cast<unsigned long>(value); };
        if (epolls_.contain(registers[REG_RDI])) {
            const greg_t limit = registers[REG_R10]; // milliseconds, or the address of a time
            return limit == 0 || limit == -1 || as_int(limit) == unlimited ? 1 : 0;
        }
        return static_cast<unsigned>(registers[REG_RDX]) == unlimited ? ticks_of_poll : ticks_of_any;
    }

    // The kernel's clock_gettime() reads again and again until it was not interrupted for a while, so it is left alone.
    static bool in_clock(const greg_t* registers) {
        static const auto begin = static_cast<greg_t>(::getauxval(AT_SYSINFO_EHDR));
        return registers[REG_RIP] >= begin && registers[REG_RIP] < begin + 0x4000;
    }

    // From a throw to where it is caught: some ten thousand instructions of the unwinder.
    static bool in_unwinder([[maybe_unused]] const greg_t* registers) {
#if ROUSE_EXCEPTIONS
        const auto is_at = [registers](auto* function) {
            return registers[REG_RIP] == reinterpret_cast<greg_t>(function);
        };
        if (is_at(&rouse_throw_of_the_abi) || is_at(&rouse_rethrow_of_the_abi) || is_at(&std::rethrow_exception)) {
            unwinding_ = true;
        } else if (is_at(&rouse_begin_catch_of_the_abi)) {
            unwinding_ = false;
        }
#endif
        return unwinding_;
    }

    // An instruction that is executed very often belongs to a loop or, where nothing is inlined, to a small function;
    // it is interrupted the first times. The places before and after its call are its caller's, and are interrupted
    // too.
    static bool often_before(const greg_t* registers) {
        constexpr std::size_t size = std::size_t{1} << 22; // larger than most programs
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

    // ---- the boundaries ----

    // True in the child. The parent waits for it, and has put back what it shares with it.
    static bool in_child(const greg_t* registers) {
        const Counts counts = take_counts();
        put_counts(counts);
        shared_->present[0] = '\0';
        const auto child = static_cast<pid_t>(::syscall(SYS_fork)); // fork() is not for signal handlers
        if (child < 0) end_with("rouse: check::interrupt_everywhere: cannot fork");
        here_[static_cast<std::size_t>(next_)] = reinterpret_cast<const void*>(registers[REG_RIP]);
        if (child == 0) {
            count_ = 0;
            return true;
        }
        int status = 0;
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        static_cast<void>(take_counts());
        put_counts(counts);
        ++shared_->boundaries;
        if (status != 0 && shared_->failed++ == 0) {
            shared_->instruction = here_;
            shared_->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
            std::memcpy(shared_->why, shared_->present, sizeof shared_->why);
        }
        here_[static_cast<std::size_t>(next_)] = nullptr;
        shared_->present[0] = '\0';
        return false;
    }

    // A postponed handler is to interrupt the next sleep, so that comes soon.
    static void run_on(greg_t* registers, long first) {
        tracing_ = false;
        registers[REG_EFL] &= ~trap_flag;
        let_time_pass(first);
    }

    // `last`: the program is about to sleep, and if this does not wake it, what comes next has to.
    static void interrupt(greg_t* registers, bool last) {
        do perform();
        while (last && !all_done() && falls_asleep(registers));
        if (!all_done()) return;
        if (last && falls_asleep(registers)) perform_postponed();
        run_on(registers, postponed_ != nullptr ? first_tick : tick);
    }

    static void on_step(int, siginfo_t*, void* context) {
        const int saved = errno;
        greg_t* const registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
        if (falls_asleep(registers)) {
            if (!in_child(registers) && next_ + 1 == given_ && in_child(registers)) {
                run_on(registers, first_tick);
            } else {
                interrupt(registers, true);
            }
        } else if (in_unwinder(registers)) {
            // To step through it for each second interrupt takes too long: that one comes in the sleep, or at the end.
            if (next_ > 0) run_on(registers, first_tick);
        } else if (!in_clock(registers) && ++count_ % every_ == 0 && !often_before(registers) && in_child(registers)) {
            interrupt(registers, false);
        }
        errno = saved;
    }

    // If nothing but this tick has ended a sleep without a deadline, the handlers that have not come yet interrupt it.
    // If there is none, nothing is left to wake the program.
    static void on_tick(int, siginfo_t*, void* context) {
        const int saved = errno;
        const greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
        const bool ended_by_this = at_system_call(registers, 2) && registers[REG_RAX] == -EINTR && nothing_to_tell();
        const int enough = ended_by_this ? ticks_without_deadline(registers) : 0;
        asleep_ = enough > 0 ? asleep_ + 1 : 0;
        if (begun_ && enough > 0 && asleep_ >= enough) {
            if (all_done() && postponed_ == nullptr)
                end_with("a wake was lost: the program sleeps and nothing is left to wake it");
            asleep_ = 0;
            while (!all_done() && nothing_to_tell()) perform();
            if (all_done() && nothing_to_tell()) perform_postponed();
        } else if (++ticks_ >= ticks_of_a_hang || seconds_computed() > computed_before_ + seconds_of_a_hang) {
            end_with("the program does not end");
        }
        errno = saved;
    }

    // Of this process, and read by its signal handlers.
    static inline Shared* shared_ = nullptr;
    static inline std::array<Handler, 2> handlers_{};
    static inline volatile int next_ = 0;  // of the handlers
    static inline volatile int given_ = 0; // how many there are
    static inline volatile Handler postponed_ = nullptr;
    static inline volatile bool tracing_ = false;
    static inline volatile bool begun_ = false;
    static inline bool unwinding_ = false;
    static inline std::array<const void*, 2> here_{};
    static inline int every_ = 1;
    static inline int count_ = 0; // of instructions since the last interrupt
    static inline int ticks_ = 0;
    static inline int asleep_ = 0;
    static inline long computed_before_ = 0;
    static inline Descriptors events_{};
    static inline Descriptors epolls_{};
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

#endif

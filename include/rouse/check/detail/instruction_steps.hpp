// Stops a program at every instruction of a stretch of it, by the trap flag of x86-64 on Linux.
//
// The processor raises SIGTRAP after each instruction. At each of these boundaries the signal's handler forks: the
// child calls the interrupt handler under test, in the signal handler, and then runs on, untraced, to the end of the
// program, where it finds out whether all is well. The parent waits for it and continues to the next instruction. So
// each boundary has a process of its own, with one interrupt and nothing after it that could repair a lost wake; a
// crash or a hang is a result like any other.
//
// When the traced program is about to sleep in the system without a deadline, that is the last boundary, because only
// the handler can wake it: it comes there in the traced program itself.
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

#include <poll.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// The state of a traced program, for its signal handlers. One at a time in a process.
class InstructionSteps {
public:
    /// What all processes of a run write.
    struct Shared {
        int boundaries;
        int failed;
        const void* instruction; // before which the interrupt came that failed first; null: the last boundary
        int signal;              // that ended that program, or 0
        char why[200];
        char present[200]; // of the child that is running
    };

    /// In a process that was forked for it: everything that `traced` does between begin() and end().
    static void prepare(Shared& shared, void (*handler)(), int every) {
        shared_ = &shared;
        handler_ = handler;
        every_ = every;
        handle(SIGTRAP, on_step);
        handle(SIGALRM, on_tick);
        find_event_descriptors();
        let_time_pass();
    }

    static void begin() {
        if (handler_ == nullptr || performed_) return;
        stop_time();
        tracing_ = true;
        asm volatile("sub $128, %%rsp; pushfq; orq $0x100, (%%rsp); popfq; add $128, %%rsp" ::: "memory", "cc");
    }

    static void end() {
        if (handler_ == nullptr) return;
        asm volatile("sub $128, %%rsp; pushfq; andq $~0x100, (%%rsp); popfq; add $128, %%rsp" ::: "memory", "cc");
        if (!tracing_) return;
        tracing_ = false;
        let_time_pass();
        perform(); // the boundary after the last instruction
    }

    [[nodiscard]] static bool performed() { return performed_; }

    static void tell(const char* why) {
        if (shared_ != nullptr) std::snprintf(shared_->present, sizeof shared_->present, "%s", why);
    }

private:
    static constexpr greg_t trap_flag = 0x100;
    static constexpr int ticks_of_a_hang = 6000; // of five milliseconds
    static constexpr int ticks_asleep = 4;

    static void perform() {
        performed_ = true;
        handler_();
    }

    static void handle(int signal, void (*function)(int, siginfo_t*, void*)) {
        struct sigaction action{};
        action.sa_sigaction = function;
        action.sa_flags = SA_SIGINFO;
        sigaddset(&action.sa_mask, SIGALRM);
        if (::sigaction(signal, &action, nullptr) != 0) std::abort();
    }

    static void let_time_pass() {
        const itimerval timer{{0, 5000}, {0, 5000}};
        ::setitimer(ITIMER_REAL, &timer, nullptr);
    }
    static void stop_time() {
        const itimerval timer{};
        ::setitimer(ITIMER_REAL, &timer, nullptr);
    }

    // Eventfds, by which loops are woken. Forked processes share them, so the parent puts back what was in them.
    static void find_event_descriptors() {
        event_count_ = 0;
        for (int descriptor = 0; descriptor < 256 && event_count_ < events_.size(); ++descriptor) {
            char path[32], name[32] = {};
            std::snprintf(path, sizeof path, "/proc/execution/fd/%d", descriptor);
            if (::readlink(path, name, sizeof name - 1) > 0 && std::strcmp(name, "anon_inode:[eventfd]") == 0)
                events_[event_count_++] = descriptor;
        }
    }
    using Counts = std::array<std::uint64_t, 16>;
    static Counts take_counts() {
        Counts counts{};
        for (std::size_t i = 0; i < event_count_; ++i) {
            pollfd look{events_[i], POLLIN, 0};
            std::uint64_t count = 0;
            if (::poll(&look, 1, 0) == 1 && ::read(events_[i], &count, sizeof count) == sizeof count) counts[i] = count;
        }
        return counts;
    }
    static void put_counts(const Counts& counts) {
        for (std::size_t i = 0; i < event_count_; ++i) {
            if (counts[i] != 0 && ::write(events_[i], &counts[i], sizeof counts[i]) != sizeof counts[i]) std::abort();
        }
    }

    static bool at_system_call(const greg_t* registers, int bytes_back) {
        const auto* code = reinterpret_cast<const unsigned char*>(registers[REG_RIP]) - bytes_back;
        return code[0] == 0x0f && code[1] == 0x05;
    }

    // Whether this call of the system would sleep for ever, as nothing has happened that ends it.
    static bool sleeps_for_ever(const greg_t* registers, greg_t call) {
        const auto nothing_to_tell = [](greg_t descriptor) {
            pollfd look{static_cast<int>(descriptor), POLLIN, 0};
            return ::poll(&look, 1, 0) == 0;
        };
        switch (call) {
#if defined(SYS_epoll_pwait2)
        case SYS_epoll_pwait2: return registers[REG_R10] == 0 && nothing_to_tell(registers[REG_RDI]);
#endif
        case SYS_epoll_wait:
        case SYS_epoll_pwait: return static_cast<int>(registers[REG_R10]) < 0 && nothing_to_tell(registers[REG_RDI]);
        case SYS_poll:
            return static_cast<int>(registers[REG_RDX]) < 0 && ::poll(reinterpret_cast<pollfd*>(registers[REG_RDI]),
                                                                      static_cast<nfds_t>(registers[REG_RSI]), 0) == 0;
        case SYS_pause: return true;
        default: return false;
        }
    }

    // The kernel's clock_gettime() reads again and again until it was not interrupted for a while, so it is left alone.
    static bool in_clock(const greg_t* registers) {
        static const auto begin = static_cast<greg_t>(::getauxval(AT_SYSINFO_EHDR));
        return registers[REG_RIP] >= begin && registers[REG_RIP] < begin + 0x4000;
    }

    // An instruction that is executed very often belongs to a loop; it is interrupted the first times.
    static bool often_before(const greg_t* registers) {
        constexpr std::size_t size = std::size_t{1} << 20;
        constexpr unsigned char enough = 24;
        static unsigned char times[size];
        unsigned char& time = times[static_cast<std::size_t>(registers[REG_RIP]) % size];
        if (time == enough) return true;
        ++time;
        return false;
    }

    // True in the child. The parent waits for it.
    static bool in_child(const greg_t* registers) {
        const Counts counts = take_counts();
        put_counts(counts);
        shared_->present[0] = '\0';
        const auto child = static_cast<pid_t>(::syscall(SYS_fork)); // fork() is not for signal handlers
        if (child < 0) std::abort();
        if (child == 0) return true;
        int status = 0;
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        static_cast<void>(take_counts());
        put_counts(counts);
        ++shared_->boundaries;
        if (status != 0 && shared_->failed++ == 0) {
            shared_->instruction = reinterpret_cast<const void*>(registers[REG_RIP]);
            shared_->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
            std::memcpy(shared_->why, shared_->present, sizeof shared_->why);
        }
        return false;
    }

    static void interrupt_here(greg_t* registers) {
        tracing_ = false;
        registers[REG_EFL] &= ~trap_flag;
        perform();
        let_time_pass();
    }

    static void on_step(int, siginfo_t*, void* context) {
        const int saved = errno;
        greg_t* const registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
        if (at_system_call(registers, 0) && sleeps_for_ever(registers, registers[REG_RAX])) {
            interrupt_here(registers);
        } else if (!in_clock(registers) && ++count_ % every_ == 0 && !often_before(registers) && in_child(registers)) {
            interrupt_here(registers);
        }
        errno = saved;
    }

    // A program whose interrupt is over, and whose sleep was ended by nothing but this tick, has nothing left to wake
    // it.
    static void on_tick(int, siginfo_t*, void* context) {
        const int saved = errno;
        const greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
        const bool ended_by_this = at_system_call(registers, 2) && registers[REG_RAX] == -EINTR;
        asleep_ = ended_by_this && take_nothing() ? asleep_ + 1 : 0;
        if (performed_ && asleep_ >= ticks_asleep)
            end_with("a wake was lost: the program sleeps and nothing is left to wake it");
        if (++ticks_ >= ticks_of_a_hang) end_with("the program does not end");
        errno = saved;
    }
    static bool take_nothing() {
        const Counts counts = take_counts();
        put_counts(counts);
        for (const std::uint64_t count : counts) {
            if (count != 0) return false;
        }
        return true;
    }
    [[noreturn]] static void end_with(const char* why) {
        tell(why);
        ::_exit(1);
    }

    static inline Shared* shared_ = nullptr;
    static inline void (*handler_)() = nullptr;
    static inline volatile bool tracing_ = false;
    static inline volatile bool performed_ = false;
    static inline int every_ = 1;
    static inline int count_ = 0;
    static inline int ticks_ = 0;
    static inline int asleep_ = 0;
    static inline std::array<int, 16> events_{};
    static inline std::size_t event_count_ = 0;
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

#endif

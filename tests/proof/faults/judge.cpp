#include "judge.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <iterator>
#include <new>
#include <string_view>
#include <thread>

#include <netdb.h>

namespace faults {

namespace {

using Time = std::chrono::steady_clock;

std::ptrdiff_t open_descriptors() {
    return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, std::filesystem::directory_iterator{});
}

double processor_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

const char* reason(const Fault& fault) {
    if (fault.call != Call::getaddrinfo) return std::strerror(fault.error);
    return fault.error == EAI_SYSTEM ? std::strerror(EMFILE) : ::gai_strerror(fault.error);
}

bool anybody_told(const Report& report, std::string_view begin, std::string_view end) {
    return std::any_of(report.told.begin(), report.told.begin() + std::min(report.told_count, report.told.size()),
                       [&](const Report::Text& told) {
                           const std::string_view text = told.data();
                           return text.starts_with(begin) && text.ends_with(end);
                       });
}

[[gnu::format(printf, 2, 3)]] bool is_wrong(Report::Text& what, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(what.data(), what.size(), format, arguments);
    va_end(arguments);
    return true;
}

// What has to follow the fault, see Then.
bool wrong_consequence(const Fault& fault, const Report& report, Report::Text& what) {
    const char* first = report.told_count == 0 ? "nobody is told" : report.told[0].data();
    switch (fault.then) {
    case Then::unnoticed:
        if (report.broken_off == 0 && report.told_count == 0) return false;
        return is_wrong(what, "is noticed: %u clients broken off; %.120s", report.broken_off, first);
    case Then::told:
        if (anybody_told(report, fault.text, reason(fault))) return false;
        return is_wrong(what, "not told as '%s... %s': %.100s", fault.text, reason(fault), first);
    case Then::told_or_reset:
        if (anybody_told(report, fault.text, reason(fault))) return false;
        if (anybody_told(report, "rouse: ", std::strerror(ECONNRESET))) return false;
        return is_wrong(what, "not told as '%s... %s', nor by a reset: %.100s", fault.text, reason(fault), first);
    case Then::either:
        if (report.broken_off == 0 || report.told_count > 0) return false;
        return is_wrong(what, "%u clients broken off, and nobody is told", report.broken_off);
    }
    return false;
}

// A window of time may end several attempts; any other fault, one.
bool wrong_attempt(const Plan& plan, Report::Text& what) {
    Report report;
    attempt(report);
    if (report.is_wrong) return is_wrong(what, "%.199s", report.wrong.data());
    if (plan.for_ms == 0 && plan.every == 0 && !report.aborted) {
        if (report.broken_off > 1) return is_wrong(what, "%u clients broken off", report.broken_off);
        if (report.probes > 2) return is_wrong(what, "a client was served only after %u attempts", report.probes);
    }
    const bool due = fired() != 0;
    if (!due && (report.told_count != 0 || report.broken_off != 0)) {
        return is_wrong(what, "without the fault: %.150s", report.told[0].data());
    }
    if (due && wrong_consequence(*plan.fault, report, what)) return true;
    if (!report.aborted) return false;
    for (int left = plan.for_ms == 0 ? 1 : 20; left > 0 && report.aborted; --left) {
        if (plan.for_ms != 0) std::this_thread::sleep_for(std::chrono::milliseconds{50});
        report.~Report();
        ::new (&report) Report;
        attempt(report);
    }
    if (report.is_wrong) return is_wrong(what, "in a second attempt: %.150s", report.wrong.data());
    if (!report.aborted) return false;
    return is_wrong(what, "a second attempt fails as well: %.130s", report.told[0].data());
}

bool wrong_calls(const Counts& usual, Report::Text& what) {
    for (std::size_t c = 0; c < usual.size(); ++c) {
        const Call call = static_cast<Call>(c);
        if (calls(call) <= 20 * usual[c] + 2000) continue;
        return is_wrong(what, "%u calls of %s, usually %u", calls(call), name_of(call), usual[c]);
    }
    return false;
}

} // namespace

bool count_calls(const Plan& plan, Counts& counts, Report::Text& what) {
    for (int i = 0; i < 3; ++i) {
        if (run_case(plan, counts, what).wrong) return false;
        for (std::size_t c = 0; c < counts.size(); ++c) counts[c] = std::max(counts[c], calls(static_cast<Call>(c)));
    }
    return true;
}

Verdict run_case(const Plan& plan, const Counts& usual, Report::Text& what) {
    const auto descriptors = open_descriptors();
    const long allocations = live_allocations();
    const double processor = processor_seconds();
    const auto begin = Time::now();
    arm(plan);
    Verdict verdict;
    verdict.wrong = wrong_attempt(plan, what);
    disarm();
    verdict.fired = fired() != 0;
    if (verdict.wrong) return verdict;
    const std::chrono::duration<double> passed = Time::now() - begin;
    if (const auto more = open_descriptors() - descriptors; more != 0) {
        verdict.wrong = is_wrong(what, "leaks %td descriptors", more);
    } else if (live_allocations() != allocations && plan.fault != nullptr) { // the first run allocates for good
        verdict.wrong = is_wrong(what, "leaks %ld allocations", live_allocations() - allocations);
    } else if (closed_twice() != 0) {
        verdict.wrong = is_wrong(what, "closes what is not open");
    } else if (plan.for_ms != 0 && processor_seconds() - processor > 0.6 * passed.count()) {
        verdict.wrong = is_wrong(what, "keeps the processor busy");
    } else if (plan.fault != nullptr) {
        verdict.wrong = wrong_calls(usual, what);
    }
    return verdict;
}

bool is_answer(const char* panic, const Fault& fault) noexcept {
    if (!without_exceptions()) return false;
    if (fault.call == Call::frame) return std::strstr(panic, "could not be allocated") != nullptr;
    if (fault.call == Call::allocation) return std::strcmp(panic, "std::bad_alloc") == 0;
    return fault.then != Then::unnoticed && std::strstr(panic, name_of(fault.call)) != nullptr;
}

} // namespace faults

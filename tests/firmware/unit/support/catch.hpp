// Stands in for tests/support/catch.hpp where there is no operating system: the macros of Catch2 that the unit tests
// use, over a runner of its own (runner.cpp). A failed check is printed with its place and its expression, without the
// values; a failed REQUIRE ends the program, as there is no exception to leave the test by.
#pragma once

#include "support/panic.hpp"

namespace test::runner {

using Function = void (*)();

/// A test case; registers itself. One that is static, for the life of the program.
class Case {
public:
    Case(const char* name, Function function) noexcept;
    const char* const name;
    const Function function;
    Case* next = nullptr;
};

/// Counts a check, and prints it if it failed. Returns `passed`.
bool check(bool passed, const char* expression, const char* file, int line);
[[noreturn]] void give_up();
inline void require(bool passed, const char* expression, const char* file, int line) {
    if (!check(passed, expression, file, line)) give_up();
}
[[noreturn]] inline void fail(const char* text, const char* file, int line) {
    check(false, text, file, line);
    give_up();
}

/// Whether the section is the one to run this time; a case is run once for each of its sections. They do not nest.
bool section();

/// A case for each of the types.
template <class... Types>
struct Cases {
    template <class Body>
    static void add(const char* name, Body) noexcept {
        (static_cast<void>(one<Types, Body>(name)), ...);
    }

private:
    template <class Type, class Body>
    static void one(const char* name) noexcept {
        static Case made{name, [] { Body::template run<Type>(); }};
    }
};

} // namespace test::runner

#define INFO(...) static_cast<void>(0)

#define TEST_JOIN_(a, b) a##b
#define TEST_JOIN(a, b) TEST_JOIN_(a, b)

#define TEST_CASE_AT(function, name, ...)                                   \
    static void function();                                                 \
    static ::test::runner::Case TEST_JOIN(function, _case){name, function}; \
    static void function()
#define TEST_CASE(...) TEST_CASE_AT(TEST_JOIN(test_, __LINE__), __VA_ARGS__)

// A type with commas in it comes in parentheses, which are taken off here.
#define TEST_BARE(type) TEST_BARE_(TEST_BARE_OPEN type)
#define TEST_BARE_OPEN(...) TEST_BARE_OPEN __VA_ARGS__
#define TEST_BARE_(...) TEST_BARE__(__VA_ARGS__)
#define TEST_BARE__(...) TEST_NO_##__VA_ARGS__
#define TEST_NO_TEST_BARE_OPEN
#define TEST_TYPES_1(a) TEST_BARE(a)
#define TEST_TYPES_2(a, ...) TEST_BARE(a), TEST_TYPES_1(__VA_ARGS__)
#define TEST_TYPES_3(a, ...) TEST_BARE(a), TEST_TYPES_2(__VA_ARGS__)
#define TEST_TYPES_4(a, ...) TEST_BARE(a), TEST_TYPES_3(__VA_ARGS__)
#define TEST_TYPES_5(a, ...) TEST_BARE(a), TEST_TYPES_4(__VA_ARGS__)
#define TEST_TYPES_6(a, ...) TEST_BARE(a), TEST_TYPES_5(__VA_ARGS__)
#define TEST_COUNTED(a, b, c, d, e, f, count, ...) TEST_TYPES_##count
#define TEST_TYPES(...) TEST_COUNTED(__VA_ARGS__, 6, 5, 4, 3, 2, 1, 0)(__VA_ARGS__)

#define TEMPLATE_TEST_CASE_AT(body, name, ...)                                                                      \
    namespace {                                                                                                     \
    struct body {                                                                                                   \
        template <class TestType>                                                                                   \
        static void run();                                                                                          \
    };                                                                                                              \
    const bool TEST_JOIN(body, _added) = (::test::runner::Cases<TEST_TYPES(__VA_ARGS__)>::add(name, body{}), true); \
    }                                                                                                               \
    template <class TestType>                                                                                       \
    void body::run()
#define TEMPLATE_TEST_CASE(name, tags, ...) TEMPLATE_TEST_CASE_AT(TEST_JOIN(Test, __LINE__), name, __VA_ARGS__)

#define CHECK(...) \
    static_cast<void>(::test::runner::check(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__))
#define CHECK_FALSE(...) \
    static_cast<void>(::test::runner::check(!(__VA_ARGS__), "!(" #__VA_ARGS__ ")", __FILE__, __LINE__))
#define REQUIRE(...) ::test::runner::require(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
#define FAIL_CHECK(...) static_cast<void>(::test::runner::check(false, #__VA_ARGS__, __FILE__, __LINE__))
#define FAIL(...) ::test::runner::fail(#__VA_ARGS__, __FILE__, __LINE__)
#define SECTION(...) if (::test::runner::section())

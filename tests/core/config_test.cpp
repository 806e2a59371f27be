#include <rouse/core/config.hpp>

#include <string>
#include <string_view>

#include "support/catch.hpp"
#include "support/misuse.hpp"

// Each macro is defined after the header, whose settings a test program leaves at their defaults.
#if !defined(ROUSE_EXCEPTIONS) || !defined(ROUSE_HOSTED) || !defined(ROUSE_POOL_FRAMES) ||                            \
    !defined(ROUSE_BUSY_POLLING) || !defined(ROUSE_MODEL_CHECK) || !defined(ROUSE_CHECKED) || !defined(ROUSE_ASAN) || \
    !defined(ROUSE_TSAN) || !defined(ROUSE_PANIC) || !defined(ROUSE_REPORT) || !defined(ROUSE_ABI)
#error "a macro of config.hpp is not defined"
#endif

namespace {

#define TEXT_AS_WRITTEN(...) #__VA_ARGS__
#define TEXT_OF(...) TEXT_AS_WRITTEN(__VA_ARGS__)

// The attributes and the name of the inline namespace.
constexpr std::string_view abi = TEXT_OF(ROUSE_ABI);

constexpr bool abi_has(std::string_view part) { return abi.find(part) != abi.npos; }

constexpr bool exceptions_are_on =
#if defined(__cpp_exceptions)
    true;
#else
    false;
#endif

constexpr bool busy_polling =
#if ROUSE_BUSY_POLLING
    true;
#else
    false;
#endif

} // namespace

namespace rouse {
inline namespace ROUSE_ABI {
struct OfTheAbi {};
} // namespace ROUSE_ABI
} // namespace rouse

TEST_CASE("ROUSE_EXCEPTIONS says whether the compiler has exceptions switched on") {
    CHECK((ROUSE_EXCEPTIONS == 1) == exceptions_are_on);
}

TEST_CASE("the defaults are those that the header documents") {
    CHECK(ROUSE_POOL_FRAMES == 1);
    CHECK(ROUSE_MODEL_CHECK == 0);
#if ROUSE_HOSTED
    CHECK(busy_polling);
#if defined(NDEBUG)
    CHECK(ROUSE_CHECKED == 0);
#else
    CHECK(ROUSE_CHECKED == 1);
#endif
#else
    CHECK(ROUSE_CHECKED == 0);
    CHECK(ROUSE_CORES == 1);
    CHECK(!busy_polling);
    CHECK(ROUSE_FRAME_BYTES > 0);
#endif
}

TEST_CASE("the sanitizers are detected") {
#if defined(__SANITIZE_ADDRESS__)
    CHECK(ROUSE_ASAN == 1);
#elif defined(__GNUC__) && !defined(__clang__)
    CHECK(ROUSE_ASAN == 0);
#endif
#if defined(__SANITIZE_THREAD__)
    CHECK(ROUSE_TSAN == 1);
#elif defined(__GNUC__) && !defined(__clang__)
    CHECK(ROUSE_TSAN == 0);
#endif
}

TEST_CASE("the inline namespace is named after the version and each setting that changes a layout") {
    CHECK(abi_has("v0_1"));
    CHECK(abi_has(ROUSE_HOSTED ? "_hosted_" : "_cores1_"));
    CHECK(abi_has(ROUSE_EXCEPTIONS ? "_exceptions_" : "_no_exceptions_"));
    CHECK(abi_has(ROUSE_ASAN ? "_asan_" : ROUSE_TSAN ? "_tsan_" : "_plain_"));
    CHECK(abi_has("_pool_frames"));
    CHECK(!abi_has("hecked")); // so that parts with and without checks link
}

TEST_CASE("what is declared in the inline namespace is a name of rouse") {
    static_assert(sizeof(rouse::OfTheAbi) == 1);
}

#if ROUSE_HOSTED
TEST_CASE("the default of ROUSE_PANIC prints the message and aborts") {
    CHECK(test::panic_of([] { ROUSE_PANIC("rouse: config_test: a panic"); }) == "rouse: config_test: a panic\n");
}

TEST_CASE("the default of ROUSE_REPORT prints the message and returns") {
    const std::lock_guard one_at_a_time{test::stderr_mutex()};
    std::string text;
    {
        const test::StderrKeeper kept;
        ROUSE_REPORT("rouse: config_test: 100% of a report");
        text = kept.text();
    }
    CHECK(text == "rouse: config_test: 100% of a report\n");
}
#endif

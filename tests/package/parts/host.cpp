// host [PLUGIN...]: whether parts share what there is one of: the loop of a thread, the handlers of signals, error
// categories, exceptions. Tries the library that it is linked with, if there is one, and each plugin, which it opens
// with RTLD_LOCAL. Says what differs.
#include "part.hpp"

#include <csignal>
#include <cstdio>
#include <cstring>

#include <dlfcn.h>
#include <rouse/io/io.hpp>

using namespace rouse;

extern "C" [[gnu::weak]] Part* the_part(); // null without a library

static int failures = 0;
static const char* name = "the library";

static void check(bool good, const char* what) {
    if (good) return;
    std::printf("%s: %s\n", name, what);
    ++failures;
}

template <class Error>
static Task<> throws(Task<> task, const char* what) {
    bool caught = false;
    const auto handle = create_task(std::move(task));
    try {
        co_await handle;
    } catch (const Error&) {
        caught = true;
    } catch (...) {
    }
    check(caught, what);
}

static Task<> use(Part& part) {
    check(part.loop() == &Loop::current(), "it has another current loop");
    check(&part.stream_category() == &stream_category(), "it has another stream_category");
    check(&part.resolve_category() == &resolve_category(), "it has another resolve_category");
    check(std::error_code{1, part.stream_category()} == std::error_code{1, stream_category()}, "error codes differ");

    bool refused = false;
    const Signal signal{SIGUSR1};
    try {
        part.take_signal(SIGUSR1);
    } catch (const UsageError& error) {
        refused = std::strstr(error.what(), "is taken by a Signal") != nullptr;
    }
    check(refused, "it takes a signal that is taken");

    try {
        Event done;
        part.start(done);
        co_await done.wait();
        const int answer = co_await part.work();
        check(answer == 42, "its task returns something else");
        co_await throws<UsageError>(part.misused(), "its UsageError is another type");
        co_await throws<CancelledError>(part.cancelled(), "its CancelledError is another type");
        co_await throws<TimeoutError>(part.late(), "its TimeoutError is another type");
    } catch (const std::exception& error) {
        check(false, error.what());
    }
}

[[gnu::visibility("default")]] int main(int count, char** arguments) {
    if (the_part != nullptr) run(use(*the_part()));
    for (int each = 1; each < count; ++each) {
        name = arguments[each];
        void* const plugin = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
        void* const found = plugin == nullptr ? nullptr : ::dlsym(plugin, "the_part");
        if (found == nullptr) {
            std::puts(::dlerror());
            return 2;
        }
        run(use(*reinterpret_cast<Part* (*)()>(found)()));
    }
    return failures == 0 ? 0 : 1;
}

// What host.cpp and part.cpp know of each other: a part is linked as a shared library, or loaded as a plugin.
#pragma once

#include <system_error>

#include <rouse/rouse.hpp>

struct Part {
    virtual ~Part() = default;
    virtual rouse::Loop* loop() = 0;
    virtual const std::error_category& stream_category() = 0;
    virtual const std::error_category& resolve_category() = 0;
    // Waits for each kind of event that a loop knows, then for a child, and returns 42.
    virtual rouse::Task<int> work() = 0;
    // Starts a task on the current loop, which sets `done`.
    virtual void start(rouse::Event& done) = 0;
    // Takes the handler of a signal.
    virtual void take_signal(int number) = 0;
    virtual rouse::Task<> misused() = 0;
    virtual rouse::Task<> cancelled() = 0;
    virtual rouse::Task<> late() = 0;
};

extern "C" [[gnu::visibility("default")]] Part* the_part();

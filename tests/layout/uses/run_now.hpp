// The least coroutine, which starts at once: for a use of something that is awaited, in a header that does not bring
// Task.
#pragma once

#include <coroutine>
#include <exception>

struct RunNow {
    struct promise_type {
        RunNow get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
    };
};

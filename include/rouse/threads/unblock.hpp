// unblock: runs one blocking function on a new thread.
#pragma once

#include <memory>
#include <thread>
#include <type_traits>
#include <utility>

#include <rouse/threads/detail/job.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

/// The task of unblock().
template <class F, class... Arguments>
Task<ResultOfCall<F, Arguments...>> run_on_new_thread(F function, Arguments... arguments) {
    const auto job = std::make_shared<Call<F, Arguments...>>(std::move(function), std::move(arguments)...);
    std::thread{[](std::shared_ptr<Job> own) { own->run(); }, job}.detach();
    const WaitForThread wait;
    co_await job->done();
    if (!job->called()) co_await Refused{};
    co_return job->result();
}

} // namespace detail

/// `co_await unblock(function, arguments...)` calls a blocking function on a new thread while other tasks continue, and
/// returns its result or throws its exception. May be called by a task of any loop. Like std::thread, it copies or
/// moves the function and the arguments; use std::ref to pass a reference. Throws std::system_error if the system
/// cannot start another thread; without exceptions this ends the program.
///
/// If the task is cancelled, the function continues to run. Its result is then destroyed on its thread, or on the
/// loop's thread if it had already returned. So the function must not refer to anything that ends with the task. A
/// program that ends does not wait for the function. What would dangle does not compile; see
/// Context::assign.
///
/// Starting the thread takes tens of microseconds. Use a Context where such functions are called often, or where the
/// program must wait for them at its end.
template <class F, class... Arguments>
[[nodiscard]] Task<detail::ResultOfCall<F, Arguments...>> unblock(F&& function, Arguments&&... arguments) {
    detail::check_call<F, Arguments...>();
    return detail::run_on_new_thread<std::decay_t<F>, std::decay_t<Arguments>...>(
        std::forward<F>(function), std::forward<Arguments>(arguments)...);
}

} // namespace ROUSE_ABI
} // namespace rouse

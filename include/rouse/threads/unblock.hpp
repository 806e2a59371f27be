// unblock: one function that blocks, on a thread of its own.
#pragma once

#include <memory>
#include <thread>
#include <type_traits>
#include <utility>

#include <rouse/threads/detail/job.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

template <class F, class... Arguments>
Task<std::invoke_result_t<F, Arguments...>> run_on_own_thread(F function, Arguments... arguments) {
    const auto job = std::make_shared<Call<F, Arguments...>>(std::move(function), std::move(arguments)...);
    std::thread{[](std::shared_ptr<Job> its) { its->run(); }, job}.detach();
    co_await job->done();
    if (!job->called()) co_await Refused{};
    co_return job->result();
}

} // namespace detail

/// `co_await unblock(function, arguments...)`: calls the function on a new thread, while the other tasks go on, and
/// returns what it returned or throws what it threw. Function and arguments are copied (or moved), as by std::thread;
/// std::ref hands over a reference. Throws std::system_error if there can be no more threads (without exceptions: the
/// program ends).
///
/// If the task is cancelled the function runs on, and what it gives is destroyed on its thread, or on the loop's if it
/// had returned by then; so it must not refer to what ends with the task. (GCC 12: give a lambda whose captures have
/// destructors a name first, see Context::assign.) A program that ends while it runs does not wait for it: use a
/// Context for that, or where such functions are called often, as starting a thread takes tens of microseconds.
template <class F, class... Arguments>
[[nodiscard]] Task<detail::ResultOfCall<F, Arguments...>> unblock(F&& function, Arguments&&... arguments) {
    return detail::run_on_own_thread<std::decay_t<F>, std::decay_t<Arguments>...>(
        std::forward<F>(function), std::forward<Arguments>(arguments)...);
}

} // namespace ROUSE_ABI
} // namespace rouse

// use_rouse: a completion token of asio, by which a task awaits asio's operations.
//
// Include it after, or in place of, the headers of asio (the library without Boost, 1.22 or newer).
#pragma once

#include <coroutine>
#include <optional>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

#include <asio/async_result.hpp>

#include <rouse/core/config.hpp>
#include <rouse/core/error.hpp>
#include <rouse/core/foreign.hpp>

#if ROUSE_EXCEPTIONS
#include <exception>
#endif

namespace rouse {
inline namespace ROUSE_ABI {

/// The type of use_rouse.
struct UseRouse {};

/// `co_await socket.async_read_some(buffer, use_rouse)`: starts an operation of asio and waits for its end, while the
/// other tasks of the loop run. The io_context may run on this thread or on any other; the task continues on its own.
///
/// Returns what the operation completes with: nothing, a value, or a std::tuple of several. An error_code or a
/// std::exception_ptr that comes first is thrown (std::system_error) if it is an error, and is not part of the result.
/// To have it returned, use asio's as_tuple(use_rouse). Without exceptions it is always part of the result.
///
/// The operation starts at the co_await, and not before. What asio must not outlive (buffers, the socket) has to exist
/// until then and until it completes. For cancellations, timeouts and the end of the loop see foreign(): they wait for
/// the operation, so cancel that first, as asio demands on its own thread: `asio::post(context, [&] {
/// timer.cancel(); })`. If asio drops the operation, because its io_context is destroyed, the co_await throws
/// AbandonedError.
///
/// Allocates nothing besides what asio does.
inline constexpr UseRouse use_rouse{};

namespace detail {

#if ROUSE_EXCEPTIONS
// What a completion begins with, if it tells of an error.
inline void throw_if_failed(const std::error_code& error) {
    if (error) throw std::system_error{error};
}
inline void throw_if_failed(const std::exception_ptr& error) {
    if (error != nullptr) std::rethrow_exception(error);
}
template <class T>
inline constexpr bool tells_of_error = std::is_same_v<T, std::error_code> || std::is_same_v<T, std::exception_ptr>;
#else
template <class T>
inline constexpr bool tells_of_error = false;
#endif

/// What asio calls, on its own thread, when an operation completes. It reports exactly once: when it is called, or when
/// the last of the objects that it was moved through is destroyed without that.
template <class... Results>
class AsioHandler {
public:
    AsioHandler(std::coroutine_handle<> task, std::optional<std::tuple<Results...>>& results) noexcept
        : task_{task}, results_{&results} {}
    AsioHandler(AsioHandler&& other) noexcept : task_{std::exchange(other.task_, nullptr)}, results_{other.results_} {}
    AsioHandler& operator=(AsioHandler&&) = delete;
    ~AsioHandler() {
        if (task_ == nullptr) return;
        // Not destroy(): what the initiation has thrown comes first, see AsioOperation.
        ROUSE_EXCEPTIONS != 0 ? task_.resume() : task_.destroy();
    }

    template <class... Us>
    void operator()(Us&&... results) {
        results_->emplace(std::forward<Us>(results)...);
        std::exchange(task_, nullptr).resume();
    }

private:
    std::coroutine_handle<> task_; // null: it has reported, or was moved from
    std::optional<std::tuple<Results...>>* results_;
};

/// An awaitable, which knows nothing of rouse, for an operation of asio.
template <class Initiation, class Arguments, class... Results>
class AsioOperation {
public:
    template <class I, class... Us>
    explicit AsioOperation(I&& initiation, Us&&... arguments)
        : initiation_(std::forward<I>(initiation)), arguments_(std::forward<Us>(arguments)...) {}

    bool await_ready() const noexcept { return false; }

    void await_suspend(std::coroutine_handle<> task) {
        const auto initiate = [&](auto&&... arguments) {
            std::move(initiation_)(AsioHandler<Results...>{task, results_}, std::move(arguments)...);
        };
#if ROUSE_EXCEPTIONS
        // By the time that it throws, the handler has reported that it was destroyed, or asio still has it.
        try {
            std::apply(initiate, std::move(arguments_));
        } catch (...) {
            error_ = std::current_exception();
        }
#else
        std::apply(initiate, std::move(arguments_));
#endif
    }

    auto await_resume() {
#if ROUSE_EXCEPTIONS
        throw_if_failed(error_);
        if (!results_.has_value()) throw AbandonedError{};
#endif
        return std::apply([](auto&... results) { return result(results...); }, *results_);
    }

private:
    template <class First, class... Rest>
    static auto result(First& first, Rest&... rest) {
        if constexpr (tells_of_error<First>) {
#if ROUSE_EXCEPTIONS
            throw_if_failed(first);
#endif
            return result_of(rest...);
        } else {
            return result_of(first, rest...);
        }
    }
    static void result() {}

    static void result_of() {}
    template <class T>
    static T result_of(T& value) {
        return std::move(value);
    }
    template <class... Ts>
        requires(sizeof...(Ts) > 1)
    static std::tuple<Ts...> result_of(Ts&... values) {
        return {std::move(values)...};
    }

    Initiation initiation_;
    Arguments arguments_;
    std::optional<std::tuple<Results...>> results_; // by the handler, before it reports
#if ROUSE_EXCEPTIONS
    std::exception_ptr error_{};
#endif
};

} // namespace detail

} // namespace ROUSE_ABI
} // namespace rouse

/// @cond internal
/// What asio asks of a completion token.
template <class... Results>
class asio::async_result<rouse::UseRouse, void(Results...)> {
public:
    template <class Initiation, class... Arguments>
    static auto initiate(Initiation&& initiation, rouse::UseRouse, Arguments&&... arguments) {
        using Operation = rouse::detail::AsioOperation<std::decay_t<Initiation>, std::tuple<std::decay_t<Arguments>...>,
                                                       std::decay_t<Results>...>;
        return rouse::foreign(Operation{std::forward<Initiation>(initiation), std::forward<Arguments>(arguments)...});
    }
};
/// @endcond

// ExceptionHandler: called by a loop when an exception has ended a task and no one awaits it.
#pragma once

#include <rouse/core/config.hpp>

#if ROUSE_EXCEPTIONS
#include <exception>
#include <string_view>
#include <utility>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// The handler of a loop, whatever its type; see Loop::set_exception_handler.
struct ExceptionHandler {
    virtual ~ExceptionHandler() = default;
    virtual void operator()(std::string_view task_name, std::exception_ptr error) = 0;
};

/// A handler that calls a function of type F.
template <class F>
struct ExceptionHandlerOf final : ExceptionHandler {
    explicit ExceptionHandlerOf(F f) : function{std::move(f)} {}
    void operator()(std::string_view task_name, std::exception_ptr error) override {
        function(task_name, std::move(error));
    }
    F function;
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
#endif

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

    /// Calls the function, which may replace this handler.
    void call(std::string_view task_name, std::exception_ptr error) {
        ++calls_;
        (*this)(task_name, std::move(error));
        if (--calls_ == 0 && discarded_) delete this;
    }

    /// Deletes a handler, which may be null; if it is being called, once it has returned.
    static void discard(ExceptionHandler* handler) noexcept {
        if (handler == nullptr) return;
        handler->discarded_ = true;
        if (handler->calls_ == 0) delete handler;
    }

private:
    virtual void operator()(std::string_view task_name, std::exception_ptr error) = 0;

    unsigned calls_ = 0;     // calls in progress: it may drop the last handle of another task that has failed
    bool discarded_ = false; // discard() has been called
};

/// A handler that calls a function of type F.
template <class F>
struct ExceptionHandlerOf final : ExceptionHandler {
    explicit ExceptionHandlerOf(F f) : function{std::move(f)} {}

private:
    void operator()(std::string_view task_name, std::exception_ptr error) override {
        function(task_name, std::move(error));
    }

    F function;
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
#endif

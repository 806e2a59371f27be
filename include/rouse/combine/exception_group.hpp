// ExceptionGroup: several errors in one exception.
#pragma once

#include <rouse/core/config.hpp>

#if ROUSE_EXCEPTIONS

#include <exception>
#include <memory>
#include <utility>
#include <vector>

namespace rouse {
inline namespace ROUSE_ABI {

/// Thrown by TaskGroup::run when tasks in the group have failed. Contains the errors of all of them.
///
/// May be copied and read by any thread, like any std::exception. Copying does not throw.
class ExceptionGroup : public std::exception {
public:
    /// Contains `errors`. For the library and for tests.
    explicit ExceptionGroup(std::vector<std::exception_ptr> errors)
        : errors_{std::make_shared<const std::vector<std::exception_ptr>>(std::move(errors))} {}

    /// The errors, one for each task that has failed, in the order in which the tasks failed; never empty. Use
    /// std::rethrow_exception to examine one.
    [[nodiscard]] const std::vector<std::exception_ptr>& errors() const noexcept { return *errors_; }

    /// A string literal: tasks have failed. The messages of the tasks are in errors().
    [[nodiscard]] const char* what() const noexcept override { return "rouse: tasks of a TaskGroup have failed"; }

private:
    std::shared_ptr<const std::vector<std::exception_ptr>> errors_; // shared, so that copying does not throw
};

} // namespace ROUSE_ABI
} // namespace rouse

#endif

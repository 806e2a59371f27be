// ExceptionGroup: several errors at once.
#pragma once

#include <rouse/core/config.hpp>

#if ROUSE_EXCEPTIONS

#include <exception>
#include <memory>
#include <utility>
#include <vector>

namespace rouse {
inline namespace ROUSE_ABI {

/// What a TaskGroup throws when tasks in it have failed: all their errors, in the order in which they happened.
class ExceptionGroup : public std::exception {
public:
    /// Holds these errors. TaskGroup makes one; tests of code that catches it may too.
    explicit ExceptionGroup(std::vector<std::exception_ptr> errors)
        : errors_{std::make_shared<const std::vector<std::exception_ptr>>(std::move(errors))} {}

    /// The errors, one of each task that has failed, oldest first; never none. Rethrow one to look at it.
    [[nodiscard]] const std::vector<std::exception_ptr>& errors() const noexcept { return *errors_; }

    /// Says that tasks have failed; what each says is in errors().
    [[nodiscard]] const char* what() const noexcept override { return "rouse: tasks of a TaskGroup have failed"; }

private:
    std::shared_ptr<const std::vector<std::exception_ptr>> errors_; // shared, so that copying does not throw
};

} // namespace ROUSE_ABI
} // namespace rouse

#endif

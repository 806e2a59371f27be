// ExceptionGroup: several errors in one exception.
#pragma once

#include <rouse/core/config.hpp>

#if ROUSE_EXCEPTIONS

#include <cstddef>
#include <cstdio>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

namespace rouse {
inline namespace ROUSE_ABI {

/// Thrown by TaskGroup::run when tasks in the group have failed. Contains the errors of all of them.
///
/// May be copied and read by any thread, like any std::exception. Copying does not throw. To catch the first error by
/// its own type instead, use `TaskGroup::run(first_error, body)`.
class ExceptionGroup : public std::exception {
public:
    /// Holds these errors, of which `errors[first]` occurred first. TaskGroup makes one; tests of code that catches it
    /// may too. Without errors, or with a `first` that is none of them, first() is null.
    explicit ExceptionGroup(std::vector<std::exception_ptr> errors, std::size_t first = 0)
        : shared_{std::make_shared<const Shared>(std::move(errors), first)} {}

    /// The errors, one for each task that has failed, in the order in which the tasks failed, that of the body last;
    /// never empty if a TaskGroup has made it. Use std::rethrow_exception to examine one.
    [[nodiscard]] const std::vector<std::exception_ptr>& errors() const noexcept { return shared_->errors; }

    /// The error because of which the others were cancelled: that of the task, or the body, that failed first.
    [[nodiscard]] std::exception_ptr first() const noexcept { return shared_->first; }

    /// "rouse: 2 tasks of a TaskGroup have failed; the first: " and what() of first(). Valid as long as a copy of this
    /// exists.
    [[nodiscard]] const char* what() const noexcept override { return shared_->message.data(); }

private:
    // Shared, so that copying does not throw.
    struct Shared {
        Shared(std::vector<std::exception_ptr> all, std::size_t index)
            : errors{std::move(all)}, first{index < errors.size() ? errors[index] : nullptr} {
            if (first == nullptr) {
                write("of unknown cause");
                return;
            }
            try {
                std::rethrow_exception(first);
            } catch (const std::exception& error) {
                write(error.what());
            } catch (...) {
                write("not a std::exception");
            }
        }
        void write(const char* cause) {
            const auto print = [&](char* to, std::size_t room) {
                return std::snprintf(to, room, "rouse: %zu task%s of a TaskGroup %s failed; the first: %s",
                                     errors.size(), errors.size() == 1 ? "" : "s", errors.size() == 1 ? "has" : "have",
                                     cause);
            };
            message.resize(static_cast<std::size_t>(print(nullptr, 0)) + 1);
            print(message.data(), message.size());
        }

        std::vector<std::exception_ptr> errors;
        std::exception_ptr first;
        std::vector<char> message;
    };

    std::shared_ptr<const Shared> shared_;
};

} // namespace ROUSE_ABI
} // namespace rouse

#endif

// What can be seen of a callable at compile time that would leave a reference dangling.
#pragma once

#include <type_traits>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Whether Predicate holds for a parameter of a callable and the argument passed for it. False where the parameters
/// cannot be known: those of an overloaded or generic callable, and those behind a C-style ellipsis.
template <template <class Parameter, class Argument> class Predicate, class... Arguments>
class AnyParameter {
    template <class... Parameters>
    static constexpr bool any() {
        if constexpr (sizeof...(Parameters) == sizeof...(Arguments)) {
            return (Predicate<Parameters, Arguments>::value || ...);
        } else {
            return false;
        }
    }

    template <class R, class... Ps, bool n>
    static constexpr bool in(R (*)(Ps...) noexcept(n)) {
        return any<Ps...>();
    }
    template <class R, class C, class... Ps, bool n>
    static constexpr bool in(R (C::*)(Ps...) noexcept(n)) {
        return any<Ps...>();
    }
    template <class R, class C, class... Ps, bool n>
    static constexpr bool in(R (C::*)(Ps...) const noexcept(n)) {
        return any<Ps...>();
    }
    template <class R, class C, class... Ps, bool n>
    static constexpr bool in(R (C::*)(Ps...) & noexcept(n)) {
        return any<Ps...>();
    }
    template <class R, class C, class... Ps, bool n>
    static constexpr bool in(R (C::*)(Ps...) const& noexcept(n)) {
        return any<Ps...>();
    }
    static constexpr bool in(...) { return false; }

public:
    /// For a callable of type F, which is decayed, as the Arguments are.
    template <class F>
    static constexpr bool of() {
        if constexpr (std::is_pointer_v<F>) {
            return in(F{});
        } else if constexpr (requires { &F::operator(); }) {
            return in(decltype(&F::operator()){});
        } else {
            return false;
        }
    }
};

/// Whether the Argument is a std::reference_wrapper, which cannot be named here, to an object of which Pointee may
/// point to.
template <class Argument, class Pointee>
concept WrapsReferenceTo = requires(Pointee* pointer, typename Argument::type* referred, Argument& argument) {
    pointer = referred;
    static_cast<typename Argument::type&>(argument);
};

/// Whether passing the Argument binds a reference to a temporary object, which a conversion makes.
template <class Parameter, class Argument>
using BindsTemporary = std::bool_constant<std::is_reference_v<Parameter> &&
                                          !std::is_convertible_v<Argument*, std::remove_reference_t<Parameter>*> &&
                                          !WrapsReferenceTo<Argument, std::remove_reference_t<Parameter>>>;

/// Whether the Parameter is a reference.
template <class Parameter, class>
using IsReference = std::is_reference<Parameter>;

/// Whether a Result that is a reference may refer to the Argument.
template <class Result>
struct ReturnedBy {
    template <class Parameter, class Argument>
    using Check = std::bool_constant<
        std::is_reference_v<Result> && std::is_reference_v<Parameter> &&
        std::is_convertible_v<std::remove_reference_t<Parameter>*, std::remove_reference_t<Result>*> &&
        !WrapsReferenceTo<Argument, std::remove_reference_t<Parameter>>>;
};

/// Whether a callable F, as deduced for a parameter `F&&`, may be written inside a co_await expression: GCC before 14
/// destroys the captures of a lambda that is written there twice.
template <class F>
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 14
inline constexpr bool safe_in_await = std::is_lvalue_reference_v<F> || std::is_trivially_destructible_v<F>;
#else
inline constexpr bool safe_in_await = true;
#endif

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

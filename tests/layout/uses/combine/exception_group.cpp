#include <rouse/combine/exception_group.hpp>

int main() {
    const rouse::ExceptionGroup group{{std::make_exception_ptr(1), std::make_exception_ptr(2)}};
    return group.errors().size() == 2 ? 0 : 1;
}

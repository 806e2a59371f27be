#include <rouse/core/error.hpp>

int main() {
    try {
        throw rouse::UsageError{"a rule"};
    } catch (const rouse::UsageError& error) {
        return error.what()[0] == 'a' ? 0 : 1;
    }
}

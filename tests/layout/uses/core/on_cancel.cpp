#include <rouse/core/on_cancel.hpp>

int main() {
    bool called = false;
    {
        const auto guard = rouse::on_cancel([&called] { called = true; });
    }
    return called ? 1 : 0; // nothing was cancelled
}

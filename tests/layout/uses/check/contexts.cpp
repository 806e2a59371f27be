#include <rouse/check/contexts.hpp>

int main() {
    const rouse::check::Result result = rouse::check::explore([] {
        int word = 0;
        rouse::check::thread("writer", [&word] { word = 1; });
        rouse::check::join();
        rouse::check::expect(word == 1, "what a thread wrote is not seen after its end");
    });
    return result.passed() ? 0 : 1;
}

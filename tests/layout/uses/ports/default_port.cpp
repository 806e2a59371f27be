#include <rouse/ports/default_port.hpp>

rouse::Task<int> answer() { co_return 42; }

int main() { return rouse::run(answer()) == 42 ? 0 : 1; }

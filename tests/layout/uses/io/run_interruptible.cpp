#include <rouse/io/run_interruptible.hpp>

rouse::Task<int> answer() { co_return 42; }

int main() { return rouse::run_interruptible(answer()) == 42 ? 0 : 1; }

#include <rouse/threadsafe/block.hpp>

int call(rouse::block_t) { return 0; }

int main() { return call(rouse::block); }

#include <rouse/threadsafe/block.hpp>

#include <rouse/rouse.hpp>

#include "support/catch.hpp"
#include "support/run.hpp"

using namespace test;

#if ROUSE_HOSTED
TEST_CASE("one tag lets the calls of every queue block") {
    ThreadSafeQueue<int, 1> one_producer;
    ThreadSafeMpscQueue<int, 1> many_producers;
    CHECK(one_producer.put_sync(1, block));
    CHECK(many_producers.put_sync(2, block));
    CHECK(one_producer.get_sync(block) == 1);
    CHECK(many_producers.get_sync(block_t{}) == 2);
}
#endif

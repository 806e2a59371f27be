#include <rouse/sync/detail/item_store.hpp>

#include <memory>

#include "support/catch.hpp"
#include "support/value_types.hpp"

using rouse::detail::ItemStore;
using test::CountsAlive;

namespace {

template <class Store>
int take(Store& store) {
    const int number = store.front().number;
    store.pop();
    return number;
}

// Puts and takes items, at most `most` at once, so that both ends pass each slot several times.
template <class Store>
bool keeps_order(Store& store, int most) {
    int put = 0, taken = 0;
    for (int round = 0; round < 50; ++round) {
        while (put - taken < most) store.put(put++);
        const int leave = round % 3;
        while (put - taken > leave) {
            if (take(store) != taken++) return false;
        }
    }
    while (taken < put) {
        if (take(store) != taken++) return false;
    }
    return true;
}

constinit ItemStore<int, 3> own_made_before_main;
constinit ItemStore<int, 0> heap_made_before_main;

} // namespace

TEST_CASE("a store can be a constinit variable") {
    own_made_before_main.put(5);
    CHECK(own_made_before_main.front() == 5);
    own_made_before_main.pop();
    heap_made_before_main.put(5);
    CHECK(heap_made_before_main.front() == 5);
    heap_made_before_main.pop();
}

TEST_CASE("items leave a ring in the order in which they were put, around its end many times") {
    ItemStore<CountsAlive, 1> one;
    CHECK(keeps_order(one, 1));
    ItemStore<CountsAlive, 7> seven;
    CHECK(keeps_order(seven, 7));
    CHECK(CountsAlive::alive == 0);
}

TEST_CASE("items leave a store on the heap in the order in which they were put, however many there are") {
    for (const int most : {1, 2, 127, 128, 129, 1000}) {
        ItemStore<CountsAlive, 0> store;
        CHECK(keeps_order(store, most));
    }
    CHECK(CountsAlive::alive == 0);
}

TEST_CASE("a store on the heap can keep large items") {
    struct Large : CountsAlive {
        using CountsAlive::CountsAlive;
        char room[500] = {};
    };
    ItemStore<Large, 0> store;
    CHECK(keeps_order(store, 30));
}

TEST_CASE("an item on the heap stays where it is") {
    ItemStore<CountsAlive, 0> store;
    store.put(0);
    const CountsAlive* const place = &store.front();
    for (int i = 1; i < 1000; ++i) store.put(i);
    CHECK(&store.front() == place);
    for (int i = 0; i < 1000; ++i) store.pop();
    CHECK(CountsAlive::alive == 0);
}

#if ROUSE_EXCEPTIONS

TEST_CASE("an item whose constructor throws does not change the store") {
    struct Throws {
        explicit Throws(int n) : number{n} {
            if (n < 0) throw n;
        }
        int number;
    };
    ItemStore<Throws, 0> store;
    CHECK_THROWS_AS(store.put(-1), int);
    for (int i = 0; i < 300; ++i) {
        store.put(i);
        CHECK_THROWS_AS(store.put(-1), int);
    }
    for (int i = 0; i < 300; ++i) CHECK(take(store) == i);
    CHECK_THROWS_AS(store.put(-1), int);
    store.put(1);
    CHECK(take(store) == 1);
}

#endif

// Types whose values a task may return and a queue may hold, each difficult in its own way.
#pragma once

#include <memory>
#include <utility>
#include <vector>

namespace test {

/// Counts how often its values are copied and moved, and how many exist.
struct CountsCopies {
    static inline int copies = 0;
    static inline int moves = 0;
    static inline int alive = 0;
    static void reset() { copies = moves = 0; }

    explicit CountsCopies(int the_number = 0) noexcept : number{the_number} { ++alive; }
    CountsCopies(const CountsCopies& other) noexcept : number{other.number} {
        ++copies;
        ++alive;
    }
    CountsCopies(CountsCopies&& other) noexcept : number{std::exchange(other.number, -1)} {
        ++moves;
        ++alive;
    }
    CountsCopies& operator=(const CountsCopies& other) noexcept {
        number = other.number;
        ++copies;
        return *this;
    }
    CountsCopies& operator=(CountsCopies&& other) noexcept {
        number = std::exchange(other.number, -1);
        ++moves;
        return *this;
    }
    ~CountsCopies() { --alive; }

    int number;
};

/// Cannot be copied.
struct MoveOnly {
    explicit MoveOnly(int the_number) : number{std::make_unique<int>(the_number)} {}
    std::unique_ptr<int> number;
};

/// std::is_copy_constructible claims that it can be copied; copying it does not compile.
using Pointers = std::vector<std::unique_ptr<int>>;

/// The same for a class, whose members the library cannot see.
struct HoldsPointers {
    Pointers pointers;
};

inline Pointers pointers_to(int number) {
    Pointers pointers;
    pointers.push_back(std::make_unique<int>(number));
    return pointers;
}

template <class T>
T make(int number) {
    return T{number};
}
template <>
inline Pointers make<Pointers>(int number) {
    return pointers_to(number);
}
template <>
inline HoldsPointers make<HoldsPointers>(int number) {
    return HoldsPointers{pointers_to(number)};
}

inline int number_in(const CountsCopies& value) { return value.number; }
inline int number_in(const MoveOnly& value) { return value.number ? *value.number : -1; }
inline int number_in(const Pointers& value) { return value.empty() ? -1 : *value.front(); }
inline int number_in(const HoldsPointers& value) { return number_in(value.pointers); }

} // namespace test

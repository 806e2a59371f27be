// Types whose values a task may return and a queue may hold, each difficult in its own way.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <rouse/core/config.hpp>

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

/// Counts its living objects. Cannot be made without a number, copied or assigned.
struct CountsAlive {
    explicit CountsAlive(int n) : number{n} { ++alive; }
    CountsAlive(CountsAlive&& other) noexcept : number{std::exchange(other.number, -1)} { ++alive; }
    ~CountsAlive() { --alive; }
    int number;
    static inline int alive = 0;
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

/// Has an operator& of its own, and counts its values.
struct Addressless {
    static inline int alive = 0;

    Addressless() noexcept { ++alive; }
    explicit Addressless(int the_number) noexcept : number{the_number} { ++alive; }
    Addressless(const Addressless& other) noexcept : number{other.number} { ++alive; }
    Addressless& operator=(const Addressless&) = default;
    ~Addressless() { --alive; }
    Addressless* operator&() { return nullptr; }
    const Addressless* operator&() const { return nullptr; }

    int number = 0;
};

/// The same for what can be copied bit by bit.
struct PlainAddressless {
    PlainAddressless* operator&() { return nullptr; }
    const PlainAddressless* operator&() const { return nullptr; }
    int number = 0;
};

inline Pointers pointers_to(int number) {
    Pointers pointers;
    pointers.push_back(std::make_unique<int>(number));
    return pointers;
}

#if ROUSE_EXCEPTIONS
/// Throws from the move whose number, from now on, is `throws_at`; never if that is zero.
struct MoveThrows {
    static inline int throws_at = 0;
    static inline int alive = 0;

    explicit MoveThrows(int the_number) : number{the_number} { ++alive; }
    MoveThrows(MoveThrows&& other) : number{other.number} {
        count();
        ++alive;
        other.number = -1;
    }
    MoveThrows& operator=(MoveThrows&& other) {
        count();
        number = std::exchange(other.number, -1);
        return *this;
    }
    ~MoveThrows() { --alive; }

    int number;

private:
    static void count() {
        if (throws_at > 0 && --throws_at == 0) throw 1;
    }
};
#endif

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
inline int number_in(const Addressless& value) { return value.number; }
inline int number_in(const PlainAddressless& value) { return value.number; }
inline int number_in(const MoveOnly& value) { return value.number ? *value.number : -1; }
inline int number_in(const Pointers& value) { return value.empty() ? -1 : *value.front(); }
inline int number_in(const HoldsPointers& value) { return number_in(value.pointers); }

} // namespace test

// What all boards print in the same way, by print(text).
#include "board.hpp"

namespace board {

void print(std::uint32_t number) {
    char digits[11];
    char* at = digits + sizeof digits;
    *--at = '\0';
    do *--at = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    print(at);
}

void stop_at_fault(std::uintptr_t address) {
    print("stopped by a fault at ");
    for (int shift = static_cast<int>(sizeof address) * 8 - 4; shift >= 0; shift -= 4) {
        const char digit[2] = {"0123456789abcdef"[(address >> shift) & 15], '\0'};
        print(digit);
    }
    print("\n");
    exit(3);
}

} // namespace board

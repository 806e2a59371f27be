// An item lost in a driver's own ring. A UART's interrupt puts bytes into a ring and counts them; a task takes them
// out.
//
//     check_ring first      the count is changed in two steps: a byte that comes between them is lost
//     check_ring mended     the same with its fault mended: passes
//
// docs/check_your_handler.md tells the story.
#include <cstdio>
#include <cstring>

#include <rouse/check/check.hpp>
#include <rouse/rouse.hpp>

namespace check = rouse::check;

// Two bytes and a count of those that are in use.
class Ring {
public:
    explicit Ring(bool mended) : mended_{mended} {}

    // The interrupt handler. A byte that finds no room is dropped, which does not happen in this test.
    void on_byte(char byte) {
        if (count_.load(std::memory_order_acquire) == 2) return;
        bytes_[put_++ % 2].write(byte);
        count_.fetch_add(1, std::memory_order_release);
        arrived_.set();
    }

    rouse::Task<char> get() {
        while (count_.load(std::memory_order_acquire) == 0) co_await arrived_.wait();
        const char byte = bytes_[get_++ % 2].read();
        if (mended_) {
            count_.fetch_sub(1, std::memory_order_release);
        } else {
            const int left = count_.load(std::memory_order_relaxed) - 1;
            count_.store(left, std::memory_order_release);
        }
        co_return byte;
    }

private:
    check::Shared<char> bytes_[2];
    check::Atomic<int> count_{0};
    rouse::ThreadSafeFlag arrived_;
    unsigned put_ = 0, get_ = 0; // of the handler alone, of the task alone
    bool mended_;
};

rouse::Task<> take_two(Ring& ring) {
    const char first = co_await ring.get();
    const char second = co_await ring.get();
    check::expect(first == 'a' && second == 'b', "a byte is lost, or comes twice");
}

int main(int argc, char** argv) {
    const bool mended = argc > 1 && std::strcmp(argv[1], "mended") == 0;
    if (!mended && (argc < 2 || std::strcmp(argv[1], "first") != 0)) {
        std::fputs("usage: check_ring first|mended\n", stderr);
        return 2;
    }
    const auto program = [mended] {
        Ring ring{mended};
        char next = 'a'; // of the handler alone, which does not interrupt itself
        const auto handler = [&ring, &next] { ring.on_byte(next++); };
        check::interrupt("uart", handler);
        check::interrupt("uart again", handler);
        check::run(take_two, ring);
        check::join();
    };
    return check::report("the ring", check::explore(program));
}

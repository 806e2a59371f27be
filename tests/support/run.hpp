// Running a task in a test, in time that the test controls.
#pragma once

#include <string>

#include <rouse/ports/virtual_time.hpp>
#include <rouse/rouse.hpp>

#if !ROUSE_HOSTED
// There is no default port: run() runs in virtual time too.
template <class T>
struct rouse::detail::DefaultPortOf<T, void> {
    using type = rouse::VirtualTimePort;
};
#endif

namespace test {

using namespace rouse;
using namespace std::chrono_literals;

/// Runs `main` on a loop of its own whose clock jumps from deadline to deadline.
template <class T>
T run_virtual(Task<T> main) {
    VirtualTimePort port;
    Loop loop{port};
    return loop.run(std::move(main));
}

inline Task<int> returns_after(int value, Clock::duration time) {
    co_await sleep(time);
    co_return value;
}

/// What happened, in order: words with blanks between.
class Log {
public:
    void operator()(const std::string& word) { text_ += text_.empty() ? word : " " + word; }
    void operator()(int number) { (*this)(std::to_string(number)); }
    operator const std::string&() const { return text_; }
    friend bool operator==(const Log& log, const std::string& text) { return log.text_ == text; }
    friend std::ostream& operator<<(std::ostream& out, const Log& log) { return out << log.text_; }

private:
    std::string text_;
};

/// Writes a word when it is destroyed.
class Mark {
public:
    Mark(Log& log, std::string word) : log_{log}, word_{std::move(word)} {}
    ~Mark() { log_(word_); }
    Mark(const Mark&) = delete;
    Mark& operator=(const Mark&) = delete;

private:
    Log& log_;
    std::string word_;
};

} // namespace test

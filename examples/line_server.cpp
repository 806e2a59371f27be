// A store of words that many clients share: a line for each request, a line for each answer, and time limits on
// silence. kill -HUP makes it forget all words: Signal.
//
//   line_server [host [port]]        the defaults are 127.0.0.1 and 9001; port 0 takes any that is free
//
// Try it with: nc 127.0.0.1 9001, and the lines:  set colour blue   get colour   delete colour   quit
#include <algorithm>
#include <chrono>
#include <csignal>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <rouse/io/io.hpp>
#include <rouse/io/signal.hpp>
#include <rouse/rouse.hpp>

#include "server_main.hpp"

using namespace std::chrono_literals;
using rouse::StreamReader;
using rouse::StreamWriter;
using rouse::Task;

static constexpr std::size_t longest_line = 1024;
static constexpr std::size_t most_words = 10'000;
static constexpr auto longest_silence = 10s;

// All tasks are on one thread and none awaits in the middle of a request: no lock is needed.
class Store {
public:
    std::string answer(std::string_view request) {
        const std::string_view command = cut(request);
        const std::string key{cut(request)};
        if (key.empty()) return "error: what about which word? (set WORD VALUE, get WORD, delete WORD, quit)";
        if (command == "set") return set(key, request);
        if (command == "get") {
            const auto found = words_.find(key);
            return found == words_.end() ? "none" : found->second;
        }
        if (command == "delete") return words_.erase(key) > 0 ? "ok" : "none";
        return "error: set, get, delete and quit are what there is";
    }

    void clear() { words_.clear(); }

private:
    static std::string_view cut(std::string_view& text) {
        const std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(word.size() + 1, text.size()));
        return word;
    }

    std::string set(const std::string& key, std::string_view value) {
        if (words_.size() == most_words && !words_.contains(key)) return "error: the store is full";
        words_[key] = value;
        return "ok";
    }

    std::map<std::string, std::string, std::less<>> words_;
};

static Task<> converse(Store& store, StreamReader& reader, StreamWriter& writer) {
    for (;;) {
        const auto line = co_await rouse::wait_for(reader.next_line(longest_line), longest_silence);
        if (!line) co_return;
        std::string_view request = *line;
        while (!request.empty() && (request.back() == '\n' || request.back() == '\r')) request.remove_suffix(1);
        if (request == "quit") co_return;
        writer.writelines({store.answer(request), "\n"});
        co_await writer.drain();
    }
}

static Task<> forget_on_hangup(Store& store) {
    rouse::Signal hangup{SIGHUP};
    for (;;) {
        co_await hangup.wait();
        store.clear();
        example::say("all words are forgotten");
    }
}

struct Serve {
    Store& store;
    Task<> operator()(StreamReader reader, StreamWriter writer) {
        try {
            co_await converse(store, reader, writer);
            writer.write("goodbye\n");
        } catch (const rouse::TimeoutError&) {
            writer.write("error: nothing for too long\n");
        } catch (const rouse::LimitOverrun&) {
            writer.write("error: the line is too long\n");
        } catch (const std::system_error&) { // the client has broken off
        }
        writer.close();
        co_await writer.wait_closed();
    }
};

int main(int count, char** arguments) {
    Store store;
    return example::server_main(count, arguments, 9001, Serve{store}, forget_on_hangup(store));
}

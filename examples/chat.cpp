// A room in which everybody reads what everybody writes. Who does not read is dropped: one slow client must neither
// hold up the others nor fill the server's memory.
//
//   chat [host [port]]        the defaults are 127.0.0.1 and 9002; port 0 takes any that is free
//
// Try it with nc 127.0.0.1 9002 in two windows; the first line is the name.
#include <list>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <rouse/io/io.hpp>
#include <rouse/rouse.hpp>

#include "server_main.hpp"

using rouse::StreamReader;
using rouse::StreamWriter;
using rouse::Task;

static constexpr std::size_t longest_line = 1024;
static constexpr std::size_t most_unsent = 256 * 1024;

class Room {
public:
    struct Member {
        StreamWriter& writer;
        rouse::TaskHandle<> task;
        bool dropped = false;
    };

    // Is in the room until it is destroyed.
    class Membership {
    public:
        Membership(Room& room, std::string name, StreamWriter& writer) : room_{room}, name_{std::move(name)} {
            place_ = room_.members_.insert(room_.members_.end(), Member{writer, rouse::current_task()});
            room_.tell(name_ + " has come\n");
        }
        Membership(const Membership&) = delete;
        Membership& operator=(const Membership&) = delete;
        ~Membership() {
            room_.members_.erase(place_);
            room_.tell(name_ + " has gone\n");
        }
        void say(std::string_view line) { room_.tell(name_ + ": " + std::string{line}); }

    private:
        Room& room_;
        std::string name_;
        std::list<Member>::iterator place_;
    };

private:
    // Does not wait for anybody: what the system does not take now is kept, up to a limit.
    void tell(const std::string& line) {
        for (Member& each : members_) {
            if (each.dropped) continue;
            each.writer.write(line);
            if (each.writer.unsent() <= most_unsent) continue;
            each.dropped = true;
            if (each.task != rouse::current_task()) each.task.cancel();
        }
    }

    std::list<Member> members_;
};

static Task<> converse(Room& room, StreamReader& reader, StreamWriter& writer) {
    writer.write("your name?\n");
    auto name = co_await reader.next_line(longest_line);
    if (!name) co_return;
    while (!name->empty() && (name->back() == '\n' || name->back() == '\r')) name->pop_back();
    if (name->empty()) co_return;
    Room::Membership membership{room, *name, writer};
    for (;;) {
        const auto line = co_await reader.next_line(longest_line);
        if (!line) break;
        membership.say(line->ends_with('\n') ? *line : *line + '\n');
    }
}

// A handler that is cancelled, as one of a client who does not read, has its connection closed at once.
struct Serve {
    Room& room;
    Task<> operator()(StreamReader reader, StreamWriter writer) {
        try {
            co_await converse(room, reader, writer);
        } catch (const rouse::LimitOverrun&) {
            writer.write("the line is too long\n");
        } catch (const std::system_error&) { // the client has broken off
        }
        writer.close();
        co_await writer.wait_closed();
    }
};

int main(int count, char** arguments) {
    Room room;
    return example::server_main(count, arguments, 9002, Serve{room});
}

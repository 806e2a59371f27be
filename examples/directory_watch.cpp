// directory_watch: prints what happens in a directory: files that are created, written, renamed and deleted. Shows
// readable(), which waits for any descriptor that the system can watch, here one of inotify(7), beside other tasks.
//
//   ./directory_watch          the current directory
//   ./directory_watch /tmp     another; stop it with Ctrl-C
//
// Linux only.
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

#include <sys/inotify.h>
#include <unistd.h>

#include <fmt/core.h>

#include <rouse/io/readable.hpp>
#include <rouse/rouse.hpp>

#include "arguments.hpp"
#include "run_main.hpp"
#include "say.hpp"

// The descriptor of inotify, closed at the end.
class DirectoryWatch {
public:
    explicit DirectoryWatch(const std::string& path) : descriptor_{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)} {
        constexpr std::uint32_t events = IN_CREATE | IN_CLOSE_WRITE | IN_MOVE | IN_DELETE | IN_DELETE_SELF;
        if (descriptor_ >= 0 && ::inotify_add_watch(descriptor_, path.c_str(), events | IN_ONLYDIR) >= 0) return;
        const int error = errno;
        if (descriptor_ >= 0) ::close(descriptor_);
        throw std::system_error{error, std::system_category(), "cannot watch " + path};
    }
    DirectoryWatch(const DirectoryWatch&) = delete;
    DirectoryWatch& operator=(const DirectoryWatch&) = delete;
    ~DirectoryWatch() { ::close(descriptor_); }

    int descriptor() const { return descriptor_; }

private:
    int descriptor_;
};

static std::string_view name_of(std::uint32_t event) {
    if ((event & IN_CREATE) != 0) return "created";
    if ((event & IN_CLOSE_WRITE) != 0) return "written";
    if ((event & IN_MOVED_FROM) != 0) return "renamed from";
    if ((event & IN_MOVED_TO) != 0) return "renamed to";
    if ((event & IN_DELETE) != 0) return "deleted";
    return (event & IN_Q_OVERFLOW) != 0 ? "too much at once: something was missed" : "";
}

// Prints all that is there to be read; returns false once the directory is gone.
static bool print_events(int descriptor) {
    alignas(inotify_event) char bytes[4096];
    const ssize_t size = ::read(descriptor, bytes, sizeof bytes);
    for (std::size_t at = 0; size > 0 && at < static_cast<std::size_t>(size);) {
        inotify_event event;
        std::memcpy(&event, bytes + at, sizeof event);
        if ((event.mask & (IN_DELETE_SELF | IN_IGNORED)) != 0) return false;
        example::say(fmt::format("{} {}", name_of(event.mask), event.len > 0 ? bytes + at + sizeof event : ""));
        at += sizeof event + event.len;
    }
    return true;
}

static rouse::Task<int> watch(std::string path) {
    const DirectoryWatch directory{path};
    example::say("watching " + path);
    do {
        co_await rouse::readable(directory.descriptor());
    } while (print_events(directory.descriptor()));
    example::say(path + " was deleted");
    co_return 0;
}

int main(int count, char** arguments) {
    if (const auto status = example::wrong_arguments(count, arguments, 1, "directory_watch [directory]"))
        return *status;
    return example::run_main("directory_watch", [&] { return watch(count > 1 ? arguments[1] : "."); });
}

#include <rouse/ports/detail/own_descriptor.hpp>

#include <cerrno>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <rouse/ports/epoll.hpp>

#include "in_child.hpp"
#include "support/catch.hpp"

using rouse::detail::own_descriptor;

static bool is_open(int descriptor) { return ::fcntl(descriptor, F_GETFD) >= 0; }

static void close_standard() {
    for (const int number : {0, 1, 2}) ::close(number);
}

TEST_CASE("a descriptor above 2 stays, and a failed call stays one") {
    const int made = ::dup(0);
    CHECK(own_descriptor(made) == made);
    ::close(made);
    errno = EBADF;
    CHECK(own_descriptor(-1) == -1);
    CHECK(errno == EBADF);
}

TEST_CASE("a descriptor of 0, 1 or 2 becomes a higher one that exec closes") {
    for (const int wanted : {0, 1, 2}) {
        CHECK(test::in_child([wanted] {
                  close_standard();
                  for (int fill = 0; fill < wanted; ++fill) static_cast<void>(::open("/dev/null", O_RDONLY));
                  const int made = ::open("/dev/null", O_RDONLY);
                  const int number = own_descriptor(made);
                  return made == wanted && number > 2 && !is_open(made) && ::fcntl(number, F_GETFD) == FD_CLOEXEC;
              }).well());
    }
}

TEST_CASE("if there is no higher number, the descriptor is closed and errno says why") {
    CHECK(test::in_child([] {
              close_standard();
              const rlimit few{3, 3};
              ::setrlimit(RLIMIT_NOFILE, &few);
              const int made = ::open("/dev/null", O_RDONLY);
              return made == 0 && own_descriptor(made) == -1 && errno == EMFILE && !is_open(0);
          }).well());
}

TEST_CASE("a port that is made when 0, 1 and 2 are closed leaves them free") {
    CHECK(test::in_child([] {
              close_standard();
              rouse::EpollPort port;
              port.wake();
              static_cast<void>(port.begin_hosting()); // makes its timerfd
              return !is_open(0) && !is_open(1) && !is_open(2) && port.native_handle() > 2 &&
                     port.wait_until(rouse::no_deadline) == 1;
          }).well());
}

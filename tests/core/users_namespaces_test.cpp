// The names that rouse leaves to its users. This file includes everything, and has namespaces of its own whose names
// are those of rouse's folders (except sync, which is a function of POSIX).
#include <rouse/rouse.hpp>

#include <rouse/debug/task_list.hpp>
#include <rouse/ports/virtual_time.hpp>
#if ROUSE_HOSTED
#include <rouse/io/io.hpp>
#include <rouse/threads/context.hpp>
#include <rouse/threads/unblock.hpp>
#endif

#include "support/catch.hpp"

using namespace rouse;

namespace core {
constexpr int users = 1;
}
namespace threadsafe {
constexpr int users = 3;
}
namespace combine {
constexpr int users = 4;
}
namespace ports {
constexpr int users = 5;
}
namespace io {
constexpr int users = 6;
}
namespace net {
constexpr int users = 7;
}
namespace threads {
constexpr int users = 8;
}
namespace hosted {
constexpr int users = 9;
}
namespace debug {
constexpr int users = 10;
}
namespace hosts {
constexpr int users = 11;
}
namespace check {
constexpr int users = 12;
}
// The only namespace in rouse. At global scope it takes a leading :: to name one's own beside it.
namespace detail {
constexpr int users = 13;
}
namespace application {
namespace detail {
constexpr int users = 14;
}
constexpr int own = detail::users;
} // namespace application

TEST_CASE("a program that uses namespace rouse may have namespaces named like rouse's folders") {
    VirtualTimePort port;
    Loop loop{port};
    const auto sum = []() -> Task<int> {
        co_await yield();
        co_return core::users + threadsafe::users + combine::users + ports::users + io::users + net::users +
            threads::users + hosted::users + debug::users + hosts::users + check::users;
    };
    CHECK(loop.run(sum()) == 76);
    CHECK(::detail::users == 13);
    CHECK(application::own == 14);
}

#include <rouse/hosts/asio.hpp>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "../run_now.hpp"

bool refused = false;

RunNow outside_a_task(asio::steady_timer& timer) {
    try {
        co_await timer.async_wait(rouse::use_rouse);
    } catch (const rouse::UsageError&) {
        refused = true;
    }
}

int main() {
    asio::io_context context;
    asio::steady_timer timer{context, std::chrono::hours{1}};
    outside_a_task(timer);
    return refused ? 0 : 1;
}

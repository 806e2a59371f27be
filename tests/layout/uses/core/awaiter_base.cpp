#include <rouse/core/awaiter_base.hpp>

#include "../run_now.hpp"

class Ready final : public rouse::AwaiterBase {
public:
    ~Ready() { leave(); }
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<> frame) { park(frame); }
    int await_resume() const {
        check_cancelled();
        return parked() ? 1 : 0;
    }

private:
    bool retract() noexcept override { return true; }
};

RunNow await(int& result) { result = co_await Ready{}; }

int main() {
    int result = 1;
    await(result);
    return result;
}

// What the test programs precompile beside Catch2: the standard library, and the loop with its tasks. Never include it.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/sleep.hpp>
#include <rouse/core/task.hpp>
#include <rouse/ports/default_port.hpp>
#include <rouse/ports/virtual_time.hpp>

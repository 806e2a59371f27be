// All of threads/: functions that block, on other threads; and calls from other threads to a loop. Needs std::thread.
#pragma once

#include <rouse/threads/context.hpp>
#include <rouse/threads/remote.hpp>
#include <rouse/threads/unblock.hpp>

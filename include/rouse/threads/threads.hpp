// All of threads/: what runs functions that block on other threads. Needs std::thread.
#pragma once

#include <rouse/threads/context.hpp>
#include <rouse/threads/unblock.hpp>

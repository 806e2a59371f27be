// rouse: a single-threaded scheduler of coroutines that threads, other cores, signal handlers and interrupts can wake,
// feed and drain without a lock.
//
// This header includes everything that needs no operating system. On a platform that has a default port it includes
// that too, so that run() works. Include <rouse/io/io.hpp> for streams, sockets, pipes and signals, the headers in
// rouse/threads/ for blocking calls on threads, and those in rouse/debug/ for the task list.
#pragma once

#include <rouse/core/config.hpp> // first, so that what it says of the compiler is the first error

#include <rouse/combine/cancel_scope.hpp>
#include <rouse/combine/gather.hpp>
#include <rouse/combine/select.hpp>
#include <rouse/combine/shield.hpp>
#include <rouse/combine/task_group.hpp>
#include <rouse/combine/wait_for.hpp>
#include <rouse/core/awaiter_base.hpp>
#include <rouse/core/error.hpp>
#include <rouse/core/foreign.hpp>
#include <rouse/core/loop.hpp>
#include <rouse/core/on_cancel.hpp>
#include <rouse/core/outcome.hpp>
#include <rouse/core/port.hpp>
#include <rouse/core/sleep.hpp>
#include <rouse/core/task.hpp>
#include <rouse/core/task_handle.hpp>
#include <rouse/sync/barrier.hpp>
#include <rouse/sync/condition.hpp>
#include <rouse/sync/event.hpp>
#include <rouse/sync/lock.hpp>
#include <rouse/sync/queue.hpp>
#include <rouse/sync/semaphore.hpp>
#include <rouse/sync/ticker.hpp>
#include <rouse/threadsafe/block.hpp>
#include <rouse/threadsafe/broadcast.hpp>
#include <rouse/threadsafe/delay.hpp>
#include <rouse/threadsafe/latest.hpp>
#include <rouse/threadsafe/message.hpp>
#include <rouse/threadsafe/one_shot.hpp>
#include <rouse/threadsafe/ring_io.hpp>
#include <rouse/threadsafe/slot_queue.hpp>
#include <rouse/threadsafe/thread_safe_event.hpp>
#include <rouse/threadsafe/thread_safe_flag.hpp>
#include <rouse/threadsafe/thread_safe_mpsc_queue.hpp>
#include <rouse/threadsafe/thread_safe_queue.hpp>

#if ROUSE_HOSTED
#include <rouse/ports/default_port.hpp>
#endif

/// @namespace rouse
/// A scheduler of coroutines, and the objects through which it communicates with threads, other cores, signal handlers
/// and interrupts. User code names nothing in rouse::detail.

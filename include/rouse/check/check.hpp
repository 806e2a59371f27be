// rouse/check: a model checker for programs around rouse's objects: threads, cores, interrupts, tasks, and the user's
// own atomics and data. For tests only. docs/check_your_handler.md shows how to use it.
//
// A test is compiled with -DROUSE_MODEL_CHECK=1 -fsanitize=thread. One further file, of the line
// `#include <rouse/check/engine.hpp>`, is compiled with -DROUSE_MODEL_CHECK=1 and without a sanitizer. They are linked
// without a sanitizer.
//
// What it explores, for up to four contexts:
// - every order in which they can take their steps. A step is an atomic operation, a barrier, a sleep, a wake, a lock,
//   or an access to a Shared, with the plain code that follows it;
// - an interrupt() at each of these points;
// - for every load, every store that it may read; for every store, every place in the order of its location that
//   coherence allows. The memory is a list of stores for each location and a view for each context (the view machine of
//   Kang et al., "A promising semantics for relaxed-memory concurrency", POPL 2017, without promises);
// - for every weak compare-exchange, failing without a reason; for every sleep, returning without one; within a budget.
//
// What it does not model: values out of thin air and load buffering (a load never reads a store that comes later),
// consume, atomics of mixed sizes, volatile accesses, and std::atomic itself: use check::Atomic. Mutexes, condition
// variables, threads and shared owners of the standard library are taken to be right. A sequentially consistent access
// is a little stronger than the standard's.
#pragma once

#include <rouse/check/atomic.hpp>
#include <rouse/check/contexts.hpp>
#include <rouse/check/explore.hpp>
#include <rouse/check/loop.hpp>
#include <rouse/check/shared.hpp>

// The second core of a board that has one: mps2-an521; virt-rv32 and virt-rv64, if they are run with -smp 2. A program
// that uses it is built with -DROUSE_CORES=2, and run without -icount (ICOUNT=off), with which the cores take turns.
#pragma once

#include <cstdint>

namespace board {

/// Starts it in `function`, which must not return. It has a stack of 4 KiB, and takes no interrupts.
void start_second_core(void (*function)());

} // namespace board

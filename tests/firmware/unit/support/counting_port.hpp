// Stands in for tests/support/counting_port.hpp, whose tests have a second thread: they are left out where there is no
// operating system, and so is the port.
#pragma once

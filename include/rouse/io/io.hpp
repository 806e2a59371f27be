// All of io/: streams, TCP, UDP, Unix sockets, pipes, serial ports, signals, any other descriptor, and
// run_interruptible. For hosted platforms. Functions that may fail throw; without exceptions they return a Result, see
// reply.hpp.
#pragma once

#include <rouse/io/address.hpp>
#include <rouse/io/datagram_socket.hpp>
#include <rouse/io/open_connection.hpp>
#include <rouse/io/open_serial.hpp>
#include <rouse/io/pipe.hpp>
#include <rouse/io/readable.hpp>
#include <rouse/io/resolve.hpp>
#include <rouse/io/run_interruptible.hpp>
#include <rouse/io/server.hpp>
#include <rouse/io/signal.hpp>
#include <rouse/io/stream.hpp>
#include <rouse/io/unix.hpp>

// All of net/: needs a hosted port. Without exceptions its functions give a Result, see reply.hpp.
#pragma once

#include <rouse/net/address.hpp>
#include <rouse/net/datagram_socket.hpp>
#include <rouse/net/open_connection.hpp>
#include <rouse/net/pipe.hpp>
#include <rouse/net/resolve.hpp>
#include <rouse/net/server.hpp>
#include <rouse/net/stream.hpp>
#include <rouse/net/unix.hpp>

// Streams: StreamReader and StreamWriter, the two halves of a connection.
#pragma once

#include <rouse/net/stream_reader.hpp>
#include <rouse/net/stream_writer.hpp>

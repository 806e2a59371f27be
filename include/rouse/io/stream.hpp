// Streams: StreamReader and StreamWriter, the two halves of a connection.
#pragma once

#include <rouse/io/stream_reader.hpp>
#include <rouse/io/stream_writer.hpp>

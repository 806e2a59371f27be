#!/bin/bash
# rebuilt_by.sh BUILD_DIR [HEADER...]: how many objects a change of each header compiles again, of those that exist. HEADER as in
# io/pipe.hpp; without any, a few from the bottom to the top. BUILD_DIR must be up to date.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
shift
[ $# -gt 0 ] || set -- core/loop.hpp sync/lock.hpp threadsafe/latest.hpp io/signal.hpp io/pipe.hpp io/stream_reader.hpp ports/epoll.hpp
objects() { ninja -C "$build" -n -v quick | grep -cE ' -c /' || true; }
[ "$(objects)" = 0 ] || { echo "$build is not up to date" >&2 && exit 1; }
for header in "$@"; do
    file=$root/include/rouse/$header
    before=$(stat -c %y "$file")
    touch "$file"
    echo "$header: $(objects)"
    touch -d "$before" "$file"
done

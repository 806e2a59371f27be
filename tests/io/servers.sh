#!/bin/bash
# servers.sh FOLDER: the servers among the examples (in FOLDER), against clients that are not ours: curl, wrk, nc, Python.
set -u

if [ $# -ne 1 ]; then
    echo "usage: servers.sh FOLDER" >&2
    exit 2
fi
folder=$1
. "$(dirname "$0")/serving.sh"

# Ends the server: it must have as many descriptors as before, and end cleanly within a few seconds.
stop() { # stop EXAMPLE DESCRIPTORS
    check "$1: all descriptors are given back" same_descriptors "$2"
    kill -TERM "$pid"
    check "$1: ends cleanly" wait "$pid"
    pid=
}

# ---- http_hello -----------------------------------------------------------------------------------------------------
url() { echo "http://127.0.0.1:$port/$1"; }
status() { [ "$(curl -s -o "$work/body" -w '%{http_code}' --max-time 30 "${@:2}")" = "$1" ]; }
says() { [ "$(curl -s --max-time 30 "${@:2}")" = "$1" ]; }
reuses() { curl -sv --max-time 30 "$(url a)" "$(url b)" 2>&1 | grep -qi "re-using existing connection"; }
raw() { printf "$2" | timeout 30 nc -q 2 127.0.0.1 "$port" | head -1 | grep -q "^HTTP/1.1 $1 "; }
load() {
    wrk -t1 -c50 -d1s "$(url load)" >"$work/wrk" 2>&1 && cat "$work/wrk" && ! grep -qE "Socket errors|Non-2xx" "$work/wrk" &&
        [ "$(awk '/requests in/ { print $1 }' "$work/wrk")" -ge 50 ]
}

start "$folder/http_hello"
before=$(descriptors)
check_with curl "http: says hello" says "hello from /world" "$(url world)"
check_with curl "http: a connection serves several requests" reuses
check_with curl "http: HEAD has no body" status 200 -I "$(url x)"
check_with curl "http: no keep-alive if it is not wanted" says "hello from /x" -H "Connection: close" "$(url x)"
check_with curl "http: HTTP/1.0" says "hello from /x" -0 "$(url x)"
check_with curl "http: other methods are refused" status 405 -d "body" "$(url x)"
check_with curl "http: a body may come with a GET" says "hello from /x" -X GET -d "$(head -c 20000 /dev/zero | tr '\0' x)" "$(url x)"
check_with curl "http: a head that is too long is refused" status 431 -H "X: $(head -c 9000 /dev/zero | tr '\0' x)" "$(url x)"
check_with nc "http: what is not HTTP is refused" raw 400 "hello\r\n\r\n"
check_with nc "http: a length that is no number is refused" raw 400 "GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n"
check_with nc "http: chunks are refused" raw 501 "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
check_with wrk "http: wrk with 50 connections finds no error" load
stop http_hello "$before"

# ---- line_server ----------------------------------------------------------------------------------------------------
answers() { [ "$(printf "$2" | timeout 30 nc -q 2 127.0.0.1 "$port" | tr '\n' '|')" = "$1" ]; }
forgets() {
    kill -HUP "$pid"
    until_it_says "all words are forgotten" && answers "none|goodbye|" "get a\n"
}
silent() { [ "$(sleep 11 | timeout 60 nc 127.0.0.1 "$port")" = "error: nothing for too long" ]; }

start "$folder/line_server"
before=$(descriptors)
check_with nc "lines: requests and answers" answers "none|ok|light blue|ok|none|goodbye|" \
    "get colour\nset colour light blue\r\nget colour\ndelete colour\nget colour\nquit\n"
check_with nc "lines: the end of the client is the end" answers "ok|goodbye|" "set a b\n"
check_with nc "lines: what is kept is there for the next client" answers "b|goodbye|" "get a\n"
check_with nc "lines: an unknown request is an error, and the next one is served" \
    answers "error: set, get, delete and quit are what there is|b|goodbye|" "put a b\nget a\n"
check_with nc "lines: a line that is too long is an error" \
    answers "error: the line is too long|" "$(head -c 2000 /dev/zero | tr '\0' x)\n"
check_with nc "lines: SIGHUP makes it forget all words" forgets
check_with nc "lines: who is silent for too long is told so" silent
stop line_server "$before"

# ---- chat -----------------------------------------------------------------------------------------------------------
cat >"$work/chat.py" <<'END'
import asyncio, sys

async def join(port, name):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
    assert await reader.readline() == b"your name?\n"
    writer.write(name.encode() + b"\n")
    assert await reader.readline() == name.encode() + b" has come\n"
    return reader, writer

async def main(port):
    ann, ann_w = await join(port, "ann")
    slow, slow_w = await join(port, "slow")
    assert await ann.readline() == b"slow has come\n"
    slow_w.transport.pause_reading()
    lines = 0
    # Ann says much, and hears it all, while the slow one does not read; then that one is gone.
    line = b"x" * 1000 + b"\n"
    gone = False
    while not gone:
        ann_w.write(line)
        await ann_w.drain()
        heard = await asyncio.wait_for(ann.readline(), 30)
        if heard == b"slow has gone\n":
            gone = True
        else:
            assert heard == b"ann: " + line, heard
            lines += 1
        assert lines < 100000, "the slow one is still there"
    print("dropped after", lines, "lines")
    bob, bob_w = await join(port, "bob")
    bob_w.write(b"hello")
    bob_w.write_eof()
    assert await bob.readline() == b"bob: hello\n"
    bob_w.close()

asyncio.run(main(int(sys.argv[1])))
END
start "$folder/chat"
before=$(descriptors)
check_with python3 "chat: who does not read is dropped, and nobody else waits" timeout 60 python3 "$work/chat.py" "$port"
stop chat "$before"

count_checks

#!/bin/bash
# peers.sh TCP_ECHO TCP_ECHO_CLIENT: the echo example against other people's clients, well-behaved and not.
# Checks that nothing is lost, that the server's descriptors and memory are what they were, that it ends cleanly, and
# that both programs say clearly what is wrong with their input. Takes less than 30 seconds. Not for a server under
# AddressSanitizer, which keeps memory.
set -u

if [ $# -ne 2 ]; then
    echo "usage: peers.sh TCP_ECHO TCP_ECHO_CLIENT" >&2
    exit 2
fi
server=$1
client=$2
. "$(dirname "$0")/serving.sh"
. "$(dirname "$0")/../support/signals.sh"

head -c 3000000 /dev/urandom >"$work/data"

start "$server"

# ---- clients --------------------------------------------------------------------------------------------------------

echo_by() { # echo_by COMMAND...: sends the data through it
    timeout 60 "$@" <"$work/data" >"$work/back.$1" || return 1
    cmp "$work/data" "$work/back.$1"
}

python_clients() {
    timeout 60 python3 - "$port" <<'PYTHON'
import asyncio, random, socket, struct, sys

port = int(sys.argv[1])
rng = random.Random(port)

async def exchange(size):
    data = rng.randbytes(size)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async def send():
        at = 0
        while at < size:
            step = rng.randint(1, 20000)
            writer.write(data[at:at + step])
            await writer.drain()
            at += step
        writer.write_eof()
    _, got = await asyncio.gather(send(), reader.read())
    writer.close()
    await writer.wait_closed()
    assert got == data, f"lost: {len(got)} of {size} bytes came back"

async def ping_pong(rounds):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for i in range(rounds):
        line = b"x" * rng.randint(0, 300) + b"\n"
        writer.write(line)
        assert await reader.readline() == line
    writer.close()

async def never_reads():
    _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
    writer.transport.pause_reading()
    writer.write(b"z" * 30_000_000)
    await asyncio.sleep(1)
    assert writer.transport.get_write_buffer_size() > 0, "the server has taken 30 MB that nobody reads"
    writer.transport.abort()

async def half_closes(delay):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"last words")
    writer.write_eof()
    await asyncio.sleep(delay)
    assert await reader.read() == b"last words"
    writer.close()

async def resets(size):
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.write(b"y" * size)
    await asyncio.sleep(rng.random() / 10)
    writer.transport.abort()

async def main():
    await asyncio.gather(
        *(exchange(rng.choice([0, 1, 100, 5000, 100_000])) for _ in range(200)),
        *(ping_pong(50) for _ in range(5)), exchange(5_000_000), never_reads(), half_closes(0), half_closes(0.5),
        *(resets(size) for size in (0, 10, 1_000_000, 5_000_000)))

asyncio.run(main())
PYTHON
}

all_at_once() {
    python_clients >"$work/python" 2>&1 &
    local python=$!
    echo_by nc -N 127.0.0.1 "$port" >"$work/nc" 2>&1 &
    local nc=$!
    echo_by socat -t 5 - "TCP:127.0.0.1:$port" >"$work/socat" 2>&1 &
    local socat=$!
    echo_by_client >"$work/client" 2>&1 &
    local own=$!
    check_with nc "nc gets everything back" wait_and_show $nc "$work/nc"
    check_with socat "socat gets everything back" wait_and_show $socat "$work/socat"
    check_with python3 "200 asyncio clients get everything back, among ones that misbehave" wait_and_show $python "$work/python"
    check "our own client gets everything back" wait_and_show $own "$work/client"
}

wait_and_show() {
    wait "$1" && return
    cat "$2"
    return 1
}

echo_by_client() { timeout 60 "$client" 127.0.0.1 "$port" "$work/data"; }

resident() { awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"; }

no_more_memory() {
    local now
    now=$(resident)
    # A heap is never quite the same twice: a leak of one buffer a client would be 4 MiB.
    [ "$now" -le $(($1 + 2048)) ] && return
    echo "it holds $now KiB, and held $1"
    return 1
}

before=$(descriptors)
all_at_once
check "descriptors are back after the first round" same_descriptors "$before"
memory=$(resident)
all_at_once
check "descriptors are back after the second round" same_descriptors "$before"
check "memory has not grown in the second round" no_more_memory "$memory"

# ---- bad input ------------------------------------------------------------------------------------------------------

complains() { # complains PATTERN COMMAND...: one line on stderr that matches, and a status that is not 0
    local pattern=$1 status
    shift
    timeout 30 "$@" >/dev/null 2>"$work/stderr"
    status=$?
    cat "$work/stderr"
    echo "status $status"
    [ $status -ne 0 ] && [ $status -lt 124 ] && [ "$(wc -l <"$work/stderr")" = 1 ] && grep -q "$pattern" "$work/stderr"
}

check "a port in use" complains "127.0.0.1 port $port: Address already in use" "$server" 127.0.0.1 "$port"
check "a host to listen on that cannot be resolved" complains "cannot resolve nosuch.invalid" "$server" nosuch.invalid 0
check "a bad port for the server" complains "usage" "$server" 127.0.0.1 70000
check "too many arguments for the server" complains "usage" "$server" 127.0.0.1 0 more
check "a refused connection" complains "127.0.0.1 port 1: Connection refused" "$client" 127.0.0.1 1
check "a host to connect to that cannot be resolved" complains "cannot resolve nosuch.invalid" "$client" nosuch.invalid 1
check "a bad port for the client" complains "usage" "$client" 127.0.0.1 9x
check "no arguments for the client" complains "usage" "$client"
check "a bad number of bytes" complains "usage" "$client" 127.0.0.1 "$port" --bytes many
check "a file that is not there" complains "cannot read /nosuch" "$client" 127.0.0.1 "$port" /nosuch

# ---- the end --------------------------------------------------------------------------------------------------------

ends_by_sigint() {
    # With a client that does nothing.
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    until_it_catches "$pid" INT
    local begin=$EPOCHREALTIME status
    kill -INT "$pid"
    wait "$pid"
    status=$?
    pid=
    exec 3>&-
    echo "status $status after $(((${EPOCHREALTIME/./} - ${begin/./}) / 1000)) ms"
    [ $status = 0 ] && [ $((${EPOCHREALTIME/./} - ${begin/./})) -lt 20000000 ]
}
client_ends_by_sigint() {
    env --default-signal=INT "$client" 127.0.0.1 "$port" --bytes 100000000000 &
    local stopped=$!
    until_it_catches "$stopped" INT
    kill -INT "$stopped"
    wait "$stopped"
    [ $? = 130 ]
}
check "SIGINT ends the client too" client_ends_by_sigint
check "SIGINT ends the server though a client is connected, with status 0" ends_by_sigint

count_checks

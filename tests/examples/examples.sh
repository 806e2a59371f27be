#!/bin/bash
# The examples do what they say: their output, their bad arguments, their end by Ctrl-C.
# usage: examples.sh folder-of-the-built-examples
set -u
. "$(dirname "$0")/../support/signals.sh"
cd "$1" || exit 2
passed=0 failed=0
ok() { # description, then a command that must succeed
    local what=$1; shift
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "failed: $what"; fi
}
# One clear line on stderr, nothing on stdout, and a status that is not 0.
refuses() {
    local out err
    err=$(mktemp)
    if out=$(timeout 60 "$@" 2>"$err"); then echo "accepted: $*"; rm -f "$err"; return 1; fi
    [[ -z $out && $(wc -l <"$err") -eq 1 ]] || { cat "$err"; rm -f "$err"; return 1; }
    rm -f "$err"
}
# Sends SIGINT to what `timeout` has started, when that has a handler for it.
interrupt_child() {
    local child=
    until [[ -n $child && $(cat "/proc/$child/comm") != timeout ]]; do # not yet its copy that is to become the program
        [[ $(ps -o stat= -p "$1") == [!Z]* ]] || { echo "it ended before it was interrupted"; return 1; }
        sleep 0.02
        child=$(pgrep -P "$1")
    done
    until_it_catches "$child" INT && kill -INT "$child"
}
# Ends cleanly after a Ctrl-C, with the status of a program that a signal has ended.
stops() {
    timeout -s KILL 60 "$@" >/dev/null & local pid=$!
    interrupt_child "$pid"
    wait "$pid"
    (( $? == 130 ))
}
# Prints its usage on stdout, nothing on stderr, and has status 0.
helps() {
    local out err status
    err=$(mktemp)
    out=$(timeout 60 "$@" 2>"$err" </dev/null)
    status=$?
    [[ $status == 0 && $out == "usage: $(basename "$1")"* && ! -s $err ]] || { echo "$out"; cat "$err"; rm -f "$err"; return 1; }
    rm -f "$err"
}
# Prints its usage on stderr, in one line, nothing on stdout, and has status 2.
misused() {
    local out err status
    err=$(mktemp)
    out=$(timeout 60 "$@" 2>"$err" </dev/null)
    status=$?
    [[ $status == 2 && -z $out && $(wc -l <"$err") == 1 && $(<"$err") == "usage: $(basename "$1")"* ]] ||
        { echo "status $status: $out"; cat "$err"; rm -f "$err"; return 1; }
    rm -f "$err"
}
has() { grep -qE "$2" <<<"$1"; }

# ---- arguments ----
for each in echo_thread isr_event data_sharing tcp_echo tcp_echo_client unix_echo udp_echo http_hello line_server chat \
    reachable pipe_filter two_loops background_loop; do
    ok "$each --help prints how it is used" helps ./$each --help
    ok "$each -h does, too" helps ./$each -h
    ok "$each refuses an option that it does not have" misused ./$each --port
    ok "$each refuses more arguments than it has" misused ./$each 1 2 3 4 5 6
done
ok "data_sharing refuses an argument" misused ./data_sharing 1
for each in tcp_echo http_hello line_server chat udp_echo; do
    ok "$each refuses a port that is none" misused ./$each 127.0.0.1 http
    ok "$each refuses a port that is too large" misused ./$each 127.0.0.1 65536
    ok "$each shows help after a host" helps ./$each 127.0.0.1 --help
    ok "$each names a host that cannot be resolved" refuses ./$each nosuch.invalid 0
done
for wrong in "127.0.0.1" "127.0.0.1 port" "127.0.0.1 9000 --bytes" "127.0.0.1 9000 --bytes many" "127.0.0.1 9000 -n 3"; do
    ok "tcp_echo_client refuses: $wrong" misused ./tcp_echo_client $wrong
done
ok "tcp_echo_client needs arguments" misused ./tcp_echo_client
ok "tcp_echo_client names a file that is not there" refuses ./tcp_echo_client 127.0.0.1 9000 /nosuch
ok "reachable needs arguments" misused ./reachable
ok "reachable refuses port 0" misused ./reachable 127.0.0.1:0
ok "pipe_filter refuses another word" misused ./pipe_filter lower
ok "isr_event refuses a negative number" misused ./isr_event -1
ok "unix_echo names a path that cannot be made" refuses ./unix_echo /nosuch/socket

out=$(timeout 60 ./echo_thread 20000)
ok "echo_thread ends with all items" has "$out" '^20000 of 20000 items there and back in order, [0-9]+ a second$'
ok "echo_thread prints every 1000th item" has "$out" '^19000$'
ok "echo_thread refuses a word" refuses ./echo_thread many
ok "echo_thread refuses 0" refuses ./echo_thread 0
ok "echo_thread stops on Ctrl-C" stops ./echo_thread 2000000000

out=$(timeout 60 ./isr_event 4)
for n in 0 1 2 3; do
    ok "waiter $n is cancelled once" test "$(grep -c "^Waiter $n cancelled$" <<<"$out")" = 1
    ok "waiter $n gets the event three times" test "$(grep -c "^Waiter $n got event$" <<<"$out")" = 3
done
ok "isr_event clears the event each round" test "$(grep -c '^Cleared event$' <<<"$out")" = 4
ok "isr_event refuses a word" refuses ./isr_event often
ok "isr_event stops on Ctrl-C" stops ./isr_event 1000

out=$(timeout 60 ./data_sharing)
ok "data_sharing shows a torn read from an interrupt" has "$out" '^interrupt, three variables .* [1-9][0-9]* of them torn$'
ok "data_sharing: none through a queue" has "$out" '^interrupt, ThreadSafeQueue .* 0 of them torn$'
ok "data_sharing shows a torn read from a thread" has "$out" '^thread, three variables .* [1-9][0-9]* of them torn$'
ok "data_sharing: none under a lock" has "$out" '^thread, one value under a lock .* 0 of them torn$'
ok "data_sharing stops on Ctrl-C" stops ./data_sharing

out=$(timeout 60 ./two_loops 500)
ok "two_loops: every reading comes" has "$out" '^[0-9]+ readings, none lost$'
ok "two_loops: the newest at the first pace" has "$out" '^reading [0-9]+, one every 500 us$'
ok "two_loops refuses a word" refuses ./two_loops many
ok "two_loops stops on Ctrl-C" stops ./two_loops 2000000000

out=$(timeout 60 ./background_loop 4)
ok "background_loop: the results come back" has "$out" '^4 jobs at once, sum 30$'
ok "background_loop: what has not ended when the loop ends is cancelled" has "$out" '^the endless one: rouse: the task was cancelled$'
ok "background_loop refuses a word" refuses ./background_loop many

# One port accepts; the other does not answer, as its queue of connections is full.
coproc servers { exec python3 -c '
import socket, sys
open_, full = socket.create_server(("127.0.0.1", 0), backlog=16), socket.create_server(("127.0.0.1", 0), backlog=0)
fill = [socket.socket() for _ in range(4)]
for each in fill: each.setblocking(False); each.connect_ex(full.getsockname())
print(open_.getsockname()[1], full.getsockname()[1], flush=True)
sys.stdin.read()'; }
read -r open full <&"${servers[0]}"
out=$(timeout 60 ./reachable "127.0.0.1:$open" "127.0.0.1:$open")
ok "reachable: all are" test $? = 0
ok "reachable says so" test "$(grep -c ': yes, after' <<<"$out")" = 2
out=$(timeout 60 ./reachable "127.0.0.1:$open" 127.0.0.1:1 "127.0.0.1:$full")
ok "reachable: not all are" test $? = 1
ok "reachable: connection refused" has "$out" '^127.0.0.1:1: .*Connection refused'
ok "reachable: no answer in two seconds" has "$out" "^127.0.0.1:$full: no answer, after [2-9][0-9]{3,} ms"
many=(); for _ in 1 2 3 4 5 6 7 8; do many+=("127.0.0.1:$full"); done
timeout -s KILL 60 ./reachable "${many[@]}" >/tmp/reachable.$$ & pid=$!
interrupt_child $pid
wait $pid
ok "reachable ends on Ctrl-C" test "$(cat /tmp/reachable.$$)" = interrupted
rm -f /tmp/reachable.$$
ok "reachable refuses a host without a port" refuses ./reachable localhost
python=$servers_PID # bash forgets the other when the process has ended
kill "$python"
wait "$python" 2>/dev/null

# A server with a client that does nothing ends within a few seconds of a Ctrl-C, or a SIGTERM, and says so.
ends_with_client() { # SIGNAL SERVER
    local out pid client
    out=$(mktemp)
    timeout -s KILL 60 ./"$2" 127.0.0.1 0 >"$out" & pid=$!
    until grep -q '^listening' "$out"; do sleep 0.02; done
    exec {client}<>"/dev/tcp/127.0.0.1/$(sed -n 's/^listening.* port //p' "$out")"
    sleep 0.2 # until the client is served
    pkill "-$1" -P "$pid"
    wait "$pid"; local status=$?
    exec {client}>&-
    [[ $status == 0 ]] && grep -q '^ended$' "$out" || { echo "status $status"; cat "$out"; rm "$out"; return 1; }
    rm "$out"
}
for each in tcp_echo http_hello line_server chat; do
    ok "$each ends on Ctrl-C with a client" ends_with_client INT "$each"
    ok "$each ends on SIGTERM with a client" ends_with_client TERM "$each"
done
socket=$(mktemp -u)
timeout -s KILL 60 ./unix_echo "$socket" >/dev/null & pid=$!
until [[ -S $socket ]]; do sleep 0.02; done
interrupt_child $pid
ok "unix_echo ends on Ctrl-C" wait $pid
ok "unix_echo removes its file" test ! -e "$socket"

coproc udp { exec timeout -s KILL 120 ./udp_echo 127.0.0.1 0; }
udp_server=$udp_PID
read -r line <&"${udp[0]}"
port=${line##*:}
ok "udp_echo says where it listens" has "$line" '^listening at 127.0.0.1:[0-9]+$'
ok "udp_echo: the client prints what comes back" test "$(timeout 60 ./udp_echo 127.0.0.1 "$port" "a few words")" = "a few words"
ok "udp_echo serves the next one" test "$(timeout 60 ./udp_echo 127.0.0.1 "$port" "$(head -c 9000 /dev/zero | tr '\0' x)" | wc -c)" = 9001
ok "udp_echo: a port in use is refused" refuses ./udp_echo 127.0.0.1 "$port"
pkill -INT -P "$udp_server"
ok "udp_echo ends on Ctrl-C" wait "$udp_server"
ok "udp_echo: no answer is an error" refuses ./udp_echo 127.0.0.1 "$port" hello
ok "udp_echo refuses a bad port" refuses ./udp_echo 127.0.0.1 70000
ok "udp_echo refuses port 0 for a client" refuses ./udp_echo 127.0.0.1 0 hello

echo "$passed passed, $failed failed"
(( failed == 0 ))

# For the scripts beside this one; sourced. Counts checks, and starts the server that they are about, which ends at the
# end, as the folder $work does.
# shellcheck source=tests/support/checks.sh
. "$(dirname "$0")/../support/checks.sh"
pid=
trap '[ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null; rm -rf "$work"' EXIT

check_with() { # check_with PROGRAM NAME COMMAND...: skipped where there is no such program
    if command -v "$1" >/dev/null; then check "${@:2}"; else echo "skipped, no $1: $2"; fi
}

start() { # start SERVER: on a port that is free; sets $pid and $port
    # A background job of a script ignores SIGINT, and a program that is started so leaves it.
    env --default-signal=INT "$1" 127.0.0.1 0 >"$work/log" 2>&1 &
    pid=$!
    for _ in $(seq 600); do
        port=$(sed -n 's/^listening on .* port \([0-9]*\)$/\1/p' "$work/log")
        [ -n "$port" ] && return
        sleep 0.05
    done
    echo "$1 does not say that it listens:"
    cat "$work/log"
    exit 1
}

until_it_says() { # until_it_says LINE: the server has printed it, or will have within 30 seconds
    for _ in $(seq 600); do
        grep -qx "$1" "$work/log" && return
        sleep 0.05
    done
    echo "it does not say: $1"
    return 1
}

descriptors() { ls "/proc/$pid/fd" | wc -l; }

same_descriptors() { # same_descriptors NUMBER: it has as many, or will have within 30 seconds
    for _ in $(seq 600); do
        [ "$(descriptors)" = "$1" ] && return
        sleep 0.05
    done
    echo "it has $(descriptors) descriptors, and had $1"
    return 1
}

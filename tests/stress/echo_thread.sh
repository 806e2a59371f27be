#!/bin/bash
# A million items to a thread and back through two queues of ten, every one in order.
# usage: echo_thread.sh path/to/echo_thread
set -u
out=$(timeout 300 "$1" 1000000) || { echo "echo_thread failed"; exit 1; }
tail -1 <<<"$out"
[[ $(wc -l <<<"$out") -eq 1001 ]] && grep -q '^1000000 of 1000000 items there and back in order' <<<"$out"

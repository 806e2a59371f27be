# For scripts that send signals to a program that has just been started; sourced.

# until_it_catches PROCESS SIGNAL: waits until the process has a handler for the signal, which would end it before that.
until_it_catches() {
    local caught number
    number=$(kill -l "$2")
    for _ in $(seq 600); do
        caught=$(sed -n 's/^SigCgt:\s*//p' "/proc/$1/status" 2>/dev/null)
        [ -n "$caught" ] || return 1
        (((0x$caught >> (number - 1)) & 1)) && return
        sleep 0.05
    done
    echo "process $1 does not catch SIG$2"
    return 1
}

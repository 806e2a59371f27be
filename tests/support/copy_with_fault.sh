# For scripts whose check has to catch deliberate faults; sourced. Needs $root, the sources, and $work, a folder.

# copy_with_fault HEADER SED...: a copy of the headers in $work/include, with a change to one of them. If the change does
# not fit any more it says so, and fails.
copy_with_fault() {
    local header=$1 each
    shift
    rm -rf "$work/include"
    cp -r "$root/include" "$work/include"
    for each in "$@"; do sed -i -E "$each" "$work/include/rouse/$header"; done
    cmp -s "$root/include/rouse/$header" "$work/include/rouse/$header" || return 0
    echo "the fault does not fit $header any more"
    return 1
}

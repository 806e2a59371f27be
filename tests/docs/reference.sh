#!/bin/bash
# reference.sh SOURCE_DIR VERSION [OUTPUT_DIR]: makes the reference with Doxygen, whose warnings are errors: a public
# name without a comment, or a comment that does not fit. Without OUTPUT_DIR it is a test: the reference goes when it is
# done, and controls show that what is missing is noticed, and that pages are there.
set -u
if [ $# -lt 2 ] || [ ! -f "$1/docs/Doxyfile" ]; then
    echo "usage: reference.sh SOURCE_DIR VERSION [OUTPUT_DIR]" >&2
    exit 2
fi
command -v doxygen >/dev/null || { echo "skipped: doxygen is not installed"; exit 77; }
make_reference() { # make_reference SOURCE_DIR OUTPUT_DIR
    mkdir -p "$2" && (cd "$1" && ROUSE_VERSION=$version ROUSE_REFERENCE=$2 doxygen docs/Doxyfile)
}
source=$(cd "$1" && pwd)
version=$2
if [ $# -gt 2 ]; then
    make_reference "$source" "$3" && echo "$3/html/index.html"
    exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
fail() { echo "FAILED: $*" && failed=1; }

make_reference "$source" "$work/reference" || fail "a public name has no comment, or a comment is wrong: see above"
for page in classrouse_1_1{ThreadSafeQueue,TaskHandle,StreamReader} structrouse_1_1Clock namespacerouse; do
    [ -s "$work/reference/html/$page.html" ] || fail "there is no page $page"
done
grep -q 'Forwarded to the task that it awaits' "$work/reference/html/classrouse_1_1TaskHandle.html" ||
    fail "the page of TaskHandle says nothing of cancel()"
ls "$work/reference/html" | grep -E '_1_1(core|net|hosted)_|Awaiter' && fail "there are pages of what is internal"

# Each of these takes one comment away, or makes one wrong, in a copy; each must be noticed.
control() { # control NAME FILE SED_SCRIPT
    rm -rf "$work/copy"
    mkdir "$work/copy" && cp -r "$source/docs" "$source/include" "$work/copy"
    sed -i "$3" "$work/copy/include/rouse/$2"
    cmp -s "$source/include/rouse/$2" "$work/copy/include/rouse/$2" && fail "control: $1: nothing was changed"
    make_reference "$work/copy" "$work/control" >"$work/output" 2>&1 && fail "control: $1 was not noticed"
}
control "a function without a comment" core/sleep.hpp 's|^/// Goes once round|// Goes once round|'
control "a member without a comment" sync/event.hpp 's|/// From now on wait() waits|// From now on wait() waits|'
control "a class without a comment" threadsafe/thread_safe_flag.hpp 's|^///|//|'
control "a comment with an unknown command" sync/lock.hpp 's|/// Whether somebody holds|/// @nonsense Whether somebody holds|'

[ $failed = 0 ] && echo "the reference is whole, and 4 controls were noticed"
exit $failed

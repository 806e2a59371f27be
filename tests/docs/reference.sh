#!/bin/bash
# reference.sh SOURCE_DIR VERSION [OUTPUT_DIR]: makes the reference with Doxygen, whose warnings are errors: a public
# name without a comment, or a comment that does not fit. Without OUTPUT_DIR it is a test, of the pages too: the reference
# goes when it is done. Its controls are in controls.toml.
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
grep -q '>cancel()</h2>' "$work/reference/html/classrouse_1_1TaskHandle.html" ||
    fail "the page of TaskHandle says nothing of cancel()"
ls "$work/reference/html" | grep -E 'detail|ROUSE_ABI|Awaiter(-members)?\.html' && fail "there are pages of what is internal"

[ $failed = 0 ] && echo "the reference is whole"
exit $failed

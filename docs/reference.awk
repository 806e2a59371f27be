# What Doxygen reads in place of a header. Two things are left out, line by line, so that the line numbers of its warnings
# are those of the header: the inline namespace, whose name depends on how a program is compiled, and everything in
# namespace rouse::detail. Two classes of rouse::detail are kept as members of rouse, without their protected members,
# because users call their functions: TaskReference, the base of TaskHandle, and Guard, which scoped() returns. Friends are
# left out because Doxygen looks for them among what is left out.
function flush() { printf "%s", held; held = "" }
function forget() { gsub(/[^\n]/, "", held); flush() }
/^inline namespace ROUSE_ABI \{/ || /^\} \/\/ namespace ROUSE_ABI/ { print ""; next }
/^namespace detail \{/ { in_detail = 1; print ""; next }
/^\} \/\/ namespace detail/ { in_detail = 0; forget(); print ""; next }
{
    gsub(/detail::TaskReference/, "TaskReference")
    gsub(/detail::Guard</, "Guard<")
    sub(/: public detail::IoPort/, ": public Port") # whose members have the comments
    sub(/^ *friend [a-z]* ?[A-Za-z:<>, ]*;/, "")
}
# The definition of a member of a class that is left out, in one line or in several.
/^inline [^(]* detail::[A-Za-z<>]+::/ { in_definition = !/\}$/; print ""; next }
in_definition { if (/^\}/) in_definition = 0; print ""; next }
kept { sub(/^protected:/, "private:") }
!in_detail || kept { print; if (kept && /^\};/) kept = 0; next }
# The comment of a class, and its template line, are held until it is known whether the class is kept.
/^\/\/\// || /^template <class [A-Za-z]+>$/ { held = held $0 "\n"; next }
/^class (\[\[nodiscard\]\] )?(TaskReference|Guard) / { flush(); print; kept = 1; next }
{ forget(); print "" }

# What Doxygen reads in place of a header. The inline namespace, whose name depends on how a program is compiled, is left
# out. And the two classes of rouse::core whose members users call are taken out of it: TaskReference, the base of
# TaskHandle, and Guard, which scoped() gives. Friends are left out: Doxygen looks for them among what is excluded.
function flush() { printf "%s", held; held = "" }
{
    gsub(/core::TaskReference/, "TaskReference")
    gsub(/core::Guard</, "Guard<")
    if (sub(/^namespace rouse::inline ROUSE_ABI::core \{/, "namespace rouse { namespace core {")) in_core = 2
    if (/^namespace core \{/) in_core = 1
    if (/^\} \/\/ namespace/) { $0 = in_core == 2 ? "} }" : "}"; in_core = 0 }
    sub(/rouse::inline ROUSE_ABI/, "rouse")
    sub(/^ *friend [a-z]* ?[A-Za-z:<>, ]*;/, "")
}
# The comment of a class, and its template line, are held until it is known whose they are.
/^\/\/\// || /^template <class [A-Za-z]+>$/ { held = held $0 "\n"; next }
in_core && /^class (\[\[nodiscard\]\] )?(TaskReference|Guard) / { printf "} "; taken_out = 1 }
{ flush(); printf "%s", $0 }
taken_out && /^\};/ { printf " namespace core {"; taken_out = 0 }
{ printf "\n" }
END { flush() }

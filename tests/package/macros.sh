#!/bin/bash
# macros.sh SOURCE_DIR COMPILER...: the headers compile where others have defined macros of common names before: Qt, the
# Windows SDK, X11, Arduino, old headers of the system. Each name is defined as something that compiles nowhere, after the
# headers of the system and before those of rouse. No header undefines one.
# A compiler that is not installed is left out.
set -u
if [ $# -lt 2 ] || [ ! -f "$1/include/rouse/rouse.hpp" ]; then
    echo "usage: macros.sh SOURCE_DIR COMPILER..." >&2
    exit 2
fi
source=$(cd "$1" && pwd)
# shellcheck source=tests/support/checks.sh
. "$source/tests/support/checks.sh"

# Function-like, so not where the name is in parentheses.
functions="min max likely unlikely abs round bit word sq F Yield check require verify setbit clrbit isset isclr howmany roundup powerof2
    major minor makedev assert"
objects="
    slots signals emit forever foreach Q_SLOTS Q_SIGNALS Q_EMIT Q_FOREVER Q_FOREACH
    interface near far small hyper pascal cdecl huge IN OUT OPTIONAL CONST VOID ERROR NO_ERROR DELETE STRICT ABSOLUTE RELATIVE
    TRANSPARENT OPAQUE PASSTHROUGH IGNORE INFINITE TRUE FALSE BOOL BYTE WORD DWORD THIS grp1 rad1 chx1 edt1 ANYSIZE_ARRAY
    MINCHAR MAXCHAR MINLONG MAXLONG SUCCESS FAILED UNKNOWN DIFFERENCE CALLBACK WINAPI APIENTRY ALTERNATE WINDING
    GetMessage SendMessage PostMessage DispatchMessage PeekMessage CreateEvent OpenEvent ReportEvent CreateMutex
    CreateSemaphore CreateWindow CreateFile CreateProcess CreateDirectory CopyFile DeleteFile MoveFile GetObject
    GetCurrentTime GetClassName GetUserName GetJob AddJob SetJob AddPort DeletePort SetPort GetFirstSibling LoadImage
    LoadString DrawText FindText PlaySound RegisterClass StartService UpdateResource WriteConsole ReadConsole Rectangle
    MemoryBarrier YieldProcessor
    None Bool Status Always Never Success True False Above Below Unsorted KeyPress KeyRelease FocusIn FocusOut Expose
    ControlMask CurrentTime Complex Convex Nonconvex GrayScale StaticColor Opposite Button1 Screen Display Visual
    MIN MAX MAXPATHLEN NBBY NODEV NOFILE NGROUPS DEV_BSIZE
    NL0 CR0 TAB0 BS0 NCCS
    DOMAIN OVERFLOW UNDERFLOW SING PLOSS TLOSS I complex imaginary unix linux i386 mips sun hpux
    HIGH LOW INPUT OUTPUT DEFAULT EXTERNAL CHANGE FALLING RISING PI DEC HEX OCT BIN
    YES NO ON OFF Nil nil self PRIVATE PUBLIC EXTERN STATIC INLINE access debug trace log
    private_ Debug Trace Log Fail Assert"
# garbage HEADER...: a file that includes them so.
garbage() {
    local each
    # Not those of another compiler, platform or build.
    grep -rhoE '^#include <[a-z0-9_/.]+>' "$source/include" | grep -v '<rouse/' | sort -u | while read -r _ each; do
        # newlib has a termios.h that needs what it has not.
        [ "$each" = "<termios.h>" ] && each="<sys/termios.h>"
        printf '#if __has_include(%s)\n#include %s\n#endif\n' "$each" "$each"
    done
    for each in $functions; do printf '#undef %s\n#define %s(...) @@ %s is a macro @@\n' "$each" "$each" "$each"; done
    for each in $objects; do printf '#undef %s\n#define %s @@ %s is a macro @@\n' "$each" "$each" "$each"; done
    printf '#include <%s>\n' "$@"
    for each in $functions $objects; do printf '#ifndef %s\n#error "a header undefines %s"\n#endif\n' "$each" "$each"; done
}
(cd "$source/include" && find rouse -name '*.hpp' ! -path '*/detail/*' ! -path '*/check/*' ! -path '*/hosts/*' ! -name cortex_m.hpp ! -name riscv.hpp | sort) >"$work/hosted"
(cd "$source/include" && find rouse/check -maxdepth 1 -name '*.hpp' | sort) >"$work/checker"
mapfile -t checker <"$work/checker"
mapfile -t hosted <"$work/hosted"
firmware=(rouse/rouse.hpp rouse/ports/wrapping_counter.hpp)
garbage "${hosted[@]}" >"$work/garbage.cpp"
garbage "${checker[@]}" >"$work/checker.cpp"
garbage "${firmware[@]}" rouse/ports/cortex_m.hpp >"$work/cortex_m.cpp"
garbage "${firmware[@]}" rouse/ports/riscv.hpp >"$work/riscv.cpp"

# What is there under Linux, as it is.
cat >"$work/system.cpp" <<'CPP'
#include <arpa/telnet.h>
#include <complex.h>
#include <math.h>
#include <net/if.h>
#include <netdb.h>
#include <sys/ioctl.h>
#include <sys/param.h>
#include <sys/sysmacros.h>
#include <sys/ttydefaults.h>
#include <syslog.h>
#include <termios.h>
#include <rouse/rouse.hpp>
#include <rouse/io/io.hpp>
#include <rouse/threads/threads.hpp>
CPP

compile() { "$1" -Wall -Wextra -Werror -I "$source/include" -fsyntax-only "${@:2}"; }
for compiler in "${@:2}"; do
    command -v "$compiler" >/dev/null || { echo "not checked: $compiler is not installed" && continue; }
    check "$compiler: with macros of common names" compile "$compiler" -std=c++20 "$work/garbage.cpp"
    check "$compiler: the same without exceptions" compile "$compiler" -std=c++20 -fno-exceptions -fno-rtti "$work/garbage.cpp"
    check "$compiler: the model checker" compile "$compiler" -std=c++20 -DROUSE_MODEL_CHECK=1 "$work/checker.cpp"
    check "$compiler: after headers of the system, with the compiler's own macros" compile "$compiler" -std=gnu++20 "$work/system.cpp"
done
for_board() { # for_board BOARD FILE: with its compiler and flags
    local compiler flags
    # shellcheck disable=SC1090
    . "$source/examples/firmware/board/$1/board.conf"
    command -v "$compiler" >/dev/null || { echo "not checked: $compiler is not installed" >&3 && return; }
    # shellcheck disable=SC2086
    compile "$compiler" -std=c++20 -fno-exceptions -fno-rtti $flags "$work/$2.cpp"
}
exec 3>&1
check "firmware: Cortex-M" for_board microbit cortex_m
check "firmware: RISC-V" for_board virt-rv32 riscv
count_checks

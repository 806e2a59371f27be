#!/usr/bin/env python3
"""The layout rules of the repository.

    rules.py [--root FOLDER] [RULE...]     checks all rules, or those that are named
    rules.py --list                        says what each rule is

Each breach is a line: file:line, the rule, what is wrong, what to do. Exits with 1 if there is one that exceptions.toml
does not permit, and with 77 if the named rules need a tool that is not installed. headers.py and format.py check what
takes a compiler or clang-format.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from report import Breach, files, includes, judge, read  # noqa: E402

TOP_LEVEL = {"include", "tests", "examples", "docs", "CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md",
             ".ci", ".github", ".clang-format", ".clang-tidy", ".gitignore"}

# The standard headers for portable code: none that needs an operating system, threads, streams or locales. The two of
# the sanitizers are included where a sanitizer is on.
PORTABLE_STANDARD = {
    "algorithm", "array", "atomic", "bit", "chrono", "concepts", "coroutine", "cstddef", "cstdint", "cstdio", "cstdlib",
    "cstring", "exception", "iterator", "limits", "memory", "new", "optional", "ratio", "span", "string_view", "tuple",
    "type_traits", "utility", "variant", "vector", "sanitizer/asan_interface.h", "sanitizer/tsan_interface.h"}
PORTABLE = {"core", "sync", "threadsafe", "combine"}

# A folder of include/rouse, and the folders that its headers may include besides their own. "" is include/rouse itself.
DEPENDS_ON = {
    "core": [],
    "sync": ["core"],
    "combine": ["core", "sync"],
    "ports": ["core"],
    "threadsafe": ["core", "sync", "ports"],
    "threads": ["core", "sync", "combine", "ports", "threadsafe"],
    "io": ["core", "sync", "combine", "ports", "threadsafe", "threads"],
    "hosts": ["core", "sync", "combine", "ports", "threadsafe"],
    "debug": ["core", "sync", "combine", "ports", "threadsafe"],
    "check": ["core", "sync", "combine", "ports", "threadsafe", "debug"],
    "": ["core", "sync", "combine", "ports", "threadsafe"],
}

# The one namespace in rouse, and users do not name it.
INTERNAL_NAMESPACE = "detail"


def headers(root):
    """The headers of the library, as they are included: "rouse/core/loop.hpp"."""
    return [path.removeprefix("include/") for path in files(root) if re.match(r"include/rouse/.*\.hpp$", path)]


def folder(header):
    """"core" of rouse/core/detail/inbox.hpp, "" of rouse/rouse.hpp."""
    parts = header.split("/")
    return parts[1] if len(parts) > 2 else ""


def is_internal(header):
    return "detail" in header.split("/")[1:-1]


def use_of(header):
    """The program that uses a public header, and nothing else of the library."""
    return f"tests/layout/uses/{header.removeprefix('rouse/').removesuffix('.hpp')}.cpp"


def public_headers(root):
    """The headers that lie directly in a folder."""
    return [header for header in headers(root) if not is_internal(header)]


# ---- the rules ------------------------------------------------------------------------------------------------------


def top_level(root):
    """At top level are include, tests, examples, docs, and the files that tools look for there."""
    return [Breach("top-level", name, 0, f"{name} is not among what may be at top level",
                   "move it into docs, tests, examples or "
                   "include, or, if a tool insists on it, add it to TOP_LEVEL in tests/layout/rules.py")
            for name in sorted({path.split("/")[0] for path in files(root, tracked_only=True)} - TOP_LEVEL)]


def portable_includes(root):
    """Headers in core, sync, threadsafe and combine include only standard headers that need no operating system."""
    return [Breach("portable-includes", f"include/{header}", line, f"a portable header includes <{name}>",
                   "do without it, or move what needs it into ports, io, threads or hosts; if it needs no operating "
                   "system, add it to PORTABLE_STANDARD in tests/layout/rules.py")
            for header in headers(root) if folder(header) in PORTABLE
            for line, _, name in includes(read(root, f"include/{header}"))
            if not name.startswith("rouse/") and name not in PORTABLE_STANDARD]


def folder_order(root):
    """A folder of include/rouse includes only those that DEPENDS_ON names for it, always as <rouse/...>."""
    unordered = [name for name in DEPENDS_ON if reaches(DEPENDS_ON, name, name)]
    if unordered:
        raise SystemExit(f"tests/layout/rules.py: DEPENDS_ON goes round in a circle: {', '.join(unordered)}")
    found = []
    for header in headers(root):
        own = folder(header)
        if own not in DEPENDS_ON:
            found.append(Breach("folder-order", f"include/{header}", 0,
                                f"the folder {own} has no place in the order of folders",
                                "say in DEPENDS_ON in tests/layout/rules.py which folders it may include"))
            continue
        for line, bracket, name in includes(read(root, f"include/{header}")):
            if bracket == '"':
                found.append(Breach("folder-order", f"include/{header}", line, f'"{name}" is included in quotes',
                                    "include it as <rouse/FOLDER/NAME.hpp>"))
            elif name.startswith("rouse/") and folder(name) not in [own, *DEPENDS_ON[own]]:
                other = folder(name) or "rouse.hpp"
                found.append(Breach("folder-order", f"include/{header}", line,
                                    f"{own or 'rouse.hpp'} includes <{name}>, but may "
                                    f"not depend on {other}",
                                    f"move what is needed to where {own or 'rouse.hpp'} may include it "
                                    f"({', '.join([own, *DEPENDS_ON[own]])}), or pass it in as a parameter"))
    return found


def reaches(graph, start, goal):
    """Whether one or more steps lead from `start` to `goal`."""
    return bool(shortest_path(graph, start, goal))


def shortest_path(graph, start, goal):
    """[start, ..., goal], of at least one step; [] if there is none."""
    paths = [[start]]
    seen = set()
    while paths:
        path = paths.pop(0)
        for following in graph.get(path[-1], []):
            if following == goal:
                return [*path, goal]
            if following not in seen:
                seen.add(following)
                paths.append([*path, following])
    return []


def include_cycle(root):
    """No header includes itself through others; so none includes its own implementation at its end."""
    lines = {header: {name: line for line, _, name in includes(read(root, f"include/{header}"))}
             for header in headers(root)}
    graph = {header: list(names) for header, names in lines.items()}
    found = {}
    for header, names in graph.items():
        for name in names:
            back = shortest_path(graph, name, header)
            if not back and name != header:
                continue
            cycle = [header, *back] if name != header else [header, header]
            # The same cycle, wherever it begins.
            members = cycle[:-1]
            least = members.index(min(members))
            subject = " -> ".join(members[least:] + members[:least])
            found.setdefault(subject, Breach(
                "include-cycle", f"include/{header}", lines[header][name],
                                             f"headers include each other: {' -> '.join(cycle)}",
                "move what both need into a third header, make the later type a template parameter, or put the "
                "function where both types are known", subject))
    return list(found.values())


def public_use(root):
    """Each header directly in a folder is public, and has a program in tests/layout/uses that uses it alone."""
    found = []
    uses = {path for path in files(root) if re.match(r"tests/layout/uses/.*\.cpp$", path)}
    for header in public_headers(root):
        use = use_of(header)
        if use not in uses:
            found.append(Breach("public-use", f"include/{header}", 0, f"a public header without a use, {use}",
                                f"write {use}, a main() that includes <{header}> alone and returns 0; or, if only the "
                                f"library needs the header, move it to include/rouse/{folder(header)}/detail/"))
            continue
        uses.remove(use)
        text = read(root, use)
        taken = [name for _, _, name in includes(text) if name.startswith("rouse/")]
        if taken != [header]:
            found.append(Breach("public-use", use, 0,
                                f"a use of <{header}> includes {', '.join(taken) or 'no header of rouse'}",
                                f"include <{header}>, and no other header of rouse"))
        elif includes(text)[0][2] != header:
            found.append(Breach("public-use", use, includes(text)[0][0], f"something is included before <{header}>",
                                f"include <{header}> first, so that it is compiled by itself"))
    for use in sorted(uses):
        found.append(Breach("public-use", use, 0, "there is no public header of this name", "rename or remove the use"))
    return found


def user_code(root):
    """What users read: examples, and the snippets of the README and docs. Yields path, first line, text of each."""
    for path in files(root):
        if re.match(r"examples/.*\.(cpp|hpp|h)$", path):
            yield path, 1, read(root, path)
        elif path == "README.md" or re.match(r"docs/.*\.md$", path):
            text = read(root, path)
            for snippet in re.finditer(r"^```(?:cpp|c\+\+)[^\n]*\n(.*?)^```", text, re.S | re.M):
                yield path, text.count("\n", 0, snippet.start(1)) + 1, snippet[1]


def users_need_no_detail(root):
    """No example and no snippet includes a header in detail/ (or one without a use), or names rouse::detail."""
    found = []
    known = set(headers(root))
    public = {header for header in public_headers(root) if (root / use_of(header)).exists()}
    named = re.compile(rf"\brouse::{INTERNAL_NAMESPACE}::")
    remedy = "use what a public header offers; if there is nothing, it is missing there"
    for path, first, text in user_code(root):
        for line, _, name in includes(text):
            if is_internal(name) or name in known - public:
                found.append(Breach("users-need-no-detail", path, first + line - 1,
                                    f"code for users includes <{name}>, which is "
                                    "internal", remedy))
        for each in named.finditer(text):
            line = first + text.count("\n", 0, each.start())
            found.append(Breach("users-need-no-detail", path, line,
                                f"code for users names {each[0]}, which is internal", remedy))
    return found


def namespaces(root):
    """The headers have the namespaces rouse and rouse::detail, and no others: users have their own core, io and net.

    rouse::check is the one exception: only tests include it.
    """
    allowed = {"rouse", "ROUSE_ABI", INTERNAL_NAMESPACE}
    opened = re.compile(r"^[ \t]*(?:inline )?namespace[ \t]+([\w:]+)[ \t]*(?:\{|$)", re.M)
    return [Breach("namespaces", f"include/{header}", text.count("\n", 0, each.start(1)) + 1,
                   f"a header opens the namespace {each[1]}", "put what users name into rouse, and what only the library "
                   "needs into rouse::detail")
            for header in headers(root) for text in [read(root, f"include/{header}")]
            for each in opened.finditer(text)
            if each[1] not in allowed and not (each[1] == "check" and folder(header) == "check")]


def tested(root):
    """Each public header of a portable folder has tests in tests/FOLDER/NAME_test.cpp."""
    there = set(files(root))
    return [Breach("tested", f"include/{header}", 0, f"there is no {test}",
                   f"write {test}, each test named after one behaviour")
            for header in public_headers(root) if folder(header) in PORTABLE and (root / use_of(header)).exists()
            for test in [f"tests/{header.removeprefix('rouse/').removesuffix('.hpp')}_test.cpp"] if test not in there]


def no_sed(root):
    """No script changes sources by sed: deliberate faults are controls."""
    changes = re.compile(r"\bsed\b[^|;&\n]*\s(-[a-zA-Z]*i|--in-place)|\bcopy_with_fault\b|\bperl\s+-\w*i"
                         r"|\bsed\b[^|\n]*>\s*\S*(include/|\.[ch]pp\b)")
    found = []
    for path in files(root):
        if not re.match(r"(tests|examples|\.ci)/", path) or not (path.endswith(".sh") or path == ".ci/run"):
            continue
        for number, line in enumerate(read(root, path).splitlines(), 1):
            if not line.lstrip().startswith("#") and changes.search(line):
                found.append(Breach("no-sed", path, number, f"a script changes a file by text: {line.strip()}",
                                    "write the fault as a control in a controls.toml, see tests/controls/controls.py"))
    return found


class ToolMissing(Exception):
    pass


def ctags(root):
    """Universal Ctags finds every class, so that editors do."""
    version = shutil.which("ctags") and subprocess.run(["ctags", "--version"], capture_output=True, text=True).stdout
    if not version or "Universal Ctags" not in version:
        raise ToolMissing("ctags: Universal Ctags (the package universal-ctags) is not installed")
    defined = re.compile(r"^(?:template ?<.*> ?)?(?:class|struct|union|enum(?: class| struct)?) "
                         r"(?:(?:alignas\([^)]*\)|\[\[[^]]*\]\]) )*(\w+)(?!\w)(?! ?<|::)(?: final)?(?: :|:| \{|$)",
                         re.M)
    found = []
    for header in headers(root):
        text = read(root, f"include/{header}")
        names = {each[1]: text.count("\n", 0, each.start()) + 1 for each in defined.finditer(text)}
        if not names:
            continue
        seen = subprocess.run(["ctags", "--options=NONE", "--language-force=C++", "--kinds-C++=csgu", "-x",
                               "--_xformat=%{name}",
                               str(root / "include" / header)], capture_output=True, text=True,
                              check=True).stdout.split()
        missed = [name for name in names if name not in seen]
        if missed:
            found.append(Breach("ctags", f"include/{header}", names[missed[0]],
                                f"ctags does not find {', '.join(missed)}",
                                "write what it can parse, such as `namespace rouse { inline namespace X {` in place of "
                                "`namespace rouse::inline X {`", f"include/{header}"))
    return found


RULES = {
    "top-level": top_level,
    "portable-includes": portable_includes,
    "folder-order": folder_order,
    "include-cycle": include_cycle,
    "public-use": public_use,
    "users-need-no-detail": users_need_no_detail,
    "namespaces": namespaces,
    "tested": tested,
    "no-sed": no_sed,
    "ctags": ctags,
}
ELSEWHERE = {"use-runs", "header-alone"}  # in headers.py


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rules", nargs="*", metavar="RULE")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list:
        for name, rule in RULES.items():
            print(f"{name}: {rule.__doc__}")
        return 0
    unknown = set(options.rules) - set(RULES)
    if unknown:
        parser.error(f"there is no rule {', '.join(sorted(unknown))}; there are {', '.join(RULES)}")
    breaches = []
    checked = []
    skipped = False
    for name in options.rules or RULES:
        try:
            breaches += RULES[name](options.root)
            checked.append(name)
        except ToolMissing as missing:
            print(f"skipped: {missing}")
            skipped = True
    errors = judge(options.root, checked, breaches, set(RULES) | ELSEWHERE)
    return 1 if errors else 77 if skipped and not checked else 0


if __name__ == "__main__":
    sys.exit(main())

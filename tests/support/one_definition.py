#!/usr/bin/env python3
"""one_definition.py COMPILER TESTS [-- OBJECT...]...: whether files of one test program define the same thing differently.

A linker silently takes one of several inline functions, or instances of a template, of the same name. So what two objects of
a program define must come from a header: it must be in one of the namespaces below, and must mention no type that is
declared in a test file outside of an anonymous namespace. TESTS is the folder of the test files; the objects of each program
follow a "--".

A pair of files that breaks this rule is compiled first, and must be found.
"""
import collections
import pathlib
import re
import subprocess
import sys
import tempfile

SHARED = ("std", "rouse", "Catch", "test", "loopback", "__gnu_cxx")
COMPILERS = re.compile(r"operator (?:new|delete)|operator\"\" _catch_sr|_?_(?:gxx|clang|cxa|odr|asan|tsan|ubsan)|DW\.ref\.")
TYPE = re.compile(r"^(?:struct|class|union|enum(?: class)?) (\w+)(?: final)?\s*(?:[:{]|$)", re.M)


def namespace_of(name):
    """The outermost namespace of what a demangled name names; not that of its type or its arguments."""
    if found := re.search(r"\((?:&|&&|\*)(\w+)::", name):  # ... (&std::forward<...>(...)) [9]
        return found[1]
    name = re.sub(r"operator(?:<=>|<<=?|>>=?|->\*?|[<>]=?|\(\))", "operator", name)
    for brackets in (r"<[^<>]*>", r"\([^()]*\)", r"\[[^\[\]]*\]"):
        while re.search(brackets, name):
            name = re.sub(brackets, "", name)
    words = re.sub(r"operator .*", "operator", name.replace(" const::", "::")).split()
    qualified = [word for word in words if "::" in word] or [""]
    return qualified[-1].split("::")[0].lstrip("*&")


def defined(objects):
    """Of each symbol that others can see, the objects that define it."""
    where = collections.defaultdict(set)
    for path in objects:
        lines = subprocess.run(["nm", "-C", "--defined-only", "-g", path], capture_output=True, text=True, check=True).stdout
        for line in lines.splitlines():
            where[line.split(" ", 2)[2]].add(path)
    return where


def faults(tests, objects):
    types = set()
    for path in map(pathlib.Path, objects):
        source = tests / path.parent.name.removesuffix(".dir") / path.stem
        types.update(TYPE.findall(source.read_text()))
    for name, paths in sorted(defined(objects).items()):
        if len(paths) < 2 or COMPILERS.match(name):
            continue
        words = set(re.findall(r"(?<![\w:~])\w+(?!\w*::)", name))
        if words & types or namespace_of(name) not in SHARED:
            yield "\n    ".join([f"in {len(paths)} objects: {name}", *sorted(paths)[:4]])


def control(compiler, folder):
    """What is found in two files with different types of the same name."""
    objects = []
    (folder / "pair").mkdir()
    for n in (1, 2):
        source = folder / "pair" / f"file{n}_test.cpp"
        source.write_text(f"#include <vector>\nstruct Same {{ long a[{n}]; Same() : a{{{n}}} {{}} }};\n"
                          f"std::vector<Same> all{n}() {{ return std::vector<Same>(1); }}\n")
        objects.append(f"{source}.o")
        subprocess.run([compiler, "-std=c++20", "-c", source, "-o", objects[-1]], check=True)
    return "\n".join(faults(folder, objects))


def main():
    programs = []
    for argument in sys.argv[3:]:
        if argument == "--":
            programs.append([])
        elif argument.endswith("_test.cpp.o") and programs:
            programs[-1].append(argument)
    if not programs or not all(programs):
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        found = control(sys.argv[1], pathlib.Path(folder))
    if "Same::Same()" not in found or "vector<Same" not in found:
        sys.exit(f"control: FAILED: found is only: {found}")
    failed = False
    for objects in programs:
        found = list(faults(pathlib.Path(sys.argv[2]), objects))
        print("\n".join([*found, f"{len(objects)} objects: {len(found)} faults"]))
        failed = failed or bool(found)
    sys.exit(failed)


if __name__ == "__main__":
    main()

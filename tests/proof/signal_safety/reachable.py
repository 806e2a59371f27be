#!/usr/bin/env python3
"""What the foreign calls of probe.cpp can reach, by its object code (x86-64).

usage: reachable.py <object file> [--unoptimised]

Follows every reference to a function from each probe_* function: calls, jumps, and addresses taken. A call through a
vtable is taken to go to every wake() that is in a vtable of the object, which is that of EpollPort. With --unoptimised,
where nothing is inlined, it also checks that only the one function of the source that is meant to call through a vtable
does so.

Prints each symbol outside of the object that is reached and not allowed, with the way to it. Last line: what was
covered.
"""
import collections
import re
import subprocess
import sys

# What may be reached outside of the object. Nothing else: no allocation, no lock, no throw, no stdio, no panic.
ALLOWED = {
    "syscall": "the one system call of a wake: write(2) on the eventfd, or futex(2)",
    "__errno_location": "where errno is, which is kept: an address in thread-local memory",
}
# Unoptimised code with exceptions has landing pads also around what cannot throw. They run only when an exception comes
# by, and nothing that could throw one is reached, or it would be in the list.
ALLOWED_UNOPTIMISED = {
    "_Unwind_Resume": "end of a landing pad",
    "__cxa_begin_catch": "in __clang_call_terminate, a landing pad",
    "_ZSt9terminatev": "in __clang_call_terminate, a landing pad",
}
# Who calls through a vtable, in the source: of Port::wake.
MEANT_TO_CALL_VIRTUALLY = "detail::Inbox::send("
# What is not followed: it ends the program, because a wake cannot be delivered any more.
ENDS_THE_PROGRAM = "detail::wake_failed(char const*)"
# What must be found, or the calls have not been followed.
WAKES = ("EpollPort::wake()", "detail::ParkedThread::wake()", "detail::InboxItem::wake()")


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def demangle(names):
    names = list(names)
    result = subprocess.run(["c++filt"], input="\n".join(names), check=True, stdout=subprocess.PIPE, text=True).stdout
    return dict(zip(names, result.splitlines()))


class Object:
    def __init__(self, path):
        self.sections = collections.defaultdict(list)  # of code: the functions in it
        self.external = set()
        for line in output("objdump", "-t", path).splitlines():
            parts = line[17:].replace("\t", " ").split()
            if len(parts) < 3:
                continue
            flags, section, name = line[17:24], line[24:].split()[0], parts[-1]
            if section == "*UND*":
                self.external.add(name)
            elif "F" in flags:
                self.sections[section].append(name)
        self.functions = {name for names in self.sections.values() for name in names}
        self.edges = collections.defaultdict(set)
        self.indirect = {"call": collections.Counter(), "jmp": collections.Counter()}  # by function
        self.read_code(path)
        self.wakes = self.in_vtables(path)
        names = demangle(self.functions)
        self.ends = {name for name in self.functions if names[name].endswith(ENDS_THE_PROGRAM)}

    def targets(self, reference):
        """The functions, or external symbols, that a relocation names: a symbol, or a section of code."""
        name = re.sub(r"[-+]0x[0-9a-f]+$", "", reference)
        if name in self.functions or name in self.external:
            return [name]
        return self.sections.get(name, [])

    def read_code(self, path):
        function = None
        for line in output("objdump", "-drw", "--no-show-raw-insn", path).splitlines():
            if heading := re.match(r"^[0-9a-f]+ <(.+)>:$", line):
                function = heading[1]
            if not (instruction := re.match(r"^\s+[0-9a-f]+:\t([^\t]*)", line)):
                continue
            named = []  # by the instruction; objdump puts relocations behind it
            for relocation in re.findall(r"\tR?[0-9a-f]*:? ?R_X86_64_\w+\t(\S+)", line):
                named += self.targets(relocation)
            if "R_X86_64" not in line and (within := re.search(r"\b(?:call|j\w+)\s+[0-9a-f]+ <([^>+]+)", instruction[1])):
                named += self.targets(within[1])
            self.edges[function].update(named)
            if not named and (indirect := re.search(r"\b(call|jmp)\s+\*", instruction[1])):
                self.indirect[indirect[1]][function] += 1

    def in_vtables(self, path):
        """Every function in a vtable that is a wake()."""
        found, vtable = set(), False
        for line in output("objdump", "-r", path).splitlines():
            if heading := re.match(r"^RELOCATION RECORDS FOR \[(.+)\]:", line):
                vtable = "_ZTV" in heading[1]
            elif vtable and (entry := re.search(r"R_X86_64_64\s+(\S+)", line)):
                found.update(self.targets(entry[1]))
        names = demangle(found)
        return {mangled for mangled in found if re.search(r"::wake\(\)$", names[mangled])}

    def reached_from(self, root):
        """Every function reached, with the one by which it was."""
        came_by, to_do = {root: None}, [root]
        while to_do:
            function = to_do.pop()
            if function in self.ends:
                continue
            following = set(self.edges[function])
            if self.indirect["call"][function] or self.indirect["jmp"][function]:  # jmp: the last call of a function
                following |= self.wakes
            for each in sorted(following):
                if each not in came_by:
                    came_by[each] = function
                    to_do.append(each)
        return came_by


def main():
    path, unoptimised = sys.argv[1], "--unoptimised" in sys.argv
    code = Object(path)
    probes = sorted(name for name in code.functions if name.startswith("probe_"))
    allowed = dict(ALLOWED, **(ALLOWED_UNOPTIMISED if unoptimised else {}))
    names = demangle(code.functions | code.external)
    faults, reached, outside = [], set(), set()
    for probe in probes:
        came_by = code.reached_from(probe)
        reached.update(came_by)
        for symbol in sorted(set(came_by) & code.external):
            outside.add(symbol)
            if symbol not in allowed:
                way, at = [], symbol
                while at is not None:
                    way.append(names.get(at, at))
                    at = came_by[at]
                faults.append(f"{probe} reaches {names[symbol]}: " + " <- ".join(way))
    if unoptimised:
        for function in sorted(reached):  # jmp: a switch
            if code.indirect["call"][function] and MEANT_TO_CALL_VIRTUALLY not in names[function]:
                faults.append(f"{names[function]} calls through a pointer, and is not one that is meant to")
    # A check that looked at nothing must not pass.
    if not probes:
        faults.append("there is no probe in the object")
    for expected in WAKES if unoptimised else ():
        if not any(names[each].endswith(expected) for each in reached):
            faults.append(f"{expected} is not reached")
    if not code.wakes:
        faults.append("there is no wake() in a vtable")
    if "syscall" not in outside:
        faults.append("not even syscall is reached: the calls were not followed")
    for fault in faults:
        print(fault)
    print(f"{len(probes)} foreign calls, {len(reached - code.external)} functions reached, {len(code.wakes)} wake() in "
          f"vtables; outside of the object: {', '.join(sorted(names[each] for each in outside))}")
    return 1 if faults else 0


sys.exit(main())

"""Checks that put the faults of many controls into one program: with a switch for each, or all at once."""

import concurrent.futures
import re

import pattern

from .base import BuildError, Check, write_tree

_BROKEN = re.compile(r"\bBROKEN\b")


def all_in_one(numbered, root, switch):
    """The changed files with the faults of all these controls: path -> text. `numbered` is pairs of number and control.

    BROKEN in a replacement becomes a comparison of `switch`, an expression, with the number. Raises pattern.NoMatch, also
    if two controls change the same place.
    """
    edits = {}
    for number, control in numbered:
        for file, find, replacement, within in control.edits:
            text = _BROKEN.sub(f"({switch} == {number})", replacement)
            edits.setdefault(file, []).append((find, text, within))
    return {file: pattern.replace(pattern.Source(file, (root / file).read_text()), some) for file, some in edits.items()}


class Program:
    """What is built, as a rule a source file; and the controls whose faults are all in it."""

    def __init__(self, source):
        self.source = source
        self.controls = []
        self.file = None
        self.error = None  # why it is of no use

    def number(self, control):
        """What ROUSE_BROKEN has to be."""
        return self.controls.index(control) + 1

    def changed(self, root):
        """The files with all the faults in them: path -> text. Raises pattern.NoMatch."""
        return all_in_one(enumerate(self.controls, 1), root, "::controls::broken")

    def takes(self, control, root):
        """Adds the control, unless it changes the same place as another one."""
        self.controls.append(control)
        try:
            self.changed(root)
            return True
        except pattern.NoMatch:
            self.controls.pop()
            return False


def share_out(controls, source, root):
    """Programs for all the controls: as few as there can be. One that fits no more is left out, and found when tried."""
    programs, program_of = [], {}
    for control in controls:
        program = next((one for one in programs if one.source == source(control) and one.takes(control, root)), None)
        if program is None:
            program = Program(source(control))
            if not program.takes(control, root):
                continue
            programs.append(program)
        program_of[control] = program
    return programs, program_of


class Switched(Check):
    """In the replacements of its controls BROKEN stands for: this is the run that tries this control.

    Without a fault switched on, each program must pass; else what its controls say means nothing.
    """

    flags = ["-O1"]
    precompiled = ()  # headers that all of its programs need, as `"name"` or `<name>`
    with_main = False  # whether the programs need Catch2's main

    def source(self, control):
        """The program's source, from the root of the repository."""
        raise NotImplementedError

    def sound(self, program):
        """What is wrong with a program in which no fault is switched on, or None."""
        raise NotImplementedError

    def judge(self, control, file, environment):
        """Runs the program with the control's fault switched on: what attempt() returns."""
        raise NotImplementedError

    def prepare(self, controls):
        for control in controls:
            if not any(_BROKEN.search(edit[2]) for edit in control.edits):
                raise BuildError(f"{control.name}: no replacement of it has BROKEN")
        programs, self.program_of = share_out(controls, self.source, self.root)
        jobs = [self.precompile, self.build_main]
        with concurrent.futures.ThreadPoolExecutor(min(self.jobs, self.parallel)) as pool:
            list(pool.map(lambda job: job(), jobs))
            list(pool.map(self.make, enumerate(programs)))

    def precompile(self):
        self.header = self.work / "first.hpp"
        headers = ['"controls/broken.hpp"', *self.precompiled]
        self.header.write_text("".join(f"#include {header}\n" for header in headers))
        if self.precompiled:
            self.compile("-x", "c++-header", self.header, "-o", f"{self.header}.gch")

    def build_main(self):
        if self.with_main and not self.test_main:
            main = self.work / "main.o"
            self.build([self.compiler, "-I", self.root / "tests", "-c", self.root / "tests/support/main.cpp", "-o", main])
            self.test_main = [main]

    def compile(self, *arguments):
        self.build([self.compiler, "-std=c++20", *self.flags, "-I", self.root / "tests", *arguments])

    def make(self, numbered):
        number, program = numbered
        folder = self.work / str(number)
        try:
            tree = write_tree(program.changed(self.root), self.root, folder / "tree")
            program.file = folder / "program"
            main = self.test_main if self.with_main else []
            source = tree.file(program.source)
            self.compile("-include", self.header, *tree.includes(), source, *main, "-o", program.file, "-pthread")
            wrong = self.sound(program)
            if wrong is not None:
                program.error = f"{program.source} does not even pass without a fault:\n{wrong}"
        except BuildError as error:
            program.error = str(error)

    def attempt(self, control, tree, folder):
        program = self.program_of[control]
        if program.error is not None:
            raise BuildError(program.error)
        return self.judge(control, program.file, {"ROUSE_BROKEN": str(program.number(control))})


class Together(Check):
    """For checks that go on after a fault, and say of each what it is: all faults are there at once, and looked at once.

    A control's `expect` is what the check must say of this fault, and of no other one.
    """

    def kind(self, control):
        """Controls of one kind are looked at together."""
        return None

    def look(self, kind, tree, folder):
        """Looks at the tree with the faults. Returns whether they made the check fail, and what it said."""
        raise NotImplementedError

    def prepare(self, controls):
        for control in controls:
            if control.expect is None:
                raise BuildError(f"{control.name}: it does not say what it expects")
        programs, self.program_of = share_out(controls, self.kind, self.root)
        with concurrent.futures.ThreadPoolExecutor(min(self.jobs, self.parallel)) as pool:
            list(pool.map(self.look_at, enumerate(programs)))

    def look_at(self, numbered):
        number, program = numbered
        folder = self.work / str(number)
        try:
            tree = write_tree(program.changed(self.root), self.root, folder / "tree")
            program.failed, program.said = self.look(program.source, tree, folder)
        except BuildError as error:
            program.error = str(error)

    def attempt(self, control, tree, folder):
        program = self.program_of[control]
        if program.error is not None:
            raise BuildError(program.error)
        return ("caught" if program.failed else "MISSED"), program.said


class SwitchedCheck(Check):
    """For checks that have a build of their own: all controls are put into one tree, which is built once.

    A number, given to the program by its own option, switches one of them on. Every replacement needs BROKEN.
    """

    switch = ""  # the int of the program that has the number of the fault; the headers must find it declared

    @classmethod
    def switched(cls, controls, root):
        """The changed files: path -> text. Leaves out a control that does not fit by itself; its own attempt says so."""
        fitting = []
        for number, control in enumerate(controls):
            for _, _, replacement, _ in control.edits:
                if not _BROKEN.search(replacement):
                    raise pattern.NoMatch(f"{control.name}: the replacement has no BROKEN: {replacement}")
            try:
                control.apply(root)
            except pattern.NoMatch:
                continue
            fitting.append((number, control))
        return all_in_one(fitting, root, cls.switch)

    @classmethod
    def fit_together(cls, controls, root):
        try:
            cls.switched(controls, root)
        except pattern.NoMatch as error:
            return str(error)
        return None

    def prepare(self, controls):
        self.numbers = {id(control): str(number) for number, control in enumerate(controls)}
        try:
            changed = self.switched(controls, self.root)
        except pattern.NoMatch as error:
            raise BuildError(str(error))
        self.build_programs(controls, write_tree(changed, self.root, self.work / "tree"))

    def build_programs(self, controls, tree):
        """Builds what runs these controls, from the tree that has all of them. May raise BuildError."""
        raise NotImplementedError

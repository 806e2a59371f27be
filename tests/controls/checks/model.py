"""The model checker's programs: tests/proof/model."""

import concurrent.futures

import pattern
import switches

from .base import BuildError, Check, Tree

_STANDARD = """algorithm array atomic chrono coroutine exception functional limits memory optional span string string_view
tuple utility variant vector"""


class ModelPrograms:
    """How the checker and its programs are compiled."""

    def set_up(self):
        self.source = self.root / "tests/proof/model"
        # As in CMakeLists.txt.
        self.options = [self.compiler, "-std=c++20", "-I", self.source, "-DROUSE_MODEL_CHECK=1"]
        self.instrumented = ["-O1", "-fsanitize=thread"]
        self.objects = [self.work / "checker.o"]

    def build_common(self, pool):
        """The standard library's headers, and the checker."""
        standard = self.work / "standard.hpp"
        standard.write_text("".join(f"#include <{header}>\n" for header in _STANDARD.split()))
        self.build([*self.options, *self.instrumented, "-x", "c++-header", standard, "-o", f"{standard}.gch"])
        self.instrumented += ["-include", standard]
        self.build([*self.options, "-O2", *Tree(self.root).includes(), "-c", self.source / "engine.cpp", "-o", self.objects[0]])


class Model(ModelPrograms, Check):
    """One of the programs of a file, `programs`, fails: says which, and after how many executions.

    `caught_by` is the program to be tried first, for faults that show only after many executions of it.

    Faults in functions are built together, and switched on one at a time (see switches.py). With none of them switched on
    nothing may fail.
    """

    name = "model"

    def prepare(self, controls):
        self.set_up()
        self.switched = {}  # control -> (program, number)
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            self.build_common(pool)
            programs = dict.fromkeys(control.keys["programs"] for control in controls)
            list(pool.map(lambda each: self.build_switched(each, controls), programs))

    def build_switched(self, programs, controls):
        """Builds these programs with as many of their faults as can be switched."""
        faults = {}  # number -> control
        for control in controls:
            if control.keys["programs"] != programs:
                continue
            try:
                sources = {file: pattern.Source(file, (self.root / file).read_text()) for file in control.files()}
                if all(switches.can_be_switched(sources[file], [edit]) for file, *edit in control.edits):
                    faults[len(faults) + 1] = control
            except (OSError, pattern.NoMatch):
                pass  # controls.py will say so
        folder = self.work / programs
        self.build_main(programs)
        self.build_some(programs, faults, folder)

    def build_some(self, programs, faults, folder):
        """All at once; if they do not build, as one of them does not, the two halves. One alone is left to attempt()."""
        for file in dict.fromkeys(file for control in faults.values() for file in control.files()):
            edits = {
                number: [edit for at, *edit in control.edits if at == file] for number, control in faults.items()
            }
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            text = switches.switched(pattern.Source(file, (self.root / file).read_text()), edits)
            target.write_text(text.replace("#pragma once", '#pragma once\n#include "fault_switch.hpp"', 1))
        try:
            program = self.link(programs, Tree(self.root, folder), folder)
        except BuildError:
            if len(faults) < 2:
                return
            numbers = list(faults)
            for half in (numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :]):
                self.build_some(programs, {number: faults[number] for number in half}, folder / str(half[0]))
            return
        status, output = self.run([program, 0, 500], 300)
        if status != 1:
            raise BuildError(f"{programs} fail without a fault: {output}")
        self.switched.update((control, (program, number)) for number, control in faults.items())

    def build_main(self, programs):
        main = self.work / f"{programs}.main.o"
        self.build([*self.options, "-O0", "-include", self.work / "standard.hpp", *Tree(self.root).includes(),
                    f"-DPROGRAMS={programs}", "-c", self.source / "one_fault.cpp", "-o", main])  # fmt: skip

    def link(self, programs, tree, folder):
        folder.mkdir(parents=True, exist_ok=True)
        compiled, program = folder / "programs.o", folder / "program"
        self.build([*self.options, *self.instrumented, *tree.includes(), "-c", self.source / f"{programs}.cpp",
                    "-o", compiled])  # fmt: skip
        self.build([self.compiler, compiled, self.work / f"{programs}.main.o", *self.objects, "-o", program])
        compiled.unlink()
        return program

    def attempt(self, control, tree, folder):
        program, number = self.switched.get(control, (None, 0))
        if program is None:
            program = self.link(control.keys["programs"], tree, folder)
        known = control.keys.get("caught_by")
        status, output = self.run([program, number, 10**9, *([known] if known else [])], 300)
        lines = output.splitlines() or [""]
        running = [line.removeprefix("running ") for line in lines if line.startswith("running ")]
        if status is None:
            return "MISSED", f"still in {running[-1]} after 300 s"
        if status == 0:
            text = lines[-1]
        elif status < 0 or status > 128:
            text = f"{running[-1]}, crashes" + (f": {lines[-1]}" if not lines[-1].startswith("running ") else "")
        else:
            return "MISSED", lines[-1]
        if known and len(running) > 1:
            text = f'not by "{known}", which caught_by names, but by {text}'
        return "caught", text

"""The model checker itself, include/rouse/check: its tests, tests/check, and the litmus tests."""

import concurrent.futures

from .base import BuildError, Check, Tree


class Checker(Check):
    """A test of tests/check that runs under the engine, or a litmus test, fails.

    The tests are compiled once, the engine with each fault: the faults are in check/detail/ and in engine.hpp, which no
    test includes.
    """

    name = "checker"
    programs = ("explore", "contexts", "atomic", "shared", "loop")

    def prepare(self, controls):
        self.options = [self.compiler, "-std=c++20", "-DROUSE_MODEL_CHECK=1", "-I", self.root / "tests"]
        sources = [self.root / f"tests/check/{program}_test.cpp" for program in self.programs]
        sources.append(self.root / "tests/proof/model/litmus.cpp")
        self.objects = [self.work / f"{source.stem}.o" for source in sources]
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(self.build_instrumented, sources, self.objects))
        self.works(self.link(Tree(self.root), self.work))

    def build_instrumented(self, source, target):
        self.build([*self.options, "-O1", "-fsanitize=thread", *Tree(self.root).includes(), "-c", source, "-o", target])

    def link(self, tree, folder):
        engine = folder / "engine.o"
        self.build([*self.options, "-O1", *tree.includes(), "-c", self.root / "tests/check/engine.cpp", "-o", engine])
        tests, litmus = folder / "tests", folder / "litmus"
        self.build([self.compiler, "-pthread", *self.objects[:-1], engine, *self.test_main, "-o", tests])
        self.build([self.compiler, self.objects[-1], engine, "-o", litmus])
        return tests, litmus

    def works(self, programs):
        for program in programs:
            status, output = self.run([program], 120)
            if status != 0:
                raise BuildError(f"without a fault {program.name} end with {status}:\n{output}")

    def attempt(self, control, tree, folder):
        for program in self.link(tree, folder):
            status, output = self.run([program], 120)
            if status != 0:
                lines = [line for line in output.splitlines() if "FAILED" in line or line.startswith("BAD")]
                return "caught", (lines or [f"ends with {status}"])[0].strip()
        return "MISSED", "all tests passed"

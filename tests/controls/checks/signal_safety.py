"""What a foreign call may do, and fork(): tests/proof/signal_safety, and the tests in tests/ports that are about it."""

import platform
import sys
import time

from .switched import Switched, Together

_FOLDER = "tests/proof/signal_safety"


class Reachable(Together):
    """reachable.py finds, in the object code of the foreign calls, what they may not reach. `optimisation`: an option."""

    name = "signal_safety/reachable"
    tools = ("objdump", "c++filt")

    def missing(self):
        if platform.machine() != "x86_64":
            return "reads the object code of x86-64 only"
        return super().missing()

    def kind(self, control):
        return control.keys["optimisation"]

    def look(self, kind, tree, folder):
        probe = folder / "probe.o"
        self.build(
            [self.compiler, "-std=c++20", "-DNDEBUG", kind, "-ffunction-sections", *tree.includes()]
            + ["-c", tree.file(f"{_FOLDER}/probe.cpp"), "-o", probe]
        )
        unoptimised = ["--unoptimised"] if kind == "-O0" else []
        status, output = self.run([sys.executable, self.root / _FOLDER / "reachable.py", probe, *unoptimised], 300)
        return status == 1, output


class Hanging(Switched):
    """Programs that end badly; or hang, if that is expected: take ten times as long as without a fault, and then some."""

    arguments = ()

    def prepare(self, controls):
        self.limits = {}
        super().prepare(controls)

    def sound(self, program):
        start = time.monotonic()
        status, output = self.run([program.file, *self.arguments], 300)
        self.limits[program.file] = 3 + 10 * (time.monotonic() - start)
        return None if status == 0 else output

    def judge(self, control, file, environment):
        case = [control.keys["case"]] if "case" in control.keys else []
        limit = self.limits[file] + (0 if control.expect == "hangs" else 10)  # some say what is wrong, and then hang
        status, output = self.run([file, *self.arguments, *case], limit, environment)
        if status == 0:
            return "MISSED", output
        return "caught", " ".join(output.split()) + (" hangs" if status is None else f" status {status}")


class Behaviour(Hanging):
    """A thread that is being cancelled, or errno, is disturbed by a foreign call. `program`: cancel or errno."""

    name = "signal_safety/behaviour"
    flags = ["-O2"]

    def source(self, control):
        return f"{_FOLDER}/{control.keys['program']}.cpp"


class Fork(Hanging):
    """The test case that is about it fails. `program`: the test, below tests/; `case`: Catch2's name of the test case."""

    name = "fork"
    precompiled = ('"support/catch.hpp"', "<array>", "<chrono>", "<functional>", "<memory>", "<string>", "<thread>", "<vector>")
    with_main = True
    arguments = ("-a",)

    def source(self, control):
        return f"tests/{control.keys['program']}.cpp"

"""Random programs against a reference: tests/simulation."""

import re

from .base import Check


class Simulation(Check):
    """The simulation fails within 300,000 programs, and says after how many and to what the program shrinks."""

    name = "simulation"

    def attempt(self, control, tree, folder):
        program = folder / "simulation"
        source = tree.file("tests/simulation/simulation.cpp")
        self.build([self.compiler, "-std=c++20", "-O1", *tree.includes(), source, "-o", program])
        status, output = self.run([program, "--programs", "300000", "--expect-failure"], 120)
        if status != 0:
            return "MISSED", output if status is not None else "still running after 120 s"
        programs = re.search(r"^failed: \S+ ([\d,]+)", output, re.MULTILINE)
        shrunk = re.search(r"^shrunk to (.*)", output, re.MULTILINE)
        return "caught", f"after {programs.group(1)} programs, shrunk to {shrunk.group(1)}"

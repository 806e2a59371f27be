"""Random programs against a reference: tests/simulation."""

import re

from .switched import Switched


class Simulation(Switched):
    """The simulation fails within 300,000 programs, and says after how many and to what the program shrinks."""

    name = "simulation"

    def source(self, control):
        return "tests/simulation/simulation.cpp"

    def sound(self, program):
        status, output = self.run([program.file, "--programs", "10000"], 300)
        return None if status == 0 else output

    def judge(self, control, file, environment):
        status, output = self.run([file, "--programs", "300000", "--expect-failure"], 300, environment)
        if status != 0:
            return "MISSED", output if status is not None else "still running after 300 s"
        programs = re.search(r"^failed: program (\d+)", output, re.MULTILINE)
        shrunk = re.search(r"^shrunk to (.*)", output, re.MULTILINE)
        if programs is None or shrunk is None:
            return "MISSED", output
        return "caught", f"after {programs.group(1)} programs, shrunk to {shrunk.group(1)}"

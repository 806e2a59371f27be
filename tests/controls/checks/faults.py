"""Each system call and allocation fails: tests/proof/faults."""

import re

from .base import BuildError, SwitchedCheck, matching_line


class Faults(SwitchedCheck):
    """The control's scenario must go wrong when a call of the control's name fails. Says at which call, and how."""

    name = "faults"
    switch = "::faults::broken"
    tools = ("nm",)

    def build_programs(self, controls, tree):
        include = tree.whole_include(self.work)
        for scenario in sorted({control.keys["scenario"] for control in controls}):
            build = [self.root / "tests/proof/faults/build.sh", self.work / scenario, scenario, include, self.compiler]
            status, output = self.run([*build, "-O0", "-w", "-DROUSE_POOL_FRAMES=0"], 900)
            if status != 0:
                raise BuildError("\n".join(output.splitlines()[:15]))

    def attempt(self, control, tree, folder):
        program = self.work / control.keys["scenario"]
        options = ["--broken", self.numbers[id(control)], "--only", control.keys["call"], "--until-first"]
        if "hang_after" in control.keys:
            options += ["--hang-after", control.keys["hang_after"]]
        status, output = self.run([program, *options], 600)
        line = matching_line(output, re.compile("^wrong: .* at call"))
        return ("caught", line.removeprefix("wrong: ")) if line else ("MISSED", output)

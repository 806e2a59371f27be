"""An interrupt at every instruction: tests/proof/single_step."""

import platform
import re

from .base import BuildError
from .switched import SwitchedCheck


class SingleStep(SwitchedCheck):
    """The control's state must fail at an instruction. Says with which operation, and how."""

    name = "single_step"
    switch = "::step::broken"

    def missing(self):
        if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
            return "needs the trap flag of x86-64, and Linux"
        return super().missing()

    def build_programs(self, controls, tree):
        folder = self.root / "tests/proof/single_step"
        self.program = self.work / "single_step"
        include = tree.whole_include(self.work)
        objects = {control.keys["object"] for control in controls}
        switch = ["-include", folder / "broken.hpp"]
        status, output = self.run(
            [folder / "build.sh", self.program, include, self.compiler, "-O1", "-w", *switch],
            900,
            {"parts": " ".join(sorted(objects))},
        )
        if status != 0:
            raise BuildError("\n".join(output.splitlines()[:15]))

    def attempt(self, control, tree, folder):
        number = self.numbers[id(control)]
        keys = control.keys
        options = ["--broken", number, "--state", keys["state"], "--pairs", keys.get("pairs", 12)]
        status, output = self.run([self.program, "--expect-failure", *options, keys["object"]], 600)
        if status != 0:
            return "MISSED", output if status is not None else "still running after 600 s"
        where, how = output.splitlines()[:2]
        return "caught", re.sub(r"\s+", " ", f"{where}: {how}")

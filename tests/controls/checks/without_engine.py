"""What rouse/check has beside the model checker: interrupt_everywhere, cancel_everywhere, simulate."""

import platform

from .switched import Switched


class WithoutEngine(Switched):
    """The test of the control's `program` fails: tests/check/PROGRAM_test.cpp."""

    name = "check_without_engine"
    precompiled = ('"support/catch.hpp"', "<algorithm>", "<chrono>", "<functional>", "<string>", "<vector>")
    with_main = True

    def missing(self):
        if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
            return "needs the trap flag of x86-64, and Linux"
        return super().missing()

    def source(self, control):
        return f"tests/check/{control.keys['program']}_test.cpp"

    def sound(self, program):
        status, output = self.run([program.file], 120)
        return None if status == 0 else output

    def judge(self, control, file, environment):
        status, output = self.run([file], 300, environment)
        if status == 0:
            return "MISSED", "all tests passed"
        return "caught", next((line for line in (output or "").splitlines() if "FAILED" in line), f"ends with {status}")

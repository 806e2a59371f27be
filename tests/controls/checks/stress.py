"""The storms, and the tests of net under load: tests/stress."""

import signal

from .switched import Switched


class Stress(Switched):
    """A storm, or a test of net under load, fails as expected of it.

    The control's `program` is the test's name without _test.cpp, its `case` Catch2's name of the test case that it is
    about. A lost wake is a round without end. A storm that nothing disturbs goes on for so long that how fast the
    machine is, and what else it does, cannot matter: it ends in the first round in which the fault shows.
    """

    name = "stress"
    precompiled = (
        '"support/catch.hpp"', "<algorithm>", "<array>", "<chrono>", "<condition_variable>", "<memory>", "<mutex>",
        "<optional>", "<random>", "<string>", "<system_error>", "<thread>", "<vector>",
    )
    with_main = True
    environment = {"ROUSE_LOAD_DIVISOR": "32", "ROUSE_LOAD_SEED": "1"}

    def source(self, control):
        return f"tests/stress/{control.keys['program']}_test.cpp"

    def sound(self, program):
        cases = {control.keys.get("case", "*") for control in program.controls}
        status, output = self.run([program.file, "-a", ",".join(cases)], 300, {**self.environment, "ROUSE_STORM_SECONDS": "1"})
        return None if status == 0 else f"{output}{self.ending(status)}"

    def judge(self, control, file, environment):
        seconds = {"ROUSE_STORM_SECONDS": "200", "ROUSE_STORM_STALL": "2"}
        case = [control.keys["case"]] if "case" in control.keys else []
        status, output = self.run([file, "-a", *case], 300, {**self.environment, **seconds, **environment})
        if status == 0:
            return "MISSED", output
        return "caught", f"{output}{self.ending(status)}"

    @staticmethod
    def ending(status):
        if status is None:
            return "hangs"
        return f"status {status}" if status >= 0 else f"ended by {signal.Signals(-status).name}"

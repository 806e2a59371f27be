"""The protocol in Promela, under spin: tests/proof/wake_protocol."""

import re
import shutil

from .base import Check


class WakeProtocol(Check):
    """spin finds a run of the wrong protocol in which an assertion fails, nothing goes on, or a property does not hold.

    `fault` is the name of the #define that makes the protocol wrong; `defines` are those that it is searched with. With
    `property` the search is for a fair run without it.
    """

    name = "wake_protocol"
    tools = ("spin", "gcc")
    changes_files = False

    def attempt(self, control, tree, folder):
        for path in (self.root / "tests/proof/wake_protocol").glob("*.pml"):
            shutil.copy(path, folder)
        known = control.keys.get("property")
        defines = [f"-D{control.keys['fault']}", *control.keys["defines"]]
        if not re.search(rf"^#ifn?def {control.keys['fault']}$", self.text(folder), re.MULTILINE):
            return "MISSED", f"the model knows no {control.keys['fault']}"
        status, output = self.run(["spin", *defines, "-a", "model.pml"], 60, cwd=folder)
        if status != 0:
            return "MISSED", f"spin does not take it\n{output}"
        self.build(["gcc", "-w", "-O0", "-DMEMLIM=1900", "-DNFAIR=3" if known else "-DSAFETY", "-o", folder / "pan",
                    folder / "pan.c"])  # fmt: skip
        search = ["./pan", "-m100000", "-w23", *(["-a", "-N", known, "-f", "-A"] if known else [])]
        status, output = self.run(search, 300, cwd=folder)
        fault = re.search(r"(assertion violated.*|invalid end state|acceptance cycle) \(at depth \d+\)", output)
        if not fault or "errors: 1" not in output:
            return "MISSED", output
        return "caught", " ".join(fault.group().split()) + (f": a run without {known}" if known else "")

    @staticmethod
    def text(folder):
        return "".join(path.read_text() for path in folder.glob("*.pml"))

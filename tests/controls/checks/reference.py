"""The reference that Doxygen makes from the comments of the headers: tests/docs/reference.sh."""

import re
import shutil

from .base import BuildError, Check, Tree
from .switched import Program


class Reference(Check):
    """Doxygen, whose warnings are errors, finds the fault: `expect` is what it says of it.

    All faults are in one copy of the headers, as Doxygen goes on after an error.
    """

    name = "reference"
    tools = ("doxygen", "awk")

    def prepare(self, controls):
        copy = self.work / "copy"
        faults = Program("include")
        for control in controls:
            if control.expect is None:
                raise BuildError(f"{control.name}: says not what doxygen must say")
            faults.takes(control, self.root)
        for file, text in faults.changed(self.root).items():
            target = self.work / "changed" / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        Tree(self.root, self.work / "changed").whole_include(copy)
        shutil.copytree(self.root / "docs", copy / "docs")
        settings = {"ROUSE_VERSION": "0", "ROUSE_REFERENCE": str(self.work)}
        self.status, output = self.run(["doxygen", "docs/Doxyfile"], 300, settings, copy)
        self.errors = output.replace(f"{copy}/", "")

    def attempt(self, control, tree, folder):
        if self.status in (0, None) or not re.search(control.expect, self.errors):
            return "MISSED", f"doxygen ended with {self.status}:\n{self.errors}"
        return "caught", self.errors

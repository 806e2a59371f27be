"""The reference that Doxygen makes from the comments of the headers: tests/docs/reference.sh."""

import shutil

from .switched import Together


class Reference(Together):
    """Doxygen, whose warnings are errors, finds the fault."""

    name = "reference"
    tools = ("doxygen", "awk")

    def look(self, kind, tree, folder):
        copy = folder / "copy"
        tree.whole_include(copy)
        shutil.copytree(self.root / "docs", copy / "docs")
        settings = {"ROUSE_VERSION": "0", "ROUSE_REFERENCE": str(folder)}
        status, output = self.run(["doxygen", "docs/Doxyfile"], 300, settings, copy)
        return status not in (0, None), output.replace(f"{copy}/", "")

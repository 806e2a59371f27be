#!/usr/bin/env python3
"""Tests of what controls.py does with several controls at once."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import pattern  # noqa: E402
from checks import base  # noqa: E402
from controls import Control  # noqa: E402

CODE = "void f() {\n    if (ready) wake();\n    count = 0;\n}\n"


class Switched(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        (self.root / "code.hpp").write_text(CODE)

    def switched(self, *edits):
        controls = [
            Control("test", "check", {"name": find, "why": "", "file": "code.hpp", "find": find, "replace": replace})
            for find, replace in edits
        ]
        return base.switched(controls, self.root, "on")

    def test_each_control_is_switched_by_its_place_in_the_list(self):
        self.assertEqual(self.switched(("wake();", "if (!BROKEN) $0"), ("count = 0;", "count = BROKEN ? 1 : 0;")),
                         {"code.hpp": CODE.replace("wake();", "if (!(on == 0)) wake();")
                                          .replace("count = 0;", "count = (on == 1) ? 1 : 0;")})

    def test_two_that_touch_the_same_code_are_refused(self):
        with self.assertRaisesRegex(pattern.NoMatch, "overlap"):
            self.switched(("if (ready) wake();", "if (BROKEN) $0"), ("wake();", "if (!BROKEN) $0"))

    def test_a_fault_that_could_not_be_switched_off_is_refused(self):
        with self.assertRaisesRegex(pattern.NoMatch, "has no BROKEN"):
            self.switched(("wake();", ""))

    def test_one_that_does_not_fit_leaves_the_others_with_their_numbers(self):
        self.assertEqual(self.switched(("sleep();", "BROKEN"), ("wake();", "if (!BROKEN) $0")),
                         {"code.hpp": CODE.replace("wake();", "if (!(on == 1)) wake();")})


if __name__ == "__main__":
    unittest.main()

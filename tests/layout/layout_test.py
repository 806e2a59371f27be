#!/usr/bin/env python3
"""Controls of the layout rules: each gets small trees that break it, and must name the file, the rule and a remedy."""

import contextlib
import io
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import format  # noqa: E402
import headers  # noqa: E402
import report  # noqa: E402
import rules  # noqa: E402

# A tree that keeps all rules.
FLAG = """\
#pragma once

#include <atomic>

#include <rouse/core/task.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

class Flag {};

}
}
"""
GOOD = {
    "README.md": "```cpp\n#include <rouse/threadsafe/flag.hpp>\n```\n",
    "docs/tutorial.md": "`rouse::detail::Inbox` is internal.\n",
    "examples/blink.cpp": "#include <rouse/threadsafe/flag.hpp>\nint main() { detail(); }\n",
    "include/rouse/core/task.hpp": "#include <rouse/core/detail/record.hpp>\n\nclass Task : Record {};\n",
    "include/rouse/core/detail/record.hpp": "#pragma once\n\nclass Record;\nclass Record {};\n",
    "include/rouse/threadsafe/flag.hpp": FLAG,
    "tests/core/task_test.cpp": "",
    "tests/threadsafe/flag_test.cpp": "",
    "tests/layout/uses/core/task.cpp": "#include <rouse/core/task.hpp>\n\nint main() { Task{}; }\n",
    "tests/layout/uses/threadsafe/flag.cpp": '#include <rouse/threadsafe/flag.hpp>\n#include "../port.hpp"\n',
    "tests/layout/uses/port.hpp": "",
    "tests/proof/check.sh": "# not by sed -i\nsed -n 1p log\nsed 's/a/b/' log >\"$work/log\"\n",
}


class LayoutTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def tree(self, changes=None):
        """The good tree with these files in addition, or in place of its own; None removes one."""
        root = pathlib.Path(self.folder.name) / "tree"
        shutil.rmtree(root, ignore_errors=True)
        for path, text in {**GOOD, **(changes or {})}.items():
            if text is not None:
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
        return root

    def caught(self, rule, changes, where, *says):
        """The rule finds exactly one breach, at this place, and says this, with a remedy."""
        found = [str(breach) for breach in rules.RULES[rule](self.tree(changes))]
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(f"{where}: [{rule}] "), found[0])
        self.assertIn(" Remedy: ", found[0])
        for text in says:
            self.assertIn(text, found[0])

    def errors(self, exceptions, breaches, checked=("no-sed",)):
        root = self.tree({report.EXCEPTIONS: exceptions})
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            count = report.judge(root, list(checked), breaches, {"no-sed", "ctags"})
        return count, said.getvalue()


class GoodTree(LayoutTest):
    def test_keeps_all_rules(self):
        for name, rule in rules.RULES.items():
            if name != "ctags" or shutil.which("ctags"):
                self.assertEqual([str(each) for each in rule(self.tree())], [], name)

    def test_keeps_all_rules_in_git(self):
        root = self.tree({".gitignore": "build/\n", "build/x.o": "", "scratch": ""})
        git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run([*git, "init", "-q"], check=True)
        subprocess.run([*git, "add", "--", *GOOD], check=True)
        self.assertEqual(rules.top_level(root), [])  # what is not tracked is not judged
        subprocess.run([*git, "add", "scratch"], check=True)
        self.assertEqual([each.subject for each in rules.top_level(root)], ["scratch"])
        self.assertNotIn("build/x.o", report.files(root))


class TopLevel(LayoutTest):
    def test_a_folder_of_its_own(self):
        self.caught("top-level", {"tools/check.sh": ""}, "tools", "move it into docs, tests, examples or include")

    def test_a_dotfile_that_no_tool_of_ours_reads(self):
        self.caught("top-level", {".editorconfig": ""}, ".editorconfig")

    def test_what_is_ignored_does_not_count_without_git(self):
        root = self.tree({".gitignore": "build/\n__pycache__/\n", "build/a.o": "", "tests/__pycache__/b": ""})
        self.assertEqual(rules.top_level(root), [])
        self.assertNotIn("tests/__pycache__/b", report.files(root))


class PortableIncludes(LayoutTest):
    def test_a_heavy_header(self):
        for name in ("thread", "mutex", "functional", "iostream", "string", "sstream", "format", "future",
                     "condition_variable", "map"):
            self.caught("portable-includes", {"include/rouse/sync/event.hpp": f"\n#include <{name}>\n"},
                        "include/rouse/sync/event.hpp:2", f"<{name}>", "PORTABLE_STANDARD")

    def test_a_header_of_an_operating_system_in_a_condition_and_in_detail(self):
        self.caught("portable-includes",
                    {"include/rouse/core/detail/sleep.hpp": "#if ROUSE_HOSTED\n#  include <sys/epoll.h>\n#endif\n"},
                    "include/rouse/core/detail/sleep.hpp:2", "<sys/epoll.h>")

    def test_ports_may(self):
        root = self.tree({"include/rouse/ports/epoll.hpp": "#include <sys/epoll.h>\n#include <mutex>\n"})
        self.assertEqual(rules.portable_includes(root), [])


class FolderOrder(LayoutTest):
    def test_upwards(self):
        self.caught("folder-order", {"include/rouse/core/run.hpp": "#include <rouse/sync/event.hpp>\n"},
                    "include/rouse/core/run.hpp:1", "core includes <rouse/sync/event.hpp>, but may not depend on sync")

    def test_upwards_into_detail(self):
        self.caught("folder-order", {"include/rouse/sync/event.hpp": "#include <rouse/threadsafe/detail/slot.hpp>\n"},
                    "include/rouse/sync/event.hpp:1")

    def test_everything_at_once(self):
        self.caught("folder-order", {"include/rouse/io/io.hpp": "#include <rouse/rouse.hpp>\n"},
                    "include/rouse/io/io.hpp:1", "may not depend on rouse.hpp")

    def test_rouse_hpp_needs_no_operating_system(self):
        self.caught("folder-order", {"include/rouse/rouse.hpp": "#include <rouse/io/io.hpp>\n"},
                    "include/rouse/rouse.hpp:1")

    def test_a_folder_that_is_new(self):
        self.caught("folder-order", {"include/rouse/extra/more.hpp": ""}, "include/rouse/extra/more.hpp", "DEPENDS_ON")

    def test_in_quotes(self):
        self.caught("folder-order", {"include/rouse/core/run.hpp": '#include "task.hpp"\n'},
                    "include/rouse/core/run.hpp:1")

    def test_the_order_itself_goes_one_way(self):
        before = rules.DEPENDS_ON["core"]
        rules.DEPENDS_ON["core"] = ["threadsafe"]
        try:
            with self.assertRaisesRegex(SystemExit, "circle"):
                rules.folder_order(self.tree())
        finally:
            rules.DEPENDS_ON["core"] = before


class IncludeCycle(LayoutTest):
    def test_a_header_that_includes_its_implementation(self):
        self.caught("include-cycle",
                    {"include/rouse/core/loop.hpp": "class Loop {};\n#include <rouse/core/detail/scheduler.hpp>\n",
                     "include/rouse/core/detail/scheduler.hpp": "#include <rouse/core/loop.hpp>\n"},
                    "include/rouse/core/detail/scheduler.hpp:1",
                    "rouse/core/detail/scheduler.hpp -> rouse/core/loop.hpp -> rouse/core/detail/scheduler.hpp")

    def test_a_longer_one_is_told_once(self):
        cycle = {f"include/rouse/core/{name}.hpp": f"#include <rouse/core/{other}.hpp>\n"
                 for name, other in ("ab", "bc", "ca")}
        self.caught("include-cycle", cycle, "include/rouse/core/a.hpp:1",
                    "a.hpp -> rouse/core/b.hpp -> rouse/core/c.hpp -> rouse/core/a.hpp")

    def test_a_header_that_includes_itself(self):
        self.caught("include-cycle", {"include/rouse/core/a.hpp": "#include <rouse/core/a.hpp>\n"},
                    "include/rouse/core/a.hpp:1")


class PublicUse(LayoutTest):
    def test_a_public_header_without_one(self):
        self.caught("public-use", {"include/rouse/core/loop.hpp": ""}, "include/rouse/core/loop.hpp",
                    "write tests/layout/uses/core/loop.cpp", "move it to include/rouse/core/detail/")

    def test_a_use_that_takes_another_header_too(self):
        self.caught("public-use",
                    {"tests/layout/uses/core/task.cpp": "#include <rouse/core/task.hpp>\n#include <rouse/a.hpp>\n"},
                    "tests/layout/uses/core/task.cpp", "rouse/core/task.hpp, rouse/a.hpp")

    def test_a_use_that_does_not_take_its_header(self):
        self.caught("public-use", {"tests/layout/uses/core/task.cpp": "int main() {}\n"},
                    "tests/layout/uses/core/task.cpp")

    def test_a_use_that_includes_something_first(self):
        use = "#include <new>\n#include <rouse/core/task.hpp>\n"
        self.caught("public-use", {"tests/layout/uses/core/task.cpp": use},
                    "tests/layout/uses/core/task.cpp:1", "before <rouse/core/task.hpp>")

    def test_a_use_of_nothing(self):
        self.caught("public-use", {"tests/layout/uses/core/old.cpp": ""}, "tests/layout/uses/core/old.cpp",
                    "rename or remove")


class UsersNeedNoDetail(LayoutTest):
    def test_an_example(self):
        self.caught("users-need-no-detail", {"examples/blink.cpp": "\n#include <rouse/core/detail/record.hpp>\n"},
                    "examples/blink.cpp:2", "<rouse/core/detail/record.hpp>")

    def test_the_readme(self):
        self.caught("users-need-no-detail", {"README.md": "Text\n```cpp\nint x;\nrouse::detail::Record r;\n```\n"},
                    "README.md:4")

    def test_a_snippet(self):
        self.caught("users-need-no-detail",
                    {"docs/porting.md": "```cpp\n#include <rouse/core/detail/record.hpp>\n```\n"},
                    "docs/porting.md:2")

    def test_a_header_that_has_no_use(self):
        self.caught("users-need-no-detail", {"include/rouse/core/detail/inbox.hpp": "",
                                             "examples/blink.cpp": "#include <rouse/core/detail/inbox.hpp>\n"},
                    "examples/blink.cpp:1")


class Namespaces(LayoutTest):
    def test_a_third_namespace(self):
        for line in ("namespace core {", "inline namespace net {", "namespace rouse::debug {", "    namespace io"):
            self.caught("namespaces", {"include/rouse/threadsafe/flag.hpp": f"{FLAG}{line}\n}}\n"},
                        "include/rouse/threadsafe/flag.hpp:14", line.split()[-2 if "{" in line else -1], "rouse::detail")


class Tested(LayoutTest):
    def test_a_public_header_without_tests(self):
        self.caught("tested", {"tests/threadsafe/flag_test.cpp": None}, "include/rouse/threadsafe/flag.hpp",
                    "tests/threadsafe/flag_test.cpp")


class NoSed(LayoutTest):
    def test_all_ways_to_change_a_source_by_text(self):
        for line in ("sed -i 's/a/b/' \"$work/x.hpp\"", "sed -E -i.bak s/a/b/ x", "sed -nEi p x",
                     "sed --in-place s/a/b/ x",
                     "sed 's/a/b/' flag.hpp >\"$work/include/rouse/flag.hpp\"",
                     "copy_with_fault core/task.hpp 's/a/b/'",
                     "perl -pi -e s/a/b/ x.hpp"):
            self.caught("no-sed", {"tests/proof/check.sh": f"#!/bin/bash\n{line}\n"}, "tests/proof/check.sh:2",
                        "controls.toml")


@unittest.skipUnless(shutil.which("ctags"), "ctags is not installed")
class Ctags(LayoutTest):
    def test_a_namespace_that_it_cannot_parse(self):
        text = """namespace rouse::inline X {

enum class Kind { a };

template <class T>
class [[nodiscard]] Box final {};

}
"""
        self.caught("ctags", {"include/rouse/core/box.hpp": text}, "include/rouse/core/box.hpp:3", "Kind, Box")

    def test_what_it_does_find(self):
        text = """namespace rouse {
inline namespace X {

class Later;

enum class Kind : int { a };

template <class T>
class [[nodiscard]] Box final : Base {
};

struct alignas(64) Gap {};

template <>
struct Box<int> {};

class Box::Awaiter {};

}
}
"""
        self.assertEqual([str(each) for each in rules.ctags(self.tree({"include/rouse/core/box.hpp": text}))], [])


class Headers(LayoutTest):
    def caught_by_compiling(self, wanted, changes, where, *says):
        root = self.tree({"include/rouse/threadsafe/flag.hpp": None, "tests/layout/uses/threadsafe/flag.cpp": None,
                          **changes})
        with tempfile.TemporaryDirectory() as work:
            breaches = headers.check(root, ["c++"], pathlib.Path(work), 1, "core/task", [wanted], tell=lambda _: 0)
            found = [str(each) for each in breaches]
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(f"{where}: [{wanted}] "), found[0])
        self.assertIn(" Remedy: ", found[0])
        for text in says:
            self.assertIn(text, found[0])

    use = "tests/layout/uses/core/task.cpp"

    def test_a_header_that_does_not_define_what_it_declares(self):
        self.caught_by_compiling("use-runs", {"include/rouse/core/task.hpp": "struct Task { Task(); };\n"}, self.use,
                                 "does not link", "undefined reference to `Task::Task()'")

    def test_a_header_whose_use_does_not_compile(self):
        self.caught_by_compiling("use-runs", {"include/rouse/core/task.hpp": "class Task;\n"}, self.use,
                                 "does not compile", "error")

    def test_a_use_that_fails(self):
        self.caught_by_compiling("use-runs", {self.use: "#include <rouse/core/task.hpp>\nint main() { return 3; }\n"},
                                 self.use, "ends with 3")

    def test_a_header_that_needs_exceptions(self):
        self.caught_by_compiling("header-alone", {"include/rouse/core/task.hpp": "inline void fail() { throw 1; }\n"},
                                 "include/rouse/core/task.hpp", "-fno-exceptions")


@unittest.skipUnless(shutil.which(format.TOOL), "clang-format-19 is not installed")
class Format(LayoutTest):
    def test_a_file_that_is_not_formatted(self):
        root = self.tree({".clang-format": "BasedOnStyle: Google\n", "tests/a_test.cpp": "int x;\nint   y;\n",
                          "tests/b_test.cpp": "int x;\n"})
        found = [str(each) for each in format.breaches(root, ["tests/a_test.cpp", "tests/b_test.cpp"])]
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith("tests/a_test.cpp:2: [format] "), found[0])
        self.assertIn("Remedy: clang-format-19 -i tests/a_test.cpp", found[0])


class Exceptions(LayoutTest):
    one = '[[exception]]\nrule = "no-sed"\nwhy = "later"\nof = [\n    "tests/a.sh",\n]\n'
    breach = report.Breach("no-sed", "tests/a.sh", 3, "a script changes a file", "write a control")

    def test_a_breach_without_one_is_an_error(self):
        count, said = self.errors("", [self.breach])
        self.assertEqual(count, 1)
        self.assertIn("tests/a.sh:3: [no-sed] a script changes a file. Remedy: write a control.", said)

    def test_one_permits_its_breach(self):
        self.assertEqual(self.errors(self.one, [self.breach])[0], 0)

    def test_one_that_is_not_needed_is_an_error(self):
        count, said = self.errors(self.one, [])
        self.assertEqual(count, 1)
        self.assertIn(f"{report.EXCEPTIONS}:5: [no-sed] tests/a.sh needs no exception any more. Remedy: remove",
                      said)

    def test_one_of_a_rule_that_was_not_checked_is_not_judged(self):
        self.assertEqual(self.errors(self.one, [], checked=["ctags"])[0], 0)

    def test_one_of_a_rule_that_does_not_exist_is_an_error(self):
        count, said = self.errors(self.one.replace("no-sed", "no-sad"), [])
        self.assertEqual(count, 1)
        self.assertIn("there is no rule no-sad", said)

    def test_one_without_a_reason_is_refused(self):
        with self.assertRaisesRegex(SystemExit, "rule, why and of"):
            self.errors(self.one.replace('why = "later"\n', ""), [])


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""Controls: deliberate faults, each of which a check of this repository must catch.

    controls.py list   [--check NAME] [-R REGEX]     every control, with why it is a fault
    controls.py fit    [--check NAME] [-R REGEX]     every pattern is in its file exactly once; builds nothing
    controls.py show   [--check NAME] [-R REGEX]     what each control changes, as a diff
    controls.py run    [--check NAME] [-R REGEX]     builds and runs each check with each fault: all must be caught

They are written down in tests/**/controls.toml and tests/**/controls/*.toml:

    check = "simulation"                    # one of checks.CHECKS; says how the fault is tried
    [[control]]
    name = "cancel does not unlink"         # the fault, as a statement
    why = "the waiter stays linked, and is woken again after its frame has ended"
    file = "include/rouse/core/detail/scheduler.hpp"
    find = "unlink(); return true;"         # see pattern.py
    replace = "return true;"
    within = "bool cancel("                 # optional: only in the block that follows this
    expect = "shrunk to"                    # optional: a regex that what the check prints must match

A control that changes several places has `edits = [{find = ..., replace = ..., within = ..., file = ...}, ...]`. Further
keys are the check's own: which test program, which board. A key at the top of the file, other than `check`, is the
default of all its controls. `variants = [{...}, ...]` tries the same fault once with each of these sets of keys, whose
values are printed after the name.

Some checks build one program with all their controls, and switch on one at a time when it runs. In the replacements of
these BROKEN says whether the control is on: see checks/switched.py.

A check may have its faults in itself: a control then names one of them, and changes no file (`changes_files` in
checks/base.py). Or it makes its controls itself, such as a mutant for each place of a kind (`generated` there): these are
listed and run like the others.

Each line of `run` is: verdict, check, control, what caught it, seconds. Exits with 1 if a control is not caught, or fits
no more; with 77 if a tool is missing, without which none of the selected checks can run.
"""

import argparse
import concurrent.futures
import difflib
import os
import pathlib
import re
import shutil
import sys
import tempfile
import threading
import time

try:
    import tomllib
except ImportError:
    print("skipped: Python 3.11 or later is needed, for tomllib")
    sys.exit(77)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import checks  # noqa: E402
import pattern  # noqa: E402


class Control:
    """One fault, and the check that must catch it."""

    def __init__(self, origin, check, keys, variant=None):
        keys = {**keys, **(variant or {})}
        self.origin = origin
        self.check = check
        try:
            self.name = keys.pop("name")
            self.why = keys.pop("why")
        except KeyError as missing:
            raise SystemExit(f"{origin}: a control of {check} has no {missing}: {keys.get('name', keys)}")
        self.title = self.name  # with what tells it from its variants
        if variant:
            self.title += f" ({', '.join(str(value) for key, value in variant.items() if key not in ('why', 'expect'))})"
        self.expect = keys.pop("expect", None)
        file = keys.pop("file", None)
        edits = keys.pop("edits", None)
        if edits is None:
            edit = {key: keys.pop(key) for key in ("find", "replace", "within") if key in keys}
            edits = [edit] if edit or checks.CHECKS[check].changes_files else []
        self.edits = []  # (file, pattern, replacement, within)
        for edit in edits:
            try:
                self.edits.append((edit.get("file", file), edit["find"], edit["replace"], edit.get("within")))
            except KeyError as missing:
                raise SystemExit(f"{origin}: {self.name}: an edit has no {missing}")
            if self.edits[-1][0] is None:
                raise SystemExit(f"{origin}: {self.name}: an edit names no file")
        self.keys = keys  # the check's own

    def files(self):
        return list(dict.fromkeys(file for file, *_ in self.edits))

    def apply(self, root):
        """The changed files: path -> text. Raises pattern.NoMatch."""
        changed = {}
        for file in self.files():
            path = root / file
            if not path.exists():
                raise pattern.NoMatch(f"there is no file {file}")
            source = pattern.Source(file, path.read_text())
            changed[file] = pattern.replace(source, [edit[1:] for edit in self.edits if edit[0] == file])
            if changed[file] == source.text:
                raise pattern.NoMatch(f"changes nothing in {file}")
        return changed


def selected(options):
    """The names of the checks that are wanted."""
    return [name for name in checks.CHECKS if not options.check or name in options.check]


def load(root):
    """All controls, in the order of their files."""
    tests = root / "tests"
    found = []
    for path in sorted([*tests.glob("**/controls.toml"), *tests.glob("**/controls/*.toml")]):
        origin = str(path.relative_to(root))
        try:
            content = tomllib.loads(path.read_text())
        except tomllib.TOMLDecodeError as error:
            raise SystemExit(f"{origin}: {error}")
        check = content.pop("check", None)
        if check not in checks.CHECKS:
            raise SystemExit(f"{origin}: there is no check {check!r}: {', '.join(checks.CHECKS)}")
        controls = content.pop("control", [])
        for keys in controls:
            keys = {**content, **keys}
            for variant in keys.pop("variants", [{}]):
                found.append(Control(origin, check, keys, variant))
    names = [(control.check, control.name, str(control.keys)) for control in found]
    for name in names:
        if names.count(name) > 1:
            raise SystemExit(f"two controls of {name[0]} have the name {name[1]!r}")
    return found


def fit(control, root):
    """What is wrong with the control's patterns, or None."""
    try:
        control.apply(root)
    except pattern.NoMatch as error:
        return f"{control.origin}: {control.title}: {error}"
    return None


def show(control, root):
    if not control.edits:
        print(f"{control.name}: the check has this fault in itself: {control.keys}")
    for file, text in control.apply(root).items():
        before = (root / file).read_text()
        print("".join(difflib.unified_diff(before.splitlines(True), text.splitlines(True), file, control.title)))


class Printer:
    """Lines of results, as they come."""

    def __init__(self):
        self._lock = threading.Lock()
        self.count = {"caught": 0, "MISSED": 0, "BAD": 0, "skipped": 0, "excused": 0}

    def __call__(self, verdict, check, name, text, seconds):
        with self._lock:
            self.count[verdict] += 1
            lines = text.rstrip().splitlines() or [""]
            print(f"{verdict:7} {check}: {name}: {lines[0]} ({seconds:.1f} s)", flush=True)
            for line in lines[1:40]:
                print(f"        {line}")


def run_one(control, check, root, work, printer):
    start = time.monotonic()
    folder = pathlib.Path(tempfile.mkdtemp(dir=work))
    try:
        tree = checks.write_tree(control.apply(root), root, folder / "tree")
        verdict, text = check.attempt(control, tree, folder)
        if verdict == "caught" and control.expect and not re.search(control.expect, text):
            verdict, text = "MISSED", f"failed otherwise than expected ({control.expect}):\n{text}"
        elif verdict == "caught" and control.expect:
            text = next(filter(re.compile(control.expect).search, text.splitlines()), text).strip()
    except pattern.NoMatch as error:
        verdict, text = "BAD", str(error)
    except checks.BuildError as error:
        verdict, text = "BAD", f"does not build\n{error}"
    except Exception as error:  # a fault of a check must not hide the others' verdicts
        verdict, text = "BAD", f"{type(error).__name__}: {error}"
    shutil.rmtree(folder, ignore_errors=True)
    printer(verdict, control.check, control.title, text, time.monotonic() - start)


def run_generated(check, options, printer):
    """The controls that the check makes itself."""
    start, count = time.monotonic(), 0
    try:
        for verdict, name, text, seconds in check.generated(options.regex):
            printer(verdict, check.name, name, text, seconds)
            count += 1
    except checks.BuildError as error:
        printer("BAD", check.name, "its own controls", f"does not build\n{error}", time.monotonic() - start)
    except Exception as error:  # as above
        printer("BAD", check.name, "its own controls", f"{type(error).__name__}: {error}", time.monotonic() - start)
    else:
        if count == 0 and not options.regex:
            printer("BAD", check.name, "its own controls", "there are none", time.monotonic() - start)


def run(controls, options):
    printer = Printer()
    work = pathlib.Path(tempfile.mkdtemp(prefix="rouse-controls-"))
    try:
        generating = [name for name in selected(options) if checks.CHECKS[name].generates]
        for name in dict.fromkeys([*(control.check for control in controls), *generating]):
            check = checks.CHECKS[name](options, work)
            missing = check.missing()
            mine = [control for control in controls if control.check == name]
            if missing:
                printer("skipped", name, f"{len(mine) or 'all'} controls", missing, 0)
                continue
            start = time.monotonic()
            try:
                check.prepare(mine)
            except checks.BuildError as error:
                printer("BAD", name, "without a fault", f"does not build\n{error}", time.monotonic() - start)
                continue
            with concurrent.futures.ThreadPoolExecutor(min(options.jobs, check.jobs)) as pool:
                list(pool.map(lambda control: run_one(control, check, options.root, work, printer), mine))
            if check.generates:
                run_generated(check, options, printer)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    count = printer.count
    print(f"{count['caught']} controls caught, {count['MISSED']} missed, {count['BAD']} that do not fit or build, "
          f"{count['skipped']} checks skipped"
          + (f", {count['excused']} excused by what they change" if count["excused"] else ""))
    if count["MISSED"] or count["BAD"]:
        return 1
    return 0 if count["caught"] else 77


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["list", "fit", "show", "run"])
    parser.add_argument("--check", action="append", help="only the controls of this check; may be repeated")
    parser.add_argument("-R", dest="regex", default="", help="only the controls whose names match")
    parser.add_argument("-j", dest="jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--compiler", default=os.environ.get("CXX", "g++"))
    parser.add_argument("--test-main", action="append", default=[], help="what tests are linked with: Catch2's main")
    options = parser.parse_args()
    options.root = options.root.resolve()

    controls = [
        control
        for control in load(options.root)
        if control.check in selected(options) and re.search(options.regex, control.title)
    ]
    generating = [name for name in selected(options) if checks.CHECKS[name].generates]
    if not controls and not generating:
        print("there is no such control")
        return 1
    if options.command == "list":
        for control in controls:
            print(f"{control.check}: {control.title}\n    {control.why}\n    {', '.join(control.files())}")
        count = len(controls)
        for name in generating:
            for fault, why, file in checks.CHECKS[name].listed(options.root):
                if re.search(options.regex, fault):
                    print(f"{name}: {fault}\n    {why}\n    {file}")
                    count += 1
        print(f"{count} controls of {len({*(control.check for control in controls), *generating})} checks")
    elif options.command == "fit":
        wrong = [text for text in (fit(control, options.root) for control in controls) if text]
        count = len(controls) - len(wrong)
        for name in dict.fromkeys(control.check for control in controls):
            together = checks.CHECKS[name].fit_together([control for control in controls if control.check == name], options.root)
            wrong += [f"{name}: {together}"] if together else []
        print("\n".join(wrong + [f"{count} of {len(controls)} controls fit"]))
        return 1 if wrong else 0
    elif options.command == "show":
        for control in controls:
            show(control, options.root)
    else:
        return run(controls, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())

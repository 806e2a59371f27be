"""What the checks have in common: how to compile, how to run, and the tree of sources with a fault in it."""

import os
import pathlib
import shutil
import signal
import subprocess


WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]


class BuildError(Exception):
    """The check does not build; the text is the beginning of what the compiler said."""


class Tree:
    """The sources with some files changed: the changed ones lie in a folder of their own, searched first."""

    def __init__(self, root, changed=None):
        self.root = root
        self.changed = changed

    def includes(self):
        """The compiler's options that find the headers of rouse."""
        folders = [self.changed / "include"] if self.changed else []
        return [option for folder in [*folders, self.root / "include"] for option in ("-I", str(folder))]

    def file(self, path):
        """A file of the repository, with the fault if it has one."""
        if self.changed and (self.changed / path).exists():
            return self.changed / path
        return self.root / path

    def whole_include(self, folder):
        """A copy of include/ as a whole, with the fault, in `folder`: for builds that take just one include path."""
        target = pathlib.Path(folder) / "include"
        shutil.copytree(self.root / "include", target, dirs_exist_ok=True)
        if self.changed and (self.changed / "include").exists():
            shutil.copytree(self.changed / "include", target, dirs_exist_ok=True)
        return target


def write_tree(files, root, folder):
    """Writes changed files to the folder; returns the tree that has them."""
    for file, text in files.items():
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return Tree(root, folder)


class Check:
    """Something that must catch faults. A class for each; the instance lives for one call of `controls.py run`.

    attempt() returns a verdict and its text: ("caught", what the check said of the fault), ("MISSED", why not).
    """

    name = ""
    tools = ()  # commands without which it cannot run
    jobs = 2  # controls that may be tried at the same time
    changes_files = True  # if not, a control's own keys say which of the faults that the check has in itself is meant
    generates = False  # whether it makes controls of its own

    def __init__(self, options, work):
        self.root = options.root
        self.compiler = options.compiler
        self.test_main = options.test_main
        self.parallel = options.jobs  # as asked for
        self.work = work / self.name.replace("/", ".")
        self.work.mkdir()

    def missing(self):
        """Why it cannot run here, or None."""
        absent = [tool for tool in self.tools if shutil.which(tool) is None]
        return f"not installed: {', '.join(absent)}" if absent else None

    @classmethod
    def fit_together(cls, controls, root):
        """What is wrong with the controls as a whole, though each fits by itself; or None."""
        return None

    def prepare(self, controls):
        """Builds what all the controls share. May raise BuildError."""

    def attempt(self, control, tree, folder):
        """Builds and runs the check on `tree`; `folder` is the control's own, and is removed afterwards."""
        raise NotImplementedError

    def generated(self, regex):
        """Tries the controls that the check makes itself, after prepare(): those whose names match.

        Yields (verdict, name, text, seconds) for each.
        """
        raise NotImplementedError

    @staticmethod
    def listed(root):
        """What is known of them without building anything: (name, why, file) for each."""
        raise NotImplementedError

    @staticmethod
    def build(command):
        """Runs a compiler. Raises BuildError with what it said."""
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, errors="replace")
        if done.returncode != 0:
            raise BuildError("\n".join((done.stdout + done.stderr).splitlines()[:15]))

    @staticmethod
    def run(command, seconds, environment=None, cwd=None):
        """Runs a program, with all that it starts, for so long at most: (status, output); status None if it hung.

        The output is both streams, in the order in which they came. There is no core dump.
        """
        process = subprocess.Popen(
            ["/bin/sh", "-c", 'ulimit -c 0; exec "$@"', "sh", *(str(word) for word in command)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=seconds)
            return process.returncode, output
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            return None, output


def matching_line(output, regex):
    """The first line in which the regex is found, stripped; or None."""
    for line in output.splitlines():
        if regex.search(line):
            return line.strip()
    return None

#!/usr/bin/env python3
"""Each header stands on its own.

    headers.py [--root FOLDER] [--compiler NAME]... [-j N] [-R REGEX] [RULE...]

    use-runs      the use of each public header (tests/layout/uses) compiles, links, runs and returns 0, with each
                  compiler
    header-alone  each header, internal ones too, compiles by itself, with exceptions and without, with the first
                  compiler

Prints the breaches that exceptions.toml does not permit, and exits with 1 if there are any. The uses of
microcontrollers' ports are built for a board and run by its emulator, if these are installed.
"""

import argparse
import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rules  # noqa: E402
from report import Breach, judge  # noqa: E402

FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
WITHOUT_EXCEPTIONS = ["-fno-exceptions", "-fno-rtti"]

# Headers that are of one configuration only.
CONFIGURATION = {"rouse/core/detail/static_frame_pool.hpp": ["-DROUSE_HOSTED=0"]}

# The headers of the model checker: only with this, and linked with its engine. And those of check/ that need neither.
CHECKER = "rouse/check/"
CHECKED = ["-DROUSE_MODEL_CHECK=1"]
UNCHECKED = ["rouse/check/cancel_everywhere.hpp", "rouse/check/detail/stepped_run.hpp",
             "rouse/check/interrupt_everywhere.hpp", "rouse/check/detail/instruction_steps.hpp",
             "rouse/check/simulate.hpp", "rouse/check/detail/decisions.hpp"]

# The ports of microcontrollers: the board whose program the use becomes, and what builds and runs it.
BOARDS = {
    "rouse/ports/cortex_m.hpp": ("mps2-an385", ["arm-none-eabi-g++", "qemu-system-arm"]),
    "rouse/ports/riscv.hpp": ("virt-rv32", ["riscv64-unknown-elf-g++", "qemu-system-riscv32"]),
}

# What a header of hosts/ needs, which is not installed everywhere, and may have warnings of its own.
HOSTS = {"rouse/hosts/asio.hpp": "asio.hpp"}


def is_checked(header):
    return header.startswith(CHECKER) and header not in UNCHECKED


def first_error(text):
    """The line of a compiler's or linker's output that says what is wrong."""
    lines = [line for line in text.splitlines() if re.search(r"error|undefined reference", line)]
    return (lines or text.splitlines() or ["it says nothing"])[0].strip()[:300]


class Headers:
    def __init__(self, root, compilers, work):
        self.root = root
        self.compilers = compilers
        self.work = work
        self.engines = {}  # by compiler: the object file, made when it is first needed
        self.engine_lock = threading.Lock()
        self.compiled = set()  # headers whose uses the first compiler has compiled: each includes its header first

    def includes(self):
        return ["-I", str(self.root / "include")]

    def run(self, command, **keys):
        try:
            return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=300, **keys)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 124, "", "error: it did not end within 300 seconds")

    def without_host(self, header):
        """The header of the host that this one needs, if it is not installed; else None."""
        host = HOSTS.get(header)
        if host is None:
            return None
        found = self.run([self.compilers[0], "-E", "-x", "c++", "-", "-o", "/dev/null"], input=f"#include <{host}>\n")
        return host if found.returncode != 0 else None

    def engine(self, compiler):
        """The model checker's object file, or None if it does not compile."""
        with self.engine_lock:
            if compiler not in self.engines:
                target = self.work / f"engine.{pathlib.Path(compiler).name}.o"
                built = self.run([compiler, *FLAGS, "-O0", *CHECKED, *self.includes(), "-x", "c++", "-c", "-", "-o", str(target)],
                                 input="#include <rouse/check/engine.hpp>\n")
                self.engines[compiler] = str(target) if built.returncode == 0 else None
            return self.engines[compiler]

    def use(self, header, compiler):
        """A breach, or None. Without a compiler, for the header's board."""
        path = rules.use_of(header)
        program = self.work / f"{path.replace('/', '.')}.{pathlib.Path(compiler or 'board').name}.elf"
        run = [str(program)]
        if compiler is None:
            firmware = self.root / "examples/firmware"
            compiler = "examples/firmware/build " + BOARDS[header][0]
            command = [str(firmware / "build"), BOARDS[header][0], str(program), str(self.root / path), "-Os"]
            run = [str(firmware / "run"), BOARDS[header][0], str(program)]
        else:
            command = [compiler, *FLAGS, "-O0", "-pthread", *self.includes(), str(self.root / path), "-o", str(program)]
            if is_checked(header):
                engine = None if header == CHECKER + "engine.hpp" else self.engine(compiler)
                command += CHECKED + ([engine] if engine else [])
        built = self.run(command)
        if built.returncode != 0:
            failed = "link" if "undefined reference" in built.stderr else "compile"
            return Breach("use-runs", path, 0, f"with {compiler} the use of <{header}> does not {failed}: "
                          f"{first_error(built.stderr)}", f"let {header} include the definitions of what it declares",
                          f"include/{header}")
        if command[0] == self.compilers[0]:
            self.compiled.add(header)
        ran = self.run(run, cwd=self.work, stdin=subprocess.DEVNULL)
        program.unlink()
        if ran.returncode != 0:
            return Breach("use-runs", path, 0,
                          f"built with {compiler}, the use of <{header}> ends with {ran.returncode} "
                          f"{ran.stderr.strip()[:300]}", f"build {path} by hand and run it in a debugger",
                          f"include/{header}")
        return None

    def alone(self, header, flags):
        """A breach, or None. What the header's use has shown is not tried again."""
        if not flags and header in self.compiled:
            return None
        configuration = CHECKED if is_checked(header) else CONFIGURATION.get(header, [])
        compiled = self.run([self.compilers[0], *FLAGS, *self.includes(), *flags, *configuration,
                             "-fsyntax-only",
                             "-x", "c++", "-"], input=f"#include <{header}>\nint main() {{}}\n")
        if compiled.returncode == 0:
            return None
        return Breach("header-alone", f"include/{header}", 0,
                      f"does not compile by itself with {' '.join([self.compilers[0], *flags])}: "
                      f"{first_error(compiled.stderr)}", "let it include what it names")


def differs_without_exceptions(root, header):
    """Whether the header's own text does. One that does not names the same in both builds, and is tried in one of them."""
    text = (root / "include" / header).read_text()
    return re.search(r"EXCEPTIONS|\b(throw|try|catch|typeid|dynamic_cast|exception_ptr)\b", text) is not None


def check(root, compilers, work, jobs=2, only="", wanted=("use-runs", "header-alone"),
          tell=lambda text: print(text, flush=True)):
    """The breaches of these rules."""
    headers = Headers(root, compilers, work)
    tasks = []
    untried = set()
    public = [each for each in rules.public_headers(root) if (root / rules.use_of(each)).exists()]
    if "use-runs" in wanted:
        for header in public:
            if headers.without_host(header):
                untried.add(f"the use of <{header}>: {HOSTS[header]} is not installed")
            elif header in BOARDS:
                missing = [tool for tool in BOARDS[header][1] if shutil.which(tool) is None]
                if missing:
                    untried.add(f"the use of <{header}>: {', '.join(missing)} is not installed")
                else:
                    tasks.append((headers.use, header, None))
            else:
                tasks += [(headers.use, header, compiler) for compiler in compilers]
    if "header-alone" in wanted:
        tasks += [(headers.alone, header, flags) for header in rules.headers(root)
                  for flags in ([], WITHOUT_EXCEPTIONS) if not flags or differs_without_exceptions(root, header)
                  if not (flags and header.startswith(CHECKER))  # the checker needs exceptions
                  and headers.without_host(header) is None]
    tasks = [task for task in tasks if re.search(only, task[1])]
    found = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for number, breach in enumerate(pool.map(lambda task: task[0](*task[1:]), tasks), 1):
            if breach is not None:
                found.append(breach)
            if number % 20 == 0:
                tell(f"{number} of {len(tasks)} compilations")
    for each in sorted(untried):
        tell(f"not tried: {each}")
    tell(f"{len(public)} public headers used with {' and '.join(compilers)}, {len(rules.headers(root))} headers "
         f"in all, {len(tasks)} compilations")
    return found


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].strip())
    parser.add_argument("rules", nargs="*", metavar="RULE", default=[])
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--compiler", action="append", dest="compilers")
    parser.add_argument("-j", type=int, default=2, dest="jobs")
    parser.add_argument("-R", default="", dest="only", metavar="REGEX", help="only headers whose name matches")
    options = parser.parse_args()
    compilers = options.compilers or ["g++", "clang++-19"]
    missing = [each for each in compilers if shutil.which(each) is None]
    if missing:
        print(f"there is no compiler {', '.join(missing)}")
        return 2
    wanted = options.rules or ["use-runs", "header-alone"]
    with tempfile.TemporaryDirectory() as work:
        found = check(options.root, compilers, pathlib.Path(work), options.jobs, options.only, wanted)
    if options.only:  # exceptions of the others would seem to be unnecessary
        for breach in found:
            print(breach)
        return 1 if found else 0
    return 1 if judge(options.root, wanted, found, set(rules.RULES) | rules.ELSEWHERE) else 0


if __name__ == "__main__":
    sys.exit(main())

"""Firmware in the emulator: tests/firmware."""

import re
import threading
import time

from .base import BuildError, Check, matching_line

ARM = ("arm-none-eabi-g++", "qemu-system-arm")
RISCV = ("riscv64-unknown-elf-g++", "qemu-system-riscv32", "qemu-system-riscv64")
SAID = re.compile(r"FAILED|stopped by a fault")
HANGS = 600  # seconds, which a program takes only if it hangs, however busy the machine is


def with_fault(tree, *words, **environment):
    """The command, in an environment in which it takes the changed headers first."""
    if tree.changed:
        environment["INCLUDE"] = tree.changed / "include"
    return ["env", *(f"{name}={value}" for name, value in environment.items()), *words]


class Board(Check):
    """A program on a board; it must end with a failure, and print what has failed."""

    program_flags = ("-Os",)
    folder = "tests/firmware"
    shared = 4  # programs of one board from which it pays to compile the standard headers once

    def prepare(self, controls):
        """Compiles the standard headers for the boards that have many controls."""
        self.tools_folder = self.root / "examples/firmware"
        self.standard = {}
        boards = [control.keys["board"] for control in controls]
        for board in dict.fromkeys(boards):
            if boards.count(board) >= self.shared:
                header = self.work / board / "standard.hpp"
                header.parent.mkdir()
                header.write_text((self.root / "tests/firmware/standard.hpp").read_text())
                self.build([self.root / "tests/firmware/compile", board, f"{header}.gch", header, *self.program_flags])
                self.standard[board] = ["-Winvalid-pch", "-include", header]

    def program(self, board, source, tree, folder, *flags):
        elf = folder / "program.elf"
        self.build(with_fault(
            tree, self.tools_folder / "build", board, elf, tree.file(source), *self.program_flags, *self.standard.get(board, []),
            "-DROUSE_FRAME_BYTES=4096", "-Wno-misleading-indentation", *flags,
        ))
        return elf

    def attempt(self, control, tree, folder):
        board, program = control.keys["board"], control.keys["program"]
        elf = self.program(board, f"{self.folder}/{program}.cpp", tree, folder)
        status, output = self.run([self.tools_folder / "run", board, elf], HANGS)
        line = matching_line(output, SAID)
        if status is None or status == 0 or line is None:
            return "MISSED", f"{program}: {'hangs' if status is None else f'ends with {status}'}\n{output}"
        return "caught", line if line.startswith(program) else f"{program}: {line}"


class Firmware(Board):
    """The programs of tests/firmware."""

    name = "firmware"
    tools = ARM


class Riscv(Board):
    """The programs of tests/firmware/riscv."""

    name = "firmware_riscv"
    tools = RISCV
    folder = "tests/firmware/riscv"


class TwoCores(Board):
    """One part of a program of tests/firmware/two_cores. When the cores meet is not repeatable, so a fault is given many
    runs; nearly all need one. A run that hangs shows nothing."""

    name = "firmware_two_cores"
    tools = ARM + RISCV
    emulator = threading.Lock()  # one at a time, which takes two cores; another one is compiled meanwhile
    program_flags = ("-O2", "-DROUSE_CORES=2")
    folder = "tests/firmware/two_cores"
    runs = 20

    def attempt(self, control, tree, folder):
        board, part = control.keys["board"], control.keys["part"]
        program = "items_and_flags" if part in ("TO_LOOP", "FROM_LOOP", "FLAGS") else "values"
        elf = self.program(
            board, f"{self.folder}/{program}.cpp", tree, folder, f"-DPART_{part}", "-DITEMS=300000", "-DPATIENCE=200000000"
        )
        cores = ["-smp", "2"] if board.startswith("virt-") else []
        with self.emulator:
            return self.run_until_caught(part, ["env", "ICOUNT=off", self.tools_folder / "run", board, elf, *cores])

    def run_until_caught(self, part, command):
        begin, said = time.monotonic(), ""
        for number in range(1, self.runs + 1):
            status, output = self.run(command, HANGS)
            line = matching_line(output, SAID)
            if status is not None and status != 0 and line is not None:
                return "caught", f"run {number}: {line}"
            said += f"run {number}: {'hangs' if status is None else f'ends with {status}'}: {output}"
            if time.monotonic() - begin > HANGS:
                break
        return "MISSED", f"{part}:\n{said}"


class Script(Check):
    """A part of a check that is a script: it must fail."""

    def attempt(self, control, tree, folder):
        status, output = self.run(with_fault(tree, *self.command(control)), HANGS)
        if re.search("does not build", output):
            raise BuildError(output)
        if status is None or status == 0:
            return "MISSED", output
        return "caught", output

    def command(self, control):
        raise NotImplementedError


class Unit(Script):
    """A file of unit tests on a processor."""

    name = "firmware_unit"
    tools = ARM

    def command(self, control):
        return [self.root / "tests/firmware/unit/run.sh", control.keys["cpu"], control.keys["test"]]


class RamReport(Script):
    """A part of tests/firmware/ram_report/check.sh."""

    name = "ram_report"
    tools = (*ARM, "python3")

    def command(self, control):
        return [self.root / "tests/firmware/ram_report/check.sh", *control.keys["part"].split()]

"""What the benchmarks measured: the lines that comparison.hpp and placement.hpp append to a file, and their statistics."""
import math
import re
import sys
from dataclasses import dataclass, field


def number(value):
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


class Spread:
    """The median (of an even number, the upper one), the quartiles and the extremes of some values."""

    def __init__(self, values):
        ordered = sorted(values)
        self.median = ordered[len(ordered) // 2]
        self.low = ordered[len(ordered) // 4]
        self.high = ordered[len(ordered) - 1 - len(ordered) // 4]
        self.least, self.most = ordered[0], ordered[-1]


@dataclass
class Side:
    name: str
    values: list = field(default_factory=list)
    besides: list = field(default_factory=list)

    @property
    def spread(self):
        return Spread(self.values)

    @property
    def beside(self):
        known = [value for value in self.besides if not math.isnan(value)]
        return Spread(known).median if known else None


@dataclass
class Work:
    """One Comparison: what was done, and by which sides, the floor first."""
    row: str
    what: str
    unit: str
    goal: float
    beside: str
    sides: dict = field(default_factory=dict)

    @property
    def key(self):
        return self.row, self.what

    @property
    def floor(self):
        return next(iter(self.sides.values()))

    @property
    def ours(self):
        named = [side for side in self.sides.values() if side.name.startswith("rouse")]
        return self.sides.get("rouse") or (named[0] if named else None)

    @property
    def peers(self):
        return [side for side in self.sides.values()
                if side is not self.floor and not side.name.startswith(("floor", "rouse"))]

    @property
    def best_peer(self):
        return min(self.peers, key=lambda side: self.ratio(side).median, default=None)

    def label(self, side):
        return f"floor: {side.name}" if side is self.floor and not side.name.startswith("floor") else side.name

    def ratio(self, side):
        """Round by round, as the machine's mood changes more slowly than a round."""
        return Spread([value / floor for value, floor in zip(side.values, self.floor.values)])

    @property
    def thing_and_n(self):
        """Of a row named scale or connections ("THING, n=NUMBER", or a text with one number): what grows, and to how many."""
        if match := re.fullmatch(r"(.*), n=(\d+)", self.what):
            return match[1], int(match[2])
        match = re.fullmatch(r"(\D*)(\d+)(\D*)", self.what)
        return (f"{match[1]}n{match[3]}", int(match[2])) if match else None


class Figures:
    """A file of measurements. What is wrong with it ends the program, and is said with the file's name."""

    def __init__(self, name):
        self.name = name
        self.machine = []     # (what, which), from lines that run.sh writes: # WHAT <tab> WHICH
        self.placements = {}  # rows measured between -> [[before, after], ...] in ns
        works = {}
        rows, before = [], None  # since the last placement "before"
        for number, line in enumerate(self._lines(), 1):
            if line.startswith("#"):
                self.machine.append(tuple(line[1:].strip().split("\t", 1)))
                continue
            fields = line.split("\t")
            try:
                row, what, unit, goal, beside, side, _, value, value_beside = fields
                goal, value, value_beside = float(goal), float(value), float(value_beside)
            except ValueError:
                self.fail(f"line {number} is not a measurement: {line!r}")
            if row == "placement":
                if side == "before":
                    before, rows = value, []
                elif rows and before is not None:
                    self.placements.setdefault(", ".join(dict.fromkeys(rows)), []).append((before, value))
                    before = None
                continue
            rows.append(row)
            work = works.setdefault((row, what), Work(row, what, unit, goal, beside))
            measured = work.sides.setdefault(side, Side(side))
            measured.values.append(value)
            measured.besides.append(value_beside)
        grows = ("scale", "connections")
        self.works = [work for work in works.values() if work.row not in grows]
        self.scales = [work for work in works.values() if work.row in grows]
        self._check()

    def _lines(self):
        try:
            with open(self.name, encoding="utf-8") as file:
                return [line for line in file.read().split("\n") if line]
        except OSError as error:
            sys.exit(f"{self.name}: cannot be read: {error.strerror}")

    def _check(self):
        if not self.works and not self.scales:
            self.fail("there are no measurements in it")
        for work in self.works:
            label = f"{work.row} {work.what}"
            if work.floor.name.startswith("rouse"):
                self.fail(f"{label}: no floor, as the first side is {work.floor.name!r}")
            if any(value <= 0 for value in work.floor.values):
                self.fail(f"{label}: the floor has a figure that is not above zero")
            for side in work.sides.values():
                if len(side.values) != len(work.floor.values):
                    self.fail(f"{label}: {len(side.values)} rounds of {side.name!r}, "
                              f"but {len(work.floor.values)} of the floor")
        for work in self.scales:
            if work.thing_and_n is None:
                self.fail(f"{work.row} {work.what}: has not one number in its name, as in THING, n=NUMBER")

    def fail(self, what):
        sys.exit(f"{self.name}: {what}")

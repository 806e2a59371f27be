"""The mutants that the model checker makes itself, of every atomic operation in the headers: tests/proof/model."""

import concurrent.futures
import re
import subprocess

from .base import Check
from .model import ModelPrograms

_WEAKENED = {
    "acquire -> relaxed": "what another context wrote before need not be seen after it",
    "release -> relaxed": "what was written before it need not be seen by who sees it",
    "failure: acquire -> relaxed": "what another context wrote before need not be seen where the exchange fails",
    "not atomic": "what comes between its load and its store is overwritten",
    "stores nothing": "nobody learns what it was to tell",
    "left out": "two sides may each miss what the other did, or nobody is woken",
}


class ModelMutants(ModelPrograms, Check):
    """One of the model checker's programs fails, and docs/proof.md lists the mutant.

    In ctest they are a part of proof/model, which has built and run the programs anyway.
    """

    name = "model_mutants"
    generates = True

    def prepare(self, controls):
        self.set_up()
        programs = sorted(self.source.glob("*_programs.cpp"))
        objects = [self.work / f"{path.stem}.o" for path in programs]
        self.program = self.work / "check"
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            self.build_common(pool)
            list(pool.map(self.build_programs, programs, objects))
        # check.cpp last: of an inline function that both have, the linker takes the first, and it must be an instrumented one.
        self.build([*self.options, "-O1", "-I", self.root / "include", *objects, *self.objects, self.source / "check.cpp",
                    "-o", self.program])  # fmt: skip

    def build_programs(self, source, target):
        self.build([*self.options, *self.instrumented, "-I", self.root / "include", "-c", source, "-o", target])

    def generated(self, regex):
        line_of = re.compile(r'(caught|MISSED|excused) +model_mutants: (.*?): ((?:"|crashes|NOT|the header).*) \((.*) s\)$')
        process = subprocess.Popen([self.program, "--mutants", self.root, regex], stdout=subprocess.PIPE, text=True)
        rest = []
        with process:
            for line in process.stdout:
                found = line_of.match(line)
                if found:
                    verdict, name, text, seconds = found.groups()
                    yield verdict, name, text, float(seconds)
                else:
                    rest.append(line)
        if process.returncode not in (0, 1) or not rest or "mutants of" not in "".join(rest):
            raise RuntimeError(f"ended with {process.returncode}:\n{''.join(rest[-10:])}")

    @staticmethod
    def listed(root):
        # The run fails if a mutant is missing in this table.
        rows = re.findall(r"^\| (rouse/\S+|Port) \| `(.*)` \| (.*) \| .* \|$", (root / "docs/proof.md").read_text(), re.M)
        for header, code, change in rows:
            file = f"include/{header}" if header != "Port" else "include/rouse/check/detail/model_port.hpp"
            yield f"{header}: {code}: {change}", _WEAKENED[change], file

#!/usr/bin/env python3
"""stories.py PROGRAMS: the drivers of examples/check, as docs/check_your_handler.md tells of them.

Each is run as it was written first, which must fail as the page says, word by word, but for the numbers of lines and
addresses; again by the seed that this has printed, which must tell the same story; and mended, which must pass.
"""

import os
import pathlib
import re
import subprocess
import sys

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/check_your_handler.md"


def comparable(text):
    """Without what changes when a header is edited: the numbers of lines and the addresses, and with these the seed's."""
    lines = [re.sub(r"\.([ch]pp):\d+", r".\1", re.sub(r"@\d+", "@", line)).rstrip() for line in text.splitlines()]
    return [line for line in lines if line]


def run(program, argument, **more):
    done = subprocess.run([program, argument], capture_output=True, text=True, timeout=60, env={**os.environ, **more})
    return done.returncode, done.stdout


def main():
    programs = pathlib.Path(sys.argv[1])
    page = PAGE.read_text()
    # Blocks whose first line is "$ .../check_NAME ARGUMENT".
    quoted = {(name, argument): text for name, argument, text in
              re.findall(r"^```text\n\$ \S*/(check_\w+) (\w+)\n(.*?)^```", page, re.M | re.S)}
    wrong = []
    names = ["check_flag", "check_readings", "check_ring"]
    for name in names:
        for argument, expected in (("first", 1), ("mended", 0)):
            status, output = run(programs / name, argument)
            if status != expected:
                wrong.append(f"{name} {argument}: ends with {status} instead of {expected}:\n{output}")
            if comparable(output) != comparable(quoted.get((name, argument), "")):
                wrong.append(f"{name} {argument}: {PAGE.name} does not quote what it prints:\n{output}")
            if argument == "first" and status == 1:
                seed = re.search(r"ROUSE_CHECK_SEED='([^']*)'", output)
                again, story = run(programs / name, argument, ROUSE_CHECK_SEED=seed[1])
                if again != 1 or comparable(story)[1:] != comparable(output)[1:]:
                    wrong.append(f"{name} {argument}: its seed {seed[1]} does not tell the same story:\n{story}")
    print("\n".join(wrong))
    print(f"{2 * len(names) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

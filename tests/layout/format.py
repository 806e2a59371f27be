#!/usr/bin/env python3
"""All C++ files are formatted by clang-format-19 with .clang-format.

    format.py [--fix] [FILE...]        checks all files of the repository, or these; --fix formats them

Exits with 1 if one is not; with 77 if clang-format-19 is not installed: other versions format differently.
"""

import argparse
import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from report import Breach, files  # noqa: E402

TOOL = "clang-format-19"


def breaches(root, paths):
    """One breach for each of the paths, relative to root, that is not formatted."""
    def check(some):
        return subprocess.run([TOOL, "--dry-run", "--Werror", *some], cwd=root, capture_output=True, text=True)

    def parts(step=64):
        return [paths[begin:begin + step] for begin in range(0, len(paths), step)]

    found = {}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done in pool.map(check, parts()):
            wrong = re.findall(r"^(.+?):(\d+):\d+: error: ", done.stderr, re.M)
            if done.returncode != 0 and not wrong:
                raise SystemExit(f"{TOOL} failed: {done.stderr.strip()}")
            for path, line in wrong:
                found.setdefault(path, Breach("format", path, int(line),
                                              f"not formatted as {TOOL} does with .clang-format",
                                              f"{TOOL} -i {path}"))
    return list(found.values())


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].strip())
    parser.add_argument("paths", nargs="*", metavar="FILE")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--fix", action="store_true")
    options = parser.parse_args()
    if shutil.which(TOOL) is None:
        print(f"skipped: {TOOL} is not installed")
        return 77
    paths = options.paths or [path for path in files(options.root) if re.search(r"\.[ch]pp$", path)]
    if options.fix:
        return subprocess.run([TOOL, "-i", *paths], cwd=options.root).returncode
    found = breaches(options.root, paths)
    for each in found:
        print(each)
    print(f"{len(paths)} files, {len(found)} not formatted")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""What the layout checks share: the files of the repository, breaches of rules, and the list of exceptions.

A rule is a function from a root folder to a list of breaches. An exception, in exceptions.toml, permits one breach: it
names the rule and the subject of the breach, which is a path or, for a cycle, several. An exception that permits
nothing is itself an error, so that none outlives its reason.
"""

import os
import pathlib
import re
import subprocess
import sys

try:
    import tomllib
except ImportError:
    print("skipped: Python 3.11 or later is needed, for tomllib")
    sys.exit(77)

EXCEPTIONS = "tests/layout/exceptions.toml"


class Breach:
    """One breach of a rule: where it is, what is wrong, and what to do about it."""

    def __init__(self, rule, file, line, message, remedy, subject=None):
        self.rule = rule
        self.subject = subject or str(file)
        self.where = f"{file}:{line}" if line else f"{file}"
        self.message = message
        self.remedy = remedy

    def __str__(self):
        return f"{self.where}: [{self.rule}] {self.message}. Remedy: {self.remedy}."


def files(root, tracked_only=False):
    """The paths of the repository's files, relative to its root. In an unpacked copy, which has no git, these are all
    files that .gitignore does not name."""
    top = subprocess.run(["git", "-C", str(root), "rev-parse", "--show-toplevel"], capture_output=True, text=True)
    if top.returncode == 0 and pathlib.Path(top.stdout.strip()).resolve() == pathlib.Path(root).resolve():
        command = ["git", "-C", str(root), "ls-files", "-z"] + ([] if tracked_only else ["-co", "--exclude-standard"])
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")
        return sorted(each for each in set(listed) if each and (root / each).exists())
    ignore = root / ".gitignore"
    ignored = {line.rstrip("/") for line in ignore.read_text().split()} if ignore.exists() else set()
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [each for each in folders if each not in ignored | {".git"}]
        found += [os.path.relpath(os.path.join(folder, each), root) for each in names if each not in ignored | {".git"}]
    return sorted(found)


def read(root, path):
    return (root / path).read_text(errors="replace")


def includes(text):
    """The #include lines of a C++ file: (line number, '<' or '"', what is included)."""
    found = re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', text, re.M)
    return [(text.count("\n", 0, each.start()) + 1, each[1], each[2]) for each in found]


class Exceptions:
    """The exception list: (rule, subject) -> the line of the list that has it."""

    def __init__(self, root):
        self.lines = {}
        path = root / EXCEPTIONS
        text = path.read_text() if path.exists() else ""
        at = 0
        for entry in tomllib.loads(text).get("exception", []):
            if set(entry) != {"rule", "why", "of"} or not entry["of"]:
                raise SystemExit(f"{EXCEPTIONS}: an exception has the keys rule, why and of (not empty): {entry}")
            at = text.index(f'rule = "{entry["rule"]}"', at)
            for subject in entry["of"]:
                if (entry["rule"], subject) in self.lines:
                    raise SystemExit(f"{EXCEPTIONS}: [{entry['rule']}] {subject} is there twice. Remedy: remove one.")
                at = text.index(f'"{subject}"', at)
                self.lines[entry["rule"], subject] = text.count("\n", 0, at) + 1


def judge(root, rules, breaches, known_rules):
    """Prints the breaches that no exception permits and the exceptions that permit nothing; returns their number."""
    exceptions = Exceptions(root)
    used = set()
    errors = []
    for breach in breaches:
        key = (breach.rule, breach.subject)
        if key in exceptions.lines:
            used.add(key)
        else:
            errors.append(str(breach))
    for (rule, subject), line in exceptions.lines.items():
        if rule not in known_rules:
            names = ", ".join(sorted(known_rules))
            errors.append(f"{EXCEPTIONS}:{line}: there is no rule {rule}. Remedy: name one of {names}.")
        elif rule in rules and (rule, subject) not in used:
            errors.append(f"{EXCEPTIONS}:{line}: [{rule}] {subject} needs no exception any more. "
                          "Remedy: remove the line.")
    for error in errors:
        print(error)
    count = sum(rule in rules for rule, _ in exceptions.lines)
    print(f"{len(rules)} rules ({', '.join(sorted(rules))}): {len(errors)} errors, {count} exceptions")
    return len(errors)

#!/usr/bin/env python3
"""names.py SOURCE_DIR: what README.md and docs/*.md name is there.

Every link leads to a file, and to a heading in it; every path of the repository in `code` or in a command exists; so
does each preset, test label, target and test that a command names. Without that a page can say what to run, and be wrong.
"""
import pathlib
import re
import sys

ROOTS = ('.ci/', '.github/', 'docs/', 'examples/', 'include/', 'tests/')
# Folders of include/rouse, tests and examples, which pages name without what is before them.
SHORT = ('combine/', 'core/', 'debug/', 'threads/', 'io/', 'ports/', 'scenarios/', 'sync/', 'threadsafe/')


def anchor(heading):
    """The anchor that GitHub gives to a heading."""
    text = re.sub(r'\[([^]]*)\]\([^)]*\)', r'\1', heading).strip().lower()
    return re.sub(r'[^\w\- ]', '', text).replace(' ', '-')


def anchors(page):
    lines = re.sub(r'^```.*?^```', '', page.read_text(), flags=re.S | re.M).splitlines()
    return {anchor(line.lstrip('#')) for line in lines if re.match(r'#+ ', line)}


class Checker:
    def __init__(self, root):
        self.root = root
        self.faults = []
        self.checked = 0
        cmake = '\n'.join(path.read_text() for path in [root / 'CMakeLists.txt', *root.glob('tests/**/CMakeLists.txt'),
                                                       *root.glob('examples/**/CMakeLists.txt')])
        self.cmake = cmake
        self.presets = set(re.findall(r'"name": "([^"]+)"', (root / 'CMakePresets.json').read_text()))
        self.labels = set(re.findall(r'\b(quick|stress|proof|firmware|bench|docs)\b', cmake))

    def need(self, there, page, what):
        self.checked += 1
        if not there:
            self.faults.append(f'{page.relative_to(self.root)}: {what}')

    def path(self, page, text):
        text = text.rstrip('/').split('#')[0]
        pattern = re.sub(r'\{[^}]*\}|[A-Z]{4,}', '*', text)
        # A test is named by its path below tests/, without what its file's name ends with.
        bases = ('', 'include/rouse/', 'tests/', 'examples/firmware/')
        ends = ('', '_test.cpp', '.cpp', '.sh')
        there = any(next(self.root.glob(base + pattern + end), None) for base in bases for end in ends)
        self.need(there, page, f'there is no {text}')

    def page(self, page, text):
        prose = re.sub(r'^```.*?^```', '', text, flags=re.S | re.M)
        commands = '\n'.join(re.findall(r'^```sh\n(.*?)^```', text, flags=re.S | re.M))
        code = re.findall(r'`([^`\n]+)`', prose)
        for target in re.findall(r'\]\(([^)\s]+)\)', prose):
            if re.match(r'https?:', target):
                continue
            name, _, heading = target.partition('#')
            file = (page.parent / name) if name else page
            self.need(file.exists(), page, f'a link to {target}, which is not there')
            if heading and file.suffix == '.md' and file.exists():
                self.need(heading in anchors(file), page, f'a link to {target}: it has no such heading')
        for each in code + commands.split():
            word = each.split()[0]
            if re.fullmatch(r'[\w./*{},-]+', word) and word.startswith(ROOTS + SHORT) and '/' in word.rstrip('/'):
                self.path(page, word)
        for each in code + [commands]:
            for preset in re.findall(r'--preset[ =]([\w-]+)', each):
                self.need(preset in self.presets, page, f'there is no preset {preset}')
            for label in re.findall(r'ctest[^;&|\n]* -LE? ([a-z]+)', each):
                self.need(label in self.labels, page, f'no test has the label {label}')
            for test in re.findall(r'ctest[^;&|\n]* -R ([\w/]+)', each):
                self.need(test in self.cmake or any(self.root.glob(f'tests/{test}*')), page, f'there is no test {test}')
            for target in re.findall(r'--target ([\w-]+)', each):
                known = target.startswith('run-') or target in self.cmake
                self.need(known, page, f'there is no target {target}')


# Each is a page with a fault, and what has to be said of it.
CONTROLS = [
    ('[a page](no_such_page.md)', 'a link to no_such_page.md'),
    ('[a heading](../README.md#no-such-heading)', 'it has no such heading'),
    ('See `core/no_such_header.hpp`.', 'there is no core/no_such_header.hpp'),
    ('```sh\ntests/no_such_script.sh\n```', 'there is no tests/no_such_script.sh'),
    ('Run `cmake --preset no-such-preset`.', 'there is no preset'),
    ('Run `ctest -L nosuchlabel`.', 'no test has the label'),
    ('Run `ctest -R docs/no_such_test`.', 'there is no test'),
    ('```sh\ncmake --build build --target no_such_target\n```', 'there is no target'),
]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1]).resolve()
    checker = Checker(root)
    for page in [root / 'README.md', *sorted(root.glob('docs/*.md')), *sorted(root.glob('.github/*.md'))]:
        checker.page(page, page.read_text())
    faults = checker.faults
    for text, expected in CONTROLS:
        control = Checker(root)
        control.page(root / 'docs' / 'control.md', text)
        if not any(expected in fault for fault in control.faults):
            faults.append(f'control: not noticed: {text}')
    for fault in faults:
        print(fault)
    print(f'{checker.checked} names and {len(CONTROLS)} controls, {len(faults)} of them wrong')
    sys.exit(1 if faults or checker.checked == 0 else 0)


main()

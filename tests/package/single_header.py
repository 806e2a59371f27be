#!/usr/bin/env python3
"""single_header.py SOURCE_DIR VERSION OUTPUT: writes all of rouse into one header.

It holds the licence, then every header of include/rouse, each where it is first included. What a platform does not have
is under an #if, so the one file serves a hosted program (io/ and threads/ included) and firmware (its port included).
`single_header.py SOURCE_DIR --forward DIR` instead makes DIR/rouse/..., headers of the same names that all include <rouse.hpp>,
so that programs written for the headers can be compiled with the one file.
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'#\s*include\s*<(rouse/[^>]+)>')
# What rouse.hpp does not bring in: the headers of these folders and files, and where they can be compiled.
OTHERS = [
    ([], ['debug', 'ports/virtual_time.hpp', 'ports/wrapping_counter.hpp']),
    (['ROUSE_HOSTED', 'defined(__linux__)'], ['io', 'threads']),
    (['!ROUSE_HOSTED', "defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'"], ['ports/cortex_m.hpp']),
    (['!ROUSE_HOSTED', 'defined(__riscv)'], ['ports/riscv.hpp']),
]


class SingleHeader:
    def __init__(self, include):
        self.include = include
        self.lines = []
        self.written = {}  # header -> the sets of conditions under which it has been written so far

    def header(self, name, conditions):
        """Writes a header, unless it has been written wherever these conditions hold."""
        before = self.written.setdefault(name, [])
        if any(each <= set(conditions) for each in before):
            return
        # A header under a condition may be needed again under another, or under none.
        needs_guard = conditions or before
        guard = 'ROUSE_SINGLE_' + re.sub(r'\W', '_', name.removeprefix('rouse/')).upper() if needs_guard else None
        before.append(set(conditions))
        if guard:
            self.lines += [f'#ifndef {guard}', f'#define {guard}']
        self.lines.append(f'// ---- {name} ' + '-' * (111 - len(name)))
        self.text((self.include / name).read_text().splitlines(), conditions)
        if guard:
            self.lines.append(f'#endif // {guard}')

    def text(self, lines, outer):
        own = []  # the conditions of the #if that are open here
        for line in lines:
            directive = re.match(r'\s*#\s*(ifdef|ifndef|if|elif|else|endif)\b\s*(.*?)(\s*//.*)?$', line)
            if directive:
                word, condition = directive[1], directive[2]
                if word == 'if':
                    own.append([condition])
                elif word in ('ifdef', 'ifndef'):
                    own.append([('' if word == 'ifdef' else '!') + f'defined({condition})'])
                elif word == 'endif':
                    own.pop()
                else:
                    own[-1][-1] = f'!({own[-1][-1]})'
                    if word == 'elif':
                        own[-1].append(condition)
            included = INCLUDE.match(line)
            if included:
                self.header(included[1], outer + [each for group in own for each in group])
            elif line.strip() != '#pragma once':
                self.lines.append(line)

    def files(self, path):
        found = self.include / 'rouse' / path
        return sorted(found.rglob('*.hpp')) if found.is_dir() else [found]

    def others(self, conditions, paths):
        self.lines += [f'#if {each}' for each in conditions]
        for path in paths:
            for each in self.files(path):
                self.header(str(each.relative_to(self.include)), conditions)
        self.lines += ['#endif' for _ in conditions]


def write(source, version, output):
    single = SingleHeader(source / 'include')
    single.lines += [f'// rouse {version} in one file, made by the CMake target single_header of the headers of include/rouse.',
                     '//']
    single.lines += [('// ' + line).rstrip() for line in (source / 'LICENSE').read_text().splitlines()]
    single.lines.append('#pragma once')
    single.header('rouse/rouse.hpp', [])
    for conditions, paths in OTHERS:
        single.others(conditions, paths)
    headers = [str(each.relative_to(single.include)) for each in single.include.rglob('*.hpp')]
    # Not the model checker, which only tests include, and which is compiled in its own way; nor hosts/, of which each header
    # needs its host.
    lost = [each for each in headers
            if each not in single.written and not each.startswith(('rouse/check/', 'rouse/hosts/'))]
    if lost:
        sys.exit('single_header.py: not in the one file, so add them to OTHERS: ' + ' '.join(lost))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(re.sub(r'\n{3,}', '\n\n', '\n'.join(single.lines)) + '\n')


def forward(source, directory):
    for each in (source / 'include').rglob('*.hpp'):
        if any(each.is_relative_to(source / 'include/rouse' / folder) for folder in ('check', 'hosts')):
            continue
        path = directory / each.relative_to(source / 'include')
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('#pragma once\n#include <rouse.hpp>\n')


if len(sys.argv) == 4 and sys.argv[2] == '--forward':
    forward(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[3]))
elif len(sys.argv) == 4:
    write(pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3]))
else:
    sys.exit(__doc__)

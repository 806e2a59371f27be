#!/usr/bin/env python3
"""include_graph.py [--write] SOURCE_DIR: what includes what in include/rouse, as the two pictures of docs/design.md.

docs/drawings/includes.svg has a box for each folder, with its headers; docs/drawings/includes-core.svg has a box for each
header of core/. An arrow leads from what includes to what is included, always downwards. An arrow is left out where a
longer way says the same.

With --write it makes the pictures. Without, it is a test: it fails if a picture in docs is not the one that it would make,
or if headers or folders include each other in a circle. The same headers give the same bytes.
"""
import html
import pathlib
import re
import sys
import tempfile

TITLES = {'includes.svg': 'Which folder of include/rouse includes which',
          'includes-core.svg': 'Which header of core/ includes which'}
STYLE = """
        text { font: 12px sans-serif; fill: #222 } .name { font-weight: bold; font-size: 13px } .internal { fill: #666 }
        .box { fill: #d7e8f7; stroke: #3a6ea5 } .detail { fill: #f3f3f3; stroke: #999 }
        .way { stroke: #555; stroke-width: 1.2; fill: none; marker-end: url(#tip) }
    """
MARGIN, GAP, BETWEEN_ROWS, LINE, LETTER = 20, 22, 46, 16, 6.7


class CircleError(Exception):
    pass


class Box:
    """What is drawn of a node: its lines of text, each with the class of its style."""

    def __init__(self, lines, style):
        self.lines = lines
        self.style = style
        widest = max(len(text) * (1.3 if kind == 'name' else 1) for text, kind in lines)
        self.width = round(widest * LETTER) + 20
        self.height = LINE * len(lines) + 12


def includes(root):
    """The headers of rouse that each header includes, both without "rouse/"."""
    base = root / 'include' / 'rouse'
    return {str(path.relative_to(base)): sorted(set(re.findall(r'^\s*#\s*include\s*<rouse/([^>]+)>', path.read_text(), re.M)))
            for path in sorted(base.rglob('*.hpp'))}


def folder(header):
    return header.split('/')[0] + '/' if '/' in header else header


def levels(graph):
    """How many steps the longest way down from each node has."""
    found = {}

    def level(node, way):
        if node in way:
            raise CircleError(' -> '.join([*way[way.index(node):], node]))
        if node not in found:
            found[node] = 1 + max((level(each, [*way, node]) for each in graph[node]), default=-1)
        return found[node]

    for node in graph:
        level(node, [])
    return found


def reduced(graph):
    """The graph without the edges that a longer way makes superfluous."""
    def reached(node):
        return set(graph[node]).union(*(reached(each) for each in graph[node])) if graph[node] else set()

    return {node: [each for each in following if not any(each in reached(other) for other in following if other != each)]
            for node, following in graph.items()}


def in_rows(graph):
    """The nodes in rows, those that include nothing last; and the edges between neighbouring rows. An edge that passes
    rows has a point in each of them, which is a tuple."""
    level = levels(graph)
    rows = [[] for _ in range(max(level.values()) + 1)]
    for node in sorted(graph):
        rows[level[node]].append(node)
    edges = []
    for node in sorted(graph):
        for following in sorted(graph[node]):
            last = node
            for between in range(level[node] - 1, level[following], -1):
                point = (node, following, between)
                rows[between].append(point)
                edges.append((last, point))
                last = point
            edges.append((last, following))
    rows.reverse()
    return rows, edges


def crossings(rows, edges):
    place = {node: i for row in rows for i, node in enumerate(row)}
    row_of = {node: i for i, row in enumerate(rows) for node in row}
    count = 0
    for i in range(len(rows) - 1):
        between = sorted((place[a], place[b]) for a, b in edges if row_of[a] == i)
        count += sum(1 for k, (_, b) in enumerate(between) for _, other in between[k + 1:] if other < b)
    return count


def untangle(rows, edges):
    """Orders each row by where its neighbours are, up and down, and keeps the best order that was seen."""
    neighbours = {}
    for a, b in edges:
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    best, least = [list(row) for row in rows], crossings(rows, edges)
    for turn in range(24):
        order = range(len(rows)) if turn % 2 == 0 else range(len(rows) - 1, -1, -1)
        for i in order:
            other = i - 1 if turn % 2 == 0 else i + 1
            if not 0 <= other < len(rows):
                continue
            place = {node: k / max(1, len(rows[other]) - 1) for k, node in enumerate(rows[other])}
            own = {node: k / max(1, len(rows[i]) - 1) for k, node in enumerate(rows[i])}

            def middle(node):
                near = [place[each] for each in neighbours.get(node, []) if each in place]
                return sum(near) / len(near) if near else own[node]

            rows[i].sort(key=lambda node: (middle(node), own[node]))
        count = crossings(rows, edges)
        if count < least:
            best, least = [list(row) for row in rows], count
    return best


def arrange(rows, edges, boxes):
    """The middle of each node: as near to its neighbours as the others of its row permit."""
    def width(node):
        return boxes[node].width if node in boxes else 4

    neighbours = {}
    for a, b in edges:
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    x = {}
    for row in rows:
        left = 0
        for node in row:
            x[node] = left + width(node) / 2
            left += width(node) + GAP
        for node in row:
            x[node] -= left / 2
    for turn in range(60):
        for row in rows if turn % 2 == 0 else rows[::-1]:
            wanted = [sum(x[each] for each in neighbours.get(node, [node])) / len(neighbours.get(node, [node])) for node in row]
            # The mean of packing from the left and packing from the right keeps the distances and favours no side.
            from_left, from_right = [], []
            for i, node in enumerate(row):
                least = from_left[-1] + (width(row[i - 1]) + width(node)) / 2 + GAP if i else wanted[0]
                from_left.append(max(wanted[i], least))
            for i in range(len(row) - 1, -1, -1):
                most = (from_right[-1] - (width(row[i + 1]) + width(row[i])) / 2 - GAP if from_right else wanted[i])
                from_right.append(min(wanted[i], most))
            for node, a, b in zip(row, from_left, from_right[::-1]):
                x[node] = (a + b) / 2
    return x


def draw(title, graph, boxes):
    rows, edges = in_rows(reduced(graph))
    rows = untangle(rows, edges)
    x = arrange(rows, edges, boxes)
    left = min(x[node] - (boxes[node].width / 2 if node in boxes else 2) for row in rows for node in row)
    right = max(x[node] + (boxes[node].width / 2 if node in boxes else 2) for row in rows for node in row)
    x = {node: round(at - left + MARGIN, 1) for node, at in x.items()}
    top, bottom = {}, {}
    y = MARGIN
    for row in rows:
        height = max(boxes[node].height for node in row if node in boxes)
        for node in row:
            own = boxes[node].height if node in boxes else height
            top[node] = y + (height - own) / 2
            bottom[node] = top[node] + own
        y += height + BETWEEN_ROWS
    size = (round(right - left) + 2 * MARGIN, round(y - BETWEEN_ROWS + MARGIN))
    picture = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}">',
               '    <!-- Made by tests/docs/include_graph.py. -->',
               f'    <title>{html.escape(title)}</title>', f'    <style>{STYLE}</style>',
               '    <defs>', '        <marker id="tip" markerWidth="9" markerHeight="8" refX="8" refY="4" orient="auto">'
               '<path d="M0 0 L9 4 L0 8 Z" fill="#555"/></marker>', '    </defs>',
               f'    <rect width="{size[0]}" height="{size[1]}" fill="white"/>']
    # Where ways leave and reach a box: side by side, in the order of where they lead.
    leaving = {node: sorted((b for a, b in edges if a == node), key=lambda each: x[each]) for node in x}
    reaching = {node: sorted((a for a, b in edges if b == node), key=lambda each: x[each]) for node in x}

    def port(node, others, other):
        if node not in boxes:
            return x[node]
        step = min(14, (boxes[node].width - 16) / max(1, len(others)))
        return x[node] + (others.index(other) - (len(others) - 1) / 2) * step

    for node in sorted(boxes):
        for following in leaving[node]:
            a, b = node, following
            at = (port(a, leaving[a], b), bottom[a])
            way = [f'M{at[0]:.1f} {at[1]:.1f}']
            while True:
                to = (port(b, reaching[b], a), top[b])
                half = (to[1] - at[1]) / 2
                way.append(f'C{at[0]:.1f} {at[1] + half:.1f} {to[0]:.1f} {to[1] - half:.1f} {to[0]:.1f} {to[1]:.1f}')
                if b in boxes:
                    break
                way.append(f'V{bottom[b]:.1f}')
                at = (x[b], bottom[b])
                a, b = b, leaving[b][0]
            picture.append(f'    <path class="way" d="{" ".join(way)}"/>')
    for node in sorted(boxes):
        box = boxes[node]
        picture.append(f'    <rect class="{box.style}" x="{x[node] - box.width / 2:.1f}" y="{top[node]:.1f}" '
                       f'width="{box.width}" height="{box.height}" rx="6"/>')
        for i, (text, kind) in enumerate(box.lines):
            picture.append(f'    <text class="{kind}" x="{x[node] - box.width / 2 + 10:.1f}" '
                           f'y="{top[node] + LINE * (i + 1) + 2:.1f}">{html.escape(text)}</text>')
    return '\n'.join([*picture, '</svg>', ''])


def in_lines(names, widest):
    lines = []
    for name in names:
        if lines and len(lines[-1]) + len(name) + 2 <= widest:
            lines[-1] += ', ' + name
        else:
            lines.append(name)
    return [line + ',' for line in lines[:-1]] + lines[-1:]


def pictures(root):
    """Each picture by its name. Raises CircleError."""
    graph = includes(root)
    folders = {}
    for header, following in graph.items():
        folders.setdefault(folder(header), set()).update(folder(each) for each in following)
    folders = {name: sorted(each - {name}) for name, each in folders.items()}
    boxes = {}
    for name in folders:
        own = [header for header in graph if folder(header) == name]
        public = [each.removeprefix(name).removesuffix('.hpp') for each in own if '/detail/' not in each]
        internal = [each.removeprefix(name + 'detail/').removesuffix('.hpp') for each in own if '/detail/' in each]
        lines = [(name, 'name')]
        if name != 'rouse.hpp':
            lines += [(line, '') for line in in_lines(public, 34)]
        if internal:
            lines += [('detail/', 'name internal')] + [(line, 'internal') for line in in_lines(internal, 34)]
        boxes[name] = Box(lines, 'box')
    core = {header: [each for each in following if folder(each) == 'core/']
            for header, following in graph.items() if folder(header) == 'core/'}
    core_boxes = {}
    for header in core:
        short = header.removeprefix('core/')
        internal = short.startswith('detail/')
        core_boxes[header] = Box([(short, 'internal' if internal else 'name')], 'detail' if internal else 'box')
    return {'includes.svg': draw(TITLES['includes.svg'], folders, boxes),
            'includes-core.svg': draw(TITLES['includes-core.svg'], core, core_boxes)}


def faults(root):
    """What is wrong with the pictures in docs, or with the graph."""
    try:
        levels(includes(root))
        made = pictures(root)
    except CircleError as circle:
        return [f'headers or folders include each other: {circle}']
    found = []
    for name, text in made.items():
        there = root / 'docs' / 'drawings' / name
        if not there.exists() or there.read_text() != text:
            found.append(f'docs/drawings/{name} is not what the headers include now: run tests/docs/include_graph.py --write .')
    return found


# Each is a change of a small library, and what has to be said of it.
SMALL = {'a/x.hpp': [], 'a/detail/y.hpp': ['a/x.hpp'], 'core/z.hpp': ['core/detail/w.hpp', 'a/x.hpp'], 'core/detail/w.hpp': []}
CONTROLS = [
    ('a header includes itself through another', {'a/x.hpp': ['a/detail/y.hpp']}, 'include each other: a/detail/y.hpp -> a/x.hpp'),
    ('two folders include each other, through different headers', {'a/detail/y.hpp': ['core/detail/w.hpp']}, 'include each other: a/ -> core/'),
    ('an include that is gone, and still in the picture', {'core/z.hpp': ['a/x.hpp']}, 'includes-core.svg is not'),
    ('a header that the picture does not show', {'a/v.hpp': []}, 'includes.svg is not'),
]


def write_small(root, headers):
    for header, following in headers.items():
        path = root / 'include' / 'rouse' / header
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(''.join(f'#include <rouse/{each}>\n' for each in following))


def write(root):
    (root / 'docs' / 'drawings').mkdir(parents=True, exist_ok=True)
    for name, text in pictures(root).items():
        (root / 'docs' / 'drawings' / name).write_text(text)


def controls():
    found = []
    for what, change, expected in CONTROLS:
        with tempfile.TemporaryDirectory() as folder_of_control:
            root = pathlib.Path(folder_of_control)
            write_small(root, SMALL)
            write(root)
            if faults(root):
                found.append(f'control: a fault is seen where there is none, before: {what}')
            write_small(root, change)
            if not re.search(expected, '\n'.join(faults(root))):
                found.append(f'control: not noticed: {what}')
    return found


def main():
    arguments = sys.argv[1:]
    writes = '--write' in arguments
    arguments = [each for each in arguments if each != '--write']
    if len(arguments) != 1:
        sys.exit(__doc__)
    root = pathlib.Path(arguments[0]).resolve()
    if writes:
        write(root)
        return 0
    found = faults(root) + controls()
    for fault in found:
        print(fault)
    print(f'{len(includes(root))} headers and {len(CONTROLS)} controls, {len(found)} faults')
    return 1 if found else 0


sys.exit(main())

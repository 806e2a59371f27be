#!/usr/bin/env python3
"""GrantQueue what the benchmarks measured into tables and plots, or compares two runs.

  report.py FIGURES [--allocations FILE] [--page PAGE] [--plots DIR]
      prints the tables of the file FIGURES (see comparison.hpp); with --page also puts them into that page, between the
      lines <!-- SECTION --> and <!-- end -->: "connections" and "io_uring" are sections of their own rows, "times" is that
      of all others, and one of which there are no figures stays as it is; with --plots draws each row as DIR/ROW.svg
  report.py --compare OLD NEW
      whether each ratio of rouse in NEW lies within the spread that OLD states; exits with 1 if more than a tenth do not.
      Each is a file of figures, or a page with such tables
"""
import argparse
import os
import re
import sys

sys.dont_write_bytecode = True
from figures import Figures, number  # noqa: E402
import plots  # noqa: E402


def ratio(spread):
    return f"{number(spread.median)} ({number(spread.least)} to {number(spread.most)})"


def table(header, lines):
    rows = ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in [header, *lines]]
    return "\n".join([rows[0], "|" + "---|" * len(header), *rows[1:]])


def asked_for(works):
    def line(work):
        floor, ours, peer = work.floor, work.ours, work.best_peer
        stated = work.ratio(ours) if ours else None
        met = "-"
        if work.goal and stated:  # by the figure as it is printed
            met = "met" if round(stated.median, 2) <= work.goal else "missed"
        return [work.row, work.what, f"{number(floor.spread.median)} {work.unit}",
                f"{number(ours.spread.median)} {work.unit}" if ours else "-", ratio(stated) if stated else "-",
                f"{work.goal:.2f}" if work.goal else "-", met,
                f"{peer.name}: {number(work.ratio(peer).median)}" if peer else "-"]
    return table(["row", "work", "floor", "rouse", "ratio (spread)", "goal", "", "best peer"],
                 [line(work) for work in works])


def all_sides(works):
    beside = any(work.beside for work in works)
    lines = []
    for work in works:
        for side in work.sides.values():
            spread = side.spread
            lines.append([work.what if side is work.floor else "", work.label(side), f"{number(spread.median)} {work.unit}",
                          f"{number(spread.low)} to {number(spread.high)}", ratio(work.ratio(side))])
            if beside:
                lines[-1].append("" if side.beside is None else f"{number(side.beside)} {work.beside}")
    return table(["work", "side", "median", "quartiles", "ratio to the floor"] + ["beside"] * beside, lines)


def over_n(works):
    names = list(dict.fromkeys(name for work in works for name in work.sides))
    lines = [[f"{work.thing_and_n[1]:,}".replace(",", " ")] +
             [number(work.sides[name].spread.median) if name in work.sides else "-" for name in names]
             for work in sorted(works, key=lambda work: work.thing_and_n[1])]
    return table(["n", *names], lines)


def allocations(name):
    lines = {}
    try:
        with open(name, encoding="utf-8") as file:
            for match in re.finditer(r"^(\S+) (.*) \| (.*): (-?\d+) allocations$", file.read(), re.MULTILINE):
                lines.setdefault((match[1], match[2]), []).append(f"{match[3]} {match[4]}")
    except OSError as error:
        sys.exit(f"{name}: cannot be read: {error.strerror}")
    if not lines:
        sys.exit(f"{name}: there are no allocations in it")
    return table(["row", "work", "heap allocations"], [[*key, ", ".join(sides)] for key, sides in lines.items()])


def by(key, works):
    groups = {}
    for work in works:
        groups.setdefault(key(work), []).append(work)
    return groups


def servers(works):
    """One table of what the works of the row connections measured, over n: the CPU time, and the memory."""
    lines = []
    times = [work for work in works if work.beside != "resident"]
    memories = {work.thing_and_n[1]: work.sides for work in works if work.beside == "resident"}
    for work in sorted(times, key=lambda work: work.thing_and_n[1]):
        n = work.thing_and_n[1]
        for side in work.sides.values():
            memory = memories.get(n, {}).get(side.name)
            lines.append([f"{n:,}".replace(",", " ") if side is work.floor else "", side.name,
                          f"{1000 * side.beside:,.0f}".replace(",", " "), f"{number(side.spread.median)} {work.unit}",
                          ratio(work.ratio(side)),
                          *([f"{value:.0f}" for value in (memory.spread.median, memory.beside)] if memory else "--")])
    return table(["connections", "server", "requests/s", "CPU for a request", "ratio to the floor",
                  "bytes of its own for a connection", "resident"], lines)


SECTIONS = {"connections": servers, "io_uring": all_sides}  # of a page, by the row of their figures


def report(figures, allocations_file):
    """The tables, by the section of the page."""
    machine = [table(["measured on", ""], figures.machine)] if figures.machine else []
    by_row = by(lambda work: work.row, figures.works + figures.scales)
    sections = {row: "\n\n".join([*machine, make(by_row[row])]) for row, make in SECTIONS.items() if row in by_row}
    works = [work for work in figures.works if work.row not in SECTIONS]
    scales = [work for work in figures.scales if work.row not in SECTIONS]
    if not works and not scales:
        return sections

    parts = machine
    if figures.placements:
        def trips(pairs, index):
            return ", ".join(f"{pair[index]:.0f}" for pair in pairs) + " ns"
        parts.append(table(["rows", "round trip of a cache line, before", "after"],
                           [[rows, trips(pairs, 0), trips(pairs, 1)] for rows, pairs in figures.placements.items()]))
    if works:
        parts += ["### What is asked for", asked_for(works)]
    for row, works_of_row in by(lambda work: work.row, works).items():
        parts += [f"### {row}", all_sides(works_of_row)]
    for thing, works_of_thing in by(lambda work: work.thing_and_n[0], scales).items():
        parts += [f"### Scale: {thing}", f"In {works_of_thing[0].unit}.", over_n(works_of_thing)]
    if allocations_file:
        parts += ["### Heap allocations", "In one round, once warm.", allocations(allocations_file)]
    return {"times": "\n\n".join(parts), **sections}


def put_into(page, section, text):
    with open(page, encoding="utf-8") as file:
        old = file.read()
    before, marker, rest = old.partition(f"<!-- {section} -->\n")
    _, end, after = rest.partition("<!-- end -->\n")
    if not marker or not end:
        sys.exit(f"{page}: no lines <!-- {section} --> and <!-- end -->")
    with open(page, "w", encoding="utf-8") as file:
        file.write(f"{before}{marker}\n{text}\n\n{end}{after}")


def stated_ratios(name):
    """(row, what) -> (ratio, least, most) of rouse, as printed."""
    try:
        with open(name, encoding="utf-8") as file:
            page = "<!-- times -->" in (text := file.read())
    except OSError as error:
        sys.exit(f"{name}: cannot be read: {error.strerror}")
    stated = {}
    for line in (text if page else asked_for(Figures(name).works)).split("\n"):
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        spread = re.fullmatch(r"([\d.]+) \(([\d.]+) to ([\d.]+)\)", cells[4]) if len(cells) == 8 else None
        if spread:
            stated[cells[0], cells[1]] = tuple(float(value) for value in spread.groups())
    if not stated:
        sys.exit(f"{name}: no ratio of rouse to a floor in it")
    return stated


def compare(old_name, new_name):
    old, new = stated_ratios(old_name), stated_ratios(new_name)
    apart = []
    for key, (was, least, most) in old.items():
        if key not in new:
            apart.append(f"{' '.join(key)}: not in {new_name}")
        elif not least <= new[key][0] <= most:
            apart.append(f"{' '.join(key)}: {new[key][0]:.2f}, was {was:.2f} ({least:.2f} to {most:.2f})")
    for line in apart:
        print(line)
    print(f"{len(old) - len(apart)} of {len(old)} ratios lie within the spread that {old_name} states")
    return 10 * len(apart) <= len(old)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", nargs="?", metavar="FIGURES")
    parser.add_argument("--allocations", metavar="FILE")
    parser.add_argument("--page", metavar="PAGE")
    parser.add_argument("--plots", metavar="DIR")
    parser.add_argument("--compare", nargs=2, metavar=("OLD", "NEW"))
    options = parser.parse_args()
    if options.compare:
        sys.exit(0 if compare(*options.compare) else 1)
    if not options.figures:
        parser.error("which FIGURES?")

    figures = Figures(options.figures)
    if options.plots:
        plots.draw(figures, options.plots)
    sections = report(figures, options.allocations)
    print("\n\n".join(sections.values()))
    if options.page:
        for section, text in sections.items():
            put_into(options.page, section, text)


if __name__ == "__main__":
    main()

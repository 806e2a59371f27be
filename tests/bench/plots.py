"""Draws the figures with gnuplot: bars for a row of the table, lines for what grows with n."""
import math
import os
import re
import shutil
import subprocess

from figures import number

FLOOR, OURS, PEER = 0x8C8C8C, 0x0072B2, 0xE0B060
OTHERS = ["#d55e00", "#009e73", "#cc79a7", "#b09000", "#56b4e9", "#000000"]
WIDTH, FONT = 820, 13
CHARACTER = 0.56 * FONT  # the width of one, about


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def start(path, height):
    return ["reset", f"set terminal svg noenhanced size {WIDTH},{height} font 'sans-serif,{FONT}' background rgb 'white'",
            f"set output {quoted(path)}", "set border 3 lc rgb '#606060'", "set tics nomirror out textcolor rgb '#202020'"]


def decade_below(value):
    return 10.0 ** math.floor(math.log10(value))


def bars(path, works):
    """Each work a panel: a bar a side, the quartiles as error bars, the figure and its ratio at the end of the bar."""
    margin = max(len(work.label(side)) for work in works for side in work.sides.values()) * CHARACTER + 24
    plot = WIDTH - margin - 24
    room = plot / (plot - 16 * CHARACTER)  # the last part of it is for the figures beside the bars
    heights = [24 * len(work.sides) + 96 for work in works]
    total = top = sum(heights)
    script = start(path, total) + ["set multiplot", "unset key", "set format x '%g'", "set grid x lc rgb '#e0e0e0' lt 1",
                                   f"set lmargin at screen {margin / WIDTH:.4f}",
                                   f"set rmargin at screen {1 - 24 / WIDTH:.4f}"]
    ends = [(min(side.spread.low for side in work.sides.values()),
             max(side.spread.high for side in work.sides.values())) for work in works]
    for index, (work, height, (least, most)) in enumerate(zip(works, heights, ends)):
        logarithmic = 0 < 30 * least < most
        base = decade_below(least) if logarithmic else 0
        end = base * (most / base) ** room if logarithmic else most * room
        script.append(f"$bars{index} << END")
        for place, side in enumerate(work.sides.values()):
            colour = OURS if side.name.startswith("rouse") else PEER if side in work.peers else FLOOR
            spread = side.spread
            label = quoted(f"{number(spread.median)} ({number(work.ratio(side).median)} x)")
            script.append(f"{place} {spread.median} {spread.low} {spread.high} {colour} {label}")
        names = ", ".join(f"{quoted(work.label(side))} {place}" for place, side in enumerate(work.sides.values()))
        script += ["END", f"set tmargin at screen {(top - 36) / total:.4f}",
                   f"set bmargin at screen {(top - height + 60) / total:.4f}",
                   f"set title {quoted(f'{work.row}: {work.what}')} offset 0,-0.4",
                   f"set xlabel {quoted(work.unit + (', logarithmic' if logarithmic else ''))} offset 0,0.5",
                   "set logscale x 10" if logarithmic else "unset logscale x",
                   f"set xrange [{base}:{end}]", f"set yrange [{len(work.sides) - 0.4}:-0.6]",
                   f"set ytics scale 0 ({names})",
                   f"plot $bars{index} using 2:1:({base}):2:($1-0.34):($1+0.34):5 with boxxyerror fill solid noborder "
                   f"lc rgb variable, '' using 2:1:3:4 with xerrorbars pt 0 lw 1.2 lc rgb '#202020', "
                   f"'' using 4:1:6 with labels left offset 0.8,0 textcolor rgb '#202020'"]
        top -= height
    return script + ["unset multiplot"]


def lines(path, thing, works):
    """The median of each side over n."""
    names = list(dict.fromkeys(name for work in works for name in work.sides))
    works = sorted((work for work in works if work.thing_and_n[1] > 0), key=lambda work: work.thing_and_n[1])
    medians = [side.spread.median for work in works for side in work.sides.values() if side.spread.median > 0] or [1]
    low = decade_below(min(medians))
    high = max(10 * low, 10.0 ** math.ceil(math.log10(max(medians))))
    right = 1 - (max(map(len, names)) * CHARACTER + 90) / WIDTH  # beyond it is the key
    script = start(path, 420) + [
        f"set title {quoted(thing)}", "set xlabel 'n'", f"set ylabel {quoted(works[0].unit)}", "set logscale xy 10",
        "set format x '%.0s%c'", "set format y '%g'", "set grid lc rgb '#e0e0e0' lt 1",
        f"set xrange [{works[0].thing_and_n[1] * 0.8}:{works[-1].thing_and_n[1] * 1.25}]", f"set yrange [{low}:{high}]",
        f"set rmargin at screen {right:.4f}", f"set key at screen {right + 0.02:.4f}, graph 1 left top Left reverse"]
    others = [name for name in names if not name.startswith(("floor", "rouse"))]

    def look(name):
        if name not in others:
            return f"lc rgb {OURS if name.startswith('rouse') else FLOOR} dt 1"
        return f"lc rgb '{OTHERS[others.index(name) % len(OTHERS)]}' dt {1 + others.index(name) // len(OTHERS)}"

    for index, name in enumerate(names):
        script += [f"$line{index} << END", *(f"{work.thing_and_n[1]} {work.sides[name].spread.median}"
                                             for work in works if name in work.sides), "END"]
    styles = ", ".join(f"$line{index} using 1:2 with linespoints lw 2 pt 7 ps 0.5 {look(name)} "
                       f"title {quoted(name)}" for index, name in enumerate(names))
    return script + ["plot " + styles]


def draw(figures, folder):
    """Writes the plots into the folder; returns their paths by row, or by the thing that grows."""
    if shutil.which("gnuplot") is None:
        print("no plots: gnuplot is missing (package gnuplot-nox)\n")
        return {}
    os.makedirs(folder, exist_ok=True)
    scripts, paths = [], {}
    for row in dict.fromkeys(work.row for work in figures.works):
        paths[row] = os.path.join(folder, f"{row}.svg")
        scripts += bars(paths[row], [work for work in figures.works if work.row == row])
    for thing in dict.fromkeys(work.thing_and_n[0] for work in figures.scales):
        name = re.sub(r"[^a-z0-9]+", "-", thing.lower()).strip("-")
        paths[thing] = os.path.join(folder, f"scale-{name}.svg")
        scripts += lines(paths[thing], thing, [work for work in figures.scales if work.thing_and_n[0] == thing])
    done = subprocess.run(["gnuplot"], input="\n".join(scripts) + "\n", text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{figures.name}: gnuplot failed: {done.stderr.strip()}")
    return paths

# SPDX-License-Identifier: GPL-2.0-or-later
"""The report's pictures, drawn by gnuplot: one row for each entry, ours in colour."""
from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

STYLE = """set terminal svg size 860,{height} font "sans,13" background "white" noenhanced
set output "{output}"
set border 3 lc rgb "#444444"
set style fill solid
unset key
set grid x lc rgb "#dddddd"
set yrange [{count}-0.4:-0.6]
unset mouse
"""
OURS, THEIRS = "0x1f6feb", "0x9aa4b2"
LEAST = 1  # what is less stands here on a logarithmic axis


@dataclass
class Entry:
    label: str
    ours: bool
    values: tuple[float, ...]


def _draw(output: Path, title: str, entries: list[Entry], script: str) -> None:
    tics = ", ".join(f'"{one.label}" {number}' for number, one in enumerate(entries))
    data = [" ".join([f"{number}", OURS if one.ours else THEIRS, *map("{:g}".format, one.values)])
            for number, one in enumerate(entries)]
    style = STYLE.format(height=120 + 40 * len(entries), output=output, count=len(entries))
    text = "\n".join([style, f'set label "{title}" at screen 0.5, screen 1 offset 0, -1.2 center',
                      "set tmargin 4", f"set ytics ({tics}) scale 0",
                      "$data << END", *data, "END", script])
    subprocess.run(["gnuplot"], input=text, text=True, check=True, timeout=60)


def bars(output: Path, title: str, entries: list[Entry]) -> None:
    """One value each."""
    most = max((one.values[0] for one in entries), default=0) or 1
    _draw(output, title, entries,
          f"set xrange [0:{most * 1.2:g}]\nunset xtics\n"
          'plot $data using ($3/2):1:($3/2):(0.32):(int(strcol(2))) with boxxyerror lc rgb variable,'
          ' $data using 3:1:(sprintf("  %g", $3)) with labels left')


def spans(output: Path, title: str, entries: list[Entry]) -> None:
    """p50, p99 and longest: from the median to the 99th percentile, the longest as a cross."""
    shown = [Entry(one.label, one.ours, tuple(max(LEAST, value) for value in one.values))
             for one in entries]
    _draw(output, f"{title}\\nmedian to p99; cross: longest", shown,
          "set logscale x\n"
          'plot $data using 3:1:3:4:(int(strcol(2))) with xerrorbars lw 3 pt 7 lc rgb variable,'
          ' $data using 5:1:(int(strcol(2))) with points pt 2 lc rgb variable')

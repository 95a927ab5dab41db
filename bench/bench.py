#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""All comparisons in one run, one file and one report.

cost.py, latency.py, selection.py, failover.py with each number of members, restart.py, silent.py
and scale.py measure; then build/results has bench.json, report.md and the pictures that the report
shows, drawn by gnuplot.
"""
from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

from command import ERRORS, Screen, parser_of
import cost
import failover
import latency
import restart
import scale
import selection
import silent

RESTARTS = 5  # of each peer, and as often killed
SILENT = 10  # paths of each peer, and virtual functions
MEMBERS = (2, 4)  # lost links of so many
TITLES = {side.key: side.title for side in (*cost.SIDES, *failover.SIDES)}


# --- pictures ---

STYLE = """set terminal svg size 860,{height} font "sans,13" background "white"
set output "{output}"
set border 3 lc rgb "#444444"
set style fill solid
unset key
set grid x lc rgb "#dddddd"
set yrange [{count}-0.4:-0.6]
unset mouse
"""
OURS, THEIRS = "#1f6feb", "#9aa4b2"


def draw(output: Path, title: str, labels: list[str], script: str,
         data: list[str]) -> None:
    tics = ", ".join(f'"{label}" {number}' for number, label in enumerate(labels))
    style = STYLE.format(height=100 + 40 * len(labels), output=output, count=len(labels))
    text = "\n".join([style, f'set title "{title}"', f"set ytics ({tics}) scale 0",
                      "$data << END", *data, "END", script])
    subprocess.run(["gnuplot"], input=text, text=True, check=True, timeout=60)


def draw_cost(rows: list[dict[str, Any]], way: str, output: Path) -> None:
    """Bars of instructions over a bare member that is beside the peer: so without what the peer
    costs other devices."""
    shown = [row for row in rows if row["direction"] == way and row["peer"] != "raw"]
    values = [row["udp_over_bare"] - row["udp_on_other_devices"] for row in shown]
    data = [f'{number} {value:.0f} {OURS if row["peer"] == "iovteam" else THEIRS}'.replace("#", "0x")
            for number, (row, value) in enumerate(zip(shown, values))]
    draw(output, f"Instructions for a UDP packet {'sent' if way == 'tx' else 'received'}, over a "
         "bare member", [TITLES[row["peer"]] for row in shown],
         f"set xrange [0:{max(values) * 1.2:.0f}]\n"
         'plot $data using ($2/2):1:($2/2):(0.32):(int(strcol(3))) with boxxyerror lc rgb variable,'
         ' $data using 2:1:(sprintf("  %d", $2)) with labels left', data)


def draw_failover(rows: list[dict[str, Any]], output: Path) -> None:
    """Silence from the median to the 99th percentile, the longest as a cross; logarithmic."""
    labels = [f"{TITLES[row['peer']]}, {row['direction']}" for row in rows]
    data = [f"{number} {row['gap_ms_p50']} {row['gap_ms_p99']} {row['gap_ms_max']} "
            + (OURS if row["peer"] in ("iovteam", "events") else THEIRS).replace("#", "0x")
            for number, row in enumerate(rows)]
    draw(output, f"A lost link, {rows[0]['members']} members: silence in ms\\n"
         "median to p99; cross: longest", labels,
         "set logscale x\n"
         'plot $data using 2:1:2:3:(int(strcol(5))) with xerrorbars lw 3 pt 7 lc rgb variable,'
         ' $data using 4:1:(int(strcol(5))) with points pt 2 lc rgb variable',
         data)


# --- the report ---

def report(bench: dict[str, Any], pictures: list[tuple[str, str]]) -> str:
    lines = ["# Beside its peers", "",
             f"Linux {bench['kernel']} in QEMU (software emulation), mostly with members over veth. "
             "What is done and counted: bench/README.md.", "",
             "## A packet's cost", "", "```", *cost.table(bench["cost"]), "```", "",
             "Over: more than a bare member alone. Beside: what each packet of any other device of "
             "the machine costs more as well.", "",
             "## A request and its answer", "", "A microsecond is a thousand instructions.", "",
             *latency.table(bench["latency"]), "",
             "## The choice of a member alone, without emulation", "",
             *selection.table(bench["selection"]), "",
             "## A lost link", "",
             "| peer | members | | lost p50, p99, max | silence, ms: p50, p99, max | at return | "
             "duplicated, reordered |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for row in bench["failover"]:
        lost = ", ".join(f"{value:g}" for value in row["lost"].values())
        gap = ", ".join(f"{row['gap_ms_' + name]:.1f}" for name in ("p50", "p99", "max"))
        lines.append(f"| {TITLES[row['peer']]} | {row['members']} | {row['direction']} | {lost} | "
                     f"{gap} | {row['lost_at_return']} | {row['duplicated']}, {row['reordered']} |")
    lines += ["", "## The control plane is killed, or restarted", "",
              *restart.table(bench["control_plane"])]
    lines += ["", "## A path that dies in silence, a virtual function that vanishes", "", "```",
              *silent.table(bench["silent"]), "```"]
    lines += ["", "## Growing numbers", "", "```", *scale.table(bench["scale"]), "```"]
    lines += ["", *(f"![{title}]({name})" for title, name in pictures), ""]
    return "\n".join(lines)


def write_numbers(bench: dict[str, Any], directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "bench.json").write_text(json.dumps(bench, indent=1) + "\n")


def write_report(bench: dict[str, Any], directory: Path) -> None:
    pictures = [("sending", "cost-tx.svg"), ("receiving", "cost-rx.svg")]
    for way in cost.WAYS:
        draw_cost(bench["cost"], way, directory / f"cost-{way}.svg")
    for members in sorted({row["members"] for row in bench["failover"]}):
        name = f"failover-{members}.svg"
        draw_failover([row for row in bench["failover"] if row["members"] == members],
                      directory / name)
        pictures.append((f"{members} members", name))
    (directory / "report.md").write_text(report(bench, pictures))


# --- the command ---

def arguments() -> argparse.Namespace:
    parser = parser_of(__doc__)
    parser.add_argument("--runs", type=int, default=100,
                        help="failovers of each peer and number of members (default: 100)")
    parser.add_argument("--rounds", type=int, default=2,
                        help="of the costs and the requests (default: 2)")
    return parser.parse_args()


Step = Callable[[argparse.Namespace, Path, Screen], dict[str, Any]]


def lost_links(args: argparse.Namespace, build: Path, screen: Screen) -> dict[str, Any]:
    rows = []
    for args.members in MEMBERS:
        screen.line(f"{args.members} members")
        rows += failover.rows(failover.run(args, build, screen))
    return {"failover": rows}


# What is done, and what it adds to bench.json.
STEPS: list[tuple[str, Step]] = [
    ("a packet's cost", cost.run),
    ("requests and answers", lambda args, build, screen: {
        "latency": latency.run(args, build, screen)}),
    ("the choice of a member alone", lambda args, build, screen: {
        "selection": selection.run(build, screen)}),
    ("lost links", lost_links),
    ("control planes that are killed or restarted", lambda args, build, screen: {
        "control_plane": restart.run(args, build, RESTARTS, 0, screen)["control_plane"]}),
    ("paths that die in silence, virtual functions that vanish", lambda args, build, screen: {
        "silent": silent.run(args, build, SILENT, 0, screen)["silent"]}),
    ("members, teams and adapters in growing numbers", lambda args, build, screen: {
        "scale": scale.run(args, build, screen)}),
]


def main() -> int:
    args, screen = arguments(), Screen()
    build, bench = args.build.resolve(), {}
    args.tick_us, args.second_ms, args.only = 0, 0, ""
    results = build / "results"
    try:
        for number, (title, step) in enumerate(STEPS, 1):
            screen.line(f"{number} of {len(STEPS)}: {title}")
            bench |= step(args, build, screen)
            write_numbers(bench, results)  # what is measured is kept if a later step fails
        write_report(bench, results)
    except ERRORS as error:
        screen.line(f"bench: {error}")
        return 1
    screen.line((results / "report.md").read_text())
    screen.line(f"report: {results / 'report.md'}; all numbers: bench.json beside it")
    return 0


if __name__ == "__main__":
    sys.exit(main())

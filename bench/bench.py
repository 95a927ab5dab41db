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
import sys
from pathlib import Path
from typing import Any, Callable

from command import ERRORS, Screen, parser_of
import cost
import failover
import latency
from pictures import Entry, bars, spans
import restart
import scale
import selection
import silent

RESTARTS = 5  # of each peer, and as often killed
SILENT = 10  # paths of each peer, and virtual functions
MEMBERS = (2, 4)  # lost links of so many
TITLES = {side.key: side.title for side in (*cost.SIDES, *failover.SIDES)}


# --- pictures ---

Rows = list[dict[str, Any]]


def is_ours(row: dict[str, Any]) -> bool:
    return row["peer"].startswith(("iovteam", "events"))


def cost_entries(rows: Rows, way: str) -> list[Entry]:
    """Over a bare member that is beside the peer: so without what the peer costs other devices."""
    return [Entry(TITLES[row["peer"]], is_ours(row),
                  (round(row["udp_over_bare"] - row["udp_on_other_devices"]),))
            for row in rows if row["direction"] == way and row["peer"] != "raw"]


def latency_entries(rows: Rows) -> list[Entry]:
    return [Entry(TITLES[row["peer"]], is_ours(row),
                  (round(100 * (row["p50_us"] / row["bare_p50_us"] - 1), 1),))
            for row in rows if row["peer"] != "raw"]


def failover_entries(rows: Rows, members: int) -> list[Entry]:
    return [Entry(f"{TITLES[row['peer']]}, {row['direction']}", is_ours(row),
                  (row["gap_ms_p50"], row["gap_ms_p99"], row["gap_ms_max"]))
            for row in rows if row["members"] == members]


def restart_entries(rows: Rows) -> list[Entry]:
    """Both directions of the median run."""
    lost: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        if row.get("event") in ("killed", "restarted"):
            lost.setdefault((row["peer"], row["event"]), []).append(row)
    return [Entry(f"{TITLES[peer]}, {event}", is_ours(ways[0]),
                  (sum(row["lost"]["p50"] for row in ways),))
            for (peer, event), ways in lost.items()]


def silent_entries(rows: Rows) -> list[Entry]:
    return [Entry(f"{row['title']}, {row['direction']}", is_ours(row),
                  tuple(row["silence_ms"][name] for name in ("p50", "p99", "max")))
            for row in rows if row["event"] == silent.Cable.event]


Picture = tuple[str, str, Callable[[Path, str, list[Entry]], None], list[Entry]]


def pictures(bench: dict[str, Any]) -> list[Picture]:
    """For each its name, title, kind and rows."""
    return [
        ("cost-tx", "Instructions for a UDP packet sent, over a bare member", bars,
         cost_entries(bench["cost"], "tx")),
        ("cost-rx", "Instructions for a UDP packet received, over a bare member", bars,
         cost_entries(bench["cost"], "rx")),
        ("latency", "A request and its answer: median over a bare member, %", bars,
         latency_entries(bench["latency"])),
        *((f"failover-{members}", f"A lost link, {members} members: silence in ms", spans,
           failover_entries(bench["failover"], members)) for members in MEMBERS),
        ("control-plane", "The control plane is killed, or restarted: packets lost", bars,
         restart_entries(bench["control_plane"])),
        ("silent", "A path that dies in silence: silence in ms", spans,
         silent_entries(bench["silent"]))]


# --- the report ---

def failover_table(rows: Rows) -> list[str]:
    """In Markdown."""
    lines = ["| peer | members | | lost p50, p99, max | silence, ms: p50, p99, max | at return | "
             "duplicated, reordered |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        lost = ", ".join(f"{value:g}" for value in row["lost"].values())
        gap = ", ".join(f"{row['gap_ms_' + name]:.1f}" for name in ("p50", "p99", "max"))
        lines.append(f"| {TITLES[row['peer']]} | {row['members']} | {row['direction']} | {lost} | "
                     f"{gap} | {row['lost_at_return']} | {row['duplicated']}, {row['reordered']} |")
    return lines


def report(bench: dict[str, Any]) -> str:
    def shown(prefix: str) -> list[str]:
        return ["", *(f"![{title}]({name}.svg)" for name, title, *_ in pictures(bench)
                      if name.startswith(prefix)), ""]

    return "\n".join([
        "# Beside its peers", "",
        f"Linux {bench['kernel']} in QEMU (software emulation), mostly with members over veth. "
        "What is done and counted: bench/README.md.", "",
        "## A packet's cost", "", "```", *cost.table(bench["cost"]), "```", "",
        "Over: more than a bare member alone. Beside: what each packet of any other device of "
        "the machine costs more as well; the pictures are without it.", *shown("cost"),
        "## A request and its answer", "", "A microsecond is a thousand instructions.", "",
        *latency.table(bench["latency"]), *shown("latency"),
        "## The choice of a member alone, without emulation", "",
        *selection.table(bench["selection"]), "",
        "## A lost link", "", *failover_table(bench["failover"]), *shown("failover"),
        "## The control plane is killed, or restarted", "",
        *restart.table(bench["control_plane"]), *shown("control-plane"),
        "## A path that dies in silence, a virtual function that vanishes", "", "```",
        *silent.table(bench["silent"]), "```", *shown("silent"),
        "## Growing numbers", "", "```", *scale.table(bench["scale"]), "```", ""])


def write_numbers(bench: dict[str, Any], directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "bench.json").write_text(json.dumps(bench, indent=1) + "\n")


def write_report(bench: dict[str, Any], directory: Path) -> None:
    for name, title, draw, entries in pictures(bench):
        draw(directory / f"{name}.svg", title, entries)
    (directory / "report.md").write_text(report(bench))


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


def measured(step: Step, args: argparse.Namespace, build: Path, screen: Screen) -> dict[str, Any]:
    """Of what takes an hour, what fails once is done once more: peers, too, say what nobody expects."""
    try:
        return step(args, build, screen)
    except (*ERRORS, LookupError, ValueError) as error:
        screen.line(f"bench: {error!r}; once more")
        return step(args, build, screen)


def main() -> int:
    args, screen = arguments(), Screen()
    build, bench = args.build.resolve(), {}
    args.tick_us, args.second_ms, args.only = 0, 0, ""
    results = build / "results"
    try:
        for number, (title, step) in enumerate(STEPS, 1):
            screen.line(f"{number} of {len(STEPS)}: {title}")
            bench |= measured(step, args, build, screen)
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

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How long a request and its answer take through iovteam and its peers, beside a bare member.

In cost.py's VM, whose one processor and clock count instructions, a thousand to the microsecond:
where two threads of an emulated machine wake each other, its own time says nothing. Each peer is
made when it is its turn, with a bare member beside it, and cost-meter asks through one and the
other alternately. All goes to build/results/latency.json.
"""
from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

from command import Screen, compare, parser_of
import cost
from lab import Lab

REQUESTS = 1000
TURNS = 2  # of the peer and the bare member, in a round
WAIT_S = 120

Turn = dict[str, float]  # p50_us, p99_us
Found = dict[str, list[tuple[Turn, Turn]]]  # peer -> its turn and the bare member's


def ask(side: cost.Side, build: Path) -> Turn:
    found = side.lab.host.run(
        [str(build / "cost-meter"), "--from", f"{side.guest.netns},{cost.GUEST}",
         "--to", f"{side.peer.netns},{cost.PEER}", "--requests", str(REQUESTS)],
        timeout=WAIT_S).json()
    return {name: found[name] for name in ("p50_us", "p99_us")}


def measured(lab: Lab, build: Path, rounds: int, screen: Screen) -> Found:
    found: Found = {}
    for number in range(rounds):
        for kind in cost.SIDES:
            if kind is cost.Raw:
                continue
            screen.progress(f"round {number + 1} of {rounds}: {kind.title}")
            with cost.Beside(lab) as bare, kind(lab) as side:
                found.setdefault(side.key, []).extend(
                    (ask(side, build), ask(bare, build)) for _ in range(TURNS))
    return found


def rows(found: Found) -> list[dict[str, Any]]:
    """As bench.json has them: the median of all turns."""
    rows = []
    for peer, turns in found.items():
        row: dict[str, Any] = {"peer": peer, "requests": REQUESTS * len(turns)}
        for name in ("p50_us", "p99_us"):
            row[name] = round(statistics.median(own[name] for own, _ in turns), 1)
            row[f"bare_{name}"] = round(statistics.median(bare[name] for _, bare in turns), 1)
        rows.append(row)
    return rows


def table(rows: list[dict[str, Any]]) -> list[str]:
    """In Markdown."""
    titles = {kind.key: kind.title for kind in cost.SIDES}
    lines = ["| peer | requests | p50, p99, us | bare member beside it | p50 over bare | p99 |",
             "| --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        p50, p99 = (row[name] / row[f"bare_{name}"] for name in ("p50_us", "p99_us"))
        lines.append(f"| {titles[row['peer']]} | {row['requests']} | {row['p50_us']:.1f}, "
                     f"{row['p99_us']:.1f} | {row['bare_p50_us']:.1f}, {row['bare_p99_us']:.1f} | "
                     f"{p50 - 1:+.1%} | {p99 - 1:+.1%} |")
    return lines


def run(args: argparse.Namespace, build: Path, screen: Screen) -> list[dict[str, Any]]:
    with Lab(kernel=args.kernel, cpus=1, icount=True, progress=screen.progress) as lab:
        cost.Iovteam.build = build
        return rows(measured(lab, build, args.rounds, screen))


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="of all of them (default: 2)")
    args = parser.parse_args()
    return compare("latency", args.build, lambda build, screen: run(args, build, screen), table)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Failovers of iovteam and of its peers (sides.py), in one guest.

In rounds, each in its turn, its active member's cable is pulled and plugged in again by
failover-meter, which counts packets and silence. All goes to build/results/failover.json.
"""
from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from command import ONLY, Screen, chosen, compare, parser_of
from lab import Lab
from sides import (
    FLOWS, START, ActiveBackup, ActiveBackupFast, BalanceXor, Iovteam, IovteamByEvents,
    OvsActiveBackup, OvsSlb, Side, TeamdActiveBackup, TeamdLoadbalance)

BATCH = 10  # failovers of one before it is the next one's turn
# Ticks to try, in microseconds: packets a second each way are FLOWS * 1000000 / tick.
TICKS = [16000, 8000, 4000, 2000, 1000, 500]
REST_MS = 2000
TRIES = 3  # a machine that others use, too, stalls now and then
SKIPPED_MAX = 0.05

SIDES = [Iovteam, IovteamByEvents, ActiveBackup, ActiveBackupFast, BalanceXor, TeamdActiveBackup,
         TeamdLoadbalance, OvsSlb, OvsActiveBackup]


# --- figures ---

def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(share * 1000) // 1000) - 1)]


@dataclass
class Figures:
    p50: float
    p99: float
    max: float

    @staticmethod
    def of(values: list[float]) -> Figures:
        return Figures(percentile(values, 0.5), percentile(values, 0.99), max(values))


def summed_up(cycles: list[dict[str, Any]]) -> dict[str, Any]:
    """By direction: what was lost in a failover, how long a flow was silent, and what its return
    has cost."""
    result: dict[str, Any] = {
        "failovers": len(cycles),
        "not_recovered": sum(not (cycle["recovered"] and cycle["well"]) for cycle in cycles),
        "skipped_ticks": sum(cycle["skipped"] for cycle in cycles),
        "ticks": sum(cycle["ticks"] for cycle in cycles)}
    for way in ("out", "in"):
        result[way] = {
            "lost": vars(Figures.of([cycle["failover"][way]["lost"] for cycle in cycles])),
            "disturbed": vars(Figures.of([cycle["failover"][way]["disturbed"]
                                          for cycle in cycles])),
            "silence_ms": vars(Figures.of([cycle["failover"][way]["silence_us"] / 1000
                                           for cycle in cycles])),
            "lost_at_rest": sum(cycle["rest"][way]["lost"] for cycle in cycles),
            "lost_at_return": sum(cycle["return"][way]["lost"] for cycle in cycles),
            "duplicated": sum(cycle["all"][way]["duplicated"] for cycle in cycles),
            "reordered": sum(cycle["all"][way]["reordered"] for cycle in cycles)}
    return result


def rows(results: dict[str, Any]) -> list[dict[str, Any]]:
    """As bench.json has them, one for each peer and direction: out and in are the guest's."""
    return [{"peer": peer, "members": results["members"],
             "event": "second-link-lost" if results["second_ms"] else "link-lost",
             "second_ms": results["second_ms"], "rate_pps": results["rate_pps"],
             "direction": way, "runs": found["failovers"],
             "not_recovered": found["not_recovered"],
             **{f"gap_ms_{name}": value for name, value in found[way]["silence_ms"].items()},
             "lost": found[way]["lost"], "lost_at_return": found[way]["lost_at_return"],
             "duplicated": found[way]["duplicated"], "reordered": found[way]["reordered"],
             "flows_disturbed": found[way]["disturbed"]}
            for peer, found in results["results"].items() for way in ("out", "in")]


def table(results: dict[str, dict[str, Any]]) -> list[str]:
    width = max(len(side.title) for side in SIDES)
    heads = f"{'p50':>7}{'p99':>7}{'max':>7}"
    lines = [f"{'':{width}}       {'packets lost':>21}   {'silence, ms':>21}   {'lost at':>8}",
             f"{'':{width}}       {heads}   {heads}   {'return':>8}"]
    for side in SIDES:
        for way in ("out", "in") if side.key in results else ():
            row = results[side.key][way]
            lost = "".join(f"{value:7.0f}" for value in row["lost"].values())
            silence = "".join(f"{value:7.1f}" for value in row["silence_ms"].values())
            title = side.title if way == "out" else ""
            lines.append(f"{title:{width}}  {way:3}  {lost}   {silence}   "
                         f"{row['lost_at_return']:8}")
    return lines


# --- the run ---

def made(kinds: list[type[Side]], lab: Lab, members: int, screen: Screen) -> list[Side]:
    sides = []
    for kind in kinds:
        screen.progress(f"making {kind.title}")
        sides.append(kind(lab, members))
        sides[-1].reach()
    return sides


def pace(sides: list[Side], build: Path, screen: Screen) -> int:
    """The shortest tick that all of them carry, and one step slower than that, since a machine is
    not always the same."""
    carried = []
    for tick in TICKS:
        if not all(carries(side, build, tick, screen) for side in sides):
            break
        carried.append(tick)
    return carried[-2] if len(carried) > 1 else TICKS[0]


def carries(side: Side, build: Path, tick: int, screen: Screen) -> bool:
    """Does it carry a packet of each flow every tick, with nothing lost and little skipped?"""
    for _ in range(TRIES):
        side.begin()
        row, = side.meter(build, "--tick-us", tick, "--at-rest", REST_MS, timeout=START)
        side.end()
        lost = sum(row["rest"][way]["lost"] for way in ("out", "in"))
        screen.progress(f"pace: {FLOWS * 1000000 // tick:,} packets/s each way, {side.title}:"
                        f" {lost} lost, {row['skipped']} of {row['ticks']} ticks skipped")
        if not lost and row["skipped"] <= SKIPPED_MAX * row["ticks"]:
            return True
    return False


def rounds(sides: list[Side], build: Path, runs: int, tick: int, more: list[str],
           screen: Screen) -> dict[str, list[dict[str, Any]]]:
    """more: options of failover-meter."""
    cycles: dict[str, list[dict[str, Any]]] = {side.key: [] for side in sides}
    begun = time.monotonic()
    for number in range(0, runs, BATCH):
        count = min(BATCH, runs - number)
        for side in sides:
            side.begin()
            cycles[side.key] += side.meter(build, "--tick-us", tick, "--cycles", count,
                                           "--seed", number + 1, *more, timeout=30 * count)
            side.end()
            done = sum(map(len, cycles.values()))
            left = (time.monotonic() - begun) / done * (runs * len(sides) - done)
            screen.progress(f"{done} of {runs * len(sides)} failovers, {left / 60:.0f} min left")
    return cycles


def arguments() -> argparse.Namespace:
    parser = parser_of(__doc__)
    parser.add_argument("--runs", type=int, default=1000,
                        help="failovers of each of the peers (default: 1000)")
    parser.add_argument("--members", type=int, default=2, choices=range(2, 33), metavar="N",
                        help="of each (default: 2)")
    parser.add_argument("--tick-us", type=int, default=0,
                        help=f"each of {FLOWS} flows sends once in that time, each way"
                             " (default: as often as the machine carries)")
    parser.add_argument("--second-ms", type=int, default=0, metavar="MS",
                        help="so long after a cable another one is pulled; needs --members 3")
    parser.add_argument("--only", metavar="KEYS", default="", help=ONLY)
    return parser.parse_args()


def run(args: argparse.Namespace, build: Path, screen: Screen) -> dict[str, Any]:
    with Lab(kernel=args.kernel, progress=screen.progress) as lab:
        Iovteam.build = build
        sides = made(chosen(SIDES, args.only), lab, args.members, screen)
        tick = args.tick_us or pace(sides, build, screen)
        rate = FLOWS * 1000000 // tick
        second = ["--second", str(args.second_ms)] if args.second_ms else []
        kernel = lab.host.run(["uname", "-r"]).out.strip()
        screen.line(f"Linux {kernel} in QEMU (software emulation), {args.members} members over"
                    f" veth; {args.runs} failovers each")
        screen.line(f"{FLOWS} flows each way, {rate:,} packets/s each way;"
                    f" silences are exact to {tick / 1000:g} ms")
        cycles = rounds(sides, build, args.runs, tick, second, screen)
    return {"kernel": kernel, "runs": args.runs, "members": args.members, "flows": FLOWS,
            "tick_us": tick, "second_ms": args.second_ms,
            "rate_pps": rate, "settings": Iovteam.settings,
            "results": {key: summed_up(found) for key, found in cycles.items()},
            "cycles": cycles}


def lines(results: dict[str, Any]) -> list[str]:
    failed = {side.title: results["results"].get(side.key, {}).get("not_recovered")
              for side in SIDES}
    return [*table(results["results"]),
            *(f"{title}: did not recover {count} times" for title, count in failed.items() if count)]


def main() -> int:
    args = arguments()
    return compare("failover", args.build, lambda build, screen: run(args, build, screen), lines)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What traffic loses while the control plane of iovteam, teamd or Open vSwitch is gone and back.

Under the traffic of failover-meter, each in its turn, its daemon is killed (SIGKILL) or told to end
(SIGTERM), and started again; or left alone, which tells what of it all is the machine's. All goes
to build/results/restart.json.
"""
from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path
from typing import Any

from command import Screen, compare, parser_of
from failover import Figures, made, pace
from lab import CommandFailed, Lab
from sides import (
    FLOWS, START, ActiveBackup, BalanceXor, Iovteam, OvsActiveBackup, OvsSlb, Side,
    TeamdActiveBackup, TeamdLoadbalance)

SIDES = [Iovteam, TeamdActiveBackup, TeamdLoadbalance, OvsSlb, OvsActiveBackup]
WITHOUT = {kind.key: "the kernel's bonding has no control plane"
           for kind in (ActiveBackup, BalanceXor)}
EVENTS = {"left alone": None, "killed": signal.SIGKILL, "restarted": signal.SIGTERM}
MEMBERS = 2
REST_S = 0.5  # before the event, and after all is whole again
WITHOUT_S = 0.5  # with no control plane
ALONE_S = 2


def run_once(side: Side, event: str, build: Path, tick: int) -> dict[str, Any]:
    meter = side.start_meter(build, "--tick-us", tick, "--until-eof")
    time.sleep(REST_S)
    begin = time.monotonic()
    how = EVENTS[event]
    if how:
        side.restart(how, WITHOUT_S)
    else:
        time.sleep(ALONE_S)
    took = time.monotonic() - begin
    side.reach()  # a daemon may call itself whole before traffic is
    time.sleep(REST_S)
    meter.close_stdin()
    done = meter.wait(START)
    if done.rc:
        raise CommandFailed(done, side.title)
    return {**done.json(), "took_s": round(took, 2)}


def rounds(sides: list[Side], build: Path, runs: int, tick: int,
           screen: Screen) -> dict[tuple[str, str], list[dict[str, Any]]]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for number in range(runs):
        for side in sides:
            side.begin()
            for event in EVENTS:
                one = run_once(side, event, build, tick)
                found.setdefault((side.key, event), []).append(one)
                lost = [one["rest"][way]["lost"] for way in ("out", "in")]
                screen.progress(f"round {number + 1} of {runs}: {side.title}, {event}: "
                                f"{lost[0]} lost out, {lost[1]} in")
            side.end()
    return found


# --- figures ---

def rows(found: dict[tuple[str, str], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """As bench.json has them: out and in are the guest's."""
    measured = [row(kind.key, event, way, found[kind.key, event])
                for kind in SIDES for event in EVENTS for way in ("out", "in")]
    return measured + [{"peer": peer, "n/a": reason} for peer, reason in WITHOUT.items()]


def row(peer: str, event: str, way: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    gaps = Figures.of([one["rest"][way]["silence_us"] / 1000 for one in runs])
    return {"peer": peer, "members": MEMBERS, "event": event, "direction": way, "runs": len(runs),
            "sent": FLOWS * sum(one["ticks"] for one in runs),
            "skipped_ticks": sum(one["skipped"] for one in runs),
            "lost": vars(Figures.of([one["rest"][way]["lost"] for one in runs])),
            **{f"gap_ms_{name}": value for name, value in vars(gaps).items()},
            "duplicated": sum(one["all"][way]["duplicated"] for one in runs),
            "reordered": sum(one["all"][way]["reordered"] for one in runs)}


def table(rows: list[dict[str, Any]]) -> list[str]:
    """In Markdown."""
    titles = {kind.key: kind.title for kind in (*SIDES, ActiveBackup, BalanceXor)}
    lines = ["| peer | control plane | | runs | lost: p50, max | silence, ms: p50, max | "
             "duplicated, reordered |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        if "n/a" in row:
            lines.append(f"| {titles[row['peer']]} | n/a: {row['n/a']} | | | | | |")
            continue
        lines.append(
            f"| {titles[row['peer']]} | {row['event']} | {row['direction']} | {row['runs']} | "
            f"{row['lost']['p50']}, {row['lost']['max']} | {row['gap_ms_p50']:.1f}, "
            f"{row['gap_ms_max']:.1f} | {row['duplicated']}, {row['reordered']} |")
    return lines


# --- the command ---

def arguments() -> argparse.Namespace:
    parser = parser_of(__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each peer and event (default: 5)")
    parser.add_argument("--tick-us", type=int, default=0,
                        help="as in failover.py (default: as often as the machine carries)")
    return parser.parse_args()


def run(args: argparse.Namespace, build: Path, runs: int, tick: int,
        screen: Screen) -> dict[str, Any]:
    with Lab(kernel=args.kernel, progress=screen.progress) as lab:
        Iovteam.build = build
        sides = made(SIDES, lab, MEMBERS, screen)
        tick = tick or pace(sides, build, screen)
        found = rounds(sides, build, runs, tick, screen)
    return {"tick_us": tick, "control_plane": rows(found),
            "runs": [{"peer": peer, "event": event, "runs": runs}
                     for (peer, event), runs in found.items()]}


def lines(results: dict[str, Any]) -> list[str]:
    return [*table(results["control_plane"]), "",
            f"{FLOWS * 1000000 // results['tick_us']:,} packets/s each way"]


def main() -> int:
    args = arguments()
    return compare("restart", args.build, lambda build, screen: run(
        args, build, args.runs, args.tick_us, screen), lines)


if __name__ == "__main__":
    sys.exit(main())

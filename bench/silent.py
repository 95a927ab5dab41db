#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Paths that die in silence: the cable behind a virtual function is pulled, and its carrier stays.

Flows run both ways between the guest and a peer outside. In turn iovteam, bonding's ARP monitor and
teamd's arp_ping have the guest's two igbvf devices; the cable of the primary is pulled, and plugged
in again once it has been left. Of each pull: the longest silence of a flow and packets lost, by
direction, and packets lost when the cable is back. --soak: seconds in which nothing is pulled while
all processors of the guest are busy; then every failover of iovteam is a false one.
All goes to build/results/silent.json.
"""
from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

CLONE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CLONE))

from failover import Figures, Screen, parse_with_lab  # noqa: E402
from lab import CommandFailed, Lab, LabError, Namespace, Process, wait_until  # noqa: E402
from silent_sides import GUEST, OURS, PEER, SIDES, Iovteam, Side  # noqa: E402

PYTHON = ["/usr/bin/python3", "-IS"]
FLOWS, TICK_MS = 8, 10
SLOW = 40  # seconds until the team has left a path, or is whole again
FLOWS_AGAIN = 1.5  # seconds after a verdict in which traffic must have come back

_SEND = f"""
import socket, sys, time
flows = []
for number in range({FLOWS}):
    flow = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    flow.connect((sys.argv[1], int(sys.argv[2])))
    flows.append(flow)
number, due = 0, time.monotonic()
while True:
    for flow in flows:
        try:
            flow.send(b"%d" % number)
        except OSError:
            pass
    number += 1
    due = max(due + {TICK_MS / 1000}, time.monotonic() - 1)
    time.sleep(max(0, due - time.monotonic()))
"""

# A line for each gap: milliseconds and packets that are missing in it.
_RECEIVE = f"""
import socket, sys, time
here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.bind(("0.0.0.0", int(sys.argv[1])))
print("ready", flush=True)
last = {{}}
while True:
    data, flow = here.recvfrom(64)
    now, number = time.monotonic(), int(data)
    before, newest = last.get(flow, (now, number - 1))
    if number - newest > 1:
        print("gap", round((now - before) * 1000), number - newest - 1, flush=True)
    last[flow] = now, max(number, newest)
"""


class Way:
    """Flows in one direction."""

    def __init__(self, source: Namespace, to: Namespace, address: str, port: int) -> None:
        self._receiver = to.spawn([*PYTHON, "-c", _RECEIVE, str(port)])
        self._receiver.expect("ready")
        self._sender = source.spawn([*PYTHON, "-c", _SEND, address, str(port)])
        self._read = 0

    def gaps(self) -> tuple[int, int]:
        """Since the last call: the longest silence in ms, packets lost of all flows."""
        text = self._receiver.stdout()
        new, self._read = text[self._read:], len(text)
        found = [tuple(map(int, line.split()[1:])) for line in new.splitlines()
                 if line.startswith("gap")]
        return max((ms for ms, _ in found), default=0), sum(lost for _, lost in found)

    def stop(self) -> None:
        self._sender.stop()
        self._receiver.stop()


def pull(side: Side, ways: dict[str, Way]) -> dict[str, Any]:
    dead = side.primary()
    cable = side.members.index(dead)
    found: dict[str, Any] = {"member": dead, "load": os.getloadavg()[0]}
    for way in ways.values():
        way.gaps()
    side.lab.cable(cable, up=False)
    wait_until(lambda: side.left(dead), SLOW, f"{side.title}: {dead} to be left")
    time.sleep(FLOWS_AGAIN)
    for name, way in ways.items():
        found[f"silence_{name}_ms"], found[f"lost_{name}"] = way.gaps()
    side.lab.cable(cable, up=True)
    wait_until(side.well, SLOW, f"{side.title}: {dead} to be used again")
    time.sleep(FLOWS_AGAIN)
    for name, way in ways.items():
        found[f"lost_{name}_at_return"] = way.gaps()[1]
    return found


def pulls(side: Side, runs: int, screen: Screen) -> list[dict[str, Any]]:
    ways = {"out": Way(side.guest, side.lab.peer, PEER, 6100),
            "in": Way(side.lab.peer, side.guest, GUEST, 7100)}
    time.sleep(FLOWS_AGAIN)
    try:
        found = []
        for number in range(runs):
            found.append(pull(side, ways))
            screen.progress(f"{side.title}: {number + 1} of {runs} pulls, the last: {found[-1]}")
    finally:
        for way in ways.values():
            way.stop()
    return found


def soak(side: Iovteam, seconds: int, screen: Screen) -> dict[str, Any]:
    """With a process that computes on each processor."""
    before, ticks = side.failures(), side.cpu_ticks()
    count = int(side.guest.run(["nproc"]).out)
    busy: list[Process] = [side.guest.spawn([*PYTHON, "-c", "while True: pass"])
                           for _ in range(count)]
    end, loads = time.monotonic() + seconds, []
    while time.monotonic() < end:
        time.sleep(min(30, max(0, end - time.monotonic())))
        loads.append(os.getloadavg()[0])
        screen.progress(f"soak: {side.failures() - before} false failovers so far, load {loads[-1]}")
    for one in busy:
        one.stop()
    return {"interval_ms": side.interval, "seconds": seconds, "false": side.failures() - before,
            "cpu_percent": (side.cpu_ticks() - ticks) / seconds, "loads": loads,
            "probes": side.probes(), "failovers": side.team.show()["failovers"]}


# --- figures ---

def rows(pulled: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Of each side and direction: out is from the guest."""
    found = []
    for side in SIDES:
        for way in ("out", "in") if pulled.get(side.key) else ():
            of = {key: [one[key.format(way)] for one in pulled[side.key]]
                  for key in ("silence_{}_ms", "lost_{}", "lost_{}_at_return")}
            silence, lost, at_return = of.values()
            found.append({"peer": side.key, "title": side.title, "direction": way,
                          "event": "path-silent", "runs": len(lost),
                          "silence_ms": vars(Figures.of(silence)), "lost": vars(Figures.of(lost)),
                          "lost_at_return": sum(at_return)})
    return found


def table(found: list[dict[str, Any]]) -> list[str]:
    width = max(len(side.title) for side in SIDES)
    lines = [f"{'':{width}}       {'silence, ms':>14}   {'packets lost':>14}   at return",
             f"{'':{width}}       {'p50':>7}{'max':>7}   {'p50':>7}{'max':>7}"]
    for row in found:
        silence, lost = row["silence_ms"], row["lost"]
        lines.append(f"{row['title'] if row['direction'] == 'out' else '':{width}}  "
                     f"{row['direction']:3}  {silence['p50']:7g}{silence['max']:7g}   "
                     f"{lost['p50']:7g}{lost['max']:7g}   {row['lost_at_return']:9}")
    return lines


# --- the run ---

def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--runs", type=int, default=20, help="pulls of each (default: 20)")
    parser.add_argument("--only", metavar="TEXT", default="",
                        help="those whose name has TEXT in it, such as iovteam")
    parser.add_argument("--soak", type=int, default=0, metavar="SECONDS")
    return parse_with_lab(parser)


def run(args: argparse.Namespace, build: Path, screen: Screen) -> dict[str, Any]:
    pulled: dict[str, list[dict[str, Any]]] = {}
    results: dict[str, Any] = {"kernel": args.kernel, "pulls": pulled}
    with Lab(args.kernel, progress=screen.progress) as lab:
        for kind in SIDES if args.runs else []:
            if args.only in kind.key:
                with kind(lab, build) as side:
                    pulled[kind.key] = pulls(side, args.runs, screen)
        if args.soak:
            with OURS[0](lab, build) as side:
                results["soak"] = soak(side, args.soak, screen)
    results["silent"] = rows(pulled)
    return results


def main() -> int:
    args, screen = arguments(), Screen()
    try:
        results = run(args, args.build.resolve(), screen)
    except (LabError, CommandFailed, RuntimeError, OSError) as error:
        screen.line(f"bench-silent: {error}")
        return 1
    for line in table(results["silent"]) if results["silent"] else []:
        screen.line(line)
    if args.soak:
        found = results["soak"]
        screen.line(f"every {found['interval_ms']} ms: {found['false']} false failovers in "
                    f"{args.soak} s, daemon {found['cpu_percent']:.1f} % of a processor")
    path = args.build / "results" / "silent.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results) + "\n")
    screen.line(f"all numbers: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

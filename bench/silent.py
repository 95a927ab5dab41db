#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Paths that die in silence: the cable behind a virtual function is pulled, and its carrier stays.

A team over two igbvf devices in the lab probes its paths. Flows run both ways between the guest and
a peer outside; the cable of the primary is pulled, and plugged in again once the team has left it.
Of each pull: the longest silence of a flow and packets lost, by direction. --soak: seconds in which
nothing is pulled while all processors of the guest are busy; then every failover is a false one.
All goes to build/results/silent.json.
"""
from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

CLONE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CLONE))

from failover import parse_with_lab  # noqa: E402
from lab import CommandFailed, Lab, LabError, Namespace, Process, wait_until  # noqa: E402
from lab.demo_guest import Team  # noqa: E402

PYTHON = ["/usr/bin/python3", "-IS"]
GUEST, PEER = "192.0.2.10", "192.0.2.1"
FLOWS, TICK_MS = 4, 10
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


def say(*words: object) -> None:
    print(*words, flush=True)


def member(team: Team, name: str) -> dict[str, Any]:
    return next(member for member in team.show()["members"] if member["name"] == name)


def pull(lab: Lab, team: Team, ways: dict[str, Way]) -> dict[str, Any]:
    dead = team.show()["primary"]
    cable = lab.vfs.index(dead)
    for way in ways.values():
        way.gaps()
    lab.cable(cable, up=False)
    wait_until(lambda: member(team, dead)["reason"] == "path-unresponsive", SLOW,
               f"{dead} to be left")
    time.sleep(FLOWS_AGAIN)
    found: dict[str, Any] = {"member": dead, "load": os.getloadavg()[0]}
    for name, way in ways.items():
        found[f"silence_{name}_ms"], found[f"lost_{name}"] = way.gaps()
    lab.cable(cable, up=True)
    team.wait_well(SLOW)
    time.sleep(FLOWS_AGAIN)
    return found


def pulls(lab: Lab, team: Team, interval: int, runs: int) -> list[dict[str, Any]]:
    team.run("team", "set", team.name, f"probe-interval={interval}")
    ways = {"out": Way(lab.guest, lab.peer, PEER, 6100), "in": Way(lab.peer, lab.guest, GUEST, 7100)}
    time.sleep(FLOWS_AGAIN)
    try:
        found = []
        for _ in range(runs):
            found.append(pull(lab, team, ways))
            say(f"{interval} ms", found[-1])
    finally:
        for way in ways.values():
            way.stop()
    for key in ("silence_out_ms", "silence_in_ms", "lost_out", "lost_in"):
        numbers = [one[key] for one in found]
        say(f"{interval} ms, {key}: p50 {statistics.median(numbers):g}, max {max(numbers)}")
    return found


def failures(team: Team) -> int:
    return sum(member["failures"] for member in team.show()["members"])


def cpu_ticks(lab: Lab, team: Team) -> int:
    """Of the daemon, user and system, in hundredths of a second."""
    stat = lab.read(f"/proc/{team.daemon_pid}/stat").decode().rpartition(")")[2].split()
    return int(stat[11]) + int(stat[12])


def soak(lab: Lab, team: Team, interval: int, seconds: int) -> dict[str, Any]:
    team.run("team", "set", team.name, f"probe-interval={interval}")
    team.wait_well(SLOW)
    before, ticks = failures(team), cpu_ticks(lab, team)
    count = int(lab.guest.run(["nproc"]).out)
    busy: list[Process] = [lab.guest.spawn([*PYTHON, "-c", "while True: pass"])
                           for _ in range(count)]
    end, loads = time.monotonic() + seconds, []
    while time.monotonic() < end:
        time.sleep(min(30, max(0, end - time.monotonic())))
        loads.append(os.getloadavg()[0])
        say("false failovers so far", failures(team) - before, "load", loads[-1])
    for one in busy:
        one.stop()
    shown = team.show()
    found = {"interval_ms": interval, "seconds": seconds, "false": failures(team) - before,
             "cpu_percent": (cpu_ticks(lab, team) - ticks) / seconds,
             "loads": loads, "probes": {m["name"]: m["probes"] for m in shown["members"]},
             "failovers": shown["failovers"]}
    say(f"{interval} ms: {found['false']} false failovers in {seconds} s, daemon"
        f" {found['cpu_percent']:.1f} % of a processor")
    return found


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20, help="pulls at each interval")
    parser.add_argument("--intervals", default="50,10", help="ProbeIntervalMs, with commas between")
    parser.add_argument("--soak", type=int, default=0, metavar="SECONDS")
    return parse_with_lab(parser)


def run(args: argparse.Namespace) -> dict[str, Any]:
    intervals = [int(word) for word in args.intervals.split(",")]
    with Lab(args.kernel) as lab:
        team = Team(lab.guest, "team0", args.build.resolve())
        team.start_daemon()
        team.add(lab.vfs, [f"{GUEST}/24"])
        team.run("team", "set", "team0", "probe=auto")
        team.wait_well(SLOW)
        team.reach(PEER)
        results: dict[str, Any] = {"kernel": args.kernel, "pulls": {}}
        for interval in intervals if args.runs else []:
            results["pulls"][interval] = pulls(lab, team, interval, args.runs)
        if args.soak:
            results["soak"] = soak(lab, team, intervals[0], args.soak)
        team.remove()
        team.stop_daemon()
    return results


def main() -> int:
    args = arguments()
    try:
        results = run(args)
    except (LabError, CommandFailed, RuntimeError, OSError) as error:
        say(f"bench-silent: {error}")
        return 1
    path = args.build / "results" / "silent.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results) + "\n")
    say(f"all numbers: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

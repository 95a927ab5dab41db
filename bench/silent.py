#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Paths that die in silence: the cable behind a virtual function is pulled, and its carrier stays.
And virtual functions that vanish, as they do when a guest migrates.

Flows run both ways between the guest and a peer outside. In turn iovteam, bonding's ARP monitor and
teamd's arp_ping have the guest's two igbvf devices; the cable of the primary is pulled, and plugged
in again once it has been left. Then, of iovteam, the primary is unplugged and plugged in again,
with a TCP connection beside. Of each loss: the longest silence of a flow and packets lost, by
direction, and packets lost at the return. --soak: seconds in which nothing is lost while all
processors of the guest are busy; then every failover of iovteam is a false one.
All goes to build/results/silent.json.
"""
from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from command import ONLY, Screen, chosen, compare, parser_of
from failover import Figures
from lab import Lab, Namespace, Process, wait_until
from lab.demo_sets import deepen_queues
from silent_sides import GUEST, OURS, PEER, SIDES, Iovteam, Side

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

# A line for each gap: milliseconds and packets that are missing in it; and for each packet that
# came after a later one, or once more.
_RECEIVE = f"""
import socket, sys, time
here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.setsockopt(socket.SOL_SOCKET, 33, 1 << 23)  # SO_RCVBUFFORCE: nothing is lost here
here.bind(("0.0.0.0", int(sys.argv[1])))
print("ready", flush=True)
last, missing = {{}}, set()
while True:
    data, flow = here.recvfrom(64)
    now, number = time.monotonic(), int(data)
    before, newest = last.get(flow, (now, number - 1))
    if number > newest + 1:
        missing.update((flow, n) for n in range(newest + 1, number))
        print("gap", round((now - before) * 1000), number - newest - 1, flush=True)
    elif number <= newest:
        print("reordered" if (flow, number) in missing else "duplicated", flush=True)
        missing.discard((flow, number))
    last[flow] = now, max(number, newest)
"""

# A connection whose answers are counted; it says when it has ended.
_SERVE = """
import socket, sys
at = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
here, _ = at.accept()
while data := here.recv(65536):
    here.sendall(data)
"""
_ASK = f"""
import socket, sys, time
there = socket.create_connection((sys.argv[1], int(sys.argv[2])), 30)
there.settimeout({SLOW // 2})
while True:
    there.sendall(b"question")
    left = 8
    while left:
        data = there.recv(left)
        if not data:
            sys.exit("the connection has ended")
        left -= len(data)
    print("answer", flush=True)
    time.sleep({TICK_MS / 1000})
"""


@dataclass
class Toll:
    silence_ms: int  # the longest of a flow that has lost packets
    lost: int  # packets, as the others
    duplicated: int
    reordered: int


class Way:
    """Flows in one direction."""

    def __init__(self, source: Namespace, to: Namespace, address: str, port: int) -> None:
        self._receiver = to.spawn([*PYTHON, "-c", _RECEIVE, str(port)])
        self._receiver.expect("ready")
        self._sender = source.spawn([*PYTHON, "-c", _SEND, address, str(port)])
        self._read = 0

    def toll(self) -> Toll:
        """Since the last call, of all flows."""
        text = self._receiver.stdout()
        new, self._read = text[self._read:].splitlines(), len(text)
        found = [tuple(map(int, line.split()[1:])) for line in new if line.startswith("gap")]
        reordered = new.count("reordered")
        return Toll(max((ms for ms, _ in found), default=0),
                    sum(lost for _, lost in found) - reordered, new.count("duplicated"), reordered)

    def stop(self) -> None:
        self._sender.stop()
        self._receiver.stop()


class Connection:
    """One by TCP that asks, and is answered."""

    def __init__(self, side: Side) -> None:
        peer = side.lab.peer
        self._server = peer.spawn([*PYTHON, "-c", _SERVE, PEER, "5100"])
        self._server.expect("ready")
        self._asker = side.guest.spawn([*PYTHON, "-c", _ASK, PEER, "5100"])
        self._asker.expect("answer")

    def lives(self) -> bool:
        """It gets one more answer. One that gets none for long ends by itself."""
        had = self._asker.stdout().count("answer")
        wait_until(lambda: self._asker.stdout().count("answer") > had or not self._asker.running,
                   SLOW, "an answer by TCP")
        return self._asker.running

    def stop(self) -> None:
        self._asker.stop()
        self._server.stop()


class Cable:
    """What is lost is the cable behind a device, and the device does not tell."""

    event = "path-silent"

    def __init__(self, side: Side, member: str) -> None:
        self._lab, self._number = side.lab, side.members.index(member)

    def lose(self) -> None:
        self._lab.cable(self._number, up=False)

    def give_back(self) -> None:
        self._lab.cable(self._number, up=True)


class Device:
    """What is lost is the device, and the same one comes back."""

    event = "vf-unplugged"
    DRIVER = "/sys/bus/pci/drivers/igbvf"

    def __init__(self, side: Side, member: str) -> None:
        self._lab, self._guest, self._name = side.lab, side.guest, member
        link, = side.guest.run(["ip", "-j", "-d", "link", "show", member]).json()
        self._bus = link["parentdev"]

    def lose(self) -> None:
        self._lab.host.sh(f"echo {self._bus} > {self.DRIVER}/unbind")

    def give_back(self) -> None:
        self._lab.host.sh(f"""
            echo {self._bus} > {self.DRIVER}/bind
            ip link set $(ls /sys/bus/pci/devices/{self._bus}/net) netns {self._guest.netns} \
                name {self._name}""")
        self._guest.run(["ethtool", "-G", self._name, "rx", "4096"])


Loss = type[Cable] | type[Device]
Rows = list[dict[str, Any]]


def lose(side: Side, loss: Loss, ways: dict[str, Way]) -> dict[str, Any]:
    """The primary's, and gives it back."""
    # Who asks often may have none for a moment.
    member = wait_until(side.primary, SLOW, f"{side.title}: an active member")
    what = loss(side, member)
    found: dict[str, Any] = {"member": member, "load": os.getloadavg()[0]}
    for way in ways.values():
        way.toll()
    what.lose()
    wait_until(lambda: side.left(member), SLOW, f"{side.title}: {member} to be left")
    time.sleep(FLOWS_AGAIN)
    found["loss"] = {name: vars(way.toll()) for name, way in ways.items()}
    what.give_back()
    wait_until(side.well, SLOW, f"{side.title}: {member} to be used again")
    time.sleep(FLOWS_AGAIN)
    found["return"] = {name: vars(way.toll()) for name, way in ways.items()}
    return found


def losses(side: Side, loss: Loss, runs: int, screen: Screen) -> Rows:
    ways = {"out": Way(side.guest, side.lab.peer, PEER, 6100),
            "in": Way(side.lab.peer, side.guest, GUEST, 7100)}
    connection = Connection(side) if loss is Device else None
    time.sleep(FLOWS_AGAIN)
    try:
        found = []
        for number in range(runs):
            found.append(lose(side, loss, ways))
            if connection:
                found[-1]["connection_lives"] = connection.lives()
            screen.progress(f"{side.title}: {loss.event}, {number + 1} of {runs}")
    finally:
        for one in (*ways.values(), *filter(None, [connection])):
            one.stop()
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
        screen.progress(f"soak: {side.failures() - before} false failovers, load {loads[-1]}")
    for one in busy:
        one.stop()
    return {"interval_ms": side.interval, "seconds": seconds, "false": side.failures() - before,
            "cpu_percent": (side.cpu_ticks() - ticks) / seconds, "loads": loads,
            "probes": side.probes(), "failovers": side.team.show()["failovers"]}


# --- figures ---

def figures(side: type[Side], loss: Loss, found: Rows) -> Rows:
    """A row for each direction: out is from the guest."""
    rows = []
    for way in ("out", "in"):
        lost, back = ([one[when][way] for one in found] for when in ("loss", "return"))
        rows.append({
            "peer": side.key, "title": side.title, "event": loss.event, "direction": way,
            "runs": len(found),
            "silence_ms": vars(Figures.of([toll["silence_ms"] for toll in lost])),
            "lost": vars(Figures.of([toll["lost"] for toll in lost])),
            "lost_at_return": max(0, sum(toll["lost"] for toll in back)),
            "duplicated": sum(toll["duplicated"] for toll in (*lost, *back)),
            "reordered": sum(toll["reordered"] for toll in (*lost, *back)),
            "connections_lost": sum(not one.get("connection_lives", True) for one in found)})
    return rows


def table(rows: Rows) -> list[str]:
    """For the terminal."""
    width = max(len(side.title) for side in SIDES)
    lines = [f"{'':{width}}        {'silence, ms':>14}   {'packets lost':>14}   lost at",
             f"{'':{width}}        {'p50':>7}{'max':>7}   {'p50':>7}{'max':>7}    return"
             "   duplicated, reordered"]
    event = ""
    for row in rows:
        if row["event"] != event:
            event = row["event"]
            lines.append(f"{event}, {row['runs']} times each")
        silence, lost = row["silence_ms"], row["lost"]
        lines.append(f"{row['title'] if row['direction'] == 'out' else '':{width}}  "
                     f"{row['direction']:4}  {silence['p50']:7g}{silence['max']:7g}   "
                     f"{lost['p50']:7g}{lost['max']:7g}   {row['lost_at_return']:7}   "
                     f"{row['duplicated']}, {row['reordered']}"
                     + (f"; {row['connections_lost']} connections lost by TCP"
                        if row["event"] == Device.event and row["direction"] == "out" else ""))
    return lines


# --- the run ---

def arguments() -> argparse.Namespace:
    parser = parser_of(__doc__)
    parser.add_argument("--runs", type=int, default=20, help="losses of each (default: 20)")
    parser.add_argument("--only", metavar="KEYS", default="", help=ONLY)
    parser.add_argument("--soak", type=int, default=0, metavar="SECONDS")
    return parser.parse_args()


def run(args: argparse.Namespace, build: Path, runs: int, soaked: int,
        screen: Screen) -> dict[str, Any]:
    """soaked: seconds, 0 = not."""
    wanted = [(kind, loss) for loss, kinds in ((Cable, SIDES), (Device, OURS[:1]))
              for kind in (chosen(kinds, args.only) if runs else ())]
    results: dict[str, Any] = {"kernel": args.kernel, "silent": [], "losses": []}
    with Lab(args.kernel, progress=screen.progress) as lab:
        deepen_queues(lab.outside.phys, [nic.tap for nic in lab.pfs])
        for vf in lab.vfs:
            lab.guest.run(["ethtool", "-G", vf, "rx", "4096"])
        for kind, loss in wanted:
            with kind(lab, build) as side:
                found = losses(side, loss, runs, screen)
            results["silent"] += figures(kind, loss, found)
            results["losses"].append({"peer": kind.key, "event": loss.event, "runs": found})
        if soaked:
            with OURS[0](lab, build) as side:
                results["soak"] = soak(side, soaked, screen)
    return results


def lines(results: dict[str, Any]) -> list[str]:
    soaked = results.get("soak")
    return [*table(results["silent"]),
            *([f"every {soaked['interval_ms']} ms: {soaked['false']} false failovers in "
               f"{soaked['seconds']} s, daemon {soaked['cpu_percent']:.1f} % of a processor"]
              if soaked else [])]


def main() -> int:
    args = arguments()
    return compare("silent", args.build, lambda build, screen: run(
        args, build, args.runs, args.soak, screen), lines)


if __name__ == "__main__":
    sys.exit(main())

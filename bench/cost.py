#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a packet costs through iovteam and through its peers, in instructions, in one guest.

The VM's clock counts instructions, so the machine's load does not matter. Each peer is made when it
is its turn, alone: a guest namespace with two members over veth, whose other ends are in a
namespace that sends and receives. Some cost the packets of other devices something as well (teamd
listens to all of the machine), so a bare device is measured beside each. All goes to
build/results/cost.json.
"""
from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from command import Screen, compare, parser_of
from lab import Lab, Process, wait_until
from openvswitch import OpenVswitch
from sides import START
from teamd import LOADBALANCE, Teamd

GUEST, PEER = "192.0.2.10", "192.0.2.1"
PEER_MAC = "02:00:5e:00:02:01"  # of both ends outside: no switch stands between
PACKETS, KIB = 20000, 65536
WORKS = {  # name -> unit, words for cost-meter
    "udp": ("packet", ["--packets", str(PACKETS)]),
    "tcp": ("kib", ["--tcp", str(KIB)]),
}
WAYS = ("tx", "rx")


class Side:
    """One of those that are compared: a guest with two members, and what is outside of it. It is
    there in a with block."""

    title = key = ""
    device = "team0"

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._daemon: Process | Teamd | None = None

    def __enter__(self) -> Side:
        self.guest, self.peer = (self.lab.namespace(f"{self.key}-{part}") for part in ("guest", "peer"))
        self.guest.sh("sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0\n"
                      + "\n".join(f"ip link add m{n} type veth peer name s{n} netns "
                                  f"{self.peer.netns}" for n in range(2)))
        self.peer.sh(
            "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0\n"
            + "\n".join(f"ip link set s{n} address {PEER_MAC} up" for n in range(2))
            + f"\nip address add {PEER}/24 dev s0")
        self.make()
        self.guest.sh(f"ip link set {self.device} up; ip address add {GUEST}/24 dev {self.device}\n"
                      f"ip neigh replace {PEER} lladdr {PEER_MAC} dev {self.device} nud permanent")
        link, = self.guest.run(["ip", "-j", "link", "show", self.device]).json()
        self.peer.run(["ip", "neigh", "replace", GUEST, "lladdr", link["address"], "dev", "s0",
                       "nud", "permanent"])
        return self

    def __exit__(self, *exc: object) -> None:
        if self._daemon:
            self._daemon.stop()
        self.lab.host.sh(f"ip netns delete {self.guest.netns}; ip netns delete {self.peer.netns}\n"
                         "rm -rf /sys/fs/bpf/cost /tmp/cost")

    def make(self) -> None:
        raise NotImplementedError

    def measure(self, build: Path, way: str, words: list[str]) -> float:
        """Instructions for one unit of the work, at both ends together."""
        guest, peer = f"{self.guest.netns},{GUEST}", f"{self.peer.netns},{PEER}"
        ends = (guest, peer) if way == "tx" else (peer, guest)
        done = self.lab.host.run([str(build / "cost-meter"), "--from", ends[0], "--to", ends[1],
                                  *words], timeout=300).json()
        if done["received"] != done["sent"]:
            raise RuntimeError(f"{self.title}, {way}: {done['sent']} sent, "
                               f"{done['received']} received")
        return done["ns_each"]


class Raw(Side):
    title, key, device = "a bare member", "raw", "m0"

    def make(self) -> None:
        pass


class Beside(Raw):
    key = "beside"


class Iovteam(Side):
    title, key = "iovteam", "iovteam"
    build: Path

    def make(self) -> None:
        self._daemon = self.guest.spawn(
            [str(self.build / "iovteamd"), "--config", "/tmp/cost", "--socket", "/tmp/cost.sock",
             "--bpffs", "/sys/fs/bpf/cost"])
        command = [str(self.build / "iovteam"), "--socket", "/tmp/cost.sock", "team"]
        wait_until(lambda: self.guest.run([*command, "show"], check=False).rc == 0, START,
                   "iovteamd to answer")
        self.guest.run([*command, "add", self.device, "--member", "m0", "--member", "m1"],
                       timeout=60)
        wait_until(lambda: all(member["state"] == "active" for member in self.guest.run(
            [*command, "show", "--json"]).json()["teams"][0]["members"]), START, "its members")


class Bonding(Side):
    options = ""

    def make(self) -> None:
        self.guest.sh(f"ip link add {self.device} type bond miimon 100 {self.options}\n"
                      f"ip link set m0 master {self.device}; ip link set m1 master {self.device}\n"
                      f"ip link set {self.device} up")
        self.guest.wait_for(["cat", f"/proc/net/bonding/{self.device}"], "m1\nMII Status: up", START)


class ActiveBackup(Bonding):
    title, key, options = "bonding active-backup", "bonding-ab", "mode active-backup"


class Xor34(Bonding):
    title, key = "bonding balance-xor layer3+4", "bonding-xor34"
    options = "mode balance-xor xmit_hash_policy layer3+4"


class Tlb(Bonding):
    title, key, options = "bonding balance-tlb", "bonding-tlb", "mode balance-tlb"


class TeamLb(Side):
    title, key, runner = "team driver, loadbalance", "team-lb", LOADBALANCE

    def make(self) -> None:
        self._daemon = Teamd(self.guest, self.device, {"m0": {}, "m1": {}}, self.runner)


class TeamActiveBackup(TeamLb):
    title, key, runner = "team driver, activebackup", "team-ab", {"name": "activebackup"}


class OvsSlb(Side):
    title, key, mode = "Open vSwitch, balance-slb", "ovs-slb", "balance-slb"

    def make(self) -> None:
        self._switch = OpenVswitch(self.guest, "/tmp/cost-ovs")
        self._switch.bond(self.device, ("m0", "m1"), self.mode)

    def __exit__(self, *exc: object) -> None:
        self._switch.stop()
        super().__exit__(*exc)
        self.lab.host.run(["rm", "-rf", self._switch.directory])


class OvsActiveBackup(OvsSlb):
    title, key, mode = "Open vSwitch, active-backup", "ovs-ab", "active-backup"


SIDES = [Raw, ActiveBackup, Xor34, Tlb, TeamLb, TeamActiveBackup, OvsSlb, OvsActiveBackup, Iovteam]


Found = dict[tuple[str, str, str], list[float]]  # peer, way, work -> instructions, by round


def measured(lab: Lab, build: Path, rounds: int, screen: Screen) -> list[dict[str, Any]]:
    found: Found = {}
    beside: Found = {}
    for number in range(rounds):
        for kind in SIDES:
            screen.progress(f"round {number + 1} of {rounds}: {kind.title}")
            with Beside(lab) as bare, kind(lab) as side:
                for way in WAYS:
                    for work, (_, words) in WORKS.items():
                        key = side.key, way, work
                        found.setdefault(key, []).append(side.measure(build, way, words))
                        beside.setdefault(key, []).append(bare.measure(build, way, words))
    return rows(found, beside)


def rows(found: Found, beside: Found) -> list[dict[str, Any]]:
    """As bench.json has them: of the cheapest of all rounds; spread: by what share the dearest was
    above it."""
    return [{"peer": kind.key, "direction": way,
             **{name: value for work in WORKS
                for name, value in row(found, beside, kind.key, way, work).items()}}
            for kind in SIDES for way in WAYS]


def row(found: Found, beside: Found, peer: str, way: str, work: str) -> dict[str, float]:
    values, bare_alone = found[peer, way, work], min(found["raw", way, work])
    unit = WORKS[work][0]
    return {f"insn_per_{unit}": round(min(values), 1),
            f"{work}_over_bare": round(min(values) - bare_alone, 1),
            f"{work}_on_other_devices": round(min(beside[peer, way, work]) - bare_alone, 1),
            f"{work}_spread": round((max(values) - min(values)) / min(values), 4)}


def table(rows: list[dict[str, Any]]) -> list[str]:
    titles = {side.key: side.title for side in SIDES}
    width = max(map(len, titles.values()))
    head = f"{'over':>9}{'beside':>8}"
    lines = [f"{'':{width}}      {'UDP packet':>10}{head}   {'TCP KiB':>8}{head}   {'spread':>7}"]
    for row in rows:
        title = titles[row["peer"]] if row["direction"] == "tx" else ""
        udp, tcp = (f"{row[work + '_over_bare']:+9,.0f}{row[work + '_on_other_devices']:+8,.0f}"
                    for work in WORKS)
        lines.append(f"{title:{width}}  {row['direction']}  {row['insn_per_packet']:10,.0f}{udp}"
                     f"   {row['insn_per_kib']:8,.0f}{tcp}"
                     f"   {max(row['udp_spread'], row['tcp_spread']):7.2%}")
    return lines


def arguments() -> argparse.Namespace:
    parser = parser_of(__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="of all of them (default: 2)")
    return parser.parse_args()


def run(args: argparse.Namespace, build: Path, screen: Screen) -> dict[str, Any]:
    with Lab(kernel=args.kernel, cpus=1, icount=True, progress=screen.progress) as lab:
        Iovteam.build = build
        kernel = lab.host.run(["uname", "-r"]).out.strip()
        rows = measured(lab, build, args.rounds, screen)
    return {"kernel": kernel, "rounds": args.rounds, "cost": rows}


def lines(results: dict[str, Any]) -> list[str]:
    return [f"Linux {results['kernel']} in QEMU, which counts instructions; members over veth; both",
            "ends of each packet. Over: more than a bare member; of this, beside: what each packet of",
            "any other device of the machine costs more as well.", "", *table(results["cost"])]


def main() -> int:
    args = arguments()
    return compare("cost", args.build, lambda build, screen: run(args, build, screen), lines)


if __name__ == "__main__":
    sys.exit(main())

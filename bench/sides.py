# SPDX-License-Identifier: GPL-2.0-or-later
"""Those that failovers and restarts compare: iovteam and its peers, side by side in the lab's VM.

Each has a guest, a switch and a peer namespace of its own, and members over veth.
"""
from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

from lab import Lab, Process, Result, wait_until
from openvswitch import OpenVswitch
from teamd import LOADBALANCE, Teamd

GUEST, PEER = "192.0.2.10", "192.0.2.1"
FLOWS = 8
START = 30  # seconds


class Side:
    """One of those that are compared: three namespaces, a bond or a team over members m0, m1, …
    whose cables end at ports p0, p1, … of the switch."""

    title = ""
    key = ""
    bond = "team0"
    choice: list[str] = []  # of the member whose cable is pulled: options of failover-meter

    def __init__(self, lab: Lab, members: int) -> None:
        self.lab, self.numbers = lab, range(members)
        self.guest, self.switch, self.peer = (
            lab.namespace(f"{self.key}-{part}") for part in ("guest", "switch", "peer"))
        self.switch.sh("\n".join([
            "ip link add name sw type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
            "ip link set sw up",
            f"ip link add pp type veth peer name eth0 netns {self.peer.netns}",
            "ip link set pp master sw up",
            *(f"ip link add p{n} type veth peer name m{n} netns {self.guest.netns}"
              for n in self.numbers),
            self.ports()]))
        self.peer.sh(f"ip link set eth0 up; ip address add {PEER}/24 dev eth0")
        self.make()
        self.guest.sh(f"ip link set {self.bond} up; ip address add {GUEST}/24 dev {self.bond}")

    def ports(self) -> str:
        return self._enslaved("p{}", "sw", "up")

    def _enslaved(self, name: str, master: str, more: str = "") -> str:
        return "\n".join(f"ip link set {name.format(n)} master {master} {more}"
                         for n in self.numbers)

    def make(self) -> None:
        raise NotImplementedError

    def begin(self) -> None:
        """Its turn."""

    def end(self) -> None:
        """The next one's turn."""

    def restart(self, how: signal.Signals, without_s: float) -> None:
        """Ends its control plane, starts it again so much later, and waits until it is whole."""
        raise NotImplementedError

    def reach(self) -> None:
        for where, address in ((self.guest, PEER), (self.peer, GUEST)):
            where.wait_for(["ping", "-c", "1", "-W", "1", address], " 0% packet loss", START)

    def _meter(self, build: Path, words: tuple[object, ...]) -> list[str]:
        return [str(build / "failover-meter"), "--guest", f"{self.guest.netns},{GUEST}",
                "--peer", f"{self.peer.netns},{PEER}", "--switch", self.switch.netns,
                "--bond", self.bond, "--flows", str(FLOWS), *self.choice,
                *(word for n in self.numbers for word in ("--member", f"m{n}:p{n}")),
                *map(str, words)]

    def meter(self, build: Path, *words: object, timeout: float) -> list[dict[str, Any]]:
        out = self.lab.host.run(self._meter(build, words), timeout=timeout).out
        return [json.loads(line) for line in out.splitlines()]

    def start_meter(self, build: Path, *words: object) -> Process:
        return self.lab.host.spawn(self._meter(build, words))


class Iovteam(Side):
    title, key = "iovteam", "iovteam"
    settings = ["stable-time-ms=0", "return-idle-ms=20"]
    wrapper: list[str] = []
    carrier_program = "attached"
    build: Path

    def make(self) -> None:
        self._start()
        wait_until(lambda: self._team("show", check=False).rc == 0, START, "iovteamd to answer")
        self._team("add", self.bond,
                   *(word for n in self.numbers for word in ("--member", f"m{n}")),
                   *self.settings)
        shown = self._shown()
        if not shown["carrier_program"].startswith(self.carrier_program):
            raise RuntimeError(f"{self.title}: carrier program {shown['carrier_program']}")

    def _start(self) -> None:
        name = f"bench-{self.key}"
        self._daemon = self.guest.spawn(
            [*self.wrapper, str(self.build / "iovteamd"), "--config", f"/tmp/{name}",
             "--socket", f"/tmp/{name}.sock", "--bpffs", f"/sys/fs/bpf/{name}"])

    def _team(self, *words: str, check: bool = True) -> Result:
        return self.guest.run([str(self.build / "iovteam"), "--socket",
                               f"/tmp/bench-{self.key}.sock", "team", *words],
                              timeout=2 * START, check=check)

    def _shown(self) -> dict[str, Any]:
        return self._team("show", "--json").json()["teams"][0]

    def restart(self, how: signal.Signals, without_s: float) -> None:
        self._daemon.kill(how)
        self._daemon.wait(START)
        time.sleep(without_s)
        self._start()
        wait_until(lambda: self._team("show", check=False).rc == 0, START, "iovteamd to answer")
        wait_until(lambda: all(member["state"] == "active" for member in self._shown()["members"]),
                   START, "all members")


class IovteamByEvents(Iovteam):
    """Its daemon sees a kernel that does not describe its types, and so gets no program in."""

    title, key = "iovteam without carrier program", "events"
    wrapper = ["unshare", "--mount", "sh", "-c",
               'mount --bind /dev/null /sys/kernel/btf/vmlinux && exec "$@"', "sh"]
    carrier_program = "not permitted"


class Bonding(Side):
    options = ""
    miimon = 100

    def make(self) -> None:
        self.guest.sh(f"ip link add {self.bond} type bond {self.options} miimon 100\n"
                      + self._enslaved("m{}", self.bond))

    def _look_every(self, miimon: int) -> None:
        self.guest.run(["ip", "link", "set", self.bond, "type", "bond", "miimon", str(miimon)])

    def begin(self) -> None:
        if self.miimon != 100:
            self._look_every(self.miimon)

    def end(self) -> None:
        """Looking every millisecond costs, and must not cost the others."""
        if self.miimon != 100:
            self._look_every(100)


class ActiveBackup(Bonding):
    title, key = "bonding active-backup, miimon=100", "ab100"
    options = "mode active-backup"


class ActiveBackupFast(ActiveBackup):
    title, key = "bonding active-backup, miimon=1", "ab1"
    miimon = 1


class OnLag(Side):
    """It needs a switch that makes a LAG of its ports, and looks at them all the time."""

    def ports(self) -> str:
        return ("ip link add lag type bond mode balance-xor xmit_hash_policy layer3+4 miimon 100\n"
                + self._enslaved("p{}", "lag") + "\nip link set lag master sw up")

    def _lag_looks_every(self, miimon: int) -> None:
        self.switch.run(["ip", "link", "set", "lag", "type", "bond", "miimon", str(miimon)])

    def begin(self) -> None:
        super().begin()
        self._lag_looks_every(1)

    def end(self) -> None:
        self._lag_looks_every(100)
        super().end()


class BalanceXor(OnLag, Bonding):
    title, key = "bonding balance-xor layer3+4, miimon=100", "xor100"
    options = "mode balance-xor xmit_hash_policy layer3+4"


class TeamdActiveBackup(Side):
    """After a loss it stays where it went, and only its daemon knows where."""

    title, key, bond = "team driver, activebackup", "team-ab", "team-ab0"
    choice = ["--busiest"]
    runner, port = {"name": "activebackup"}, {"sticky": True}

    def make(self) -> None:
        self._teamd = Teamd(self.guest, self.bond, {f"m{n}": self.port for n in self.numbers},
                            self.runner)

    def restart(self, how: signal.Signals, without_s: float) -> None:
        self._teamd.restart(how, without_s)


class TeamdLoadbalance(OnLag, TeamdActiveBackup):
    title, key, bond = "team driver, loadbalance", "team-lb", "team-lb0"
    runner, port = LOADBALANCE, {}
    choice = []


class OvsSlb(Side):
    """Its flows take one member, that of the host's MAC."""

    title, key, mode = "Open vSwitch, balance-slb", "ovs-slb", "balance-slb"
    choice = ["--busiest"]

    def make(self) -> None:
        self._switch = OpenVswitch(self.guest, f"/tmp/bench-{self.key}")
        self._switch.bond(self.bond, [f"m{n}" for n in self.numbers], self.mode)

    def restart(self, how: signal.Signals, without_s: float) -> None:
        self._switch.restart(how, without_s)


class OvsActiveBackup(OvsSlb):
    title, key, mode = "Open vSwitch, active-backup", "ovs-ab", "active-backup"

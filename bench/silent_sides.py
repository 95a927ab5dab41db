# SPDX-License-Identifier: GPL-2.0-or-later
"""Who looks behind a carrier that stays up: iovteam's probes, and those of its peers. Each in its
turn has the guest's virtual functions as members of an interface "team0"."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

from lab import Lab, wait_until
from lab.demo_guest import Team
from teamd import Teamd

DEVICE = "team0"
GUEST, PEER = "192.0.2.10", "192.0.2.1"
START = 30  # seconds


class Side:
    """One of them, in a `with` block: addressed, reaching the peer, each member in use."""

    key, title, interval = "", "", 0

    def __init__(self, lab: Lab, build: Path) -> None:
        self.lab, self.guest, self.members, self.build = lab, lab.guest, lab.vfs, build

    def __enter__(self) -> Side:
        self.make()
        self.guest.sh(f"ip link set {DEVICE} up; ip address add {GUEST}/24 dev {DEVICE}")
        self.guest.wait_for(["ping", "-c", "1", "-W", "1", PEER], " 0% packet loss", START)
        wait_until(self.well, START, f"{self.title}: each member to be in use")
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()

    def make(self) -> None:
        raise NotImplementedError

    def remove(self) -> None:
        raise NotImplementedError

    def primary(self) -> str:
        raise NotImplementedError

    def well(self) -> bool:
        raise NotImplementedError

    def left(self, member: str) -> bool:
        """It sends and receives by another one."""
        return self.primary() not in ("", member)


class Iovteam(Side):
    """It runs for a while, so it also tells what that has cost."""

    def make(self) -> None:
        self.team = Team(self.guest, DEVICE, self.build)
        self.team.start_daemon()
        self.team.run("team", "add", DEVICE, f"probe-interval={self.interval}",
                      "hold-down-max-ms=0",  # it flaps here all the time
                      *(word for member in self.members for word in ("--member", member)))

    def remove(self) -> None:
        self.team.remove()
        self.team.stop_daemon()

    def primary(self) -> str:
        return self.team.show()["primary"]

    def well(self) -> bool:
        return self.team.well()

    def failures(self) -> int:
        return sum(member["failures"] for member in self.team.show()["members"])

    def probes(self) -> dict[str, Any]:
        return {member["device"]: member["probes"] for member in self.team.show()["members"]}

    def cpu_ticks(self) -> int:
        """Of the daemon, user and system, in hundredths of a second."""
        stat = self.lab.read(f"/proc/{self.team.daemon_pid}/stat").decode().rpartition(")")[2]
        user, system = stat.split()[11:13]
        return int(user) + int(system)


class ArpMonitor(Side):
    """Kernel bonding: it asks the target by the active slave, and counts what slaves receive."""

    def make(self) -> None:
        self.guest.sh("\n".join([
            f"ip link add {DEVICE} type bond mode active-backup fail_over_mac active"
            f" arp_interval {self.interval} arp_ip_target {PEER}",
            *(f"ip link set {m} down; ip link set {m} master {DEVICE}" for m in self.members)]))

    def remove(self) -> None:
        self.guest.run(["ip", "link", "delete", DEVICE])

    def _of(self, device: str, which: str) -> dict[str, Any]:
        link, = self.guest.run(["ip", "-d", "-j", "link", "show", device]).json()
        return link["linkinfo"].get(which, {})

    def primary(self) -> str:
        return self._of(DEVICE, "info_data").get("active_slave", "")

    def well(self) -> bool:
        return all(self._of(m, "info_slave_data").get("mii_status") == "UP" for m in self.members)


class ArpPing(Side):
    """The team driver: teamd asks the target by each port."""

    RUNNER = {"name": "activebackup", "hwaddr_policy": "by_active"}

    def make(self) -> None:
        watch = {"name": "arp_ping", "interval": self.interval, "missed_max": 3,
                 "source_host": GUEST, "target_host": PEER}
        self.guest.sh("\n".join(f"ip link set {member} down" for member in self.members))
        self._daemon = Teamd(self.guest, DEVICE, {member: {} for member in self.members},
                             self.RUNNER, watch)

    def remove(self) -> None:
        self._daemon.stop()
        self.guest.run(["ip", "link", "delete", DEVICE])

    def primary(self) -> str:
        return self._daemon.ask("runner.active_port")

    def well(self) -> bool:
        return all(self._daemon.ask(f"ports.{m}.link.up") == "true" for m in self.members)


def at(kind: type[Side], key: str, title: str, intervals: Sequence[int]) -> list[type[Side]]:
    """The same, asking every so many ms."""
    return [type(kind.__name__, (kind,), {"key": f"{key}-{ms}", "title": f"{title}={ms}",
                                          "interval": ms}) for ms in intervals]


# Each at its default, or what its manual has as an example, and at the fastest that is sane.
OURS = at(Iovteam, "iovteam", "iovteam, probe-interval", (50, 10))
SIDES = [*OURS,
         *at(ArpMonitor, "bonding-arp", "bonding active-backup, arp_interval", (60, 10)),
         *at(ArpPing, "team-arp", "team activebackup, arp_ping interval", (1000, 10))]

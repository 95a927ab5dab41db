# SPDX-License-Identifier: GPL-2.0-or-later
"""How the stage is set, on the host and in the guest, with the commands that a user would type.

    Sriov    lab (a): the VM is the host with SR-IOV NICs, a namespace in it is the guest, which has
             VFs or, without SR-IOV, veths
    Virtio   lab (b): this machine is the host, the VM is the guest, which has virtio cards
"""
from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Mapping, Sequence

from . import Lab, wait_until
from .demo_guest import Probe, Team, Uplinks
from .demo_host import SWITCHES, Host, Views
from .demo_stage import FAILOVER_MAX, Props, team_up, traffic
from .hosted import Hosted

TEAM = "team0"
SAMPLE_MS = 100


def driver(where: Any, name: str) -> str:
    return where.sh(f"ethtool -i {name}").out.split()[1]


class Sriov:
    """Lab (a)."""

    DIRECTORY, BPFFS = "/run/iovteam-lab", "/sys/fs/bpf/iovteam-host"

    def __init__(self, lab: Lab, build: Path, rate: int, whole: Sequence[str] = ()) -> None:
        """whole: commands of the host that are shown as they print, see Views."""
        self._lab, self._build, self._rate, self._whole = lab, build, rate, whole
        lab.host.sh(f"mkdir -p {self.DIRECTORY}")
        self.host = Host(lab.host, build, self.DIRECTORY, self.BPFFS)
        self.host.start()
        self.team = Team(lab.guest, TEAM, build)
        self.team.start_daemon()
        self.probe = Probe(lab.host, lab.guest.netns, SAMPLE_MS)
        self._props: Props | None = None

    def facts(self) -> dict[str, Any]:
        """Kernel and drivers, as they say themselves."""
        drivers = {"pf": driver(self._lab.host, self._lab.pfs[0].name)}
        if self._props and self._props.members != list(SWITCHES):
            drivers["vf"] = driver(self._lab.guest, self._props.members[0])
        for card in self._lab.virtio:
            drivers["card"] = driver(self._lab.host, card.name)
        return {"kernel": self._lab.host.run(["uname", "-r"]).out.strip(), "drivers": drivers}

    def with_vfs(self, *settings: str) -> Props:
        """A VF of each NIC for the guest, by weight; @settings of both adapters."""
        self._make("on", ["vf-count=1"], ["iov-weight=100"])
        if settings:
            self.host.set_vm(*settings)
        members = {f"{adapter}-vf": adapter for adapter in SWITCHES}
        for member in members:
            self._deepen_ring(member)
        return self._team_over(members)

    def _deepen_ring(self, vf: str) -> None:
        """As soon as it is there; see deepen_queues()."""
        wait_until(lambda: not self._lab.guest.run(["ethtool", "-G", vf, "rx", "4096"],
                                                   check=False).rc,
                   FAILOVER_MAX, f"{vf} to be in the guest")

    def give_card(self) -> tuple[str, str]:
        """A virtio card of the VM, on the same network, goes to the guest. Its name, and the
        command."""
        card = self._lab.virtio[0]
        command = f"ip link set {card.name} netns {self._lab.guest.netns}"
        deepen_queues(self._lab.outside.phys, [card.tap])
        self._lab.host.run(command.split())
        # Nor may what waits to go out look like one: fq_codel drops what emulation makes wait.
        self._lab.guest.sh(f"tc qdisc replace dev {card.name} root pfifo limit 10000")
        return card.name, command

    def with_veths(self) -> Props:
        self._make("off", [], [])
        return self._team_over({adapter: adapter for adapter in SWITCHES})

    def _nics(self) -> dict[str, str]:
        return {adapter: pf.name for adapter, pf in zip(SWITCHES, self._lab.pfs)}

    def _make(self, iov: str, of_switches: Sequence[str], of_adapters: Sequence[str]) -> None:
        deepen_queues(self._lab.outside.phys, [pf.tap for pf in self._lab.pfs])
        self.host.add_switches(self._nics(), iov, *of_switches)
        self.host.add_adapters("--namespace", self._lab.guest.netns, *of_adapters)

    def _team_over(self, members: Mapping[str, str]) -> Props:
        team_up(self.team, list(members))
        pfs = {member: self._nics()[adapter] for member, adapter in members.items()}
        number = {member: list(SWITCHES).index(adapter) for member, adapter in members.items()}

        def give(member: str, up: bool) -> str:
            command = self.host.weigh(members[member], 100 if up else 0)
            if up:
                self._deepen_ring(member)
            return command

        self._props = Props(
            self.team, list(members), self.probe,
            Uplinks(self.probe, pfs, self.probe,
                    lambda member, up: self._lab.cable(number[member], up), give),
            Views(self.host, self.team, members, self._whole),
            traffic(self._lab.guest, self._lab.peer, self._build, self._rate), self._rate)
        return self._props

    def clear(self) -> None:
        """The team, the adapters and the switches are gone, their NICs up."""
        if self._props:
            self._props.traffic.stop()
            self.team.remove()
        self.host.remove_all()
        for pf in self._lab.pfs:
            self._lab.host.run(["ip", "link", "set", pf.name, "up"])
            self._lab.wait_until(lambda: self._lab.carrier(pf.name), FAILOVER_MAX,
                                 f"the carrier of {pf.name}")

    def settings_read_back(self) -> list[dict[str, Any]]:
        """H6: what each adapter's VF was set to, as the NIC's driver reports it."""
        found = []
        for adapter in self.host.adapters():
            pf = self._nics()[adapter["name"]]
            link = self._lab.host.run(["ip", "-d", "-j", "link", "show", "dev", pf]).json()[0]
            vf = link["vfinfo_list"][adapter["actual"]["vf"]]
            found.append({"adapter": adapter["name"],
                          "allow_teaming": adapter["wanted"]["allow_teaming"],
                          "mac_is_the_adapters": vf["address"] == adapter["mac"],
                          "spoofchk": vf["spoofchk"], "trust": vf["trust"],
                          "link_state": vf["link_state"], "notes": adapter["notes"]})
        return found


class Virtio:
    """Lab (b). It makes the host's side before there is a guest: give make_cards to Hosted."""

    # The daemon's pins go with it, and nobody else sees them.
    OWN_BPFFS = 'mkdir -p "$0"; mount -t bpf bpf "$0"; exec "$@"'

    def __init__(self, build: Path, rate: int, whole: Sequence[str] = ()) -> None:
        self._build, self._rate, self._whole = build, rate, whole

    def make_cards(self, lab: Hosted) -> tuple[Mapping[str, str], Sequence[str]]:
        self._lab, bpffs = lab, f"{lab.directory}/bpf"
        self.host = Host(lab.host, self._build, str(lab.directory), f"{bpffs}/iovteam",
                         ["unshare", "--mount", "--", "sh", "-ec", self.OWN_BPFFS, bpffs])
        self.host.start()
        self.host.add_switches(dict(zip(SWITCHES, lab.NICS)), "off")
        self.host.add_adapters("--qmp", str(lab.qmp))
        adapters = self.host.adapters()
        deepen_queues(lab.host.netns, [adapter["port"] for adapter in adapters])
        return ({adapter["name"]: adapter["mac"] for adapter in adapters},
                [word for adapter in adapters for word in adapter["attach"]["qemu"]])

    def facts(self) -> dict[str, Any]:
        return {"kernel": self._lab.guest.run(["uname", "-r"]).out.strip(),
                "host_kernel": self._lab.host.run(["uname", "-r"]).out.strip(),
                "drivers": {"guest": driver(self._lab.guest, "nicA"),
                            "uplink": driver(self._lab.host, "nic0")}}

    def with_team(self) -> Props:
        lab = self._lab
        self.team = Team(lab.guest, TEAM, self._build)
        self.team.start_daemon()
        self.probe = Probe(lab.guest, "-", SAMPLE_MS)
        # Another kernel's log is none of ours.
        outside = Probe(lab.phys, lab.host.netns, SAMPLE_MS, log=False)
        team_up(self.team, list(SWITCHES))
        return Props(
            self.team, list(SWITCHES), self.probe,
            Uplinks(outside, dict(zip(SWITCHES, lab.NICS.values())), self.probe),
            Views(self.host, self.team, {name: name for name in SWITCHES}, self._whole),
            traffic(lab.guest, lab.peer, self._build, self._rate), self._rate)


def deepen_queues(netns: str, taps: Sequence[str]) -> None:
    """Emulation stands still now and then, for a second on a busy machine. Real links do not, so
    what comes in meanwhile is kept: it must not look like a loss of the team's."""
    for tap in taps:
        subprocess.run(["ip", "-n", netns, "link", "set", tap, "txqueuelen", "10000"], check=True)

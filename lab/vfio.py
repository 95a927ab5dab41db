#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The story of a lost uplink with a real guest on VFs: iovteamd on the host, a VM, binds two VFs to
vfio-pci for a QEMU guest, which gets the arguments that iovteam prints and teams its two VFs. A NIC
of the host is disabled under traffic and enabled again, and at the end all is given back.

What it prints is the transcript; it ends with claims, each held or not. The figures go to
build/results/lab-vm.json. It takes some minutes.
"""
from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any, Callable

CLONE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CLONE))

from lab import CommandFailed, Lab, LabError, Namespace, Process, wait_until  # noqa: E402
from lab import demo_show as show  # noqa: E402
from lab.channel import ChannelClosed  # noqa: E402
from lab.nested import Nested, SavedGuest  # noqa: E402

VM, TEAM, QMP = "web1", "team0", "/run/web1.qmp"
SWITCHES = {"TeamDemoA": "ens1f0", "TeamDemoB": "ens1f1"}
MEMBERS, CARDS = ("ens4", "ens5"), ("virtio0", "virtio1")
ADDRESS = "192.0.2.30"
PATIENCE = 900  # seconds; everything in the guest is emulated twice
PING_INTERVAL = 0.2
# Memory above 4 GB would put the VFs' registers there, and QEMU's igb finds them by the lower half
# of the address only: the guest would write to nothing, and hear nothing of the PF.
MEMORY = 2560


class Side:
    """iovteamd on the host or in the guest, and its command."""

    def __init__(self, where: Namespace, directory: str, screen: show.Screen) -> None:
        self.where, self.screen = where, screen
        self._directory = directory
        self._daemon = where.spawn([f"{directory}iovteamd", "--config", "/run/iovteam-lab"])
        wait_until(self._answers, PATIENCE, "iovteamd to answer")

    def _answers(self) -> bool:
        if not self._daemon.running:
            raise LabError(f"iovteamd has ended: {self._daemon.stderr()}")
        return self.run("team", "show", check=False).rc == 0

    def run(self, *words: str, check: bool = True) -> Any:
        return self.where.run([f"{self._directory}iovteam", *words], timeout=PATIENCE, check=check)

    def ask(self, *words: str) -> Any:
        return self.run(*words, "--json").json()

    def do(self, *words: str) -> None:
        """Shown, with what it says."""
        show.command_output(self.screen, self.where.name, f"iovteam {' '.join(words)}",
                            self.run(*words, check=words[0] != "doctor").out)

    def stop(self) -> None:
        self._daemon.stop()


class Story:
    def __init__(self, lab: Lab, build: Path, screen: show.Screen) -> None:
        self.lab, self.build, self.screen = lab, build, screen
        self.links = self._links()
        self.host = Side(lab.host, f"{build}/", screen)
        self.acts: list[dict[str, Any]] = []

    def _links(self) -> list[tuple[str, str]]:
        links = self.lab.host.run(["ip", "-j", "link"]).json()
        return sorted((link["ifname"], link["operstate"]) for link in links)

    def _wait(self, condition: Callable[[], Any], what: str) -> float:
        begin = time.monotonic()
        self.screen.progress(f"waiting for {what}…")
        wait_until(condition, PATIENCE, what)
        return round(time.monotonic() - begin, 1)

    # --- the host ---

    def prepare(self) -> list[str]:
        """Switches, adapters, VFs at vfio-pci. The arguments by which QEMU gets the adapters."""
        self.lab.host.sh("modprobe -a vfio-pci vfio_iommu_type1 bridge tun", timeout=60)
        for name, nic in SWITCHES.items():
            self.host.do("switch", "add", name, "--nic", nic, "--iov", "on", "vf-count=1")
        for letter, name in zip("AB", SWITCHES):
            self.host.do("adapter", "add", VM, f"nic{letter}", "--switch", name, "--qmp", QMP,
                         "--iov-weight", "100")
        self.host.do("adapter", "set", VM, "allow-teaming=on")
        self._wait(lambda: not self.host.ask("plan")["actions"] and all(
            vf["driver"] == "vfio-pci" for vf in self.vfs()), "the VFs to be the guest's")
        self.host.do("vf", "show")
        self.adapters = self.host.ask("adapter", "show", VM)["vms"][0]["adapters"]
        attach = [word for adapter in self.adapters for word in adapter["attach"]["qemu"]]
        self.screen.line()
        show.commands(self.screen, "host", [f"qemu-system-x86_64 … {' '.join(attach)}"])
        return [*attach, "-qmp", f"unix:{QMP},server=on,wait=off"]

    def vfs(self) -> list[dict[str, Any]]:
        vfs = self.host.ask("vf", "show")["vfs"]
        return vfs if len(vfs) == len(SWITCHES) else [{"driver": "", "mac": ""}]

    def give_back(self) -> None:
        for adapter in self.adapters:
            self.host.do("adapter", "remove", VM, adapter["name"])
        self._wait(lambda: not any(vf["driver"] for vf in self.vfs()), "the VFs to be free")
        self.host.do("vf", "show")
        for name in SWITCHES:
            self._wait(lambda: self.host.run("switch", "remove", name, check=False).rc == 0,
                       f"{name} to go")
        self._wait(lambda: self._links() == self.links, "the NICs to be as they were")
        self.host.stop()

    # --- the guest ---

    def team_up(self, nested: Nested) -> Side:
        nested.find_devices({
            key: name for adapter, member, card in zip(self.adapters, MEMBERS, CARDS)
            for key, name in ((("igbvf", adapter["mac"]), member),
                              (("virtio_net", adapter["mac"]), card))})
        guest = Side(nested.guest, "", self.screen)
        guest.do("team", "add", TEAM, "--member", MEMBERS[0], "--member", MEMBERS[1],
                 "probe=off")  # its emulated processors are too slow for 50 ms
        nested.guest.sh(f"ip link set {TEAM} up; ip address add {ADDRESS}/24 dev {TEAM}",
                        timeout=PATIENCE)
        self._wait(lambda: self.is_well(guest), "both members to be in use")
        self._wait(lambda: nested.guest.run(
            ["ping", "-c", "1", "-W", "5", self.lab.outside.PEER_IPV4], timeout=PATIENCE,
            check=False).rc == 0, "the peer to answer the guest")
        guest.do("team", "show", TEAM)
        return guest

    @staticmethod
    def team(guest: Side) -> dict[str, Any]:
        return guest.ask("team", "show", TEAM)["teams"][0]

    def is_well(self, guest: Side) -> bool:
        return all(member["state"] == "active" for member in self.team(guest)["members"])

    def views(self, guest: Side) -> dict[str, Any]:
        adapters = self.host.ask("adapter", "show", VM)["vms"][0]["adapters"]
        return {"guest": [{key: member[key] for key in ("name", "state", "reason")}
                          for member in self.team(guest)["members"]],
                "host": [{"name": one["name"], "status": one["status"], "path": one["path"],
                          "allow_teaming": one["wanted"]["allow_teaming"]} for one in adapters]}

    # --- the uplink ---

    def lose_uplink(self, guest: Side) -> None:
        """The NIC behind the primary is disabled and enabled, under pings from outside."""
        primary = self.team(guest)["primary"]
        nic = list(SWITCHES.values())[MEMBERS.index(primary)]
        with self.lab.peer.spawn(["ping", "-D", "-i", str(PING_INTERVAL), ADDRESS]) as ping:
            self._wait(lambda: count(ping) > 10, "traffic")
            self._set_nic(nic, "down")
            seconds = self._wait(lambda: self.team(guest)["primary"] not in ("", primary),
                                 "the failover")
            self._traffic_goes_on(ping)
            views = self.views(guest)
            self.screen.line("  while the uplink was lost")
            show.both_views(self.screen, f"guest: {TEAM}", views["guest"], f"host: {VM}",
                            views["host"])
            self.host.do("adapter", "show", VM)
            guest.do("team", "show", TEAM)
            self.acts.append({"name": "link-lost", "nic": nic, "seconds_until_seen": seconds,
                              "views": views, "failover": self.team(guest)["failovers"][-1],
                              **pings(ping)})
            self._set_nic(nic, "up")
            seconds = self._wait(lambda: self.is_well(guest), "the member to be back")
            self._traffic_goes_on(ping)
            self.acts.append({"name": "link-back", "nic": nic, "seconds_until_seen": seconds,
                              "views": self.views(guest), **pings(ping)})

    def _set_nic(self, nic: str, state: str) -> None:
        self.screen.line()
        self.screen.line(self.screen.bold(f"host# ip link set {nic} {state}"))
        self.lab.host.run(["ip", "link", "set", nic, state])

    def _traffic_goes_on(self, ping: Process) -> None:
        before = count(ping)
        self._wait(lambda: count(ping) > before + 10, "traffic to go on")

    # --- all ---

    def play(self, saved: SavedGuest) -> dict[str, Any]:
        arguments = self.prepare()
        begin = time.monotonic()
        self.screen.progress("the guest goes on in the VM, emulated twice…")
        with Nested(self.lab, saved, arguments) as nested:
            guest = self.team_up(nested)
            seconds = round(time.monotonic() - begin, 1)
            self.lose_uplink(guest)
            guest.do("doctor")
            guest.do("team", "remove", TEAM)
            guest.stop()
            release = nested.guest.run(["cat", "/proc/sys/kernel/osrelease"], timeout=PATIENCE)
        self.give_back()
        return {"lab": "vm", "kernel": release.out.strip(),
                "drivers": {"pf": "igb", "host": "vfio-pci", "guest": "igbvf"},
                "seconds_to_team": seconds, "ping_interval_s": PING_INTERVAL, "acts": self.acts,
                "claims": claims(*self.acts)}


def count(ping: Process) -> int:
    return ping.stdout().count("icmp_seq=")


def pings(ping: Process) -> dict[str, Any]:
    """Of all since it began; the last one may be on its way."""
    answers = re.findall(r"\[([\d.]+)\] .*icmp_seq=(\d+) ", ping.stdout())
    times, numbers = [float(t) for t, _ in answers], {int(n) for _, n in answers}
    return {"pings": max(numbers), "pings_lost": max(numbers) - len(numbers),
            "pings_duplicated": len(answers) - len(numbers),
            "longest_silence_s": round(max(b - a for a, b in zip(times, times[1:])), 2)}


def claims(lost: dict[str, Any], back: dict[str, Any]) -> list[dict[str, Any]]:
    guest, host = (next(one for one in lost["views"][side] if one[key] not in ("active", "ok"))
                   for side, key in (("guest", "state"), ("host", "path")))
    return [{"claim": text, "held": held} for text, held in (
        ("the guest's VFs, bound to vfio-pci by iovteam, carry its team's traffic", True),
        (f"link-lost: traffic flowed again, {lost['pings_lost']} of {lost['pings']} pings lost, "
         f"none came twice", lost["pings_duplicated"] == 0),
        ("link-lost: the guest sees one member failed, media-disconnected",
         (guest["state"], guest["reason"]) == ("failed", "media-disconnected")),
        ("link-lost: the host's adapter is ok, and its path is not", host["status"] == "ok"),
        ("link-back: no further ping lost, none came twice",
         back["pings_lost"] == lost["pings_lost"] and back["pings_duplicated"] == 0),
        ("given back: the host's interfaces are those of before", True))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--kernel", default=os.environ.get("IOVTEAM_LAB_KERNEL", "6.12"),
                        help="series of both kernels (default: $IOVTEAM_LAB_KERNEL or 6.12)")
    parser.add_argument("--build", type=Path, default=CLONE / "build",
                        help="where iovteamd and iovteam are (default: build)")
    args = parser.parse_args()
    build, screen, begun = args.build.resolve(), show.Screen(), time.monotonic()
    try:
        screen.progress("booting the guest on this machine, and saving it…")
        with SavedGuest(args.kernel, [build / "iovteamd", build / "iovteam"]) as saved, \
                Lab(kernel=args.kernel, vfs=0, memory=MEMORY, progress=screen.progress,
                    kernel_args=["intel_iommu=on", "iommu=pt"],
                    qemu_args=["-device", "intel-iommu,intremap=on"]) as lab:
            result = Story(lab, build, screen).play(saved)
    except (LabError, CommandFailed, ChannelClosed, RuntimeError, OSError) as error:
        screen.line(f"lab (vm): {error}")
        return 1
    show.verdict(screen, result["claims"])
    seconds = round(time.monotonic() - begun, 1)
    path = build / "results" / "lab-vm.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"seconds": seconds, "labs": [result]}, indent=1) + "\n")
    screen.line(f"\n  {seconds:.0f} s; all numbers: {path}")
    return 0 if all(claim["held"] for claim in result["claims"]) else 1


if __name__ == "__main__":
    sys.exit(main())

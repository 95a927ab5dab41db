# SPDX-License-Identifier: GPL-2.0-or-later
"""A team in the lab, as a user makes one: the daemon, the command, and what tests ask of them.

    from team import team                      # the fixture: team0 over both VFs, addressed

    def test_something(lab, team):
        with team.lost("ens4"):                # the PF is taken down on the host, and up again
            lab.peer.run(["ping", "-c", "1", team.IPV4])

Other forms: `with running(lab, build, members=["a", "b"], where=namespace) as team`, or step by
step: team = Team(lab, build); team.start_daemon(); team.add(); team.remove(); team.stop_daemon().
"""
from __future__ import annotations

import itertools
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterable, Iterator, Sequence

import pytest

from lab import CommandFailed, Lab, Namespace, Process, Result, wait_until

PYTHON = ["/usr/bin/python3", "-IS"]
# A daemon started by this sees a kernel that does not describe its types: so no carrier program.
WITHOUT_TRACING = ["unshare", "--mount", "sh", "-c",
                   'mount --bind /dev/null /sys/kernel/btf/vmlinux && exec "$@"', "sh"]
SLOW = 30  # seconds; an emulated machine on a busy one takes its time
_numbers = itertools.count()


def binary(build: Path, name: str) -> str:
    """A program of the build, wherever in it."""
    places = [build / name, *build.glob(f"src/*/{name}"), build / "lab" / name]
    return str(next(place for place in places if place.is_file()))


class Team:
    """A team, the daemon that keeps it, and the command that asks it."""

    IPV4, IPV6 = "192.0.2.10", "2001:db8::10"
    ADDRESSES = (f"{IPV4}/24", f"{IPV6}/64")

    def __init__(self, lab: Lab, build: Path, where: Namespace | None = None,
                 name: str = "team0") -> None:
        number = next(_numbers)
        self.lab, self.name, self.where = lab, name, where or lab.guest
        self.config = f"/tmp/iovteam-test-{number}"
        self.socket = f"{self.config}.socket"
        self.bpffs = f"/sys/fs/bpf/iovteam-test-{number}"
        self.daemon: Process | None = None
        self.wrapper: Sequence[str] = ()  # what the daemon is started by
        self._build = build
        self._command = binary(build, "iovteam")
        self.macs: dict[str, str] = {}

    # --- the daemon ---

    def start_daemon(self, verbose: bool = False) -> Process:
        self.daemon = self.where.spawn(
            [*self.wrapper, binary(self._build, "iovteamd"), "--config", self.config, "--socket", self.socket,
             "--bpffs", self.bpffs, *(["--verbose"] if verbose else [])])
        wait_until(self._answers, SLOW, "iovteamd to answer")
        return self.daemon

    def _answers(self) -> bool:
        if not self.daemon.running:
            raise RuntimeError(f"iovteamd has ended: {self.daemon.stderr()}")
        return self.run("team", "show", "--json", check=False).rc == 0

    def stop_daemon(self) -> None:
        if self.daemon:
            self.daemon.stop()
            self.daemon = None

    def daemon_state(self) -> str:
        """As ps shows it: T is stopped."""
        stat = self.lab.read(f"/proc/{self.daemon.pid}/stat").decode()
        return stat.rpartition(")")[2].split()[0]

    def suspend_daemon(self) -> None:
        self.daemon.kill(signal.SIGSTOP)
        wait_until(lambda: self.daemon_state() == "T", SLOW, "the daemon to stand still")

    def resume_daemon(self) -> None:
        self.daemon.kill(signal.SIGCONT)

    # --- the command ---

    def command_line(self, *words: str) -> list[str]:
        return [self._command, *words, "--socket", self.socket]

    def run(self, *words: str, check: bool = True, **options: Any) -> Result:
        """iovteam WORDS --socket …, for example run("team", "show")."""
        return self.where.run(self.command_line(*words), check=check, **options)

    def show(self) -> dict[str, Any]:
        teams = self.run("team", "show", self.name, "--json").json()["teams"]
        return next(team for team in teams if team["name"] == self.name)

    def add(self, members: Sequence[str] = ("ens4", "ens5"), *settings: str,
            addresses: Iterable[str] = ADDRESSES, nodad: bool = True) -> None:
        """Makes the team, waits until every member is in use, and gives it addresses. A member may
        have settings after it: "ens4,weight=200". Without a word of probing the carrier alone tells:
        probes would see some losses before it."""
        options = [word for member in members for word in ("--member", member)]
        if not any(setting.startswith("probe=") for setting in settings):
            options.append("probe=off")
        self.run("team", "add", self.name, *options, *settings, timeout=60)
        self.where.sh("\n".join(
            [f"ip link set {self.name} up",
             *(f"ip address add {address} dev {self.name}"
               f"{' nodad' if nodad and ':' in address else ''}" for address in addresses)]))
        wait_until(self.well, SLOW, "every member of the team to be in use")
        self.macs = {member["name"]: member["mac"] for member in self.show()["members"]}

    def remove(self) -> None:
        self.run("team", "remove", self.name, timeout=60)

    def explain(self, *words: str) -> dict[str, Any]:
        return self.run("explain", self.name, *words, "--json").json()

    # --- states ---

    def member(self, name: str) -> dict[str, Any]:
        return next(member for member in self.show()["members"] if member["name"] == name)

    @property
    def primary(self) -> str:
        return self.show()["primary"]

    def other(self, name: str = "") -> str:
        """The first member that is not @name, or not the primary."""
        name = name or self.primary
        return next(member for member in self.macs if member != name)

    def well(self) -> bool:
        """The team is up, and every member is in use, or is meant not to be."""
        team = self.show()
        return team["state"] == "up" and all(
            member["state"] in ("active", "standby") for member in team["members"])

    def wait_state(self, member: str, state: str, timeout: float = SLOW) -> None:
        wait_until(lambda: self.member(member)["state"] == state, timeout, f"{member} {state}")

    def switchover(self, to: str) -> None:
        self.run("team", "switchover", self.name, "--to", to)
        wait_until(lambda: self.primary == to, SLOW, f"{to} to be primary")

    # --- links ---

    def pf(self, member: str) -> str:
        """The PF on the host that a VF of the guest belongs to."""
        return self.lab.pfs[self.lab.vfs.index(member)].name

    def lose(self, member: str) -> None:
        """Takes the PF down, and waits until the team has given the member up."""
        self.lab.host.run(["ip", "link", "set", self.pf(member), "down"])
        self.wait_state(member, "failed")

    def restore(self, member: str) -> None:
        """The PF up again, without waiting for the member."""
        self.lab.host.run(["ip", "link", "set", self.pf(member), "up"])

    @contextmanager
    def lost(self, member: str) -> Iterator[None]:
        """A block in which the member's link is lost. After it the team is well again."""
        try:
            self.lose(member)
            yield
        finally:
            self.restore(member)
            wait_until(lambda: self.lab.carrier(member, self.where), SLOW, f"carrier of {member}")
        wait_until(self.well, SLOW, f"{member} to be used again")

    # --- counters ---

    def counters(self, *devices: str) -> dict[str, dict[str, int]]:
        """device -> {rx_packets, rx_bytes, tx_packets, tx_bytes}: the kernel's own."""
        return counters(self.where, *(devices or [*self.macs, self.name]))

    # --- reaching ---

    def reach(self, address: str = "192.0.2.1") -> None:
        """Waits until an address answers, and so until neighbours know each other."""
        self.where.wait_for(["ping", "-c", "1", "-W", "1", address], " 0% packet loss", SLOW)

    def close(self) -> None:
        """Takes away what is there of it, in whatever state it is."""
        if self.daemon and self.daemon.running:
            self.resume_daemon()  # of a test that has failed while it stood still
            try:
                self.run("team", "remove", self.name, check=False, timeout=60)
            except CommandFailed:
                pass  # the check for things left behind says what is there
        self.stop_daemon()
        self.where.run(["rm", "-rf", self.config, self.socket, self.bpffs], check=False)


def counters(where: Namespace, *devices: str) -> dict[str, dict[str, int]]:
    links = {link["ifname"]: link["stats64"]
             for link in where.run(["ip", "-j", "-s", "link", "show"]).json()}
    return {device: {f"{way}_{what}": links[device][way][what]
                     for way in ("rx", "tx") for what in ("packets", "bytes")}
            for device in devices}


def difference(after: dict[str, dict[str, int]], before: dict[str, dict[str, int]],
               what: str) -> dict[str, int]:
    """How much a counter has grown, by device."""
    return {device: after[device][what] - before[device][what] for device in after}


@contextmanager
def running(lab: Lab, build: Path, members: Sequence[str] = ("ens4", "ens5"), *settings: str,
            where: Namespace | None = None, name: str = "team0",
            addresses: Iterable[str] = Team.ADDRESSES, nodad: bool = True,
            wrapper: Sequence[str] = ()) -> Iterator[Team]:
    """A team that works, for a block; nothing is left of it afterwards."""
    team = Team(lab, build, where, name)
    team.wrapper = wrapper
    try:
        team.start_daemon()
        team.add(members, *settings, addresses=addresses, nodad=nodad)
        yield team
    finally:
        team.close()


@pytest.fixture
def team(lab: Lab, build: Path) -> Iterator[Team]:
    """team0 over both VFs of the guest, with addresses that reach the peer."""
    with running(lab, build) as made:
        made.reach()
        yield made

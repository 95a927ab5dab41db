# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest of demo and lab: the team in it, run as a user would, and the probe beside it."""
from __future__ import annotations

import itertools
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Mapping

from . import Namespace, Result, wait_until

HERE = Path(__file__).resolve().parent
START_TIMEOUT = 30  # seconds; programs start slowly under emulation
PING_PONGS = 30  # the fastest of them tells how two clocks differ


class Probe:
    """demo_probe.py: what happened at its place so far."""

    def __init__(self, where: Namespace, netns: str, interval_ms: int, log: bool = True) -> None:
        self._process = where.spawn(["/usr/bin/python3", "-IS", str(HERE / "demo_probe.py"),
                                     netns, str(interval_ms), "log" if log else "no-log"])
        self._numbers = itertools.count(1)
        wait_until(lambda: self.events(), START_TIMEOUT, "the probe's first sample")

    def events(self, since: int = 0) -> list[dict[str, Any]]:
        """What it has said from the line number @since on."""
        lines = self._process.stdout().split("\n")[since:-1]
        if not self._process.running:
            raise RuntimeError(f"the probe has ended: {self._process.stderr()}")
        return [json.loads(line) for line in lines]

    def mark(self) -> int:
        """The number of the next line."""
        return self._process.stdout().count("\n")

    def _ask(self, line: str, wanted: Any) -> dict[str, Any]:
        mark = self.mark()
        self._process.write(line + "\n")
        return wait_until(lambda: next(filter(wanted, self.events(mark)), None),
                          START_TIMEOUT, f"the probe's answer to {line!r}")

    def packets(self) -> dict[str, list[int]]:
        """The kernel's counters now: name -> [received, sent]."""
        return self._ask("sample", lambda event: event.get("asked"))["packets"]

    def set_link(self, name: str, up: bool) -> dict[str, Any]:
        """Takes an interface of the host up or down; returns when that was done."""
        line = f"{'up' if up else 'down'} {name}"
        return self._ask(line, lambda event: event.get("done") == line)

    def clock_ns(self) -> int:
        """Its clock, asked with as little delay as the way to it has."""
        number, mark = next(self._numbers), self.mark()
        self._process.write(f"clock {number}\n")
        self._process.expect(f'"clock": {number}}}', START_TIMEOUT)
        return next(e["t"] for e in self.events(mark) if e.get("clock") == number)


@dataclass
class Clock:
    """A clock beside ours: that less this, known by ping-pong to half the fastest round."""

    ahead_ns: int = 0
    uncertainty_ns: int = 0

    @classmethod
    def of(cls, probe: Probe) -> Clock:
        rounds = []
        for _ in range(PING_PONGS):
            asked = time.monotonic_ns()
            there = probe.clock_ns()
            took = time.monotonic_ns() - asked
            rounds.append((took, there - asked - took // 2))
        took, ahead = min(rounds)
        return cls(ahead, (took + 1) // 2)


class Uplinks:
    """How members lose their uplinks, and what is known outside the guest of when that was."""

    def __init__(self, probe: Probe, devices: Mapping[str, str], guest: Probe,
                 cable: Callable[[str, bool], None] | None = None,
                 give: Callable[[str, bool], str] | None = None) -> None:
        """devices: what is set down at @probe, by member; @guest: the probe of the guest, whose
        clock all times are told in. Where both are one there is one clock. @cable pulls and plugs
        in the one behind a member; @give takes a member's VF from the guest and gives it again,
        and returns the command."""
        self._probe, self._devices, self._guest = probe, devices, guest
        self._cable, self._give = cable, give
        self._mark, self._clock = 0, Clock()
        self._changes: list[dict[str, Any]] = []  # what was done to cables and VFs

    def set(self, member: str, up: bool) -> None:
        self._probe.set_link(self._devices[member], up)

    def device(self, member: str) -> str:
        """What is set down when the member loses its uplink."""
        return self._devices[member]

    def pull(self, member: str, up: bool) -> None:
        """The cable behind a member, up: plugs it in again."""
        self._changes.append({"t": time.monotonic_ns(), "cable": member, "up": up})
        self._cable(member, up)

    def plug(self, member: str, up: bool) -> None:
        """The host takes a member's VF from the guest, up: gives it again."""
        change = {"t": time.monotonic_ns(), "vf": member, "up": up}
        self._changes.append({**change, "command": self._give(member, up)})

    def begin(self) -> None:
        """Of an act."""
        self._mark, self._changes = self._probe.mark(), []

    def events(self) -> list[dict[str, Any]]:
        """Since then, in the guest's clock; nothing that the guest's probe has told itself."""
        events = list(self._changes)
        if self._probe is not self._guest:
            events += (event for event in self._probe.events(self._mark) if "packets" not in event)
        if events:
            self._clock = Clock.of(self._guest)
        return [{**event, "t": event["t"] + self._clock.ahead_ns, "outside": True}
                for event in events]

    @property
    def uncertainty_ns(self) -> int:
        """Of the last act's times between outside and guest."""
        return self._clock.uncertainty_ns


def hear_each_other(team: Mapping[str, Any]) -> bool:
    """By what `team show` tells: each member has heard a probe of another one."""
    return all(member["probes"]["heard"] for member in team["members"])


class Team:
    """A team made and watched with the project's own command."""

    def __init__(self, where: Namespace, name: str, build: Path) -> None:
        self.name, self._guest = name, where
        self.made_by = ""  # the command that has made it
        self._command, self._daemon_binary = str(build / "iovteam"), str(build / "iovteamd")

    def start_daemon(self) -> None:
        self._daemon = self._guest.spawn([self._daemon_binary])
        wait_until(self._answers, START_TIMEOUT, "iovteamd to answer")

    @property
    def daemon_pid(self) -> int:
        return self._daemon.pid

    def _answers(self) -> bool:
        if not self._daemon.running:
            raise RuntimeError(f"iovteamd has ended: {self._daemon.stderr()}")
        return self.run("team", "show", "--json", check=False).rc == 0

    def run(self, *words: str, check: bool = True) -> Result:
        return self._guest.run([self._command, *words], check=check, timeout=60)

    def add(self, members: list[str], addresses: list[str]) -> None:
        """Until begin_probing() the carrier alone tells."""
        options = [*(word for member in members for word in ("--member", member)), "probe=off"]
        self.run("team", "add", self.name, *options)
        self.made_by = " ".join(["iovteam team add", self.name, *options])
        script = [f"ip address add {a} dev {self.name}{' nodad' if ':' in a else ''}"
                  for a in addresses]
        self._guest.sh("\n".join([f"ip link set {self.name} up", *script]))

    def remove(self) -> None:
        self.run("team", "remove", self.name)

    def stop_daemon(self) -> None:
        self._daemon.stop()

    def show(self) -> dict[str, Any]:
        teams = self.run("team", "show", "--json").json()["teams"]
        return next(team for team in teams if team["name"] == self.name)

    def members(self) -> dict[str, dict[str, Any]]:
        """By the names that they were added by: a device that is not there has no other."""
        return {member["device"]: member for member in self.show()["members"]}

    def begin_probing(self, limit: float) -> str:
        """Until each member has heard another one. Returns the command."""
        self.run("team", "set", self.name, "probe=auto")
        wait_until(lambda: hear_each_other(self.show()), limit, "the members to hear each other")
        return f"iovteam team set {self.name} probe=auto"

    def exchange(self, leaves: str, comes: str, limit: float) -> list[str]:
        """Another device in a member's place, which nothing but its carrier tells of; until all is
        well. Returns the commands."""
        commands = [f"team set {self.name} probe=off", f"member remove {self.name} {leaves}",
                    f"member add {self.name} {comes}"]
        for command in commands:
            self.run(*command.split())
        self.wait_well(limit)
        return [f"iovteam {command}" for command in commands]

    def well(self) -> bool:
        """Every member is in use, or stands by for them."""
        team = self.show()
        return team["state"] == "up" and all(m["state"] in ("active", "standby")
                                             for m in team["members"])

    def wait_well(self, limit: float) -> None:
        wait_until(self.well, limit, "every member to be well")

    def at_home(self) -> bool:
        """No bucket is held by another member than the one it was dealt to."""
        return all(m["buckets_held"] == m["buckets"] for m in self.show()["members"])

    def switchover(self, to: str) -> None:
        self.run("team", "switchover", self.name, "--to", to)

    def reach(self, address: str) -> None:
        """Waits until an address answers, and so until neighbours know each other."""
        self._guest.wait_for(["ping", "-c", "1", "-W", "1", address], " 0% packet loss",
                             START_TIMEOUT)

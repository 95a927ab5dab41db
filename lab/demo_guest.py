# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest of the demo: the team in it, run as a user would, and the probe beside it."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from . import Lab, Result, wait_until

HERE = Path(__file__).resolve().parent
START_TIMEOUT = 30  # seconds; programs start slowly under emulation


class Probe:
    """demo_probe.py in the VM: what happened there so far."""

    def __init__(self, lab: Lab, interval_ms: int) -> None:
        self._process = lab.host.spawn(["/usr/bin/python3", "-IS", str(HERE / "demo_probe.py"),
                                        lab.guest.netns, str(interval_ms)])
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


class Team:
    """A team made and watched with the project's own command."""

    def __init__(self, lab: Lab, name: str, build: Path) -> None:
        self.name, self._guest = name, lab.guest
        self._command, self._daemon_binary = str(build / "iovteam"), str(build / "iovteamd")

    def start_daemon(self) -> None:
        self._daemon = self._guest.spawn([self._daemon_binary])
        wait_until(self._answers, START_TIMEOUT, "iovteamd to answer")

    def _answers(self) -> bool:
        if not self._daemon.running:
            raise RuntimeError(f"iovteamd has ended: {self._daemon.stderr()}")
        return self.run("show", "--json", check=False).rc == 0

    def run(self, verb: str, *words: str, check: bool = True) -> Result:
        return self._guest.run([self._command, "team", verb, *words], check=check)

    def add(self, members: list[str], addresses: list[str]) -> None:
        options = [word for member in members for word in ("--member", member)]
        self.run("add", self.name, *options)
        script = [f"ip address add {a} dev {self.name}{' nodad' if ':' in a else ''}"
                  for a in addresses]
        self._guest.sh("\n".join([f"ip link set {self.name} up", *script]))

    def show(self) -> dict[str, Any]:
        teams = self.run("show", "--json").json()["teams"]
        return next(team for team in teams if team["name"] == self.name)

    def well(self) -> bool:
        """Every member is in use."""
        team = self.show()
        return team["state"] == "up" and all(m["state"] == "active" for m in team["members"])

    def at_home(self) -> bool:
        """No bucket is held by another member than the one it was dealt to."""
        return all(m["buckets_held"] == m["buckets"] for m in self.show()["members"])

    def switchover(self, to: str) -> None:
        self.run("switchover", self.name, "--to", to)

    def reach(self, address: str) -> None:
        """Waits until an address answers, and so until neighbours know each other."""
        self._guest.wait_for(["ping", "-c", "1", "-W", "1", address], " 0% packet loss",
                             START_TIMEOUT)

# SPDX-License-Identifier: GPL-2.0-or-later
"""The host of demo and lab: switches and adapters, made as a user would, and what host and guest
say of them at the same time."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping, Sequence

from . import Namespace, Result, wait_until
from . import demo_show as show
from .demo_guest import START_TIMEOUT, Team

VM = "web1"
SWITCHES = {"nicA": "TeamDemoA", "nicB": "TeamDemoB"}  # by adapter
VFS_TIMEOUT = 60  # seconds


class Host:
    """iovteamd of the host, with a configuration of its own below @directory."""

    def __init__(self, where: Namespace, build: Path, directory: str, bpffs: str,
                 wrapper: Sequence[str] = ()) -> None:
        """wrapper: a command that the daemon is started by."""
        self.where, self._command = where, str(build / "iovteam")
        self.changes: list[str] = []  # the commands that have made what there is
        self._socket = f"{directory}/host.socket"
        self._argv = [*wrapper, str(build / "iovteamd"), "--config", f"{directory}/host",
                      "--socket", self._socket, "--bpffs", bpffs]

    def start(self) -> None:
        self._daemon = self.where.spawn(self._argv)
        wait_until(self._answers, START_TIMEOUT, "the host's iovteamd to answer")

    def _answers(self) -> bool:
        if not self._daemon.running:
            raise RuntimeError(f"iovteamd of the host has ended: {self._daemon.stderr()}")
        return self.run("switch", "show", check=False).rc == 0

    def stop(self) -> None:
        self._daemon.stop()

    def run(self, *words: str, check: bool = True) -> Result:
        return self.where.run([self._command, *words, "--socket", self._socket], check=check,
                              timeout=60)

    def ask(self, *words: str) -> Any:
        return self.run(*words, "--json").json()

    # --- making ---

    def _change(self, *words: str) -> None:
        self.run(*words)
        self.changes.append(" ".join(["iovteam", *words]))

    def add_switches(self, nics: Mapping[str, str], iov: str, *settings: str) -> None:
        """nics: by adapter. With iov on, until the VFs are there."""
        for adapter, nic in nics.items():
            self._change("switch", "add", SWITCHES[adapter], "--nic", nic, "--iov", iov,
                         *settings)
        if iov == "on":
            wait_until(lambda: all(sw["vfs_made"] for sw in self.switches()), VFS_TIMEOUT,
                       "the VFs to be made")

    def add_adapters(self, *settings: str) -> None:
        for adapter, switch in SWITCHES.items():
            self._change("adapter", "add", VM, adapter, "--switch", switch, *settings)
        self.settle()

    def set_vm(self, *settings: str) -> None:
        self._change("adapter", "set", VM, *settings)
        self.settle()

    def weigh(self, adapter: str, weight: int) -> str:
        """By 0 it loses its VF, else it is given one. Returns the command."""
        command = f"adapter set {VM} {adapter} iov-weight={weight}"
        self.run(*command.split())
        self.settle()
        return f"iovteam {command}"

    def settle(self) -> None:
        wait_until(lambda: self.ask("plan")["actions"] == [], VFS_TIMEOUT,
                   "the host to be as wanted")

    def remove_all(self) -> None:
        for adapter, switch in SWITCHES.items():
            self.run("adapter", "remove", VM, adapter)
            wait_until(lambda: self.run("switch", "remove", switch, check=False).rc == 0,
                       VFS_TIMEOUT, f"{switch} to go")
        self.changes.clear()

    # --- seeing ---

    def switches(self) -> list[dict[str, Any]]:
        return self.ask("switch", "show")["switches"]

    def findings(self) -> list[dict[str, Any]]:
        """Of the doctor, whose exit code tells of fatal ones."""
        return self.run("doctor", "--json", check=False).json()["findings"]

    def adapters(self) -> list[dict[str, Any]]:
        return self.ask("adapter", "show", VM)["vms"][0]["adapters"]

    def adapter(self, name: str) -> dict[str, Any]:
        return next(adapter for adapter in self.adapters() if adapter["name"] == name)


class Views:
    """What both sides say: the guest of its members, the host of its adapters."""

    # What a user would type, and is shown side by side.
    GUEST, HOST = "member show", f"adapter show {VM}"

    def __init__(self, host: Host, team: Team, adapters: Mapping[str, str],
                 whole: Sequence[str] = ()) -> None:
        """adapters: which one a member is of; whole: commands of the host that are taken as they
        print, and the guest's with them."""
        self._host, self._team, self._adapters, self._whole = host, team, adapters, whole

    def _adapter(self, member: str) -> dict[str, Any]:
        return self._host.adapter(self._adapters[member])

    def uplink_lost(self, member: str) -> bool:
        return self._adapter(member)["path"] != "ok"

    def allows_teaming(self, member: str) -> bool:
        return self._adapter(member)["wanted"]["allow_teaming"]

    def take(self) -> dict[str, Any]:
        """Both, now; of the host those adapters that the team's members are of."""
        members, switches = self._team.members(), self._host.switches()
        taken = {
            "guest": [{"name": name, "state": m["state"], "reason": m["reason"]}
                      for name, m in members.items()],
            "host": [{"name": a["name"], "status": a["status"], "path": a["path"],
                      "allow_teaming": a["wanted"]["allow_teaming"]}
                     for a in self._host.adapters()
                     if a["name"] in map(self._adapters.get, members)],
            "uplinks": {sw["name"]: sw["uplink"] for sw in switches},
            "findings": [{key: f[key] for key in ("severity", "check", "subject", "what")}
                         for f in self._host.findings()],
        }
        if self._whole:
            taken["text"] = {
                side: {f"iovteam {words}": where.run(*words.split(), check=False).out
                       for words in commands}
                for side, where, commands in (("guest", self._team, ["team show"]),
                                              ("host", self._host, self._whole))}
        return taken

    def print(self, screen: show.Screen, when: str, taken: Mapping[str, Any]) -> None:
        screen.line(f"  {when}")
        show.both_views(screen, f"guest: iovteam {self.GUEST}", taken["guest"],
                        f"host: iovteam {self.HOST}", taken["host"])
        for side, commands in taken.get("text", {}).items():
            for command, text in commands.items():
                show.command_output(screen, side, command, text)

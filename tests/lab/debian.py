# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian with iovteam installed in it, booted by systemd: what `make install` leaves is used."""
from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from lab import Result, System, wait_until
from team import SLOW

ADDRESSES = IPV4, IPV6 = "192.0.2.10", "2001:db8::10"


class Debian(System):
    """A System with iovteamd as a service."""

    def __init__(self, build: Path, **options: Any) -> None:
        super().__init__(os.environ.get("IOVTEAM_LAB_KERNEL", "6.12"), **options)
        subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir",
                        self.seed], check=True, stdout=subprocess.DEVNULL)
        wants = self.seed / "etc/systemd/system/multi-user.target.wants"
        wants.mkdir(parents=True, exist_ok=True)
        (wants / "iovteamd.service").symlink_to(
            "/usr/local/lib/systemd/system/iovteamd.service")

    def _what_holds_it_up(self) -> str:
        return super()._what_holds_it_up() + self.host.sh(
            "journalctl --no-pager -o short-monotonic -u iovteamd; iovteam team show",
            check=False).out

    def iovteam(self, *words: str, check: bool = True) -> Result:
        return self.host.run(["iovteam", *words], check=check, timeout=60)

    def team(self, name: str) -> dict[str, Any]:
        teams = self.iovteam("team", "show", "--json").json()["teams"]
        return next((team for team in teams if team["name"] == name), {})

    def is_well(self, name: str, members: int) -> bool:
        team = self.team(name)
        return (team.get("state") == "up" and len(team["members"]) == members
                and all(member["state"] == "active" for member in team["members"]))

    def wait_well(self, name: str, members: int = 2) -> None:
        wait_until(lambda: self.is_well(name, members), SLOW,
                   f"{name} to be up with {members} members")

    def link(self, name: str) -> dict[str, Any]:
        """As ip tells it; {} = there is none."""
        found = self.host.run(["ip", "-d", "-j", "link", "show", name], check=False)
        return found.json()[0] if found.rc == 0 else {}

    def slaves(self, bond: str) -> dict[str, int]:
        """The slaves' queue ids, by name."""
        links = self.host.run(["ip", "-d", "-j", "link", "show"]).json()
        return {link["ifname"]: link["linkinfo"]["info_slave_data"]["queue_id"]
                for link in links if link.get("master") == bond}

    def reach(self, address: str = "192.0.2.1", *options: str) -> None:
        self.host.wait_for(["ping", "-c", "1", "-W", "1", *options, address], " 0% packet loss",
                           SLOW)

    def property(self, unit: str, name: str) -> str:
        return self.systemctl("show", "--value", "-p", name, unit).out.strip()

    def traces(self) -> list[str]:
        """What iovteam has in the kernel and in files."""
        found = self.host.sh(
            "bpftool prog show | grep -E 'name (team_|member_)' || true\n"
            "find /sys/fs/bpf -mindepth 1 -path '*iovteam*'; find /etc/iovteam -type f\n"
            "ip -br link | awk '$1 != \"lo\" && $1 !~ /^virtio/'")
        return found.out.splitlines()

    def wait_clean(self) -> None:
        """The kernel frees a moment after the last user."""
        wait_until(lambda: not self.traces(), SLOW, f"nothing to be left: {self.traces()}")

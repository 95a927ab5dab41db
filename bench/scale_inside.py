#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""In the VM: one daemon that is given so many teams, members or adapters, and then loses a link.

    scale_inside.py --build DIR teams COUNT MEMBERS | adapters COUNT

Prints a line of JSON. Namespaces: scale, where the daemon is; scale-far, the cables' other ends;
for adapters scale-vm0, scale-vm2, …, each with two of them.
"""
from __future__ import annotations

import argparse
import fcntl
import json
import shutil
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/sweep"))

from kernel import enter, mount_sysfs, socket_in  # noqa: E402

HERE, FAR, GUEST = "scale", "scale-far", "scale-vm{}"
PLACE = Path("/tmp/iovteam-scale")
SYSFS = PLACE / "sys"
PINS = Path("/sys/fs/bpf/iovteam-scale")
LOST = 5  # links, one after the other
REST_S = 3  # before each: the kernel tells of one lost carrier a second at once
LONG_S = 600
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP, _IFF_RUNNING = 0x8913, 0x8914, 0x1, 0x40
_IFREQ = struct.Struct("16sH22x")


def run(*words: str, text: str = "") -> str:
    return subprocess.run(words, input=text, text=True, check=True, timeout=LONG_S,
                          stdout=subprocess.PIPE).stdout


def links(lines: list[str]) -> None:
    run("ip", "-batch", "-", text="\n".join(lines) + "\n")


def until(truth: Callable[[], bool]) -> float:
    """How long it took, in ms."""
    begin = time.monotonic()
    while not truth():
        if time.monotonic() - begin > LONG_S:
            raise TimeoutError(truth.__name__)
    return (time.monotonic() - begin) * 1000


class Cables:
    """The far ends, which can be pulled at once, without a command."""

    def __init__(self) -> None:
        self._socket = socket_in(FAR, HERE, socket.AF_INET, socket.SOCK_DGRAM)

    def set(self, name: str, up: bool) -> None:
        _set_up(self._socket, name, up)


def _flags(where: socket.socket, name: str, request: int, flags: int) -> int:
    answer = fcntl.ioctl(where, request, _IFREQ.pack(name.encode(), flags))
    return _IFREQ.unpack(answer)[1]


def _set_up(where: socket.socket, name: str, up: bool) -> None:
    flags = _flags(where, name, _SIOCGIFFLAGS, 0)
    _flags(where, name, _SIOCSIFFLAGS, flags | _IFF_UP if up else flags & ~_IFF_UP)


class Daemon:
    def __init__(self, build: Path) -> None:
        self._build, self._socket = build, PLACE / "socket"
        self.config = PLACE / "config"
        self.config.mkdir(parents=True)
        with (PLACE / "log").open("w") as log:
            self._process = subprocess.Popen(
                [build / "iovteamd", "--config", self.config, "--socket", self._socket,
                 "--bpffs", PINS], stderr=log)
        until(self._socket.exists)

    def command(self, *words: str) -> str:
        return run(str(self._build / "iovteam"), "--socket", str(self._socket), *words)

    def _tried(self, *words: str) -> bool:
        return subprocess.run([self._build / "iovteam", "--socket", self._socket, *words],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                              timeout=LONG_S).returncode == 0

    def reload(self) -> None:
        """The command waits 45 s for its answer, and a long reload goes on; whoever asks next is
        answered after it."""
        self._tried("reload")
        until(lambda: self._tried("team", "show"))

    def memory_kib(self) -> int:
        """What is its own; libraries that others use as well are shared out."""
        lines = Path(f"/proc/{self._process.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))

    def stop(self) -> None:
        for file in self.config.glob("*.conf"):
            file.unlink()
        self.reload()
        self._process.terminate()
        self._process.wait(LONG_S)


def pinned_kib() -> float:
    """Memory of the maps that teams and ports have in the kernel."""
    total = 0
    for path in PINS.parent.glob(f"{PINS.name}*/**/*"):
        if path.is_file():
            found = subprocess.run(["bpftool", "-j", "map", "show", "pinned", path],
                                   capture_output=True, text=True, check=False)
            total += json.loads(found.stdout or "{}").get("bytes_memlock", 0)
    return total / 1024


class Teams:
    """Their members are m0.0, m0.1, …; the cables' far ends are called the same."""

    def __init__(self, count: int, members: int) -> None:
        self.count, self.members = count, members
        names = [f"m{team}.{member}" for team in range(count) for member in range(members)]
        links([f"link add name {name} type veth peer name {name} netns {FAR}" for name in names])
        run("ip", "-n", FAR, "-batch", "-",
            text="".join(f"link set {name} up\n" for name in names))

    def write(self, config: Path) -> None:
        for team in range(self.count):
            (config / f"t{team}.conf").write_text(
                f"[Team]\nName=t{team}\nStableTimeMs=0\n" + "".join(
                    f"[Member]\nDevice=m{team}.{member}\n" for member in range(self.members)))

    @staticmethod
    def active(team: int) -> str:
        return (SYSFS / f"class/net/t{team}/bonding/active_slave").read_text().strip()

    def well(self, daemon: Daemon) -> bool:
        teams = json.loads(daemon.command("team", "show", "--json"))["teams"]
        return len(teams) == self.count and all(team["state"] == "up" for team in teams)

    def lose(self, cables: Cables, daemon: Daemon) -> list[float]:
        """The primary of the last team, again and again."""
        found: list[float] = []
        for _ in range(LOST if self.members > 1 else 0):
            time.sleep(REST_S)
            before = self.active(self.count - 1)
            cables.set(before, up=False)
            found.append(until(lambda: self.active(self.count - 1) not in ("", before)))
            cables.set(before, up=True)
            until(lambda: self.well(daemon))
        return found

    def lose_all(self, cables: Cables) -> float | None:
        """Every team's primary; from the first to the last change over."""
        if self.members == 1:
            return None
        time.sleep(REST_S)
        before = [self.active(team) for team in range(self.count)]
        begin = time.monotonic()
        for member in before:
            cables.set(member, up=False)
        for team, member in enumerate(before):
            until(lambda: self.active(team) not in ("", member))
        return (time.monotonic() - begin) * 1000


class Adapters:
    """On two switches; the VMs have two each."""

    def __init__(self, count: int) -> None:
        self.count = count
        for first in range(0, count, 2):
            run("ip", "netns", "add", GUEST.format(first))
        self._guests = [socket_in(GUEST.format(first), HERE, socket.AF_INET, socket.SOCK_DGRAM)
                        for first in range(0, count, 2)]
        links([f"link add name {nic} type veth peer name {nic} netns {FAR}"
               for nic in ("nicA", "nicB")])
        run("ip", "-n", FAR, "-batch", "-", text="link set nicA up\nlink set nicB up\n")

    def write(self, config: Path) -> None:
        for switch in "AB":
            (config / f"sw{switch}.switch.conf").write_text(
                f"[Switch]\nName=sw{switch}\nNic=nic{switch}\n")
        for first in range(0, self.count, 2):
            (config / f"vm{first}.vm.conf").write_text(
                f"[VM]\nName=vm{first}\nNamespace={GUEST.format(first)}\n" + "".join(
                    f"[Adapter]\nName=a{number}\nSwitch=sw{'AB'[number % 2]}\nAllowTeaming=on\n"
                    for number in range(first, min(first + 2, self.count))))

    def well(self, daemon: Daemon) -> bool:
        vms = json.loads(daemon.command("adapter", "show", "--json"))["vms"]
        adapters = [adapter for vm in vms for adapter in vm["adapters"]]
        return len(adapters) == self.count and all(
            adapter["status"] == "ok" for adapter in adapters)

    def _told(self, up: bool) -> Callable[[], bool]:
        """The guest's side of those on the first switch; once one is as it should be, the next."""
        left = list(enumerate(self._guests))

        def told() -> bool:
            while left:
                number, guest = left[-1]
                flags = _flags(guest, f"a{2 * number}", _SIOCGIFFLAGS, 0)
                if bool(flags & _IFF_RUNNING) != up:
                    return False
                left.pop()
            return True
        return told

    def lose(self, cables: Cables, daemon: Daemon) -> list[float]:
        """The uplink of a switch, again and again: until the last guest has been told."""
        for number, guest in enumerate(self._guests):
            _set_up(guest, f"a{2 * number}", True)
        until(self._told(up=True))
        found = []
        for _ in range(LOST):
            time.sleep(REST_S)
            cables.set("nicA", up=False)
            found.append(until(self._told(up=False)))
            cables.set("nicA", up=True)
            until(self._told(up=True))
        return found

    def lose_all(self, cables: Cables) -> None:
        """It is the same."""


def measure(build: Path, world: Teams | Adapters) -> dict[str, Any]:
    daemon = Daemon(build)
    try:
        idle_kib = daemon.memory_kib()
        world.write(daemon.config)
        begin = time.monotonic()
        daemon.reload()
        until(lambda: world.well(daemon))
        result = {"apply_ms": (time.monotonic() - begin) * 1000, "idle_kib": idle_kib,
                  "memory_kib": daemon.memory_kib(), "maps_kib": pinned_kib()}
        cables = Cables()
        result["failover_ms"] = world.lose(cables, daemon)
        result["failover_all_ms"] = world.lose_all(cables)
        begin = time.monotonic()
    finally:
        daemon.stop()
    return {**result, "remove_ms": (time.monotonic() - begin) * 1000}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("what", choices=["teams", "adapters"])
    parser.add_argument("count", type=int)
    parser.add_argument("members", type=int, nargs="?", default=2)
    args = parser.parse_args()
    shutil.rmtree(PLACE, ignore_errors=True)
    for name in (HERE, FAR):
        run("ip", "netns", "add", name)
    try:
        enter(HERE)
        mount_sysfs(SYSFS)
        world = Teams(args.count, args.members) if args.what == "teams" else Adapters(args.count)
        print(json.dumps({"what": args.what, "count": args.count, "members": args.members,
                          **measure(args.build, world)}))
    finally:
        for path in Path("/run/netns").glob(f"{HERE}*"):
            run("ip", "netns", "delete", path.name)


if __name__ == "__main__":
    main()

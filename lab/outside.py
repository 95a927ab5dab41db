# SPDX-License-Identifier: GPL-2.0-or-later
"""The physical network: namespaces of the machine that runs the lab.

    iovlab-PID-phys   the switch: bridge `phys` with QEMU's taps
    iovlab-PID-peer   another host on it, by a veth named eth0; a second lab of the same process
                      has phys1 and peer1
  iovlab-PID-host   if this machine is the host (hosted.py): its NICs are veths to the switch

and a directory /tmp/iovlab-PID-… for the VM's console. The names carry the process that owns them, so labs run side by side and what a killed lab
left behind is known by its owner being gone.
"""
from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any, Mapping, Sequence

from .command import Process

PREFIX = "iovlab"
_numbers = itertools.count()


def dying_with_us(netns: str | None, argv: Sequence[str]) -> list[str]:
    """A command line that runs in a namespace and does not outlive the thread that starts it."""
    enter = ["nsenter", f"--net=/run/netns/{netns}", "--"] if netns else []
    return ["setpriv", "--pdeathsig", "KILL", "--", *enter, *argv]


def machine(*argv: str, stdin: str = "") -> str:
    """Runs a command on the machine itself; RuntimeError with its message if it fails."""
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


class MachineProcess(Process):
    """A command on the machine, in one of the lab's namespaces."""

    def __init__(self, argv: Sequence[str], netns: str | None, where: str) -> None:
        super().__init__(argv, where)
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(dying_with_us(netns, argv), stdin=pipe, stdout=pipe,
                                         stderr=pipe, bufsize=0, start_new_session=True)
        self.pid = self._process.pid
        readers = [threading.Thread(target=self._read, args=stream, daemon=True)
                   for stream in (("out", self._process.stdout), ("err", self._process.stderr))]
        for reader in readers:
            reader.start()
        threading.Thread(target=self._wait, args=(readers,), daemon=True).start()

    def _read(self, stream: str, pipe: Any) -> None:
        with pipe:
            while data := pipe.read(1 << 16):
                self.feed(stream, data)

    def _wait(self, readers: list[threading.Thread]) -> None:
        rc = self._process.wait()
        for reader in readers:  # its own children may hold the pipes open for longer
            reader.join(0.5)
        self.finished(rc)

    def kill(self, number: int = signal.SIGTERM, group: bool = False) -> None:
        try:
            (os.killpg if group else os.kill)(self.pid, number)
        except ProcessLookupError:
            pass

    def write(self, data: str | bytes) -> None:
        self._process.stdin.write(data.encode() if isinstance(data, str) else data)

    def close_stdin(self) -> None:
        self._process.stdin.close()


class Outside:
    """Builds the two namespaces and takes them away again; spawns commands in them."""

    PEER_IPV4 = "192.0.2.1"
    PEER_IPV6 = "2001:db8::1"

    def __init__(self) -> None:
        number = next(_numbers) or ""  # of one process's labs, from the second on
        self.phys = f"{PREFIX}-{os.getpid()}-phys{number}"
        self.peer = f"{PREFIX}-{os.getpid()}-peer{number}"
        self._host = f"{PREFIX}-{os.getpid()}-host{number}"
        self.processes: list[MachineProcess] = []
        self.directory = Path(tempfile.mkdtemp(prefix=f"{PREFIX}-{os.getpid()}-"))

    @staticmethod
    def remove_leftovers() -> None:
        """Takes away what labs left whose process is gone."""
        for line in machine("ip", "netns", "list").splitlines():
            name = line.split()[0]
            match = re.fullmatch(rf"{PREFIX}-(\d+)-\w+", name)
            if match and not os.path.exists(f"/proc/{match[1]}"):
                subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL)
        for directory in Path(tempfile.gettempdir()).glob(f"{PREFIX}-*-*"):
            if not os.path.exists(f"/proc/{directory.name.split('-')[1]}"):
                shutil.rmtree(directory, ignore_errors=True)

    def build(self, taps: Sequence[str]) -> None:
        self.remove_leftovers()
        for name in (self.phys, self.peer):
            machine("ip", "netns", "add", name)
        # The switch is only a switch: no addresses, hence no chatter of its own.
        machine("nsenter", f"--net=/run/netns/{self.phys}", "--", "sh", "-c",
                "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6")
        self._batch(self.phys, [
            "link add phys type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
            "link set phys up",
            f"link add peer type veth peer name eth0 netns {self.peer}",
            "link set peer master phys up",
            *(line for tap in taps for line in (
                f"tuntap add {tap} mode tap",
                f"link set {tap} master phys up"))])
        self._batch(self.peer, [
            "link set lo up",
            "link set eth0 up",
            f"address add {self.PEER_IPV4}/24 dev eth0",
            f"address add {self.PEER_IPV6}/64 dev eth0 nodad"])

    def add_host(self, nics: Mapping[str, str]) -> str:
        """The namespace of a host with these NICs, whose other ends at the switch are called as
        @nics says."""
        machine("ip", "netns", "add", self._host)
        machine("nsenter", f"--net=/run/netns/{self._host}", "--", "sh", "-c",
                "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6")
        self._batch(self.phys, [line for nic, cable in nics.items() for line in (
            f"link add {cable} type veth peer name {nic} netns {self._host}",
            f"link set {cable} master phys up")])
        return self._host

    @staticmethod
    def _batch(netns: str, lines: Sequence[str]) -> None:
        machine("ip", "-n", netns, "-batch", "-", stdin="\n".join(lines) + "\n")

    def spawn(self, argv: Sequence[str], netns: str | None, where: str, *,
              stdin: bytes | None) -> MachineProcess:
        process = MachineProcess(argv, netns, where)
        self.processes.append(process)
        if stdin is not None:
            threading.Thread(target=self._feed, args=(process, stdin), daemon=True).start()
        return process

    @staticmethod
    def _feed(process: MachineProcess, stdin: bytes) -> None:
        try:
            process.write(stdin)
            process.close_stdin()
        except OSError:  # it ended without reading
            pass

    def remove(self) -> None:
        for process in self.processes:
            if process.running:
                process.kill(signal.SIGKILL, group=True)
        for name in (self.phys, self.peer, self._host):
            subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.directory, ignore_errors=True)

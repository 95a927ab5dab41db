# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests of a team send, and where they see it: UDP, pings, captures, a VLAN outside."""
from __future__ import annotations

import json
import re
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Iterator, Sequence

from lab import Lab, Namespace, wait_until
from team import PYTHON, SLOW

# Flows, as [source, port, destination, port], take turns; a pause after each round, because a
# burst is longer than the queue of an emulated NIC.
_SEND = """
import json, socket, sys, time
flows, rounds, size = json.loads(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
sockets = []
for source, port, destination, to in flows:
    s = socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((source, port))
    sockets.append((s, (destination, to)))
for number in range(rounds):
    for s, to in sockets:
        s.sendto(str(number).encode().ljust(size, b"."), to)
        time.sleep(0.0005)
"""

# One line for each datagram: sender, its port, length, the text before the first dot.
_RECEIVE = """
import socket, struct, sys
address, port, group, device = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
six = ":" in address
s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE: we are slow
if six:
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
s.bind((address, port))
if group and six:
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(
        socket.AF_INET6, group) + struct.pack("@I", socket.if_nametoindex(device)))
elif group:
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group)
                 + struct.pack("@4si", bytes(4), socket.if_nametoindex(device)))
print("ready", flush=True)
while True:
    data, sender = s.recvfrom(65536)
    print(sender[0], sender[1], len(data), data.split(b".")[0].decode(), flush=True)
"""

# A trunk port: what carries the VLAN's tag on the wire appears without it on a tap device.
_TRUNK = """
import fcntl, os, select, socket, struct, sys
device, vid, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
SOL_PACKET, PACKET_AUXDATA, OUTGOING, VLAN_VALID = 263, 8, 4, 0x10
TUNSETIFF, TAP_NO_PI = 0x400454ca, 0x1002
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.bind((device, 3))
wire.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), TAP_NO_PI))
print("ready", flush=True)
while True:
    ready = select.select([wire, tap], [], [])[0]
    if tap in ready:
        frame = os.read(tap, 65536)
        wire.send(frame[:12] + struct.pack("!HH", 0x8100, vid) + frame[12:])
    if wire in ready:
        frame, control, _, address = wire.recvmsg(65536, 64)
        for level, kind, data in control:
            status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", data[:20])
            if status & VLAN_VALID and tci & 0xfff == vid and address[2] != OUTGOING:
                os.write(tap, frame)
"""

Flow = tuple[str, int, str, int]


def flows(count: int, source: str, destination: str, port: int = 40000,
          to: int = 5000) -> list[Flow]:
    return [(source, port + number, destination, to) for number in range(count)]


def send_udp(where: Namespace, what: Sequence[Flow], rounds: int = 10, size: int = 100) -> None:
    """Sends rounds * len(what) datagrams from unconnected sockets."""
    where.run([*PYTHON, "-c", _SEND, json.dumps(what), str(rounds), str(size)], timeout=120)


@dataclass
class Datagram:
    source: str
    port: int
    length: int
    text: str


class Receiver:
    """Receives UDP for a block, from a group too."""

    def __init__(self, where: Namespace, address: str = "0.0.0.0", port: int = 5000,
                 group: str = "", device: str = "") -> None:
        self._process = where.spawn([*PYTHON, "-c", _RECEIVE, address, str(port), group, device])
        self._process.expect("ready")

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.stop()

    def datagrams(self) -> list[Datagram]:
        rows = (line.split() for line in self._process.stdout().split("\n")[1:-1])
        return [Datagram(row[0], int(row[1]), int(row[2]), row[3]) for row in rows]

    def wait(self, count: int, timeout: float = SLOW) -> list[Datagram]:
        """As soon as there are as many."""
        wait_until(lambda: len(self.datagrams()) >= count, timeout, f"{count} datagrams")
        return self.datagrams()


@dataclass
class Frame:
    source: str
    destination: str
    text: str  # tcpdump's line
    time: float = 0.0  # seconds of the wall clock


class Capture:
    """tcpdump for a block, that prints each frame's MACs."""

    _LINE = re.compile(r"([\d.]+) ([0-9a-f:]{17}) > ([0-9a-f:]{17}),? (.*)")

    def __init__(self, where: Namespace, device: str, filter_: str = "",
                 direction: str = "inout") -> None:
        self._device = device
        self._process = where.spawn(
            ["tcpdump", "-i", device, "-Q", direction, "-enltt", "--immediate-mode",
             "-B", "8192", "-Z", "root", *filter_.split()])
        self._process.expect("listening on", stream="err")

    def __enter__(self) -> Capture:
        return self

    def __exit__(self, kind: object, *exc: object) -> None:
        if self._process.running:
            self._process.kill(signal.SIGINT)
        ended = self._process.stop().err
        assert kind or "\n0 packets dropped by kernel" in ended, f"{self._device}: {ended}"

    def frames(self, text: str = "") -> list[Frame]:
        """Those so far whose line contains @text."""
        found = map(self._LINE.match, self._process.stdout().split("\n")[:-1])
        return [Frame(m[2], m[3], m[4], float(m[1])) for m in found if m and text in m[4]]

    def wait(self, count: int, text: str = "", timeout: float = SLOW) -> list[Frame]:
        wait_until(lambda: len(self.frames(text)) >= count, timeout,
                   f"{count} frames of {text!r} on {self._device}")
        return self.frames(text)


def switch(lab: Lab) -> Namespace:
    """The physical switch: a place to run commands."""
    return Namespace(lab.outside, "phys", lab.outside.phys)


@contextmanager
def at_switch(lab: Lab, filter_: str = "", direction: str = "in") -> Iterator[dict[str, Capture]]:
    """By member: what comes into the switch at its NIC's port (out: what goes to it)."""
    with Capture(switch(lab), lab.pfs[0].tap, filter_, direction) as first, \
            Capture(switch(lab), lab.pfs[1].tap, filter_, direction) as second:
        yield dict(zip(lab.vfs, (first, second)))


def wait_all(captures: dict[str, Capture], count: int, text: str = "") -> None:
    """Until all of them have seen as many frames together."""
    def seen() -> int:
        return sum(len(capture.frames(text)) for capture in captures.values())

    wait_until(lambda: seen() >= count, SLOW, f"{count} frames at the switch")


def ping(where: Namespace, address: str, count: int = 3, *options: str) -> None:
    """Every one must be answered, and once."""
    out = where.run(["ping", "-n", "-c", str(count), "-i", "0.05", "-W", "10", *options, address],
                    timeout=60, check=False).out
    assert f"{count} packets transmitted, {count} received, 0% packet loss" in out, out
    assert "DUP" not in out, out


def known_at(where: Namespace, address: str, device: str = "eth0") -> str | None:
    """The MAC at which somebody has a neighbour, as far as it knows."""
    entries = where.run(["ip", "-j", "neighbour", "show", address, "dev", device]).json()
    return entries[0].get("lladdr") if entries else None


@contextmanager
def vlan_outside(lab: Lab, vid: int, address: str) -> Iterator[str]:
    """The peer has an address in a VLAN, on the device whose name is returned. The machine that
    runs the lab may have no 8021q, so a program of ours puts on the tags and takes them off."""
    name = f"vlan{vid}"
    process = lab.peer.spawn([*PYTHON, "-c", _TRUNK, "eth0", str(vid), name])
    try:
        process.expect("ready")
        lab.peer.sh(f"ip link set {name} up; ip address add {address} dev {name}")
        yield name
    finally:
        process.stop()


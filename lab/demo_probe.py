# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs in the lab's VM, or on the machine beside it, and tells in the monotonic clock of that what
happens there.

    demo_probe.py NETNS INTERVAL_MS log|no-log

Starts in a namespace where it can take interfaces up or down, and moves on to NETNS ("-": stays),
whose packet counters it samples and whose link changes it hears. The kernel's log, which is that of
all namespaces, tells when a driver saw its carrier go: earlier than anybody is told of it.

stdin:   up IFACE | down IFACE | sample | clock N
stdout:  JSON lines, each with t (ns):
    {"t": 1, "packets": {"ens4": [received, sent], ...}, "asked": false}
    {"t": 1, "link": "ens4", "up": true, "carrier": false}
        "gone": true       it has been removed; "new": true   … and there is one of its name again
    {"t": 1, "log": "igbvf 0000:02:10.0: Link is Down"}
    {"t": 1, "done": "down ens1f0", "took_ns": 1}            t is when it was begun
    {"t": 1, "clock": 7}
"""
import ctypes
import fcntl
import json
import os
import select
import socket
import struct
import sys
import threading
import time

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP, IFF_LOWER_UP = 0x8913, 0x8914, 0x1, 0x10000
RTMGRP_LINK, RTM_NEWLINK, RTM_DELLINK, IFLA_IFNAME = 1, 16, 17, 3
NLMSGHDR, IFINFOMSG, RTATTR = map(struct.Struct, ("=IHHII", "=BxHiII", "=HH"))


def say(t, **what):
    os.write(1, json.dumps({"t": t, **what}).encode() + b"\n")


def packets():
    """[received, sent] by interface, as the kernel counts."""
    with open("/proc/thread-self/net/dev", encoding="ascii") as file:
        rows = [line.split() for line in file.read().replace(":", " ").splitlines()[2:]]
    return {row[0]: [int(row[2]), int(row[10])] for row in rows}


def sample(asked):
    say(time.monotonic_ns(), packets=packets(), asked=asked)


class Links:
    """The namespace's link changes."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.socket.bind((0, RTMGRP_LINK))
        self.known = {}

    def read(self):
        now, data = time.monotonic_ns(), self.socket.recv(1 << 16)
        while data:
            size, kind, *_ = NLMSGHDR.unpack_from(data)
            body = data[NLMSGHDR.size:size]
            if kind == RTM_NEWLINK:
                self.heard(now, body)
            elif kind == RTM_DELLINK and body[0] == socket.AF_UNSPEC:  # not: it has left a bridge
                self.removed(now, self.name(body[IFINFOMSG.size:]))
            data = data[(size + 3) & ~3:]

    def heard(self, now, body):
        flags, name = IFINFOMSG.unpack_from(body)[3], self.name(body[IFINFOMSG.size:])
        state = bool(flags & IFF_UP), bool(flags & IFF_LOWER_UP)
        if self.known.get(name) != state:
            new = {"new": True} if self.known.get(name, state) is None else {}
            self.known[name] = state
            say(now, link=name, up=state[0], carrier=state[1], **new)

    def removed(self, now, name):
        self.known[name] = None
        say(now, link=name, up=False, carrier=False, gone=True)

    @staticmethod
    def name(attributes):
        while attributes:
            size, kind = RTATTR.unpack_from(attributes)
            if kind == IFLA_IFNAME:
                return attributes[4:size].rstrip(b"\0").decode()
            attributes = attributes[(size + 3) & ~3:]
        return ""


class Log:
    """The kernel's log. Its stamps are of a clock of its own, near the monotonic one: a line that
    we write into it ourselves tells the difference."""

    def __init__(self):
        self.fd = os.open("/dev/kmsg", os.O_RDWR | os.O_NONBLOCK)
        os.lseek(self.fd, 0, os.SEEK_END)
        before = time.monotonic_ns()
        os.write(self.fd, b"<7>lab: the demo's probe begins\n")
        between = (before + time.monotonic_ns()) // 2
        self.offset_ns = 0
        self.offset_ns = between - self.next()[0]

    def next(self):
        """(monotonic ns, text) of the next line; None if there is no more."""
        try:
            head, _, text = os.read(self.fd, 8192).decode(errors="replace").partition(";")
        except (BlockingIOError, BrokenPipeError):  # no more, or overwritten before we came
            return None
        return int(head.split(",")[2]) * 1000 + self.offset_ns, text.splitlines()[0]

    def read(self):
        while line := self.next():
            say(line[0], log=line[1])


class Host:
    """Takes interfaces of the namespace that it was made in up and down."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def set(self, name, up):
        request = struct.pack("16sH14x", name.encode(), 0)
        flags = struct.unpack_from("H", fcntl.ioctl(self.socket, SIOCGIFFLAGS, request), 16)[0]
        flags = flags | IFF_UP if up else flags & ~IFF_UP
        fcntl.ioctl(self.socket, SIOCSIFFLAGS, struct.pack("16sH14x", name.encode(), flags))


class Commands:
    """Lines on stdin."""

    def __init__(self, host):
        self.host, self.partial = host, b""

    def read(self):
        data = os.read(0, 4096)
        if not data:
            sys.exit()
        *lines, self.partial = (self.partial + data).split(b"\n")
        for line in lines:
            self.run(*line.decode().split())

    def run(self, command, name=None):
        if command == "clock":
            say(time.monotonic_ns(), clock=int(name))
            return
        if command == "sample":
            sample(asked=True)
            return
        # Drivers take their time, and what happens meanwhile must be heard.
        threading.Thread(target=self.set, args=(command, name)).start()

    def set(self, command, name):
        begun = time.monotonic_ns()
        self.host.set(name, command == "up")
        say(begun, done=f"{command} {name}", took_ns=time.monotonic_ns() - begun)


def enter_netns(name):
    if name == "-":
        return
    with open(f"/run/netns/{name}", encoding="ascii") as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {name}")


def main(netns, interval_ms, want_log):
    commands = Commands(Host())
    enter_netns(netns)
    links = Links()
    readers = {0: commands.read, links.socket.fileno(): links.read}
    if want_log == "log":
        log = Log()
        readers[log.fd] = log.read
    interval, due = int(interval_ms) / 1000, time.monotonic()
    while True:
        ready, _, _ = select.select(list(readers), [], [], max(due - time.monotonic(), 0))
        for fd in ready:
            readers[fd]()
        if time.monotonic() >= due:
            sample(asked=False)
            due = max(due + interval, time.monotonic())


if __name__ == "__main__":
    main(*sys.argv[1:])

# SPDX-License-Identifier: GPL-2.0-or-later
"""A lost uplink is told at its driver's report, not when the kernel sends its own event (H5 b).

The NICs are taps: what linkwatch holds back is a device that stands on no other one, which a veth
does. A driver's reports are written by the test (told_uplink.c): not every kernel permits tracing.
The program itself is in tests/packet/test_uplink.c, and both together in tests/lab/test_host.py.
"""
import json
import os
import signal
import struct
import subprocess
import sys

import pytest

import test_refusals_native
from host_world import host, wait_until  # noqa: F401

AT_ONCE = 0.5  # seconds; linkwatch waits for one after it has told of another device

TAPS = """
import fcntl, os, struct, sys
taps = {}
for line in sys.stdin:
    name, what = line.split()
    if what == "add":
        taps[name] = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(taps[name], 0x400454ca, struct.pack("16sH22x", name.encode(), 0x1002))
    elif what == "remove":
        os.close(taps.pop(name))
    else:
        fcntl.ioctl(taps[name], 0x400454e2, struct.pack("i", what == "on"))
    print(flush=True)
"""


class Uplink:
    """The NIC up0 of the switch swU, and other0, whose carrier makes linkwatch wait."""

    def __init__(self, world, taps, fifo):
        self.world, self.taps, self.fifo = world, taps, fifo

    def tap(self, name, what):
        self.taps.stdin.write(f"{name} {what}\n")
        self.taps.stdin.flush()
        assert self.taps.stdout.readline() == "\n", (name, what)

    def add(self, name):
        self.tap(name, "add")
        self.world.host("ip", "link", "set", name, "up")

    def is_down(self, name):
        """As linkwatch knows it; asking for the link would make it look."""
        return self.world.host("cat", f"/sys/class/net/{name}/operstate").stdout == "down\n"

    def report(self, times=1):
        number = int(self.world.host("cat", "/sys/class/net/up0/ifindex").stdout)
        for _ in range(times):
            os.write(self.fifo, struct.pack("i", number))

    def told(self, connected):
        link = json.loads(self.world.host("ip", "-j", "link", "show", "dev", "web1.nicU").stdout)
        return ("UP" in link[0]["flags"]) == connected

    def settled(self):
        return self.told(True) and not self.is_down("up0") and self.world.as_wanted()

    def lose(self):
        """The carrier goes when linkwatch has just told of another one's."""
        wait_until(self.settled, "all to be as wanted")
        for what in ("on", "off"):
            self.tap("other0", what)
            wait_until(lambda down=what == "off": self.is_down("other0") == down, "linkwatch")
        self.tap("up0", "off")
        assert not self.is_down("up0")

    def lost_and_told(self):
        self.lose()
        self.report()
        wait_until(lambda: self.told(False), "the guest to be told at once", AT_ONCE)
        assert self.world.switch("swU")["uplink"] == "down"
        self.tap("up0", "on")
        self.report()
        wait_until(lambda: self.told(True), "the guest to be told that it is back")


@pytest.fixture
def uplink(host, tmp_path, monkeypatch):  # noqa: F811
    """A guest on the switch; the daemon is one that listens to the test's reports."""
    os.mkfifo(tmp_path / "reports")
    fifo = os.open(tmp_path / "reports", os.O_RDWR | os.O_NONBLOCK)
    monkeypatch.setenv("IOVTEAM_TEST_REPORTS", str(tmp_path / "reports"))
    monkeypatch.setattr(test_refusals_native, "DAEMON",
                        str(test_refusals_native.BUILD / "tests/iovteamd_told"))
    taps = subprocess.Popen(["ip", "netns", "exec", host.name, sys.executable, "-c", TAPS],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    made = Uplink(host, taps, fifo)
    try:
        made.add("up0")
        made.add("other0")
        yield made
    finally:
        taps.stdin.close()
        taps.wait(test_refusals_native.PATIENCE)
        os.close(fifo)


def make(world):
    guest = world.make_guest("web1")
    world.do("switch", "add", "swU", "--nic", "up0", "--iov", "off")
    world.do("adapter", "add", "web1", "nicU", "--switch", "swU", "--namespace", guest)
    world.do("adapter", "set", "web1", "allow-teaming=on")


def listens(world, pid):
    """Has the daemon what it hears drivers by?"""
    return str(world.directory / "reports") in [
        os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]


def test_told_at_the_report(host, uplink):  # noqa: F811
    """Lost and back; another device of that name; a storm of reports; nothing stays open."""
    with host.daemon() as daemon:
        assert not listens(host, daemon.pid)
        make(host)
        uplink.lost_and_told()
        uplink.lost_and_told()

        uplink.tap("up0", "remove")
        wait_until(lambda: host.switch("swU")["uplink"] == "not-present", "the NIC to be gone")
        uplink.add("up0")
        uplink.lost_and_told()

        uplink.report(1000)
        uplink.lost_and_told()

        host.do("adapter", "remove", "web1", "nicU")
        host.do("switch", "remove", "swU")
        assert not listens(host, daemon.pid)


def test_told_without_a_report(host, uplink):  # noqa: F811
    """What the program has missed comes with the kernel's event."""
    with host.daemon():
        make(host)
        uplink.lose()
        wait_until(lambda: uplink.told(False), "the guest to be told")


def test_told_by_the_next_daemon(host, uplink):  # noqa: F811
    with host.daemon() as daemon:
        make(host)
        uplink.lost_and_told()
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
    with host.daemon():
        uplink.lost_and_told()

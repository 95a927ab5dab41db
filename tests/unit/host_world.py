# SPDX-License-Identifier: GPL-2.0-or-later
"""A host on this machine's kernel: a namespace with two NICs (veth) whose other ends are "outside",
guests in namespaces of their own, and the daemon. Without SR-IOV.
"""
import json
import os
import socket
import struct
import sys
import time

import pytest

from test_refusals_native import World, run, wait_until

ETHERTYPE = 0x88B5  # of experiments
NICS = ("nic0", "nic1")


class HostWorld(World):
    """nic0 and nic1 in the host; out0 and out1, their other ends, in OUTSIDE; guests."""

    def __init__(self, directory, name):
        super().__init__(directory, name)
        self.outside, self.guests = name + "-out", []

    def at(self, namespace, *argv, check=True):
        done = run("ip", "netns", "exec", namespace, *argv)
        assert not check or done.returncode == 0, (argv, done.stderr)
        return done

    def host(self, *argv, **options):
        return self.at(self.name, *argv, **options)

    def out(self, *argv, **options):
        return self.at(self.outside, *argv, **options)

    def guest(self, vm, *argv, **options):
        return self.at(self.guest_name(vm), *argv, **options)

    def guest_name(self, vm):
        return f"{self.name}-{vm}"

    def make_guest(self, vm):
        name = self.guest_name(vm)
        assert run("ip", "netns", "add", name).returncode == 0
        self.guests.append(name)
        return name

    def drop_guest(self, vm):
        self.guests.remove(self.guest_name(vm))
        assert run("ip", "netns", "delete", self.guest_name(vm)).returncode == 0

    def do(self, *words):
        done = self.iovteam(*words)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def refuse(self, *words):
        """The sentence."""
        done = self.iovteam(*words)
        assert done.returncode == 1 and not done.stdout, (words, done)
        assert done.stderr.startswith("iovteam: ") and done.stderr.count("\n") == 1, done.stderr
        return done.stderr.removeprefix("iovteam: ").rstrip("\n")

    def ask(self, *words):
        return json.loads(self.do(*words, "--json"))

    def adapter(self, vm, name):
        vms = self.ask("adapter", "show", vm)["vms"]
        return next(a for a in vms[0]["adapters"] if a["name"] == name)

    def switch(self, name):
        return self.ask("switch", "show", name)["switches"][0]

    def link(self, name, namespace=None):
        """As `ip -d -j link` has it; None if there is none."""
        done = self.at(namespace or self.name, "ip", "-d", "-j", "link", "show", "dev", name,
                       check=False)
        return json.loads(done.stdout)[0] if done.returncode == 0 else None

    def as_wanted(self):
        return self.ask("plan")["actions"] == []

    def state(self):
        """What a refused command must leave alone; counters and timers of bridges go on."""
        keys = ("ifname", "ifindex", "address", "master", "flags", "ifalias", "mtu")
        links = [{key: link.get(key) for key in keys}
                 for link in json.loads(self.host("ip", "-j", "link").stdout)]
        return links, super().state()[1]

    def links(self):
        return sorted(link["ifname"] for link in json.loads(self.host("ip", "-j", "link").stdout))

    def send(self, namespace, device, source, target="ff:ff:ff:ff:ff:ff", count=1):
        """Raw frames."""
        frame = bytes.fromhex((target + source).replace(":", ""))
        frame += struct.pack("!H", ETHERTYPE) + bytes(46)
        self.at(namespace, sys.executable, "-c", f"""
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("{device}", 0))
for _ in range({count}): s.send(bytes.fromhex("{frame.hex()}"))""")

    def pings(self, source, target, count=3):
        return self.at(source, "ping", "-c", str(count), "-i", "0.1", "-W", "1", target,
                       check=False).returncode == 0


@pytest.fixture
def host(tmp_path):
    name = f"ivt-{os.getpid()}"
    made = HostWorld(tmp_path, name)
    (tmp_path / "bpf").mkdir()
    assert run("ip", "netns", "add", name).returncode == 0
    assert run("ip", "netns", "add", made.outside).returncode == 0
    mounted = run("mount", "-t", "bpf", "bpf", str(tmp_path / "bpf"))
    try:
        assert mounted.returncode == 0, mounted.stderr
        for number, nic in enumerate(NICS):
            made.host("ip", "link", "add", nic, "type", "veth", "peer", "name", f"out{number}",
                      "netns", made.outside)
            made.out("ip", "link", "set", f"out{number}", "up")
        made.out("sh", "-ec", """
            ip link add lan type bridge; ip link set lan up
            ip link set out0 master lan; ip link set out1 master lan
            ip address add 192.0.2.1/24 dev lan; ip link set lo up""")
        yield made
    finally:
        run("umount", str(tmp_path / "bpf"))
        for space in [*made.guests, made.outside, name]:
            run("ip", "netns", "delete", space)


__all__ = ["HostWorld", "host", "json", "run", "socket", "time", "wait_until"]

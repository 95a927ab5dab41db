# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest with any number of members, a switch and a peer, all in the VM, over veth.

    vguest: m0 m1 m2 ...  ---  vswitch: p0 p1 p2 ..., bridge sw, pp  ---  vpeer: eth0
"""
from __future__ import annotations

from contextlib import contextmanager

import pytest

from team import running
from traffic import Capture

PEER, PEER6 = "192.0.2.1", "2001:db8::1"
NAMES = ("vguest", "vswitch", "vpeer")


class Network:
    """A guest with members m0, m1, ..., a switch, and a peer."""

    def __init__(self, lab, build):
        self.lab, self.build = lab, build
        self.guest, self.switch, self.peer = map(lab.namespace, NAMES)
        self.members = []
        self.pulled = set()

    def make(self, members, queues=1):
        self.members = [f"m{number}" for number in range(members)]
        numbers = f"numtxqueues {queues} numrxqueues {queues}"
        self.switch.sh("\n".join(
            ["echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6",
             "ip link add name sw type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
             "ip link set sw up",
             "ip link add pp type veth peer name eth0 netns vpeer",
             "ip link set pp master sw up",
             # Both ends must have them, or both use one only.
             *(f"ip link add p{n} {numbers} type veth peer name m{n} netns vguest {numbers};"
               f" ip link set p{n} master sw up" for n in range(members))]), timeout=60)
        self.peer.sh(f"ip link set eth0 up; ip address add {PEER}/24 dev eth0;"
                     f"ip address add {PEER6}/64 dev eth0 nodad")

    @contextmanager
    def team(self, *settings, wrapper=()):
        with running(self.lab, self.build, self.members, *settings, where=self.guest,
                     wrapper=wrapper) as team:
            team.reach(PEER)
            yield team

    def carrier(self, member, up):
        """Of a member, by the other end of its cable."""
        self.carriers({member: up})

    def carriers(self, change):
        """Of several members, member -> up, as nearly at once as can be."""
        for member, up in change.items():
            (self.pulled.discard if up else self.pulled.add)(member)
        self.switch.run(["ip", "-batch", "-"], stdin="".join(
            f"link set p{member[1:]} {'up' if up else 'down'}\n"
            for member, up in change.items()))

    @contextmanager
    def seen(self, filter_=""):
        """By member whose cable is not pulled: what comes into the switch from it."""
        captures = {member: Capture(self.switch, f"p{member[1:]}", filter_, "in")
                    for member in self.members if member not in self.pulled}
        try:
            yield captures
        finally:
            for capture in captures.values():
                capture.__exit__(None)

    def macs(self):
        """By member: its own MAC, as the kernel has it. Before a team is made."""
        links = self.guest.run(["ip", "-j", "link", "show"]).json()
        return {link["ifname"]: link["address"] for link in links
                if link["ifname"] in self.members}

    def guard_ports(self, macs):
        """Every port of the switch counts what comes in under another MAC than its member's."""
        self.switch.sh("\n".join(
            f"tc qdisc add dev p{member[1:]} clsact\n"
            f"tc filter add dev p{member[1:]} ingress pref 1 protocol all"
            f" flower src_mac {mac} action ok\n"
            f"tc filter add dev p{member[1:]} ingress pref 2 protocol all matchall action ok"
            for member, mac in macs.items()), timeout=60)

    def guarded(self, members=None):
        """By member: frames that came in under (its own MAC, another's)."""
        found = {}
        for member in members or self.members:
            rules = self.switch.run(["tc", "-j", "-s", "filter", "show", "dev",
                                     f"p{member[1:]}", "ingress"]).json()
            packets = {rule["pref"]: action["stats"]["packets"] for rule in rules
                       for action in rule.get("options", {}).get("actions", [])}
            found[member] = packets[1], packets[2]
        return found

    def close(self):
        self.lab.host.sh("".join(f"ip netns delete {name};" for name in NAMES))


@pytest.fixture
def network(lab, build):
    made = Network(lab, build)
    try:
        yield made
    finally:
        made.close()

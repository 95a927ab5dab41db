# SPDX-License-Identifier: GPL-2.0-or-later
"""Paths whose carrier does not tell (T12): a pulled cable leaves the carrier of a VF up."""
from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import Iterator

import pytest

from lab import wait_until
from lab.demo_guest import hear_each_other
from team import PYTHON, SLOW, Team, running

PROBES = "0x88b5"
FLOODS = 5  # of a thousand frames to each member, as fast as the peer can

# Frames to each of some MACs, from eth0: of our EtherType, and whatever is given behind it.
_SEND = r"""
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("eth0", 0))
own = wire.getsockname()[4]
for mac in sys.argv[3:]:
    for _ in range(int(sys.argv[2])):
        wire.send(bytes.fromhex(mac.replace(":", "")) + own + b"\x88\xb5" + bytes.fromhex(sys.argv[1]))
"""

# The first probe that passes the switch's port, as hex digits.
_CATCH = r"""
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.bind((sys.argv[1], 3))
frame = b""
while frame[12:14] != b"\x88\xb5":
    frame = wire.recv(2048)
print(frame[14:42].hex())
"""


@pytest.fixture
def team(lab, build) -> Iterator[Team]:
    """As the usual one, but it probes."""
    with running(lab, build, lab.vfs, "probe=auto") as made:
        made.reach()
        yield made


def probes(team: Team, member: str) -> dict:
    return team.member(member)["probes"]


def reason(team: Team, member: str) -> str:
    return team.member(member)["reason"]


def wait_reason(team: Team, member: str, wanted: str) -> None:
    wait_until(lambda: reason(team, member) == wanted, SLOW, f"{member} {wanted}")


def wait_joined(team: Team) -> None:
    """Until each member has heard another one."""
    wait_until(lambda: hear_each_other(team.show()), SLOW, "the members to hear each other")


def switch(lab, *argv: str) -> str:
    """A command in the physical switch."""
    return subprocess.run(["ip", "netns", "exec", lab.outside.phys, *argv], check=True,
                          capture_output=True, text=True, timeout=SLOW).stdout


def port(lab, member: str) -> str:
    return f"pf{lab.vfs.index(member)}"


@contextmanager
def dropping(lab, device: str, direction: str, protocol: str = "all") -> Iterator[None]:
    """The switch's port drops what comes from the member (ingress) or goes to it (egress)."""
    switch(lab, "tc", "qdisc", "add", "dev", device, "clsact")
    try:
        switch(lab, "tc", "filter", "add", "dev", device, direction, "protocol", protocol, "bpf",
               "bytecode", "1,6 0 0 2", "direct-action")
        yield
    finally:
        switch(lab, "tc", "qdisc", "del", "dev", device, "clsact")


@contextmanager
def pulled(lab, team: Team, member: str):
    """A block in which the cable behind a member is pulled."""
    number = lab.vfs.index(member)
    lab.cable(number, up=False)
    try:
        yield
    finally:
        lab.cable(number, up=True)
    wait_until(team.well, SLOW, f"{member} to be used again")


def test_pulled_cable(lab, team):
    """The team leaves a member whose cable is pulled though its carrier is up, and returns."""
    wait_joined(team)
    dead = team.primary
    with pulled(lab, team, dead):
        wait_reason(team, dead, "path-unresponsive")
        assert lab.carrier(dead, team.where)
        assert team.primary != dead
        team.reach()
        lab.peer.wait_for(["ping", "-c", "1", "-W", "1", team.IPV4], " 0% packet loss", SLOW)
    assert reason(team, dead) == "none"


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_one_way_loss(lab, team, direction):
    """A member that is not heard, and one that does not hear."""
    wait_joined(team)
    dead = team.other()
    with dropping(lab, port(lab, dead), direction):
        wait_reason(team, dead, "path-unresponsive")
        assert reason(team, team.other(dead)) == "none"
    wait_until(team.well, SLOW, "the member to be used again")


def test_both_dead_and_back(lab, team):
    """Nobody is given up when both are lost; who comes back first carries."""
    wait_joined(team)
    for first in sorted(team.macs):
        second = team.other(first)
        lab.cable(0, up=False)
        lab.cable(1, up=False)
        lab.cable(lab.vfs.index(first), up=True)
        wait_until(lambda: lab.carrier(team.pf(first)), SLOW, "the first one's uplink")
        lab.peer.wait_for(["ping", "-c", "1", "-W", "1", team.IPV4], " 0% packet loss", SLOW)
        wait_reason(team, second, "path-unresponsive")
        assert team.primary == first
        lab.cable(lab.vfs.index(second), up=True)
        wait_until(team.well, SLOW, "both to be used again")


def test_dead_gateway(lab, team):
    """Who outside is silent for all is silent himself: no member is given up."""
    wait_joined(team)
    sent = {member: probes(team, member)["sent"] for member in team.macs}
    switch(lab, "ip", "link", "set", "peer", "down")
    try:
        wait_until(lambda: all(probes(team, member)["sent"] > sent[member] + 100
                               for member in team.macs), SLOW, "a hundred probes")
        assert team.well()
        assert all(member["failures"] == 0 for member in team.show()["members"])
    finally:
        switch(lab, "ip", "link", "set", "peer", "up")


def test_forged_and_replayed(lab, team):
    """They are counted, and nothing else."""
    wait_joined(team)
    first, second = sorted(team.macs)
    caught = switch(lab, *PYTHON, "-c", _CATCH, port(lab, first)).strip()
    forged = caught[:-2] + f"{int(caught[-2:], 16) ^ 1:02x}"
    before = {member: probes(team, member)["refused"] for member in team.macs}
    for payload, times in ((caught, 1), (forged, 1), ("00" * 46, 20), ("", 1)):
        lab.peer.run([*PYTHON, "-c", _SEND, payload, str(times), team.macs[first],
                      team.macs[second]])
    wait_until(lambda: all(probes(team, member)["refused"] == before[member] + 23
                           for member in team.macs), SLOW, "all of them to be counted")
    # A flood: some of it may not even get through the NIC.
    before = {member: probes(team, member) for member in team.macs}
    for _ in range(FLOODS):
        lab.peer.run([*PYTHON, "-c", _SEND, forged, "1000", *team.macs.values()])
    for member, then in before.items():
        wait_until(lambda: probes(team, member)["refused"] > then["refused"] + 100 * FLOODS, SLOW,
                   "the flood to be counted")
        wait_until(lambda: probes(team, member)["heard"] > then["heard"] + 20, SLOW,
                   "probes to be heard")
    assert team.well()
    assert all(member["failures"] == 0 for member in team.show()["members"])


@pytest.mark.long
@pytest.mark.parametrize("how", ["isolated", "EtherType"])
def test_switches_not_joined(lab, build, how):
    """Members that never heard each other: only an address tells, and show says so."""
    ports = [port(lab, member) for member in lab.vfs]
    with apart(lab, ports, how), running(lab, build, lab.vfs, "probe=auto") as team:
        wait_until(lambda: any("not joined" in note for note in team.show()["notes"]), SLOW,
                   "the note")
        team.run("team", "set", "team0", "probe-address=192.0.2.1")
        wait_until(lambda: all(probes(team, member)["answers"] for member in team.macs), SLOW,
                   "answers to each member")
        dead = team.primary
        with pulled(lab, team, dead):
            wait_reason(team, dead, "path-unresponsive")
            team.reach()


@contextmanager
def apart(lab, ports: list[str], how: str) -> Iterator[None]:
    if how == "EtherType":
        with dropping(lab, ports[0], "ingress", PROBES), dropping(lab, ports[1], "ingress", PROBES):
            yield
        return
    for device in ports:
        switch(lab, "bridge", "link", "set", "dev", device, "isolated", "on")
    try:
        yield
    finally:
        for device in ports:
            switch(lab, "bridge", "link", "set", "dev", device, "isolated", "off")


def test_settings(lab, team):
    """Off, and on again, while the team runs."""
    wait_joined(team)
    team.run("team", "set", "team0", "probe=off")
    wait_until(lambda: team.show()["probing"].startswith("off"), SLOW, "no probing")
    team.run("team", "set", "team0", "probe=on", "probe-interval=20", "probe-multiplier=5",
             "probe-address=192.0.2.1,2001:db8::1")
    assert team.show()["probing"].startswith("every 20 ms")
    assert team.show()["settings"]["ProbeAddress"] == "192.0.2.1,2001:db8::1"
    team.run("team", "set", "team0", "probe-address=none")
    assert team.show()["settings"]["ProbeAddress"] == ""

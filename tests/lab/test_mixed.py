# SPDX-License-Identifier: GPL-2.0-or-later
"""A team of a VF and a virtio NIC (T14), and a member that is both (T13). In a lab of its own, which
has both."""
from __future__ import annotations

import os
import re
import signal
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from connections import connections
from lab import Lab, wait_until
from team import SLOW, running
from traffic import ping
from veth import PEER, PEER6

DRIVER = "/sys/bus/pci/drivers/igbvf"


@pytest.fixture(scope="module")
def both():
    """The VM is the guest here: the first NIC's VF and the virtio NIC are in a namespace of it."""
    with Lab(os.environ.get("IOVTEAM_LAB_KERNEL", "6.12"), virtio=1) as lab:
        lab.both = lab.namespace("both")
        lab.vf, lab.synthetic = lab.vfs[0], lab.virtio[0].name
        lab.guest.run(["ip", "link", "set", lab.vf, "netns", "both"])
        lab.host.run(["ip", "link", "set", lab.synthetic, "netns", "both"])
        yield lab


def seen(team):
    return {member["name"]: (member["path"], member["state"], member["buckets"])
            for member in team.show()["members"]}


def test_virtio_stands_by_beside_a_vf(both, build):
    vf, synthetic = both.vf, both.synthetic
    # The synthetic one is named first, and is not primary all the same.
    with running(both, build, (synthetic, vf), where=both.both) as team:
        assert seen(team) == {vf: ("hardware", "active", 1024),
                              synthetic: ("synthetic", "standby", 0)}
        assert team.primary == vf
        assert any(synthetic in note and "stands by" in note for note in team.show()["notes"])
        found = {f["check"] for f in team.run("doctor", "--json", check=False).json()["findings"]}
        assert "host-tells" in found

        with team.lost(vf):
            wait_until(lambda: team.primary == synthetic, SLOW, "virtio to be primary")
            # Its part is not dealt anew: the flows are guests there.
            assert seen(team)[vf] == ("hardware", "failed", 1024)
            team.reach(PEER)
            team.reach(PEER6)
        wait_until(lambda: team.primary == vf, SLOW, "the VF to be primary again")
        team.wait_state(synthetic, "standby")

        team.run("team", "set", team.name, "mixed=equal")
        assert seen(team) == {vf: ("hardware", "active", 512),
                              synthetic: ("synthetic", "active", 512)}
        team.run("team", "set", team.name, "mixed=weighted")  # virtio tells no speed
        assert seen(team) == {vf: ("hardware", "active", 819),
                              synthetic: ("synthetic", "active", 205)}
        team.run("team", "set", team.name, "mixed=standby")
        team.run("member", "set", team.name, vf, "role=standby")  # the administrator knows better
        assert seen(team) == {vf: ("hardware", "standby", 0),
                              synthetic: ("synthetic", "active", 1024)}
        ping(both.peer, team.IPV4)


# --- T13: the VF and the virtio NIC have one MAC ---


def plug(lab, name):
    """The VF's driver is bound, and the device goes to the guest under this name, as its host would
    have it."""
    lab.host.sh(f"""
        echo {lab.bus} > {DRIVER}/bind
        ip link set $(ls /sys/bus/pci/devices/{lab.bus}/net) netns both name {name}""")


def unplug(lab):
    lab.host.sh(f"echo {lab.bus} > {DRIVER}/unbind")


@pytest.fixture(scope="module")
def paired(both):
    """The first VF gets the MAC of the virtio NIC. The other NIC's VF is there, too."""
    vf = both.both.run(["ip", "-j", "-d", "link", "show", both.vf]).json()[0]
    both.bus, both.mac, both.mate = vf["parentdev"], both.virtio[0].mac, both.vfs[1]
    both.guest.run(["ip", "link", "set", both.mate, "netns", "both"])
    unplug(both)
    both.host.run(["ip", "link", "set", both.pfs[0].name, "vf", "0", "mac", both.mac])
    plug(both, both.vf)
    return both


def shown(team):
    return next(m for m in team.show()["members"] if m["device"] == team.lab.mac)


def carries(team):
    return [path["name"] for path in shown(team)["paths"] if path["carries"]]


def wait_carries(team, name):
    wait_until(lambda: carries(team) == [name] and team.primary in (name, team.lab.mate), SLOW,
               f"{name} to carry")


def link_local(team):
    """The team's own, once nobody else was found to have it; "" before."""
    found = team.where.run(["ip", "-j", "-6", "address", "show", "team0", "scope", "link"]).json()
    return next((address["local"] for address in found[0]["addr_info"]
                 if address.get("scope") == "link" and not address.get("tentative")), "")


@dataclass
class Pings:
    sent: int = 0
    answered: int = 0
    duplicates: int = 0


@contextmanager
def pings(where, address):
    """Twenty a second for a block, counted at its end."""
    counted = Pings()
    with where.spawn(["ping", "-q", "-i", "0.05", address]) as process:
        yield counted
        process.kill(signal.SIGINT)
        text = process.expect("packet loss")
    found = re.search(r"(\d+) packets transmitted, (\d+) received(?:, \+(\d+) duplicates)?", text)
    counted.sent, counted.answered, counted.duplicates = (int(n or 0) for n in found.groups())


@contextmanager
def two_paths(lab, build, *settings):
    with running(lab, build, (lab.mac, lab.mate), *settings, where=lab.both) as team:
        wait_carries(team, lab.vf)
        team.reach(PEER)
        yield team


def test_a_vf_and_a_virtio_nic_of_one_mac_are_one_member(paired, build):
    vf, synthetic, mate = paired.vf, paired.synthetic, paired.mate
    with two_paths(paired, build) as team:
        assert team.show()["state"] == "up"
        assert [(m["name"], m["path"], m["buckets"]) for m in team.show()["members"]] == [
            (vf, "hardware", 512), (mate, "hardware", 512)]
        # What the network sends to all comes by both paths, and is delivered once.
        wait_until(lambda: link_local(team), SLOW, "the link-local address to be in use")
        own = link_local(team)
        answers = paired.peer.run(["ping", "-c", "10", "-i", "0.05", "-W", "2", "ff02::1%eth0"],
                                  check=False).out
        assert 8 <= answers.count(f"from {own}") <= 10, answers
        assert shown(team)["drops"]["not_primary"] > 0

        with pings(paired.peer, team.IPV4) as counted, \
                connections(paired, team, remote=PEER) as talk:
            unplug(paired)
            wait_carries(team, synthetic)
            assert shown(team)["paths"][1]["reason"] == "not-present" or \
                shown(team)["paths"][0]["reason"] == "not-present"
            assert (team.show()["state"], shown(team)["state"]) == ("up", "active")
            assert shown(team)["path"] == "synthetic"
            assert any("carries for the other path" in note for note in team.show()["notes"])
            assert [m["buckets"] for m in team.show()["members"]] == [512, 512]
            talk.more_answers(10, "answers by the synthetic path")
            plug(paired, "late0")  # another name, another number, and nobody says a word
            wait_carries(team, "late0")
            talk.more_answers(10, "answers by the VF")
            guest, peer = talk.end()
        for way in ("out", "in"):
            assert guest[way][:2] == peer[way][:2]
        assert carries(team) == ["late0"]
        assert counted.duplicates == 0 and counted.answered > 100, counted
        print(f"pings: {counted}; the longest wait for an answer by TCP: {guest['ask'][1]} s")

        team.run("member", "drain", team.name, synthetic)  # either name is the member's
        wait_until(lambda: shown(team)["drained"] and team.primary == mate, SLOW, "it to be drained")
        team.run("member", "restore", team.name, "late0")
        wait_carries(team, "late0")
        team.run("member", "remove", team.name, "late0")
        links = {link["ifname"]: link for link in team.where.run(["ip", "-j", "link"]).json()}
        assert "master" not in links["late0"] and "master" not in links[synthetic]
    unplug(paired)
    plug(paired, vf)


@pytest.mark.long
def test_a_silent_vf_leaves_its_part_to_the_virtio_nic(paired, build):
    """Its NIC has no cable, but the VF has a carrier; the virtio NIC has another way out here."""
    settings = ("probe=on", "probe-interval=100")
    with two_paths(paired, build, *settings) as team:
        with paired.peer.spawn(["ping", "-i", "0.1", team.IPV4]):
            try:
                paired.cable(0, up=False)
                wait_carries(team, paired.synthetic)
                reasons = {p["name"]: p["reason"] for p in shown(team)["paths"]}
                assert reasons == {paired.vf: "path-unresponsive", paired.synthetic: "none"}
                team.reach(PEER)
            finally:
                paired.cable(0, up=True)
            wait_carries(team, paired.vf)
            team.reach(PEER)

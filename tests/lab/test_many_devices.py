# SPDX-License-Identifier: GPL-2.0-or-later
"""As test_many.py, over drivers of real NICs: four VFs of two NICs, where one NIC takes two members
with it, and four virtio NICs, whose cables go one by one. In a lab of their own, which has them.
"""
from __future__ import annotations

import os

import pytest

from lab import Lab, wait_until
from places import FLOWS, places
from team import SLOW, running
from test_many import FORGOTTEN_MAX, SETTINGS, equal, judge, states
from veth import PEER6

pytestmark = pytest.mark.long

RATE = 400  # an emulated NIC carries less than veth


@pytest.fixture(scope="module")
def wide():
    """The VM is the guest here: all VFs (v00 and v01 are the first NIC's) and virtio NICs are in
    its namespace "wide"."""
    with Lab(os.environ.get("IOVTEAM_LAB_KERNEL", "6.12"), vfs=2, virtio=4, memory=1024) as lab:
        lab.wide = lab.namespace("wide")
        for pf, name in enumerate(lab.vfs):
            lab.guest.run(["ip", "link", "set", name, "name", f"v{pf}0", "netns", "wide"])
            lab.host.run(["ip", "link", "set", f"{lab.pfs[pf].name}v1", "name", f"v{pf}1",
                          "netns", "wide"])
        lab.host.sh("".join(f"ip link set {nic.name} netns wide;" for nic in lab.virtio))
        yield lab


def macs_of(where, members):
    links = where.run(["ip", "-j", "link", "show"]).json()
    return {link["ifname"]: link["address"] for link in links if link["ifname"] in members}


class Story:
    """Acts in which links of real devices go and return."""

    def __init__(self, lab, team, seen, pull):
        self.lab, self.team, self.seen, self._pull = lab, team, seen, pull

    def change(self, name, lost=(), returned=(), still=()):
        with self.seen.act(name, {*lost, *still}, returned) as act:
            self.seen.arriving(FLOWS // 4)
            for member in returned:
                self._pull(member, True)
            for member in lost:
                self._pull(member, False)
            states(self.team, dict.fromkeys((*lost, *still), "failed"))
            # Sent again after the change, and once more from the new place.
            self.seen.arriving(2 * FLOWS)
            wait_until(lambda: self._home({*lost, *still}), SLOW, "the flows to be home")
        judge(act, FORGOTTEN_MAX if lost else 0)
        for flow, (place, home) in enumerate(zip(act.places, self.seen.home)):
            assert place not in {*lost, *still}, (name, flow, place)
            assert place == home or home in {*lost, *still}, (name, flow, place, home)

    def _home(self, away):
        return all(member["buckets_held"] >= member["buckets"] for member in
                   self.team.show()["members"] if member["name"] not in away)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_virtio(wide, build, count):
    """QEMU pulls the cables: the only way in which a virtio NIC loses its link."""
    members = [nic.name for nic in wide.virtio[:count]]
    by_name = dict(zip(members, wide.virtio))
    macs = macs_of(wide.wide, members)
    with running(wide, build, members, *SETTINGS, where=wide.wide) as team:
        equal(team, count)
        team.reach()
        team.reach(PEER6)
        with places(wide.wide, wide.peer, build, team, macs, rate=RATE) as seen:
            with seen.act("healthy") as act:
                seen.arriving(2 * FLOWS)
            judge(act)
            story = Story(wide, team, seen,
                          lambda member, up: wide.cable(by_name[member], up=up))
            first = team.primary
            story.change("one-lost", lost=[first])
            second = team.primary
            story.change("one-returns-another-goes", lost=[second], returned=[first])
            story.change("it-returns", returned=[second])
            if count > 2:
                story.change("two-lost", lost=[first, second])
                story.change("two-return", returned=[first, second])
            assert seen.now == seen.home


def test_vfs_of_two_nics(wide, build):
    """A NIC that goes down takes both of its VFs, in the same moment."""
    members = ["v00", "v10", "v01", "v11"]
    macs = macs_of(wide.wide, members)
    with running(wide, build, members, *SETTINGS, where=wide.wide) as team:
        equal(team, len(members))
        team.reach()
        team.reach(PEER6)
        with places(wide.wide, wide.peer, build, team, macs, rate=RATE) as seen:
            with seen.act("healthy") as act:
                seen.arriving(2 * FLOWS)
            judge(act)

            def pull(member, up):
                wide.host.run(["ip", "link", "set", wide.pfs[int(member[1])].name,
                               "up" if up else "down"])

            story = Story(wide, team, seen, pull)
            nic = team.primary[1]
            gone = [member for member in members if member[1] == nic]
            story.change("two-lost", lost=gone)
            story.change("two-return", returned=gone)
            assert seen.now == seen.home

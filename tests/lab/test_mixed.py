# SPDX-License-Identifier: GPL-2.0-or-later
"""A team of a VF and a virtio NIC (T14). In a lab of its own, which has both."""
from __future__ import annotations

import os

import pytest

from lab import Lab, wait_until
from team import SLOW, running
from traffic import ping
from veth import PEER, PEER6


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

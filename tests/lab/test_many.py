# SPDX-License-Identifier: GPL-2.0-or-later
"""Teams of 2 to 32 members under traffic while links go and return: a flow whose member is well
does not move, loses nothing, and no flow is ever doubled or reordered. Shares are exact, and flows
follow them.

Over veth, whose carrier goes at once; the same over VFs and virtio is in test_many_devices.py.
"""
from __future__ import annotations

import pytest

from lab import wait_until
from places import BUCKETS, FLOWS, outliers, places
from team import SLOW
from veth import PEER6, network  # noqa: F401

SIZES = [2, 3, 4, 8, 32]
# A flow pauses for half a second between its packets: long enough to go home with the next one.
SETTINGS = ["return-idle-ms=50", "stable-time-ms=100"]


def shares(team):
    return {member["name"]: member["buckets"] for member in team.show()["members"]}


def equal(team, count):
    """T4: dealt exactly, to one bucket."""
    dealt = shares(team)
    assert len(dealt) == count and sum(dealt.values()) == BUCKETS
    assert max(dealt.values()) - min(dealt.values()) <= 1, dealt
    return dealt


def spread(network, build, team, macs, seen, dealt):  # noqa: F811
    """Flows follow the shares. By chance alone one in some hundred runs has a member outside four
    standard deviations; new flows show whether it was that."""
    beyond = outliers(seen.count(seen.home), dealt)
    if beyond:
        print(f"outside four standard deviations: {beyond}")
        with places(network.guest, network.peer, build, team, macs, port=30000) as again:
            with again.act("again"):
                again.arriving()
        beyond = outliers(again.count(), dealt)
    assert not beyond


def judge(act, lossless=True):
    """@lossless: flows that stay lose nothing either."""
    for direction in (act.out, act.into):
        assert (direction["duplicated"], direction["reordered"]) == (0, 0), (act.name, direction)
    assert act.healthy_moved == [], act.name
    assert not lossless or act.healthy_lost == 0, act.name


def states(team, wanted):
    """Waits until the members named are in these states, and all others active."""
    def reached():
        return all(member["state"] == wanted.get(member["name"], "active")
                   for member in team.show()["members"])
    wait_until(reached, SLOW, f"members: {wanted or 'all active'}")


class Play:
    """Acts in which links go and return."""

    def __init__(self, network, team, seen):  # noqa: F811
        self.network, self.team, self.seen = network, team, seen

    def change(self, name, lost=(), returned=()):
        before = set(self.network.pulled)
        with self.seen.act(name, {*before, *lost}, returned) as act:
            if len(before) < len(self.network.members):
                self.seen.arriving(FLOWS // 4)
            self.network.carriers({**dict.fromkeys(returned, True),
                                   **dict.fromkeys(lost, False)})
            states(self.team, dict.fromkeys(self.network.pulled, "failed"))
            if len(self.network.pulled) < len(self.network.members):
                # Each flow sends twice: once to find its new place, once from there.
                self.seen.arriving(2 * FLOWS)
        judge(act)
        away = self.network.pulled
        for flow, (place, home) in enumerate(zip(act.places, self.seen.home)):
            if len(away) < len(self.network.members):
                assert place not in away, (name, flow, place)
                assert place == home or home in away, (name, flow, place, home)
        return act


@pytest.mark.parametrize("count", SIZES)
def test_healthy_flows_stay(network, build, count):  # noqa: F811
    network.make(count)
    macs = network.macs()
    network.guard_ports(macs)
    with network.team(*SETTINGS) as team:
        dealt = equal(team, count)
        team.reach(PEER6)
        with places(network.guest, network.peer, build, team, macs) as seen:
            with seen.act("healthy") as act:
                seen.arriving(2 * FLOWS)
            judge(act)
            assert (act.healthy, act.out["lost"], act.into["lost"]) == (FLOWS, 0, 0)
            spread(network, build, team, macs, seen, dealt)
            play = Play(network, team, seen)
            first = team.primary
            play.change("one-lost", lost={first})
            # The other one is what is primary now.
            second = team.primary
            play.change("one-returns-another-goes", lost={second}, returned={first})
            play.change("it-returns", returned={second})
            assert seen.now == seen.home
            play.change("two-lost", lost={first, second})
            play.change("two-return", returned={first, second})
            assert seen.now == seen.home
        for member, (own, foreign) in network.guarded().items():
            assert own > 0 and foreign == 0, (member, own, foreign)
        assert shares(team) == dealt

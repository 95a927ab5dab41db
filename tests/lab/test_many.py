# SPDX-License-Identifier: GPL-2.0-or-later
"""Teams of 2 to 32 members under traffic while links go and return: a flow whose member is well
does not move, loses nothing, and no flow is ever doubled or reordered. Shares are exact, and flows
follow them.

Over veth, whose carrier goes at once; the same over VFs and virtio is in test_many_devices.py.
"""
from __future__ import annotations

from fractions import Fraction

import pytest

from lab import wait_until
from places import BUCKETS, FLOWS, RATE, outliers, places
from team import SLOW
from veth import PEER6, network  # noqa: F401

pytestmark = pytest.mark.long  # about two minutes for 32 members alone
SIZES = [2, 3, 4, 8, 32]
# A flow pauses for half a second between its packets: long enough to go home with the next one.
SETTINGS = ["return-idle-ms=50", "stable-time-ms=100"]


# By number of members, since those of one number are one team whose weights change.
WEIGHTS = {
    2: [(1, 1), (1, 2), (2, 3), (100, 1), (1000, 1)],
    3: [(1, 3, 5), (7, 11, 13)],
    4: [(1, 1, 1, 997)],
    32: [tuple(range(1, 33)), (1,) * 31 + (1000,)],
}


def shares(team):
    return {member["name"]: member["buckets"] for member in team.show()["members"]}


def equal(team, count):
    """T4: dealt exactly, to one bucket."""
    dealt = shares(team)
    assert len(dealt) == count and sum(dealt.values()) == BUCKETS
    assert max(dealt.values()) - min(dealt.values()) <= 1, dealt
    return dealt


def exact(weights):
    """T4: the buckets of each member, and of what is left over one each to the largest parts."""
    quotas = [Fraction(BUCKETS * weight, sum(weights)) for weight in weights]
    dealt = [int(quota) for quota in quotas]
    by_rest = sorted(range(len(weights)), key=lambda i: dealt[i] - quotas[i])
    for i in by_rest[:BUCKETS - sum(dealt)]:
        dealt[i] += 1
    return dealt


def spread(network, build, team, macs, dealt):  # noqa: F811
    """New flows follow the shares. By chance alone one in some hundred runs has a member outside
    four standard deviations; other flows show whether it was that."""
    for _ in range(2):
        with places(network.guest, network.peer, build, team, macs, flows=512,
                    port=30000) as seen:
            with seen.act("spread"):
                seen.arriving(512)
        beyond = outliers(seen.count(), dealt)
        if not beyond:
            return
        print(f"outside four standard deviations: {beyond}")
    pytest.fail(f"outside four standard deviations twice: {beyond}")


# When bonding changes over, the kernel forgets the team's neighbours, and with them what waits for
# their answer: packets of flows that stay, too, if it changes over once more before the daemon has
# told them again.
FORGOTTEN_MAX = RATE // 10  # 100 ms of them


def judge(act, may_lose=0):
    """@may_lose: packets of flows that stay."""
    for direction in (act.out, act.into):
        assert (direction["duplicated"], direction["reordered"]) == (0, 0), (act.name, direction)
    assert act.healthy_moved == [], act.name
    assert act.healthy_lost <= may_lose, act.name


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
        judge(act, FORGOTTEN_MAX if lost else 0)
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
            if outliers(seen.count(seen.home), dealt):
                spread(network, build, team, macs, dealt)
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


@pytest.mark.parametrize("count", WEIGHTS)
def test_flows_follow_weights(network, build, count):  # noqa: F811
    network.make(count)
    macs = network.macs()
    with network.team(*SETTINGS) as team:
        team.reach(PEER6)
        now = [100] * count  # the default
        for weights in WEIGHTS[count]:
            for member, weight, was in zip(network.members, weights, now):
                if weight != was:
                    team.run("member", "set", team.name, member, f"weight={weight}")
            now = weights
            dealt = shares(team)
            assert [dealt[member] for member in network.members] == exact(weights), weights
            spread(network, build, team, macs, dealt)

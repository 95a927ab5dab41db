# SPDX-License-Identifier: GPL-2.0-or-later
"""Where each flow is, act by act, as the far end sees it, and which flows moved without need.

Nothing here asks the daemon: a flow is where its packets come from, by the source MAC that they
reach the peer with (the recorder's watch), and MACs are told to members by what the kernel had
before there was a team. That a MAC comes in at its own member's port only is veth.Network's
guard_ports().

    with places(network.guest, network.peer, build, team, macs) as seen:
        with seen.act("lost", lost={"m0"}):
            ...
        assert seen.acts["lost"].healthy_moved == []
"""
from __future__ import annotations

import math
from contextlib import contextmanager
from types import SimpleNamespace

from acts import Recorder
from lab import wait_until
from lab.demo_traffic import Traffic
from team import SLOW, binary
from veth import PEER, PEER6

FLOWS, RATE = 256, 1000  # each way
BUCKETS = 1024


class Places:
    """The recorders at both ends and every flow's place, a member, through the acts."""

    def __init__(self, traffic, macs):
        self._traffic = traffic
        self._names = {mac: member for member, mac in macs.items()}
        self.home: list[str] = []  # where the first act has found each flow
        self.now: list[str] = []
        self.acts: dict[str, SimpleNamespace] = {}

    def arriving(self, packets=FLOWS):
        """Waits until so many more have come to each end."""
        before = self._traffic.received()
        wait_until(lambda: all(now - then >= packets for now, then in
                               zip(self._traffic.received(), before)), SLOW, "packets to come")

    @contextmanager
    def act(self, name, lost=(), returned=()):
        """A block under traffic, and its judgement. @lost: members that are without a link at
        some time in it; @returned: those that are back at its end."""
        act = self.acts[name] = SimpleNamespace(name=name)
        self._traffic.begin(name)
        yield act
        self._traffic.drain()
        guest, peer = ({a["name"]: a for a in report["acts"]}[name]
                       for report in self._traffic.reports())
        assert peer["watch"]["drops"] == 0
        act.out, act.into = way(guest, peer), way(peer, guest)
        self._follow(act, guest, peer, set(lost), set(returned))
        print(f"{name}: out {act.out}, in {act.into}, moved {len(act.moved)},"
              f" healthy {act.healthy}: moved {len(act.healthy_moved)}, lost {act.healthy_lost}")

    def _follow(self, act, guest, peer, lost, returned):
        watch = peer["watch"]
        members = [self._names.get(mac, mac) for mac in watch["macs"]]
        first, last = ([members[i] if i >= 0 else "" for i in watch[which]]
                       for which in ("first", "last"))
        self.home, self.now = self.home or first, self.now or first
        act.moved, act.healthy_moved, act.healthy, act.healthy_lost = [], [], 0, 0
        for flow, (was, home) in enumerate(zip(self.now, self.home)):
            stayed = (first[flow], last[flow], watch["changes"][flow]) == (was, was, 0)
            if not stayed and last[flow]:
                act.moved.append(flow)
            if was in lost or (home in returned and home != was):
                continue  # it has a reason to move
            act.healthy += 1
            act.healthy_lost += guest["flows_sent"][flow] - peer["flows_unique"][flow]
            if not stayed:
                act.healthy_moved.append((flow, was, first[flow], last[flow]))
        act.before = self.now
        # Of a flow nothing may have come: then it is where it was.
        act.places = self.now = [place or was for place, was in zip(last, self.now)]

    def count(self, places=None):
        """By member: how many flows."""
        places = self.now if places is None else places
        return {member: places.count(member) for member in self._names.values()}


def way(sender, receiver):
    sent, received = sender["sent"], receiver["received"]
    assert received["socket_drops"] == 0  # the recorder's own
    return {"sent": sent["sent"], "lost": sent["sent"] - received["unique"],
            "duplicated": received["duplicated"], "reordered": received["reordered"],
            "flow_gap_ms": round(received["flow_gap_ms"])}


@contextmanager
def places(guest, peer, build, team, macs, flows=FLOWS, rate=RATE, port=20000):
    recorder = binary(build, "recorder")
    ends = []
    try:
        for where, own, other, watch in (
                (guest, (team.IPV4, team.IPV6), (PEER, PEER6), []),
                (peer, (PEER, PEER6), (team.IPV4, team.IPV6), ["--watch", "eth0"])):
            pairs = [word for pair in zip(own, other)
                     for word in ("--local", pair[0], "--peer", pair[1])]
            ends.append(Recorder(where, recorder, *pairs, "--flows", flows, "--rate", rate,
                                 "--port", port, *watch))
        yield Places(Traffic(*ends), macs)
    finally:
        for end in ends:
            end.stop()


def outliers(counts, shares):
    """Members whose number of flows is more than four standard deviations off the expectation
    of the binomial distribution: (member, flows, expected, deviation). @shares: buckets."""
    flows, found = sum(counts.values()), []
    for member, buckets in shares.items():
        share = buckets / BUCKETS
        deviation = math.sqrt(flows * share * (1 - share))
        if abs(counts[member] - flows * share) > 4 * deviation:
            found.append((member, counts[member], flows * share, deviation))
    return found

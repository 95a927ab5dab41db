# SPDX-License-Identifier: GPL-2.0-or-later
"""Traffic both ways while a test does something to a team, and what each such act has suffered."""
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from lab import wait_until
from lab.demo_measure import Flows
from lab.demo_traffic import End, Traffic
from team import SLOW, binary, team  # noqa: F401

PEER4, PEER6 = "192.0.2.1", "2001:db8::1"
FLOWS, RATE = 64, 400  # each way; modest, because the machine is emulated
ENOUGH = 400  # packets each way that an act must carry to say anything
# Seconds: the VF driver looks at its link every two, bonding may wait for the dead NIC.
SILENCE_MAX = 15


class Recorder(End):
    def stop(self):
        self._process.stop()


class Acts:
    """The recorders at both ends, and what one act of them did: acts(name) is a block."""

    def __init__(self, traffic, team):
        self._traffic, self._team = traffic, team
        self._flows = Flows()
        self.done = {}

    def more(self, packets=ENOUGH):
        """Waits until so many more packets have been sent by both, whatever came of them."""
        before = self._traffic.sent()
        wait_until(lambda: all(now - then >= packets for now, then in
                               zip(self._traffic.sent(), before)), SLOW, "packets to be sent")

    def arriving(self, packets=FLOWS):
        """Waits until both receive."""
        before = self._traffic.received()
        wait_until(lambda: all(now - then >= packets for now, then in
                               zip(self._traffic.received(), before)), SLOW, "packets to come")

    @contextmanager
    def __call__(self, name, lost=""):
        """An act, and its judgement: out, into, moved and disturbed flows (without need), when
        the link of the member @lost goes."""
        act = self.done[name] = SimpleNamespace(name=name)
        self._traffic.begin(name)
        yield act
        self._traffic.drain()
        guest, peer = ({a["name"]: a for a in report["acts"]}[name]
                       for report in self._traffic.reports())
        act.out, act.into = self._way(guest, peer), self._way(peer, guest)
        macs = [*peer["watch"]["macs"], ""]
        act.first, act.last = ([macs[i] for i in peer["watch"][which]]
                               for which in ("first", "last"))
        act.changes = peer["watch"]["changes"]
        act.flows_lost = [sent - unique for sent, unique in
                          zip(guest["flows_sent"], peer["flows_unique"])]
        act.before = self._flows.now
        act.moved, act.disturbed = self._flows.follow(peer["watch"],
                                                      self._team.macs.get(lost, ""))
        print(f"{name}: out {act.out}, in {act.into}, moved {act.moved}")

    @staticmethod
    def _way(sender, receiver):
        sent, received = sender["sent"], receiver["received"]
        assert received["socket_drops"] == 0  # the recorder's own
        return {"sent": sent["sent"], "lost": sent["sent"] - received["unique"],
                "duplicated": received["duplicated"], "reordered": received["reordered"],
                "gap_ms": round(received["gap_ms"]), "flow_gap_ms": round(received["flow_gap_ms"])}

    def healthy(self):
        """A first act, in which nothing happens."""
        with self("healthy") as act:
            self.more()
        self.unharmed("healthy")
        assert sum(act.changes) == 0
        return act

    def unharmed(self, name):
        """In this act nothing was lost, duplicated or reordered, either way."""
        act = self.done[name]
        for way in (act.out, act.into):
            assert way["sent"] >= ENOUGH, (name, way)
            assert (way["lost"], way["duplicated"], way["reordered"]) == (0, 0, 0), (name, way)

    def intact(self, name):
        """Links were lost: packets with them, but none twice, and never a silence too long."""
        act = self.done[name]
        for way in (act.out, act.into):
            assert (way["duplicated"], way["reordered"]) == (0, 0), (name, way)
            assert way["flow_gap_ms"] < SILENCE_MAX * 1000, (name, way)


@contextmanager
def traffic_of(guest, peer, build, team, rate=RATE):
    recorder = binary(build, "recorder")
    options = ["--flows", FLOWS, "--rate", rate]
    ends = []
    try:
        for where, local, peer, watch in (
                (guest, (team.IPV4, team.IPV6), (PEER4, PEER6), []),
                (peer, (PEER4, PEER6), (team.IPV4, team.IPV6), ["--watch", "eth0"])):
            pairs = [word for pair in zip(local, peer)
                     for word in ("--local", pair[0], "--peer", pair[1])]
            ends.append(Recorder(where, recorder, *pairs, *options, *watch))
        yield Acts(Traffic(*ends), team)
    finally:
        for end in ends:
            end.stop()


@pytest.fixture
def acts(lab, build, team):  # noqa: F811
    """Traffic both ways, over IPv4 and IPv6, and a first act that shows where each flow is."""
    team.reach(PEER6)
    with traffic_of(lab.guest, lab.peer, build, team) as made:
        act = made.healthy()
        assert set(act.first) == set(team.macs.values())
        yield made

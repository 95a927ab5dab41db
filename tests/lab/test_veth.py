# SPDX-License-Identifier: GPL-2.0-or-later
"""The same team over veth: more than two members, members with queues, a carrier that goes at
once. What a VF's receive filters do is in test_everything.py, larger teams are in test_many.py.
"""
from __future__ import annotations

import pytest

from lab import wait_until
from team import PYTHON, SLOW
from traffic import Receiver, flows, known_at, ping, send_udp
from veth import PEER, PEER6, network  # noqa: F401


def sent_flows(network, team, count, rounds=4):
    """Sends flows; by member, the ports of those that it has sent."""
    with Receiver(network.peer) as receiver, network.seen(f"udp and dst {PEER}") as seen:
        send_udp(network.guest, flows(count, team.IPV4, PEER), rounds=rounds)
        assert len(receiver.wait(count * rounds)) == count * rounds
        wait_until(lambda: sum(len(c.frames()) for c in seen.values()) >= count * rounds, SLOW,
                   "the frames at the switch")
        for member, capture in seen.items():
            assert {frame.source for frame in capture.frames()} <= {team.macs[member]}
        return {member: {int(frame.text.split(f"{team.IPV4}.")[1].split()[0])
                         for frame in capture.frames()} for member, capture in seen.items()}


@pytest.mark.parametrize("count", [2, 3, 4])
def test_flows_spread_evenly_and_move_only_if_they_must(network, count):  # noqa: F811
    network.make(count)
    with network.team("return-idle-ms=10") as team:
        shown = team.show()
        # T4: dealt exactly, to one bucket.
        buckets = [member["buckets"] for member in shown["members"]]
        assert sum(buckets) == 1024 and max(buckets) - min(buckets) <= 1, buckets
        # T2: only more than two are worth a word.
        assert any("Windows" in note for note in shown["notes"]) == (count > 2), shown["notes"]

        home = sent_flows(network, team, 64)
        assert sum(map(len, home.values())) == 64
        # Each member expects 64 / count; fewer than 3 of 16: once in 5000 boots, the hash is seeded
        # at boot.
        assert min(map(len, home.values())) >= 3, home

        lost = team.primary
        network.carrier(lost, up=False)
        team.wait_state(lost, "failed")
        ping(network.peer, team.IPV4)
        away = sent_flows(network, team, 64)
        assert lost not in away and sum(map(len, away.values())) == 64
        for member in away:
            assert home[member] <= away[member]  # T5: nobody else moved

        network.carrier(lost, up=True)
        wait_until(team.well, SLOW, f"{lost} to be used again")
        assert sent_flows(network, team, 64) == home


def test_carrier_loss_fails_over_and_peers_are_told(network):  # noqa: F811
    network.make(2)
    with network.team() as team:
        lost, left = team.primary, team.other()
        for address in (team.IPV4, team.IPV6):
            ping(network.peer, address)
            assert known_at(network.peer, address) == team.macs[lost]
        network.carrier(lost, up=False)
        team.wait_state(lost, "failed")
        shown = team.show()
        assert (shown["state"], shown["primary"], shown["mac"]) == ("degraded", left,
                                                                    team.macs[left])
        assert team.member(lost)["reason"] == "media-disconnected"
        for address in (team.IPV4, team.IPV6):
            # Nobody has asked: it was announced.
            wait_until(lambda: known_at(network.peer, address) == team.macs[left], SLOW,
                       f"the peer to know {address} at {left}")
            ping(network.peer, address)
        for address in (PEER, PEER6):
            ping(network.guest, address)
        network.carrier(lost, up=True)
        wait_until(team.well, SLOW, f"{lost} to be used again")
        ping(network.peer, team.IPV4)


def test_switchover_loses_nothing(network):  # noqa: F811
    network.make(2)
    count = 300
    with network.team() as team:
        pings = [where.spawn(["ping", "-n", "-c", str(count), "-i", "0.02", "-W", "20", address])
                 for where, address in ((network.guest, PEER), (network.guest, PEER6),
                                        (network.peer, team.IPV4), (network.peer, team.IPV6))]
        try:
            for process in pings:
                process.expect("seq=10 ")
            for _ in range(4):
                team.switchover(team.other())
            assert all(process.running for process in pings)
            for process in pings:
                told = process.wait(120).out
                assert f"{count} packets transmitted, {count} received, 0% packet loss" in told, told
                assert "duplicates" not in told, told
        finally:
            for process in pings:
                process.stop()


QUEUES = """
import re, subprocess, sys
for member in sys.argv[1:]:
    told = subprocess.run(["tc", "-s", "qdisc", "show", "dev", member], capture_output=True,
                          text=True, check=True).stdout
    print(member, *re.findall(r"parent 1:\\d+.*\\n Sent \\d+ bytes (\\d+) pkt", told))
"""


def test_all_queues_of_members_are_used(network):  # noqa: F811
    network.make(2, queues=4)
    # veth has no qdisc by itself: mq counts by queue.
    network.guest.sh("".join(
        f"tc qdisc replace dev {m} root handle 1: mq;" + "".join(
            f"tc qdisc replace dev {m} parent 1:{queue} pfifo;" for queue in range(1, 5))
        for m in network.members))
    with network.team() as team:
        def by_queue():
            lines = network.guest.run([*PYTHON, "-c", QUEUES, *network.members]).out.split("\n")
            return {row[0]: list(map(int, row[1:])) for row in map(str.split, lines[:-1])}

        before = by_queue()
        assert {len(queues) for queues in before.values()} == {4}, before
        sent = sent_flows(network, team, 128)
        grown = {member: [after - first for after, first in zip(queues, before[member])]
                 for member, queues in by_queue().items()}
        for member, queues in grown.items():
            # A member's flows, 4 frames each, and little else.
            assert 4 * len(sent[member]) <= sum(queues) <= 4 * len(sent[member]) + 20, grown
            # About 64 flows over 4 queues: one without any, once in 20 million boots. So at least
            # one flow (4 frames) each; usually some 16.
            assert min(queues) >= 4, grown

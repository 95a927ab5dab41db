# SPDX-License-Identifier: GPL-2.0-or-later
"""T3: what a flow's member depends on, with real frames over veth (test_veth.py has the network)."""
import math

import pytest

from lab import wait_until
from observed import link
from team import SLOW
from test_veth import PEER, network, sent_flows  # noqa: F401
from traffic import Receiver, known_at, send_udp

PEERS = 64
NETWORK = "198.51.100"


def used(sent):
    """Members that have sent any."""
    return [member for member, ports in sent.items() if ports]


def test_ports_do_not_matter_by_addresses(network):  # noqa: F811
    network.make(3)
    with network.team("distribution=ip-addresses") as team:
        where = used(sent_flows(network, team, 64))
        assert len(where) == 1
        asked = [team.explain(protocol, f"{team.IPV4}:{port}", f"{PEER}:{port + 1}")
                 for protocol in ("tcp", "udp") for port in (1, 1000, 60000)]
        assert {answer["member"] for answer in asked} == set(where)
        assert {answer["hash_source"] for answer in asked} == {"of both IP addresses"}
        # And back, while the team runs: nothing is made anew.
        index = link(team.where, team.name)["ifindex"]
        team.run("team", "set", team.name, "distribution=transport-ports")
        assert len(used(sent_flows(network, team, 64))) == 3
        assert link(team.where, team.name)["ifindex"] == index
        assert team.show()["settings"]["Distribution"] == "transport-ports"


@pytest.mark.parametrize("count", [2, 4])
def test_addresses_spread(network, count):  # noqa: F811
    network.make(count)
    network.peer.sh("".join(f"ip address add {NETWORK}.{n}/24 dev eth0\n"
                            for n in range(1, PEERS + 1)))
    with network.team("distribution=ip-addresses") as team:
        network.guest.sh(f"ip address add {NETWORK}.200/24 dev {team.name}")
        flows = [(f"{NETWORK}.200", 40000 + n, f"{NETWORK}.{n}", 5000)
                 for n in range(1, PEERS + 1)]
        with Receiver(network.peer) as receiver, \
                network.seen(f"udp and src {NETWORK}.200") as seen:
            send_udp(network.guest, flows, rounds=2)
            receiver.wait(2 * PEERS)
            wait_until(lambda: sum(len(c.frames()) for c in seen.values()) >= 2 * PEERS, SLOW,
                       "the frames at the switch")
            sent = {member: {frame.text.split(f"> {NETWORK}.")[1].split(".")[0]
                             for frame in capture.frames()} for member, capture in seen.items()}
        shares = [len(peers) for peers in sent.values()]
        assert sum(shares) == PEERS, sent  # each peer by one member
        deviation = math.sqrt(PEERS * (1 / count) * (1 - 1 / count))
        assert all(abs(share - PEERS / count) <= 4 * deviation for share in shares), shares
        for n in (1, 17, 64):  # the loaded program says the same
            answer = team.explain("udp", f"{NETWORK}.200:1", f"{NETWORK}.{n}:2")
            assert str(n) in sent[answer["member"]], answer


def test_a_neighbour_is_one_member_by_macs(network):  # noqa: F811
    network.make(3)
    with network.team("distribution=mac-addresses") as team:
        where = used(sent_flows(network, team, 64))
        assert len(where) == 1
        answer = team.explain("tcp", f"{team.IPV4}:1", f"{PEER}:2")
        assert [answer["member"]] == where
        assert answer["hash_source"] == "of the neighbour's MAC and the VLAN"
        mac = known_at(network.guest, PEER, team.name)
        assert team.explain(team.show()["mac"], mac)["bucket"] == answer["bucket"]
        # Of an address that is no neighbour's there is nothing to say.
        refused = team.run("explain", team.name, "tcp", f"{team.IPV4}:1", "203.0.113.1:2",
                           check=False)
        assert refused.rc == 1 and "no neighbour's that is known" in refused.err, refused.err

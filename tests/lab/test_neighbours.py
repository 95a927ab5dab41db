# SPDX-License-Identifier: GPL-2.0-or-later
"""Neighbours that outlive a change of the primary. The kernel forgets those of a device whose MAC
changes; here nobody would answer its questions, so what it is not told again it does not know."""
from contextlib import contextmanager

from lab import wait_until
from team import SLOW
from test_veth import PEER, PEER6, network  # noqa: F401
from traffic import ping

# Not what the team announces of itself. 135: neighbour solicitation.
QUESTIONS = (f"arp flower arp_op request arp_tip {PEER}", "ipv6 flower ip_proto icmpv6 type 135")


@contextmanager
def unanswered(network):  # noqa: F811
    """The switch takes no question of the guest."""
    ports = [f"p{member[1:]}" for member in network.members]
    network.switch.sh("".join(
        f"tc qdisc add dev {port} clsact;" + "".join(
            f"tc filter add dev {port} ingress pref {pref} protocol {question} action drop;"
            for pref, question in enumerate(QUESTIONS, 1)) for port in ports))
    try:
        yield
    finally:
        network.switch.sh("".join(f"tc qdisc del dev {port} clsact;" for port in ports))


def test_neighbours_outlive_changes_of_the_primary(network):  # noqa: F811
    network.make(3)
    count = 200
    with network.team("stable-time-ms=100") as team:
        for address in (PEER, PEER6):
            ping(network.guest, address)
        network.guest.sh("ip neighbour replace 192.0.2.77 lladdr 02:00:00:00:00:77 dev team0"
                         " nud permanent")
        with unanswered(network):
            pings = [network.guest.spawn(["ping", "-n", "-c", str(count), "-i", "0.02", "-W", "20",
                                          address]) for address in (PEER, PEER6)]
            try:
                for process in pings:
                    process.expect("seq=10 ")
                for member in ("m1", "m2", "m0"):
                    team.switchover(member)
                assert all(process.running for process in pings)
                for process in pings:
                    told = process.wait(120).out
                    assert f"{count} packets transmitted, {count} received, 0% packet loss" in told
            finally:
                for process in pings:
                    process.stop()
            # And when a link is lost, whoever of the daemon and bonding changes over.
            network.carrier("m0", up=False)
            wait_until(lambda: team.primary != "m0", SLOW, "another primary")
            for address in (PEER, PEER6):
                ping(network.guest, address)
        # What somebody has set for ever is so still.
        known = network.guest.run(["ip", "neighbour", "show", "192.0.2.77"]).out
        assert "02:00:00:00:00:77 PERMANENT" in known, known

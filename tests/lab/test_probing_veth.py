# SPDX-License-Identifier: GPL-2.0-or-later
"""Paths that die in silence where members are not plain devices with a MAC of their own each: one
MAC for the whole team, and VLANs. A port that leaves the switch is silent; its carrier stays."""
from __future__ import annotations

from contextlib import contextmanager

from lab import wait_until
from lab.demo_guest import hear_each_other
from team import SLOW, Team, running
from test_one_mac import mac_of, settled
from traffic import known_at, ping
from veth import PEER, network  # noqa: F401


@contextmanager
def silent(network, team, member):  # noqa: F811
    """A block in which nothing passes the switch's port of a member, which the team has left."""
    port = f"p{member.partition('.')[0][1:]}"
    network.switch.run(["ip", "link", "set", port, "nomaster"])
    try:
        wait_until(lambda: team.member(member)["reason"] == "path-unresponsive", SLOW,
                   f"{member} to be left")
        assert network.lab.carrier(member, network.guest)
        yield
    finally:
        network.switch.run(["ip", "link", "set", port, "master", "sw"])
    wait_until(team.well, SLOW, f"{member} to be used again")


def wait_joined(team):
    wait_until(lambda: hear_each_other(team.show()), SLOW, "the members to hear each other")


def test_one_mac_for_all(network):  # noqa: F811
    """The team's MAC is the new primary's; the silent one, which has another, is heard by that."""
    network.make(3)
    with network.team("mac-policy=team", "probe=on") as team:
        first, mac = dict(team.macs), mac_of(team.where, team.name)
        wait_joined(team)
        dead = team.primary
        with silent(network, team, dead):
            assert team.primary != dead
            wait_until(lambda: settled(team, first), SLOW, "the MACs to be exchanged")
            ping(network.peer, team.IPV4)
            assert mac_of(team.where, team.name) == mac == known_at(network.peer, team.IPV4)
        wait_until(lambda: settled(team, first), SLOW, "the MACs to be settled")
        ping(network.peer, team.IPV4)
        assert [member["failures"] for member in team.show()["members"]
                if member["name"] != dead] == [0, 0]


def test_vlans_as_members(network):  # noqa: F811
    network.make(2)
    network.guest.sh("\n".join(f"ip link set m{n} up;"
                               f"ip link add link m{n} name m{n}.100 type vlan id 100"
                               for n in range(2)))
    network.peer.sh(f"""ip address flush dev eth0
        ip link add link eth0 name eth0.100 type vlan id 100
        ip link set eth0.100 up
        ip address add {PEER}/24 dev eth0.100""")
    with running(network.lab, network.build, ["m0.100", "m1.100"], "probe=on",
                 where=network.guest) as team:
        team.reach(PEER)
        wait_joined(team)
        dead = team.primary
        with silent(network, team, dead):
            assert team.primary != dead
            team.reach(PEER)
            ping(network.peer, team.IPV4)
        assert team.member(team.other(dead))["failures"] == 0


def test_an_adopted_bond_is_let_go_while_probes_are_missing(network):  # noqa: F811
    """Nobody can tell which of the two is lost, so it is looked at all the time, until the end."""
    network.make(2)
    network.guest.sh("""ip link add bond9 type bond mode active-backup fail_over_mac active miimon 100
        ip link set m0 master bond9; ip link set m1 master bond9; ip link set bond9 up""")
    team = Team(network.lab, network.build, network.guest, "bond9")
    team.start_daemon()
    try:
        team.run("team", "adopt", "bond9", "probe=on", "probe-interval=10")
        wait_until(team.well, SLOW, "both members to be in use")
        wait_joined(team)
        network.peer.sh("ip link set eth0 down")
        lost = team.member("m1")["probes"]["lost"]
        network.switch.sh("ip link set p1 nomaster")
        wait_until(lambda: team.member("m1")["probes"]["lost"] > lost + 3, SLOW, "probes to be lost")
        network.guest.sh(f"ip link set bond9 type bond arp_interval 100 arp_ip_target {PEER}")
        wait_until(lambda: any("by ARP" in note for note in team.show()["notes"]), SLOW,
                   "the bond to be let go")
        for _ in range(10):
            team.show()
        assert team.daemon.running
    finally:
        team.stop_daemon()
        network.guest.sh(f"ip link delete bond9; rm -r {team.config} {team.bpffs}", check=False)

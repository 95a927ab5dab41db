# SPDX-License-Identifier: GPL-2.0-or-later
"""T8 `team`: one MAC for ever, which the new primary takes over, with and without the daemon.
Over veth, whose driver never refuses, and over VFs of a host that does and of one that does not.
"""
import signal
from contextlib import contextmanager

import pytest

from acts import SILENCE_MAX, Acts, traffic_of  # noqa: F401
from lab import wait_until
from observed import active_slave, link
from team import SLOW, running
from test_veth import PEER, network  # noqa: F401
from traffic import known_at, ping

POLICY = "mac-policy=team"


def mac_of(where, device):
    return link(where, device)["address"]


def macs_of(team):
    return {member: mac_of(team.where, member) for member in team.macs}


def settled(team, members):
    """The primary has the team's MAC, and each of the others one of what the members brought."""
    macs = macs_of(team)
    return (macs[team.primary] == mac_of(team.where, team.name)
            and sorted(macs.values()) == sorted(members.values()))


@contextmanager
def moves(network, mac):  # noqa: F811
    """Behind which ports the switch has learnt a MAC since, in order: a flapping MAC shows."""
    with network.switch.spawn(["stdbuf", "-oL", "bridge", "monitor", "fdb"]) as process:
        def ports():
            words = [line.split() for line in process.stdout().splitlines()
                     if mac in line and "Deleted" not in line and "master" in line]
            found = [line[line.index("dev") + 1] for line in words]
            return [port for place, port in enumerate(found)
                    if place == 0 or port != found[place - 1]]

        def listens():  # what it prints first is of an entry of our own
            network.switch.sh("bridge fdb add 02:00:00:00:00:77 dev pp master static;"
                              "bridge fdb del 02:00:00:00:00:77 dev pp master")
            return "02:00:00:00:00:77" in process.stdout()

        wait_until(listens, SLOW, "the switch to be watched")
        yield ports


def test_the_mac_moves_once(network):  # noqa: F811
    network.make(3)
    with network.team(POLICY) as team:
        first, mac = dict(team.macs), mac_of(team.where, team.name)
        assert team.macs["m0"] == mac and len(set(team.macs.values())) == 3
        ping(network.peer, team.IPV4)
        with moves(network, mac) as ports:
            team.switchover("m1")
            ping(network.peer, team.IPV4)
            wait_until(lambda: settled(team, first), SLOW, "the MACs to be exchanged")
            ping(network.peer, team.IPV4)
            assert ports() == ["p1"]
            assert macs_of(team) == {"m0": first["m1"], "m1": mac, "m2": first["m2"]}
            network.carrier("m1", False)
            team.wait_state("m1", "failed")
            ping(network.peer, team.IPV4)
            assert team.primary == "m0" and ports() == ["p1", "p0"]
            network.carrier("m1", True)
            wait_until(team.well, SLOW, "m1 to be used again")
            wait_until(lambda: settled(team, first), SLOW, "the MACs to be exchanged")
            ping(network.peer, team.IPV4)
            assert ports() == ["p1", "p0"]
        assert mac_of(team.where, team.name) == mac == known_at(network.peer, team.IPV4)
        assert team.run("plan", "--json").json()["actions"] == []
        team.remove()
        assert {m: mac_of(network.guest, m) for m in first} == first


@pytest.mark.legacy
def test_link_lost_while_the_daemon_is_dead(network):  # noqa: F811
    network.make(3)
    with network.team(POLICY) as team:
        first, mac = dict(team.macs), mac_of(team.where, team.name)
        ping(network.peer, team.IPV4)
        team.daemon.kill(signal.SIGKILL)
        team.daemon.wait()
        team.daemon = None
        network.pulled.add("m0")  # soon: a capture there would end
        with moves(network, mac) as ports, network.seen() as seen:
            network.carrier("m0", False)
            wait_until(lambda: active_slave(team) not in (None, "m0"), SLOW, "another active slave")
            left = active_slave(team)
            wait_until(lambda: ports(), SLOW, "the announcement at the switch")
            for _ in range(3):
                ping(network.peer, team.IPV4)
                network.guest.run(["ping", "-c", "3", "-i", "0.05", PEER])
            # Broadcast comes in on the new primary: a peer that knows nobody is answered.
            network.peer.run(["ip", "neighbour", "flush", "dev", "eth0"])
            ping(network.peer, team.IPV4)
            assert ports() == [f"p{left[1:]}"]
            # Each sends with what its NIC has: nobody has the MAC of another one.
            now = {m: mac_of(network.guest, m) for m in first}
            for member, capture in seen.items():
                if member == left:
                    continue
                assert {frame.source for frame in capture.frames()} <= {now[member]}, member
        assert now[left] == mac == mac_of(network.guest, team.name)
        assert now["m0"] == first[left]
        team.start_daemon()
        shown = team.show()
        assert (shown["state"], shown["primary"], shown["mac"]) == ("degraded", left, mac)
        network.carrier("m0", True)
        wait_until(team.well, SLOW, "m0 to be used again")
        assert settled(team, first)
        ping(network.peer, team.IPV4)


def test_its_owner_leaves(network):  # noqa: F811
    network.make(3)
    with network.team(POLICY) as team:
        first, mac = dict(team.macs), mac_of(team.where, team.name)
        team.switchover("m2")
        done = team.run("member", "remove", team.name, "m0", "--json", timeout=60).json()
        assert [(a["what"], a["device"]) for a in done["actions"]] == [
            ("leave", "m0"), ("leave", "m1"), ("leave", "m2"), ("join", "m1"), ("join", "m2")]
        wait_until(team.well, SLOW, "the others to be used")
        assert mac_of(network.guest, "m0") == first["m0"] == mac
        assert mac_of(network.guest, team.name) in (first["m1"], first["m2"])
        assert f"{team.IPV4}/24" in team.show()["addresses"]
        team.reach(PEER)
        ping(network.peer, team.IPV4)


def test_the_policy_changes(network):  # noqa: F811
    network.make(2)
    with network.team() as team:
        index = link(network.guest, team.name)["ifindex"]
        for policy in ("team", "member"):
            team.run("team", "set", team.name, f"mac-policy={policy}", timeout=60)
            wait_until(team.well, SLOW, "the members to be used")
            shown = team.show()
            assert shown["settings"]["MacPolicy"] == policy
            assert f"{team.IPV4}/24" in shown["addresses"]
            team.reach(PEER)
            before = mac_of(network.guest, team.name)
            team.switchover(team.other())
            ping(network.peer, team.IPV4)
            assert (mac_of(network.guest, team.name) == before) == (policy == "team")
        assert link(network.guest, team.name)["ifindex"] == index


# --- VFs ---

@contextmanager
def trusted(lab):
    """The host lets each VF have what MAC it likes."""
    def trust(what):
        lab.host.sh("".join(f"ip link set {pf.name} vf 0 trust {what};" for pf in lab.pfs))

    trust("on")
    try:
        yield
    finally:
        trust("off")


def reason(team, member):
    return team.member(member)["reason"]


def test_a_host_that_refuses(lab, build):
    with running(lab, build, ["ens4"], POLICY) as team:
        team.reach()
        mac = mac_of(lab.guest, team.name)
        team.run("member", "add", team.name, "ens5", timeout=60)
        team.wait_state("ens5", "active")
        team.macs["ens5"] = lab.vf_mac(1)
        # Known before it is needed.
        assert reason(team, "ens5") == "mac-not-permitted"
        assert (team.show()["state"], team.primary) == ("degraded", "ens4")
        done = team.run("team", "switchover", team.name, "--to", "ens5", check=False)
        assert done.rc == 1 and "ens5 may not have the team's MAC" in done.err, done.err
        assert team.primary == "ens4"
        team.reach()
        # Nobody else: the best stays, and that is said.
        lab.host.run(["ip", "link", "set", team.pf("ens4"), "down"])
        team.wait_state("ens4", "failed")
        shown = team.show()
        assert shown["primary"] == "ens5"
        assert any("may have the team's MAC" in note for note in shown["notes"]), shown["notes"]
        team.restore("ens4")
        team.wait_state("ens4", "active")
        wait_until(lambda: team.primary == "ens4", SLOW, "ens4 to be primary again")
        assert team.show()["notes"] == []
        assert mac_of(lab.guest, "ens4") == mac == mac_of(lab.guest, team.name)
        team.reach()
        # The host permits it after all.
        with trusted(lab):
            team.switchover("ens5")
            wait_until(team.well, SLOW, "ens5 to be well")
            assert mac_of(lab.guest, "ens5") == mac
            team.reach()
            ping(lab.peer, team.IPV4)
            team.switchover("ens4")
            wait_until(lambda: settled(team, team.macs), SLOW, "the MACs to be exchanged")


def test_vfs_under_traffic(lab, build):
    with trusted(lab), running(lab, build, ["ens4", "ens5"], POLICY) as team:
        team.reach()
        team.reach("2001:db8::1")
        mac, first = mac_of(lab.guest, team.name), dict(team.macs)
        with traffic_of(lab.guest, lab.peer, build, team) as acts:
            with acts("healthy"):
                acts.more()
            acts.unharmed("healthy")
            with acts("switchover"):
                team.switchover("ens5")
                wait_until(lambda: settled(team, first), SLOW, "the MACs to be exchanged")
                acts.more()
            acts.unharmed("switchover")
            with acts("after"):
                acts.more()
            acts.unharmed("after")
            with acts("lost", "ens5"):
                team.lose("ens5")
                acts.arriving()
                acts.more()
            acts.intact("lost")
            assert team.primary == "ens4"
            with acts("back"):
                team.restore("ens5")
                wait_until(team.well, SLOW, "ens5 to be used again")
                wait_until(lambda: settled(team, first), SLOW, "the MACs to be exchanged")
                acts.more()
            acts.intact("back")
        assert mac_of(lab.guest, team.name) == mac
        for record in team.show()["failovers"]:
            print(record["cause"], record["member"], record["applied_us"] - record["seen_us"], "us")

# SPDX-License-Identifier: GPL-2.0-or-later
"""The carrier program (T17): a lost member is left by the kernel alone, and used again by it.

The daemon stands still meanwhile, and bonding looks at carriers every minute only: neither can have
done it.
"""
import json

import pytest

from acts import traffic_of
from lab import wait_until
from team import SLOW, WITHOUT_TRACING
from veth import PEER, PEER6, network  # noqa: F401

LAYOUT = {"usable": 16, "primary": 20, "lost": 572, "heir": 576}  # struct pick_state


@pytest.fixture
def flowing(network, build):  # noqa: F811
    """Traffic that knows where the peer is for ever: nobody hears its answers while it asks."""
    def begin(team):
        team.reach(PEER6)
        mac = network.peer.run(["ip", "-j", "link", "show", "eth0"]).json()[0]["address"]
        for address in (PEER, PEER6):
            network.guest.run(["ip", "neighbour", "replace", address, "lladdr", mac, "dev",
                               team.name, "nud", "permanent"])
        return traffic_of(network.guest, network.peer, build, team)
    return begin


def state(network, team, field):  # noqa: F811
    dump = json.loads(network.lab.host.run(["bpftool", "-j", "map", "dump", "pinned",
                                            f"{team.bpffs}/{team.name}/state"]).out)
    value = bytes(int(byte, 16) for byte in dump[0]["value"])
    return int.from_bytes(value[LAYOUT[field]:LAYOUT[field] + 4], "little")


def alone(network, team):  # noqa: F811
    """Nobody but the kernel's programs decides. The daemon puts it right when it goes on."""
    team.suspend_daemon()
    network.guest.run(["ip", "link", "set", team.name, "type", "bond", "miimon", "60000"])


def pins(network, team):  # noqa: F811
    return [name for name in network.guest.run(["ls", team.bpffs]).out.split()
            if name.startswith("carrier")]


@pytest.mark.legacy
def test_a_lost_primary_is_left_and_used_again_without_the_daemon(network, flowing):  # noqa: F811
    network.make(3)
    with network.team("stable-time-ms=100", "return-idle-ms=20") as team, flowing(team) as acts:
        assert team.show()["carrier_program"] == "attached"
        assert pins(network, team) == ["carrier_off", "carrier_on"]
        home = acts.healthy().last
        assert team.primary == "m0"
        alone(network, team)
        with acts("lost", "m0") as act:
            network.carrier("m0", up=False)
            assert state(network, team, "lost") == 1
            acts.more()
        m0 = team.macs["m0"]
        assert not act.disturbed
        assert m0 not in act.last and set(act.last) == {team.macs["m1"], team.macs["m2"]}
        for before, after in zip(home, act.last):
            assert after == before or before == m0
        # What is the primary's leaves by the heir.
        with network.seen("icmp") as seen:
            network.guest.run(["ping", "-b", "-c", "1", "-W", "1", "192.0.2.255"], check=False)
            assert {frame.source for frame in seen["m1"].wait(1)} == {team.macs["m1"]}

        network.carrier("m0", up=True)
        assert state(network, team, "lost") == 0
        with acts("back", "m0") as act:
            acts.more()
        assert act.last == home
        team.resume_daemon()
        wait_until(team.well, SLOW, "the team to be well")
        assert state(network, team, "usable") == 7


@pytest.mark.legacy
def test_whatever_has_happened_the_words_agree_when_the_daemon_wakes(network):  # noqa: F811
    network.make(3)
    with network.team("stable-time-ms=100") as team:
        # Off, on and off again before anybody has looked.
        alone(network, team)
        for up in (False, True, False):
            network.carrier("m1", up=up)
        assert state(network, team, "lost") == 2
        team.resume_daemon()
        team.wait_state("m1", "failed")
        network.carrier("m1", up=True)
        wait_until(team.well, SLOW, "the team to be well")
        assert (state(network, team, "usable"), state(network, team, "lost")) == (7, 0)

        # The daemon dies, a member goes, returns and goes; the next one comes, and it returns.
        team.stop_daemon()
        for up in (False, True, False):
            network.carrier("m2", up=up)
        assert state(network, team, "lost") == 4
        team.start_daemon()
        team.wait_state("m2", "failed")
        network.carrier("m2", up=True)
        wait_until(team.well, SLOW, "the team to be well")
        assert (state(network, team, "usable"), state(network, team, "lost")) == (7, 0)

        # Somebody detaches the program while a member is out: its return is not seen by it.
        network.carrier("m1", up=False)
        team.wait_state("m1", "failed")
        network.guest.run(["rm", f"{team.bpffs}/carrier_off", f"{team.bpffs}/carrier_on"])
        network.carrier("m1", up=True)
        wait_until(team.well, SLOW, "the team to be well")
        wait_until(lambda: state(network, team, "lost") == 0, SLOW, "the word to be taken back")
        wait_until(lambda: pins(network, team) == ["carrier_off", "carrier_on"], SLOW,
                   "the program to be put back")
        network.carrier("m0", up=False)
        wait_until(lambda: state(network, team, "lost") == 1, SLOW, "m0 to be out")
        network.carrier("m0", up=True)
        wait_until(team.well, SLOW, "the team to be well")

        # A member that leaves takes its bit with it, and a new one begins without.
        network.carrier("m2", up=False)
        team.wait_state("m2", "failed")
        team.run("member", "remove", team.name, "m2", timeout=60)
        assert state(network, team, "lost") == 0
        network.carrier("m2", up=True)
        team.run("member", "add", team.name, "m2", timeout=60)
        wait_until(team.well, SLOW, "the team to be well")


def test_without_types_the_kernels_events_do_it(network):  # noqa: F811
    network.make(2)
    with network.team("stable-time-ms=100", wrapper=WITHOUT_TRACING) as team:
        why = "not permitted: the kernel does not describe its types (BTF)"
        assert team.show()["carrier_program"] == why
        assert pins(network, team) == []
        text = " ".join(team.run("team", "show", team.name).out.split())
        assert f"In the kernel carrier program {why}" in text
        network.carrier("m0", up=False)
        team.wait_state("m0", "failed")
        assert team.primary == "m1"
        team.reach(PEER)
        network.carrier("m0", up=True)
        wait_until(team.well, SLOW, "the team to be well")
        assert team.daemon.stderr().count("carrier program") == 1

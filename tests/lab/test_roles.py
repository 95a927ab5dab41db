# SPDX-License-Identifier: GPL-2.0-or-later
"""What members are for: weights (T4), standby (T6), drain and restore (T20), damping (T11), over
veth, with real packets. The rules themselves are in tests/unit/test_roles.c and test_deal.c."""
import pytest

from acts import traffic_of
from lab import wait_until
from team import SLOW, WITHOUT_TRACING
from test_veth import PEER, PEER6, network, sent_flows  # noqa: F401
from traffic import ping


@pytest.fixture
def flowing(network, build):  # noqa: F811
    """Traffic both ways over a team that a test makes."""
    def begin(team):
        team.reach(PEER6)
        return traffic_of(network.guest, network.peer, build, team)
    return begin


def states(team):
    return {member["name"]: member["state"] for member in team.show()["members"]}


def buckets(team):
    return [member["buckets"] for member in team.show()["members"]]


def test_weights_share_the_flows(network, flowing):  # noqa: F811
    network.make(3)
    network.members = ["m0,weight=1", "m1,weight=2", "m2,weight=5"]
    with network.team() as team:
        network.members = ["m0", "m1", "m2"]
        assert buckets(team) == [128, 256, 640]
        count = 512
        sent = sent_flows(network, team, count, rounds=1)
        for member, part in zip(network.members, (1 / 8, 2 / 8, 5 / 8)):
            # Binomial; outside of four standard deviations once in 16,000 boots.
            deviation = (count * part * (1 - part)) ** 0.5
            assert abs(len(sent[member]) - count * part) <= 4 * deviation, sent
        with flowing(team) as acts:
            acts.healthy()
            with acts("weighed") as act:
                team.run("member", "set", "team0", "m2", "weight=1")
                acts.more()
            acts.unharmed("weighed")
            assert buckets(team) == [256, 512, 256]
            # Only away from the member that has given buckets up.
            for before, after in zip(act.before, act.last):
                assert before == after or before == team.macs["m2"], (before, after)


def test_standby_takes_over_and_steps_back(network, flowing):  # noqa: F811
    network.make(3)
    network.members = ["m0", "m1", "m2,role=standby"]
    with network.team("stable-time-ms=100") as team, flowing(team) as acts:
        network.members = ["m0", "m1", "m2"]
        assert states(team) == {"m0": "active", "m1": "active", "m2": "standby"}
        act = acts.healthy()
        assert set(act.first) == {team.macs["m0"], team.macs["m1"]}

        with acts("lost", "m1") as act:
            network.carrier("m1", up=False)
            team.wait_state("m2", "active")
            acts.more()
        acts.intact("lost")
        assert act.disturbed == []
        assert set(act.last) == {team.macs["m0"], team.macs["m2"]}
        for before, after in zip(act.before, act.last):
            assert after == (team.macs["m2"] if before == team.macs["m1"] else before)

        network.carrier("m0", up=False)  # nobody active is left
        wait_until(lambda: team.primary == "m2", SLOW, "the standby to be primary")
        ping(network.peer, team.IPV4)
        network.carrier("m1", up=True)
        team.wait_state("m1", "active")
        assert (team.primary, states(team)["m2"]) == ("m2", "active")  # not all are well

        with acts("back") as act:
            network.carrier("m0", up=True)
            wait_until(team.well, SLOW, "all members to be well")
            wait_until(lambda: team.primary == "m0", SLOW, "the standby to step back")
            team.wait_state("m2", "standby")
            wait_until(lambda: team.member("m2")["buckets_held"] == 0, SLOW, "flows to return")
            acts.more()
        acts.unharmed("back")
        assert set(act.last) == {team.macs["m0"], team.macs["m1"]}
        ping(network.peer, team.IPV6)


def test_flows_reach_the_standby_from_where_bonding_had_sent_them(network, flowing):  # noqa: F811
    """Without the carrier program they pass over the primary before the daemon decides. They do not
    settle there."""
    network.make(3)
    network.members = ["m0", "m1", "m2,role=standby"]
    with network.team("stable-time-ms=100", wrapper=WITHOUT_TRACING) as team, \
            flowing(team) as acts:
        network.members = ["m0", "m1", "m2"]
        acts.healthy()
        with acts("passing", "m1") as act:
            team.suspend_daemon()
            network.carrier("m1", up=False)
            acts.more()
        acts.intact("passing")
        assert set(act.last) == {team.macs["m0"]}
        with acts("decided", "m1") as act:
            team.resume_daemon()
            team.wait_state("m2", "active")
            acts.more()
        acts.unharmed("decided")
        home = acts.done["passing"].before
        for before, after in zip(home, act.last):
            assert after == (team.macs["m2"] if before == team.macs["m1"] else before)


def test_drain_and_restore_lose_nothing(network, flowing):  # noqa: F811
    network.make(3)
    with network.team("return-bound-ms=1000") as team, flowing(team) as acts:
        acts.healthy()
        assert team.primary == "m0"
        with acts("drain") as act:
            done = team.run("member", "drain", "team0", "m0", timeout=60)
            assert done.out.endswith("m0 carries nothing now.\n"), done.out
            assert (team.primary, states(team)["m0"]) == ("m1", "standby")
            acts.more()
        acts.unharmed("drain")
        assert act.moved == act.before.count(team.macs["m0"])
        assert team.macs["m0"] not in act.last
        assert team.show()["state"] == "up"

        # The cable may be pulled now, and the daemon restarted: it stays drained.
        with acts("pulled") as act:
            network.carrier("m0", up=False)
            team.wait_state("m0", "failed")
            network.carrier("m0", up=True)
            team.wait_state("m0", "standby")
            team.stop_daemon()
            team.start_daemon()
            assert states(team) == {"m0": "standby", "m1": "active", "m2": "active"}
            acts.more()
        acts.unharmed("pulled")
        assert act.moved == 0

        # Nobody else is left, then somebody is.
        team.run("member", "drain", "team0", "m1", timeout=60)
        refused = team.run("member", "drain", "team0", "m2", check=False)
        assert (refused.rc, refused.err) == (
            1, "iovteam: m2 cannot be drained: no other member could carry its traffic\n")
        with acts("alone") as act:
            acts.more()
        acts.unharmed("alone")
        assert set(act.last) == {team.macs["m2"]}

        with acts("restore") as act:
            for member in ("m0", "m1"):
                team.run("member", "restore", "team0", member)
            wait_until(lambda: set(states(team).values()) == {"active"}, SLOW, "all in use")
            wait_until(lambda: [m["buckets_held"] for m in team.show()["members"]] == buckets(team),
                       SLOW, "flows at home")
            acts.more()
        acts.unharmed("restore")
        causes = {one["member"]: one["cause"] for one in team.show()["failovers"]}
        assert causes["m0"] == "restored", causes
        # As many buckets as before, not the same ones: once for each restore is the most.
        assert set(act.last) == set(team.macs.values())
        assert max(act.changes) <= 2, act.changes


def test_a_drain_goes_on_after_a_restart(network, flowing):  # noqa: F811
    """Flows that do not pause stay until the bound, whoever looks after them."""
    network.make(2)
    with network.team("return-idle-ms=10000", "return-bound-ms=60000") as team, \
            flowing(team) as acts:
        acts.healthy()
        with acts("restarted") as act:
            acts.more()
            drain = team.where.spawn(team.command_line("member", "drain", "team0", "m1"))
            wait_until(lambda: buckets(team)[1] == 0, SLOW, "m1 to be drained")
            team.stop_daemon()
            team.start_daemon()
            drain.stop()
            acts.more()
            assert team.show()["members"][1]["buckets_held"] > 0
            team.run("member", "restore", "team0", "m1")
        acts.unharmed("restarted")
        assert act.moved == 0


def test_a_drained_member_is_the_last_resort(network):  # noqa: F811
    network.make(2)
    with network.team() as team:
        team.run("member", "drain", "team0", "m1", timeout=60)
        network.carrier("m0", up=False)
        wait_until(lambda: team.primary == "m1", SLOW, "the drained member to be primary")
        ping(network.peer, team.IPV4)
        ping(network.guest, PEER)
        network.carrier("m0", up=True)
        wait_until(lambda: team.primary == "m0", SLOW, "the primary to step back")
        team.wait_state("m1", "standby")


def test_a_flapping_member_is_held_down_longer(network):  # noqa: F811
    network.make(2)
    with network.team("stable-time-ms=100", "hold-down-max-ms=60000") as team:
        held = []
        for _ in range(6):
            network.carrier("m1", up=False)
            team.wait_state("m1", "failed")
            network.carrier("m1", up=True)
            wait_until(lambda: team.member("m1")["reason"] != "media-disconnected", SLOW,
                       "carrier to be seen")
            held.append(team.member("m1")["returns_in_ms"])
            team.wait_state("m1", "active")
        # 100, 200, 400, 800, 1600, 3200 ms, and what of it has passed when we look.
        for index, shown in enumerate(held):
            assert shown <= 100 * 2 ** index
        assert held[5] > 1600, held


def test_roles_are_refused_in_one_sentence(network):  # noqa: F811
    network.make(3)
    network.members = ["m0", "m1,role=standby"]
    with network.team() as team:
        def refused(*words):
            before = team.run("team", "show", "--json").json()["teams"][0]["members"]
            done = team.run(*words, check=False)
            now = team.run("team", "show", "--json").json()["teams"][0]["members"]
            still = ("device", "state", "role", "weight", "primary", "drained")
            assert [[m[key] for key in still] for m in before] == [
                [m[key] for key in still] for m in now]
            assert done.rc == 1 and done.err.count("\n") == 1
            return done.err

        assert refused("member", "add", "team0", "m2", "role=standby") == (
            "iovteam: m1 and m2 are both standby; a team has at most one\n")
        assert refused("member", "set", "team0", "m0", "role=standby") == (
            "iovteam: m0 and m1 are both standby; a team has at most one\n")
        assert refused("member", "remove", "team0", "m0") == (
            "iovteam: m1 is standby and there is no active member; a team needs one\n")
        assert refused("member", "set", "team0", "m0", "weight=0") == (
            "iovteam: Weight cannot be 0: it takes 1 to 1000\n")
        assert refused("member", "set", "team0", "m0", "weight=1000000000") == (
            "iovteam: Weight cannot be 1000000000: it takes 1 to 1000\n")
        assert refused("member", "set", "team0", "m2", "weight=1") == (
            'iovteam: team0 has no member "m2"\n')
        assert refused("team", "switchover", "team0", "--to", "m1") == (
            "iovteam: m1 cannot be the primary: it is failed, standby or drained\n")

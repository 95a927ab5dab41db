# SPDX-License-Identifier: GPL-2.0-or-later
"""What a team lives through: its daemon killed or restarted, links and devices lost and returned,
settings changed behind its back, configuration edited under traffic.

Figures (silences, stalls) are printed; pytest -s shows them.
    IOVTEAM_LOSSES   how many link losses the connections must survive, default 3
"""
import os
import signal
from contextlib import contextmanager

import pytest

from acts import FLOWS, PEER4, PEER6, SILENCE_MAX, acts  # noqa: F401
from connections import connections
from lab import wait_until
from observed import active_slave, announcements, attached, deaf_peer, link
from team import SLOW, Team, running, team  # noqa: F401

LOSSES = int(os.environ.get("IOVTEAM_LOSSES", "3"))


def steady(team):
    """What must not change without cause."""
    shown = team.show()
    return {"primary": shown["primary"], "mac": shown["mac"], "state": shown["state"],
            "settings": shown["settings"],
            "members": {m["name"]: (m["state"], m["buckets"], m["buckets_held"], m["failures"])
                        for m in shown["members"]},
            "ifindex": link(team.where, team.name)["ifindex"]}


def end_daemon(team, number):
    """Ends the daemon with a signal."""
    team.daemon.kill(number)
    done = team.daemon.wait()
    team.daemon = None
    return done


def at_home(team):
    """Every member is used, and every flow has gone home; those that send do it by and by."""
    team_now = team.show()
    return team_now["state"] == "up" and all(
        member["buckets"] == member["buckets_held"] for member in team_now["members"])


# --- the daemon dies ---

@pytest.mark.legacy
def test_killed_and_restarted_under_traffic(lab, team, acts):  # noqa: F811
    before, programs = steady(team), attached(lab, team)
    assert len(programs) >= 5  # the team's, and two of each member
    with acts("killed"):
        end_daemon(team, signal.SIGKILL)
        acts.more()
    acts.unharmed("killed")
    assert attached(lab, team) == programs
    with acts("started"):
        team.start_daemon()
        acts.more()
    acts.unharmed("started")
    assert steady(team) == before
    assert [act.moved for act in acts.done.values()] == [0, 0, 0]
    now = attached(lab, team)
    assert {place: ids[0] for place, ids in now.items()} == {
        place: ids[0] for place, ids in programs.items()}  # the same BPF links, …
    assert not {ids[1] for ids in now.values()} & {ids[1] for ids in programs.values()}  # … renewed


def test_stopped_and_started_under_traffic(lab, team, acts):  # noqa: F811
    before = steady(team)
    with acts("stopped"):
        assert end_daemon(team, signal.SIGTERM).rc == 0
        acts.more()
        assert lab.guest.run(["test", "-e", team.socket], check=False).rc == 1
    with acts("started"):
        team.start_daemon()
        acts.more()
    for name in ("stopped", "started"):
        acts.unharmed(name)
        assert acts.done[name].moved == 0
    assert steady(team) == before


# --- who tells the peer what ---

@pytest.mark.legacy
def test_link_lost_while_the_daemon_is_dead(lab, team, acts):  # noqa: F811
    lost, left = team.primary, team.other()
    end_daemon(team, signal.SIGKILL)
    with announcements(lab) as heard:
        with acts("lost", lost) as act:
            lab.host.run(["ip", "link", "set", team.pf(lost), "down"])
            wait_until(lambda: active_slave(team) == left, SLOW, f"bonding to take {left}")
            wait_until(lambda: {kind for kind, *_ in heard()} == {"arp", "na"}, SLOW,
                       "announcements")
            acts.arriving()
            acts.more()
        acts.intact("lost")
        # Announced are the team's addresses at the new primary's MAC, by it, and nothing else.
        said = [entry for entry in heard() if entry[1] in (team.IPV4, team.IPV6)]
        assert {entry[:2] for entry in said} == {("arp", team.IPV4), ("na", team.IPV6)}
        assert {entry[2:4] for entry in said} == {(team.macs[left], team.macs[left])}, said
    assert link(lab.guest, team.name)["address"] == team.macs[left]
    # A peer that knows nobody asks, and is answered.
    lab.peer.run(["ip", "neighbour", "flush", "dev", "eth0"])
    for address in (team.IPV4, team.IPV6):
        lab.peer.wait_for(["ping", "-c", "1", "-W", "2", address], " 0% packet loss", SLOW)
        entry, = lab.peer.run(["ip", "-j", "neighbour", "show", address]).json()
        assert entry["lladdr"] == team.macs[left]
    with acts("after"):
        acts.more()
    acts.unharmed("after")
    assert set(acts.done["after"].first) == {team.macs[left]}
    assert act.disturbed == []
    # The daemon returns to what is, …
    with acts("adopted"):
        team.start_daemon()
        acts.more()
    acts.unharmed("adopted")
    shown = team.show()
    assert (shown["state"], shown["primary"]) == ("degraded", left)
    assert (team.member(lost)["state"], team.member(lost)["reason"]) == (
        "failed", "media-disconnected")
    # … and takes the link in when it is back.
    with acts("back"):
        team.restore(lost)
        wait_until(team.well, SLOW, f"{lost} to be used again")
        acts.more()
    acts.unharmed("back")
    assert team.primary == left


# --- least disturbance ---

@pytest.mark.parametrize("which", ["primary", "other"])
def test_only_flows_that_must_move_do(team, acts, which):  # noqa: F811
    lost = team.primary if which == "primary" else team.other()
    mac, home = team.macs[lost], acts.done["healthy"].last
    concerned = [flow for flow in range(FLOWS) if home[flow] == mac]
    others = [flow for flow in range(FLOWS) if home[flow] != mac]
    assert len(concerned) >= FLOWS // 4 and len(others) >= FLOWS // 4
    team.run("team", "set", team.name, "return-idle-ms=50")
    with acts("lost", lost) as act:
        team.lose(lost)
        acts.arriving()
        acts.more()
    acts.intact("lost")
    assert (act.moved, act.disturbed) == (len(concerned), [])
    assert mac not in act.last
    assert [act.flows_lost[flow] for flow in others] == [0] * len(others)
    with acts("back") as act:
        team.restore(lost)
        wait_until(lambda: at_home(team), SLOW, f"the flows of {lost} to be home")
        acts.more()
    acts.unharmed("back")
    assert act.last == home
    assert (act.moved, act.disturbed) == (len(concerned), [])
    assert all(act.changes[flow] == 0 for flow in others)


# --- stable time, and reasons ---

def shown(team, device):
    """A member by its device: one that is not present has no name."""
    return next(m for m in team.show()["members"] if m["device"] == device)


def reason(team, device):
    return shown(team, device)["reason"]


def test_a_returned_member_waits_for_its_stable_time(lab, build):
    with running(lab, build, ["ens4", "ens5"], "stable-time-ms=3000") as team:  # noqa: F811
        team.lose("ens5")
        assert reason(team, "ens5") == "media-disconnected"
        assert team.show()["state"] == "degraded"
        team.restore("ens5")
        wait_until(lambda: reason(team, "ens5") == "waiting-for-stable-connectivity", SLOW,
                   "ens5 to wait")
        assert team.member("ens5")["state"] == "failed"
        seen_us = int(lab.guest.run(["cut", "-d ", "-f1", "/proc/uptime"]).out.replace(
            ".", "")) * 10_000
        team.wait_state("ens5", "active")
        record = team.show()["failovers"][-1]
        assert (record["cause"], record["member"]) == ("returned", "ens5")
        assert record["decided_us"] - seen_us > 1_000_000  # asking takes its time
        assert record["decided_us"] - seen_us < 3_100_000


def test_without_another_member_there_is_no_wait(lab, build):
    with running(lab, build, ["ens4", "ens5"], "stable-time-ms=600000") as team:  # noqa: F811
        for member in ("ens4", "ens5"):
            team.lose(member)
        assert team.show()["state"] == "down"
        wait_until(lambda: "LOWER_UP" not in link(lab.guest, "team0")["flags"], SLOW,
                   "the team without carrier")
        team.restore("ens5")
        team.wait_state("ens5", "active")
        assert (team.show()["state"], team.primary) == ("degraded", "ens5")
        assert "LOWER_UP" in link(lab.guest, "team0")["flags"]
        team.reach()
        team.restore("ens4")
        wait_until(lambda: reason(team, "ens4") == "waiting-for-stable-connectivity", SLOW,
                   "ens4 to wait")
        # It waits no more when nobody else is left.
        lab.host.run(["ip", "link", "set", team.pf("ens5"), "down"])
        team.wait_state("ens4", "active")
        assert (team.primary, reason(team, "ens5")) == ("ens4", "media-disconnected")
        team.reach()
        team.restore("ens5")
        wait_until(lambda: lab.carrier(team.pf("ens5")), SLOW, "carrier")


def test_a_member_set_down(lab, team):  # noqa: F811
    lab.guest.run(["ip", "link", "set", "ens4", "down"])
    team.wait_state("ens4", "failed")
    assert reason(team, "ens4") == "administrative-decision"
    assert (team.show()["state"], team.primary) == ("degraded", "ens5")
    team.reach()
    lab.guest.run(["ip", "link", "set", "ens4", "up"])
    wait_until(team.well, SLOW, "ens4 to be used again")


# --- devices come and go ---

DRIVER = "/sys/bus/pci/drivers/igbvf"


def plug(lab, bus, name):
    """Binds a VF's driver, and moves the device into the guest, as its host would."""
    lab.host.sh(f"""
        echo {bus} > {DRIVER}/bind
        ip link set $(ls /sys/bus/pci/devices/{bus}/net) netns guest name {name}""")


@contextmanager
def unplugged(lab, bus, name):
    """A block in which the device is removed, and at its end there again."""
    lab.host.sh(f"echo {bus} > {DRIVER}/unbind")
    try:
        yield
    finally:
        plug(lab, bus, name)


@pytest.mark.legacy
@pytest.mark.parametrize("member", ["ens4", "ens5"])
def test_a_device_is_removed_and_plugged_again(lab, team, acts, member):  # noqa: F811
    bus, left = team.member(member)["bus_id"], team.other(member)
    index = link(lab.guest, member)["ifindex"]
    # A flow is either on the device that goes, or not disturbed.
    with acts("removed", member) as act:
        with unplugged(lab, bus, member):
            wait_until(lambda: shown(team, member)["state"] == "failed", SLOW, "it to be gone")
            assert reason(team, member) == "not-present"
            assert (team.show()["state"], team.primary) == ("degraded", left)
            acts.arriving()
            acts.more()
        wait_until(lambda: at_home(team), SLOW, f"the flows of {member} to be home")
        acts.more()
    acts.intact("removed")
    home = acts.done["healthy"].last
    assert act.last == home
    for mac, changes in zip(home, act.changes):  # away, and home again
        assert changes in ((1, 2) if mac == team.macs[member] else (0,))
    with acts("plugged"):
        acts.more()
    acts.unharmed("plugged")
    assert link(lab.guest, member)["ifindex"] != index
    assert link(lab.guest, member)["master"] == team.name


def test_configured_before_its_device_is_there(lab, build):
    team = Team(lab, build)  # noqa: F811
    try:
        lab.guest.sh(f"mkdir {team.config}")
        lab.write(f"{team.config}/team0.conf",
                  "[Team]\nName=team0\n[Member]\nDevice=late0\n[Member]\nDevice=ens4\n")
        team.start_daemon()
        wait_until(lambda: team.show()["members"][1]["state"] == "active",
                   SLOW, "ens4 to be used")
        late = shown(team, "late0")
        assert (late["state"], late["reason"], late["name"]) == ("failed", "not-present", "")
        assert team.primary == "ens4"
        lab.guest.sh("ip link add late0 type veth peer name late1; ip link set late1 up")
        wait_until(team.well, SLOW, "late0 to be used")
        assert link(lab.guest, "late0")["master"] == "team0"
        assert team.primary == "ens4"
        lab.guest.run(["ip", "link", "del", "late1"])
        wait_until(lambda: reason(team, "late0") == "not-present", SLOW,
                   "late0 to be gone")
    finally:
        team.close()


def test_a_team_without_one_of_its_devices_is_degraded(lab, team):  # noqa: F811
    lab.write(f"{team.config}/team0.conf", "[Team]\nName=team0\n" + "".join(
        f"[Member]\nDevice={name}\n" for name in ("ens4", "ens5", "later0")))
    team.run("reload")
    assert reason(team, "later0") == "not-present"
    assert team.show()["state"] == "degraded"


# --- behind its back ---

def test_members_and_settings_are_put_right(lab, team):  # noqa: F811
    def settings():
        return link(lab.guest, "team0")["linkinfo"]["info_data"]

    def queue(member):
        return (link(lab.guest, member).get("linkinfo", {}).get("info_slave_data") or {}).get(
            "queue_id")

    queues = {member: queue(member) for member in team.macs}
    assert sorted(queues.values()) == [1, 2]
    lab.guest.run(["ip", "link", "set", "ens5", "nomaster"])
    wait_until(lambda: (link(lab.guest, "ens5").get("master"), queue("ens5")) == (
        "team0", queues["ens5"]), SLOW, "ens5 to be a member again")
    wait_until(team.well, SLOW, "ens5 to be used again")
    assert team.primary == "ens4"

    lab.guest.run(["ip", "link", "set", "team0", "type", "bond", "num_grat_arp", "7"])
    wait_until(lambda: settings()["num_peer_notif"] == 3, SLOW, "num_grat_arp as it was")

    lab.guest.run(["ip", "link", "set", "ens4", "type", "bond_slave", "queue_id", "0"])
    wait_until(lambda: queue("ens4") == queues["ens4"], SLOW, "queue_id as it was")
    assert team.well()
    team.reach()


@pytest.mark.legacy
def test_a_deleted_team_is_made_again(lab, team):  # noqa: F811
    index = link(lab.guest, "team0")["ifindex"]
    lab.guest.run(["ip", "link", "del", "team0"])
    wait_until(lambda: (link(lab.guest, "team0") or {"ifindex": index})["ifindex"] != index, SLOW,
               "team0 to be made again")
    wait_until(team.well, SLOW, "its members to be used")
    assert {link(lab.guest, member)["master"] for member in team.macs} == {"team0"}
    assert all(a.startswith("fe80") for a in team.show()["addresses"])  # the operator's are gone
    lab.guest.run(["ip", "address", "add", f"{team.IPV4}/24", "dev", "team0"])
    team.reach()
    assert team.explain("udp", f"{team.IPV4}:1", f"{PEER4}:2")["member"] in team.macs


@pytest.mark.legacy
def test_detached_programs_are_attached_again(lab, team):  # noqa: F811
    places = attached(lab, team)
    lab.guest.sh(f"""
        if [ -e {team.bpffs}/team0/member0_in ]; then
            rm {team.bpffs}/team0/member0_in
            bpftool link detach pinned {team.bpffs}/team0/member1_out
            bpftool link detach pinned {team.bpffs}/team0/team
        else
            tc qdisc del dev ens4 clsact
            tc filter del dev ens5 egress
            tc qdisc del dev team0 clsact
        fi""")

    def there():
        now = attached(lab, team)
        return set(now) == set(places) and not {link_id for link_id, _ in now.values()} & gone

    # With tcx each is a new BPF link.
    gone = {places[pin][0] for pin in ("member0_in", "member1_out", "team") if pin in places}
    wait_until(there, SLOW, "the programs to be there")
    assert team.well()
    team.reach()


# --- configuration ---

def test_a_broken_file_changes_nothing(lab, team):  # noqa: F811
    before, programs = steady(team), attached(lab, team)
    path = f"{team.config}/team0.conf"
    good = lab.read(path).decode()
    lines = ["[Team]", "Name=team0", "AnnounceCount=5", "Colour=red", "[Member]", "Device=ens4"]
    lab.write(path, "\n".join(lines) + "\n")
    for words in (["plan"], ["reload"], ["team", "set", "team0", "announce-count=4"],
                  ["member", "remove", "team0", "ens5"], ["team", "remove", "team0"]):
        done = team.run(*words, check=False)
        assert (done.rc, done.out) == (1, "")
        assert done.err.startswith(f"iovteam: {path}:4: there is no setting Colour;"), done.err
        assert done.err.count("\n") == 1
        assert "\n".join(lines) + "\n" == lab.read(path).decode()
        assert (steady(team), attached(lab, team)) == (before, programs)
    lab.write(path, good)
    team.run("reload")
    assert (steady(team), attached(lab, team)) == (before, programs)


def test_plan_says_what_reload_does(lab, team):  # noqa: F811
    path = f"{team.config}/team0.conf"
    assert team.run("plan", "--json").json()["actions"] == []
    lab.write(path, "[Team]\nName=team0\nAnnounceCount=5\n"
                    "[Member]\nDevice=ens4\n[Member]\nDevice=later0\n")
    before, programs = steady(team), attached(lab, team)
    planned = team.run("plan", "--json").json()["actions"]
    assert [(a["what"], a["device"]) for a in planned] == [
        ("leave", "ens5"), ("set", ""), ("configure", ""), ("wait", "later0")]
    assert (steady(team), attached(lab, team)) == (before, programs)
    assert team.run("reload", "--json").json()["actions"] == planned
    assert "master" not in link(lab.guest, "ens5")
    assert team.show()["settings"]["AnnounceCount"] == "5"
    assert link(lab.guest, "team0")["linkinfo"]["info_data"]["num_peer_notif"] == 5
    again = team.run("plan", "--json").json()["actions"]
    assert [a["what"] for a in again] == ["wait"]


def test_changes_under_traffic(lab, team, acts):  # noqa: F811
    bare = link(lab.guest, "ens5")
    with acts("set") as act:
        team.run("team", "set", team.name, "announce-count=5", "stable-time-ms=100",
                 "return-idle-ms=50")
        assert link(lab.guest, "team0")["linkinfo"]["info_data"]["num_peer_notif"] == 5
        acts.more()
    acts.unharmed("set")
    assert act.moved == 0
    with acts("less", "ens5") as act:
        team.run("member", "remove", team.name, "ens5")
        acts.more()
    acts.intact("less")
    given_back = link(lab.guest, "ens5")
    assert "master" not in given_back and given_back["flags"] == ["BROADCAST", "MULTICAST"]
    for key in ("ifindex", "mtu", "address", "num_tx_queues", "inet6_addr_gen_mode"):
        assert given_back[key] == bare[key]
    assert "ens5" not in lab.read(f"{team.config}/team0.conf").decode()
    assert act.disturbed == [] and set(act.last) == {team.macs["ens4"]}
    with acts("more"):
        team.run("member", "add", team.name, "ens5")
        wait_until(team.well, SLOW, "ens5 to be used")
        acts.more()
    acts.unharmed("more")
    assert sorted(m["name"] for m in team.show()["members"]) == ["ens4", "ens5"]


@pytest.mark.legacy
def test_removing_gives_everything_back(lab, build):
    keys = ("ifindex", "mtu", "address", "flags", "qdisc", "operstate", "inet6_addr_gen_mode")

    def devices():
        return {name: {key: link(lab.guest, name).get(key) for key in (*keys, "master")}
                for name in ("ens4", "ens5")}

    # A device has a qdisc of its own from the first time it is up.
    lab.guest.sh("ip link set ens5 mtu 1400 up; ip link set ens5 down; ip link set ens4 up")
    wait_until(lambda: lab.carrier("ens4", lab.guest), SLOW, "carrier of ens4")
    before = devices()
    try:
        with running(lab, build) as team:  # noqa: F811
            assert devices() != before
            team.remove()
            wait_until(lambda: devices() == before, SLOW, "the devices as they were")
            assert link(lab.guest, "team0") is None
            assert lab.guest.run(["ls", "-A", team.config]).out == ""
            assert lab.guest.run(["test", "-e", team.bpffs], check=False).rc == 1
            assert team.run("team", "show", "--json").json() == {"teams": []}
    finally:
        lab.guest.run(["ip", "link", "set", "ens5", "mtu", "1500"])


# --- a neighbour that hears no broadcast ---

def test_known_neighbours_are_told_by_unicast(lab, team):  # noqa: F811
    lost, left = team.primary, team.other()
    team.reach(PEER6)
    for address in (team.IPV4, team.IPV6):
        lab.peer.run(["ping", "-c", "1", "-W", "5", address])

    def known():
        return {address: lab.peer.run(["ip", "-j", "neighbour", "show", address]).json()[0][
            "lladdr"] for address in (team.IPV4, team.IPV6)}

    assert set(known().values()) == {team.macs[lost]}
    own = link(lab.peer, "eth0")["address"]
    with deaf_peer(lab), announcements(lab) as heard:
        team.lose(lost)
        wait_until(lambda: set(known().values()) == {team.macs[left]}, 5, "the peer to be told")
        said = {entry for entry in heard() if entry[1] in (team.IPV4, team.IPV6)}
        assert said == {("arp", team.IPV4, team.macs[left], team.macs[left], own),
                        ("na", team.IPV6, team.macs[left], team.macs[left], own)}
    lab.peer.run(["ping", "-c", "1", "-W", "5", team.IPV4])
    team.restore(lost)
    wait_until(team.well, SLOW, f"{lost} to be used again")


# --- connections that live ---

def test_connections_survive_alternating_losses(lab, build):
    with running(lab, build, ["ens4", "ens5"], "stable-time-ms=100") as team:  # noqa: F811
        team.reach()
        with connections(lab, team) as alive:
            for number in range(LOSSES):
                member = ("ens4", "ens5")[number % 2]
                failures = team.member(member)["failures"]
                with team.lost(member):
                    alive.more_answers(5, f"answers after loss {number + 1}")
                assert team.member(member)["failures"] == failures + 1
            near, far = alive.end()
    print(f"{LOSSES} losses: longest wait {near['ask'][1]} s of {near['ask'][0]} answers; bytes "
          f"out {near['out'][0]}, retransmitted segments {near['out'][2]}; bytes in "
          f"{far['in'][0]}, retransmitted {far['in'][2]}")
    assert near["out"][:2] == far["out"] and near["out"][0] > 100_000
    assert far["in"][:2] == near["in"] and near["in"][0] > 100_000
    assert near["ask"][1] < SILENCE_MAX

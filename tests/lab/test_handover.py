# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine that is reached over the very link that it teams: addresses and routes move to the
team and back while connections over them live (T1), and a change that nobody confirms is taken
back exactly (C5).

The silences of the connections are printed; pytest -s shows them.
"""
import difflib
import json
import re
import signal

import pytest

from acts import PEER4, PEER6
from connections import connections
from lab import LabError, wait_until
from team import SLOW, Team

FAILED = 1
TAKE = ("team", "add", "team0", "--member", "ens4", "--member", "ens5", "--take-addresses")

# Everything that can be moved: labels, a second address, a peer's, one without its connected
# route, metrics, tables, sources, routes through routes, legs.
PLAIN = f"""
    ip link set ens4 up
    ip address add {Team.IPV4}/24 dev ens4
    ip address add {Team.IPV6}/64 dev ens4 nodad
"""
RICH = f"""
    ip link set ens4 up
    ip address add {Team.IPV4}/24 broadcast + dev ens4
    ip address add 192.0.2.11/24 label ens4:1 dev ens4
    ip address add 192.0.2.200 peer 192.0.2.99/32 metric 50 dev ens4
    ip address add 198.51.100.5/24 noprefixroute dev ens4
    ip address add {Team.IPV6}/64 dev ens4 nodad
    ip address add 2001:db8::11/64 dev ens4 noprefixroute
    ip address add 2001:db8:5::1/64 dev ens4 preferred_lft 0
    ip address add 2001:db8:6::1 peer 2001:db8:6::2 dev ens4 metric 99
    ip route add 198.51.100.0/24 dev ens4 proto kernel scope link src 198.51.100.5 metric 100
    ip route add default via {PEER4} dev ens4 metric 200 mtu 1400
    ip route add 203.0.113.0/24 via {PEER4} src 192.0.2.11 table 77
    ip route add 203.0.113.7 dev ens4 scope link
    ip route add 10.1.0.0/16 via 203.0.113.7 tos 0x10
    ip route add 10.2.0.0/16 nexthop via {PEER4} weight 3 nexthop via 192.0.2.3 weight 1
    ip route add 10.3.0.0/16 via 10.99.0.1 dev ens4 onlink
    ip route add 10.4.0.0/16 via inet6 2001:db8::1 dev ens4
    ip route add local 10.5.0.0/16 dev ens4
    ip -6 route add default via {PEER6} dev ens4 metric 300 pref high
    ip -6 route add 2001:db8:77::/48 via fe80::1 dev ens4 table 88
    ip -6 route add 2001:db8:78::/48 nexthop via {PEER6} dev ens4 nexthop via fe80::2 dev ens4
"""
# The kernel forgets a bond's whenever its MAC is set, so these do not live long on a team.
NEIGHBOURS = """
    ip neighbour add 192.0.2.50 lladdr 02:00:00:00:00:50 dev ens4 nud permanent
    ip neighbour add 2001:db8::50 lladdr 02:00:00:00:00:51 dev ens4 nud permanent
"""


@pytest.fixture
def daemon(lab, build):
    """The daemon, without a team; whatever becomes of ens4 is bare again afterwards."""
    made = Team(lab, build)
    try:
        made.start_daemon()
        yield made
    finally:
        made.close()
        lab.guest.sh("ip address flush dev ens4; ip address flush dev ens5;"
                     "ip route flush table 77 || true; ip -6 route flush table 88 || true;"
                     "ip link set ens4 down; ip link set ens5 down")


def snapshot(where):
    """Links, addresses, routes and static neighbours: what must be the same again. Not the
    counters of time, the index of a device that was made anew, or the qdisc that a device gets when it is
    up for the first time."""
    commands = ("address", "-d link", "-4 route show table all", "-6 route show table all",
                "neighbour show nud permanent")
    shown = [json.loads(part) for part in where.sh(
        "; echo @@; ".join(f"ip -j {command}" for command in commands)).out.split("@@")]
    lines = [json.dumps(item, sort_keys=True) for part in shown for item in part]
    volatile = (r'"(ifindex|link_index|master_index|cacheinfo)": \d+', r'"promiscuity": \d+', r'"qdisc": "\w+"',
                r'"(last_used|ageing_timer|inet6_addr_gen_mode)": "?\w+"?')
    return [re.sub("|".join(volatile), "", line) for line in sorted(lines)]


def wait_equal(function, wanted, what):
    """Waits until a function gives these lines, or tells the difference."""
    try:
        wait_until(lambda: function() == wanted, SLOW, what)
    except LabError as error:
        pytest.fail("\n".join([str(error), *difflib.unified_diff(wanted, function(), lineterm="",
                                                                 n=0)]))


def wait_same(where, before):
    """The link's carrier and the link-local address take their time."""
    wait_equal(lambda: snapshot(where), before, "all to be as it was")


def settled(lab, device="ens4"):
    """Waits until a device has carrier and no address of it is tentative any more."""
    def ready():
        shown = lab.guest.run(["ip", "address", "show", "dev", device]).out
        return "fe80::" in shown and "tentative" not in shown
    wait_until(ready, SLOW, f"the addresses of {device} to be usable")
    return snapshot(lab.guest)


def belongings(where, device):
    """The addresses and routes of a device, without its name, and without what the kernel makes
    for every device."""
    shown = [json.loads(part) for part in where.sh(
        f"ip -j address show dev {device}; echo @@; ip -j -4 route show table all; echo @@;"
        "ip -j -6 route show table all").out.split("@@")]
    found = [address for address in shown[0][0]["addr_info"] if address["scope"] != "link"]
    found += [route for route in shown[1] + shown[2]
              if device in json.dumps(route) and route["dst"] not in ("fe80::/64", "ff00::/8")
              and not route["dst"].startswith("fe80::")]
    lines = [json.dumps(item, sort_keys=True).replace(device, "DEV") for item in found]
    return sorted(line.replace('"flags": ["linkdown"]', '"flags": []') for line in lines)


def alive(lab, team, act):
    """Connections over IPv4 and IPv6 that live while act() is done. Their longest waits in s."""
    with connections(lab, team) as four, connections(lab, team, team.IPV6, PEER6) as six:
        act()
        for one, family in ((four, "IPv4"), (six, "IPv6")):
            one.more_answers(20, f"answers over {family} afterwards")
        waits = []
        for one in (four, six):
            guest, peer = one.end()
            assert guest["out"][:2] == peer["out"][:2] and guest["in"][:2] == peer["in"][:2]
            waits.append(guest["ask"][1])
    print("longest waits in s, IPv4 and IPv6:", waits)
    return waits


# --- moving ---

def test_connections_live_while_addresses_move_and_return(lab, daemon):
    lab.guest.sh(PLAIN)
    daemon.reach()
    daemon.reach(PEER6)
    before = settled(lab)
    mac = lab.guest.run(["ip", "-j", "link", "show", "ens4"]).json()[0]["address"]
    alive(lab, daemon, lambda: daemon.run(*TAKE, timeout=60))
    shown = daemon.show()
    assert {f"{Team.IPV4}/24", f"{Team.IPV6}/64"} <= set(shown["addresses"])
    assert (shown["primary"], shown["mac"]) == ("ens4", mac)
    wait_until(daemon.well, SLOW, "both members to be used")
    # Back by way of the other one as primary: the MAC changes, too.
    daemon.switchover("ens5")
    alive(lab, daemon, lambda: daemon.run("team", "remove", "team0", "--give-addresses", "ens4",
                                          timeout=60))
    wait_same(lab.guest, before)


def test_every_kind_of_address_and_route_moves_both_ways(lab, daemon):
    lab.guest.sh(RICH)
    before = settled(lab)
    wanted = belongings(lab.guest, "ens4")
    assert len(wanted) > 25, wanted
    daemon.run(*TAKE, timeout=60)
    lab.guest.wait_for(["ip", "address", "show", "team0"], "fe80::", SLOW)
    wait_equal(lambda: belongings(lab.guest, "team0"), wanted, "the same on the team")
    assert "inet" not in lab.guest.run(["ip", "address", "show", "ens4"]).out
    daemon.run("team", "remove", "team0", "--give-addresses", "ens4", timeout=60)
    wait_same(lab.guest, before)


def test_members_that_come_later_bring_theirs_and_take_them_away(lab, daemon):
    daemon.add(["ens5"], addresses=["198.51.100.1/24"])
    lab.guest.sh(PLAIN)
    daemon.reach()
    before = settled(lab)
    alive(lab, daemon, lambda: daemon.run("member", "add", "team0", "ens4", "--take-addresses",
                                          timeout=60))
    assert {"198.51.100.1/24", f"{Team.IPV4}/24"} <= set(daemon.show()["addresses"])
    refused = daemon.run("member", "remove", "team0", "ens4", "--give-addresses", "ens5",
                         check=False)
    assert refused.rc == FAILED and "ens5 stays in team0" in refused.err
    wait_until(daemon.well, SLOW, "both members to be used")
    lab.guest.sh("ip address del 198.51.100.1/24 dev team0")
    alive(lab, daemon, lambda: daemon.run("member", "remove", "team0", "ens4", "--give-addresses",
                                          "ens4", timeout=60))
    lab.guest.sh("ip address add 198.51.100.1/24 dev team0")
    wait_same(lab.guest, before)


# --- what fails puts all back ---

def test_a_step_that_fails_puts_all_back(lab, daemon):
    """The second member cannot join, when the first already has, with all that it had."""
    lab.guest.sh(RICH + NEIGHBOURS + """
        ip link add veth0 mtu 1300 type veth peer name veth1
        ip link add link veth0 name narrow0 mtu 1300 type macvlan""")
    try:
        daemon.reach()
        before = settled(lab)
        failed = daemon.run("team", "add", "team0", "--member", "ens4", "--member", "narrow0",
                            "--take-addresses", check=False, timeout=60)
        assert failed.rc == FAILED and "nothing was changed" in failed.err, failed.err
        wait_same(lab.guest, before)
        daemon.reach()
    finally:
        lab.guest.sh("ip link del veth0")


def test_an_address_that_the_team_cannot_have_puts_all_back(lab, daemon):
    lab.guest.sh(RICH + "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6")
    try:
        before = settled(lab)
        failed = daemon.run(*TAKE, check=False, timeout=60)
        assert failed.rc == FAILED and "cannot be moved to team0" in failed.err, failed.err
        wait_same(lab.guest, before)
        # And of a command that is taken back: what it would have moved is where it was.
        assert lab.guest.run(["ls", "-A", daemon.config], check=False).out == ""
    finally:
        lab.guest.sh("echo 0 > /proc/sys/net/ipv6/conf/default/disable_ipv6")


def test_what_cannot_be_moved_is_refused(lab, daemon):
    lab.guest.sh(PLAIN + "ip link add link ens4 name ens4.7 type vlan id 7")
    try:
        before = settled(lab)
        refused = daemon.run(*TAKE, check=False)
        assert refused.rc == FAILED and "ens4.7 (a vlan) stands on ens4" in refused.err
    finally:
        lab.guest.sh("ip link del ens4.7")
    lab.guest.sh(f"ip nexthop add id 9 via {PEER4} dev ens4; ip route add 10.9.0.0/16 nhid 9")
    refused = daemon.run(*TAKE, check=False)
    assert refused.rc == FAILED and "10.9.0.0/16 of ens4 uses the nexthop object 9" in refused.err
    lab.guest.sh("ip nexthop del id 9")
    refused = daemon.run("team", "add", "team0", "--member", "ens4", check=False)
    assert refused.rc == FAILED and "move it with --take-addresses" in refused.err
    wait_same(lab.guest, [line for line in before if "ens4.7" not in line])


# --- changes that wait to be confirmed ---

@pytest.mark.legacy
def test_what_nobody_confirms_is_taken_back_exactly(lab, daemon):
    lab.guest.sh(RICH + NEIGHBOURS)
    daemon.reach()
    before = settled(lab)

    def try_it():
        said = daemon.run(*TAKE, "--confirm", "3", timeout=60).out
        assert "Taken back in 3 s unless confirmed" in said
        assert "Not confirmed: the team team0 was made" in daemon.run("team", "show").out
        refused = daemon.run("team", "set", "team0", "announce-count=5", check=False)
        assert refused.rc == FAILED and "waits to be confirmed" in refused.err
        wait_until(lambda: daemon.run("team", "show", "--json").json() == {"teams": []}, SLOW,
                   "the change to be taken back")

    alive(lab, daemon, try_it)
    wait_same(lab.guest, before)
    assert lab.guest.run(["ls", "-A", daemon.config]).out == ""


def test_confirmed_stays_and_cancelled_goes(lab, daemon):
    lab.guest.sh(PLAIN)
    before = settled(lab)
    nothing = daemon.run("confirm", check=False)
    assert nothing.rc == FAILED and "nothing waits" in nothing.err
    daemon.run(*TAKE, "--confirm", "600", timeout=60)
    daemon.run("cancel", timeout=60)
    wait_same(lab.guest, before)
    daemon.run(*TAKE, "--confirm", "2", timeout=60)
    assert daemon.run("confirm", "--json").json() == {"what": "the team team0 was made"}
    wait_until(daemon.well, SLOW, "the team to be up")
    # A removal that is taken back makes the team anew, with what it had.
    lab.guest.sh(f"ip route add default via {PEER4} dev team0")
    daemon.run("team", "remove", "team0", "--give-addresses", "ens5", "--confirm", "600",
               timeout=60)
    assert Team.IPV4 in lab.guest.run(["ip", "address", "show", "ens5"]).out
    daemon.run("cancel", timeout=60)
    wait_until(daemon.well, SLOW, "the team to be there again")
    assert {f"{Team.IPV4}/24", f"{Team.IPV6}/64"} <= set(daemon.show()["addresses"])
    assert "dev team0" in lab.guest.run(["ip", "route", "show", "default"]).out
    assert Team.IPV4 not in lab.guest.run(["ip", "address", "show", "ens5"]).out
    assert "pending" not in daemon.run("team", "show", "--json").json()


def test_a_daemon_that_dies_takes_it_back_at_its_next_start(lab, daemon):
    lab.guest.sh(RICH)
    before = settled(lab)
    daemon.run(*TAKE, "--confirm", "600", timeout=60)
    daemon.daemon.kill(signal.SIGKILL)
    daemon.daemon.wait()
    assert "UP" in lab.guest.run(["ip", "link", "show", "team0"]).out  # its death changes nothing
    daemon.start_daemon()
    wait_same(lab.guest, before)
    assert lab.guest.run(["ls", "-A", daemon.config]).out == ""
    assert daemon.run("team", "show", "--json").json() == {"teams": []}


def test_a_reload_is_taken_back_and_keeps_what_was_edited(lab, daemon):
    daemon.add()
    before = settled(lab, "team0")
    path = f"{daemon.config}/team0.conf"
    edited = lab.guest.run(["cat", path]).out.replace("Name=team0",
                                                      "Name=team0\nAnnounceCount=9")
    assert "AnnounceCount" in edited
    lab.write(path, edited)
    daemon.run("reload", "--confirm", "600", timeout=60)
    assert daemon.show()["settings"]["AnnounceCount"] == "9"
    daemon.run("cancel", timeout=60)
    assert daemon.show()["settings"]["AnnounceCount"] == "3"
    assert "AnnounceCount" not in lab.guest.run(["cat", path]).out
    assert lab.guest.run(["cat", f"{path}.rejected"]).out == edited
    wait_same(lab.guest, before)


# --- the operator's own session ---

def test_who_may_cut_himself_off_is_warned(lab, daemon):
    lab.guest.sh(PLAIN)
    daemon.reach()
    env = {"SSH_CONNECTION": f"{PEER4} 50000 {Team.IPV4} 22"}
    warning = "this session comes in through {}, which is being changed"
    done = daemon.run("team", "add", "team0", "--member", "ens5", env=env, timeout=60)
    assert done.err == ""
    done = daemon.run("member", "add", "team0", "ens4", "--take-addresses", env=env, timeout=60)
    assert warning.format("ens4") in done.err
    done = daemon.run("team", "remove", "team0", "--give-addresses", "ens4", "--confirm", "60",
                      env=env, timeout=60)
    assert done.err == ""
    daemon.run("confirm")

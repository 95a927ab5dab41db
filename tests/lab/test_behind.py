# SPDX-License-Identifier: GPL-2.0-or-later
"""What somebody does behind the daemon's back is seen and put right (C2), or lived with (T1): each
of these was found by the model test (tests/model), and is told here alone."""
import json
import signal
from contextlib import contextmanager

import pytest

from lab import wait_until
from observed import link
from team import SLOW, running
from test_resilience import DRIVER, plug

BONDING = {"miimon": 100, "all_slaves_active": 1, "updelay": 0, "use_carrier": 1, "primary": None}


@contextmanager
def cable(where, name, far=""):
    """A device whose link is up, and the other end of its cable beside it."""
    far = far or f"{name}-far"
    where.sh(f"ip link add {name} type veth peer name {far}; ip link set {far} up")
    try:
        yield
    finally:
        where.run(["ip", "link", "delete", far])


@pytest.fixture
def pair(lab, build):
    """team0 over two devices of which the first was up before, and the second was down."""
    with cable(lab.guest, "b0"), cable(lab.guest, "b1"):
        lab.guest.run(["ip", "link", "set", "b0", "up"])
        with running(lab, build, ["b0", "b1"], "stable-time-ms=100", addresses=()) as team:
            yield team
            assert pending(team) == []


def pending(team):
    return [action["text"] for action in team.run("plan", "--json").json()["actions"]]


def bonding(team):
    data = link(team.where, team.name)["linkinfo"]["info_data"]
    return {key: data.get(key) for key in BONDING}


def queue_ids(team, *members):
    return [link(team.where, m)["linkinfo"]["info_slave_data"]["queue_id"] for m in members]


def usable(lab, team):
    """The mask, as the programs see it."""
    dump = json.loads(lab.host.run(["bpftool", "-j", "map", "dump", "pinned",
                                    f"{team.bpffs}/{team.name}/state"]).out)
    state = bytes(int(byte, 16) for byte in dump[0]["value"])
    return int.from_bytes(state[16:20], "little")


def is_up(team, device):
    return "UP" in link(team.where, device)["flags"]


def test_attributes_of_the_bond(pair):
    for attribute in ("miimon 0", "all_slaves_active 0", "updelay 5000", "use_carrier 0",
                      "primary b1"):
        pair.where.sh(f"ip link set team0 type bond {attribute}")
        wait_until(lambda: bonding(pair) == BONDING, SLOW, f"{attribute} to be put right")


def test_attributes_of_a_bond_that_is_down(pair):
    """The kernel tells nobody of these."""
    pair.where.sh("ip link set team0 down; ip link set team0 type bond miimon 0")
    wait_until(lambda: bonding(pair) == BONDING, SLOW, "miimon to be put right")
    pair.run("team", "set", "team0", "announce-count=5")
    assert link(pair.where, "team0")["linkinfo"]["info_data"]["num_peer_notif"] == 5
    assert pending(pair) == []
    pair.where.run(["ip", "link", "set", "team0", "up"])
    wait_until(pair.well, SLOW, "the team to be well")


def test_mtu_mac_and_queue_of_members(pair):
    mac = link(pair.where, "b1")["address"]
    pair.where.sh("ip link set b1 mtu 1400; ip link set b1 address 02:00:00:00:00:99")
    wait_until(lambda: (link(pair.where, "b1")["mtu"], link(pair.where, "b1")["address"]) ==
               (1500, mac), SLOW, "MTU and MAC to be put right")
    pair.where.sh("".join(f"ip link set {device} type bond_slave queue_id {number};" for
                          device, number in (("b0", 0), ("b1", 1), ("b0", 2))), check=False)
    wait_until(lambda: queue_ids(pair, "b0", "b1") == [1, 2], SLOW, "queue ids to be put right")


@pytest.mark.legacy
def test_taken_out_of_the_bond_and_given_back_as_before(pair):
    pair.where.run(["ip", "link", "set", "b0", "nomaster"])  # bonding sets it down
    wait_until(lambda: link(pair.where, "b0").get("master") == "team0", SLOW, "b0 to be back")
    wait_until(pair.well, SLOW, "b0 to be used")
    pair.where.run(["ip", "link", "delete", "team0"])
    wait_until(lambda: link(pair.where, "team0") and pair.well(), SLOW, "team0 to be made anew")
    pair.remove()
    assert (is_up(pair, "b0"), is_up(pair, "b1")) == (True, False)


def test_exchanged_by_one_edit(lab, pair):
    """Who comes has the slot of who leaves, and nothing else of it."""
    with cable(pair.where, "b2"):
        path = f"{pair.config}/team0.conf"
        lab.write(path, lab.read(path).decode().replace("Device=b0", "Device=b2"))
        pair.run("reload")
        wait_until(pair.well, SLOW, "b2 to be used")
        assert usable(lab, pair) == 3
        assert pair.member("b2")["failures"] == 0
        pair.run("member", "add", "team0", "b0")
        pair.run("member", "remove", "team0", "b2")


def test_a_renamed_member(lab, pair):
    pair.where.run(["ip", "link", "set", "b0", "name", "wan0"])
    wait_until(lambda: pair.show()["members"][0]["name"] == "wan0", SLOW, "the name to be shown")
    assert pair.well() and pair.show()["members"][0]["device"] == "b0"
    # The name is another device's now.
    with cable(pair.where, "b0", "other-far"):
        wait_until(lambda: pair.show()["members"][0]["name"] == "b0" and pair.well(), SLOW,
                   "the new b0 to be used")
        assert "master" not in link(pair.where, "wan0") and is_up(pair, "wan0")
    wait_until(lambda: pair.show()["members"][0]["reason"] == "not-present", SLOW, "it to be gone")
    pair.where.sh("ip link set wan0 down; ip link set wan0 name b0")
    wait_until(pair.well, SLOW, "the first b0 to be used again")


@pytest.mark.parametrize("daemon", ["running", "dead"])
def test_a_renamed_team(pair, daemon):
    index = link(pair.where, "team0")["ifindex"]
    if daemon == "dead":
        pair.daemon.kill(signal.SIGKILL)
        pair.daemon.wait()
    pair.where.run(["ip", "link", "set", "team0", "name", "lan0"])
    if daemon == "dead":
        pair.start_daemon()
    wait_until(lambda: link(pair.where, "team0"), SLOW, "it to have its name again")
    assert link(pair.where, "team0")["ifindex"] == index and pair.well()


@pytest.mark.legacy
def test_no_program_goes_along_to_another_namespace(lab, pair):
    away = lab.namespace("away")
    try:
        pair.where.run(["ip", "link", "set", "b1", "netns", "away"])
        wait_until(lambda: pair.show()["members"][1]["reason"] == "not-present", SLOW, "it to be gone")
        # With tcx the programs are where their links are, and clsact goes with the move anyway.
        wait_until(lambda: "member1" not in lab.host.run(
            ["ls", f"{pair.bpffs}/{pair.name}"]).out, SLOW, "b1 to be rid of programs")
        away.run(["ip", "link", "set", "b1", "netns", "guest"])
        wait_until(pair.well, SLOW, "b1 to be used again")
    finally:
        lab.host.run(["ip", "netns", "delete", "away"])


def test_plugged_again_under_another_name(lab, build):
    """T1: by its permanent MAC or its PCI address a device is found whatever it is called."""
    buses = [lab.host.sh(f"basename $(readlink /sys/class/net/{pf.name}/device/virtfn0)").out.strip()
             for pf in lab.pfs]
    with running(lab, build, [lab.vf_mac(0), f"pci-{buses[1]}"], addresses=()) as team:
        for place, (bus, name) in enumerate(zip(buses, lab.vfs)):
            assert team.show()["members"][place]["name"] == name
            lab.host.sh(f"echo {bus} > {DRIVER}/unbind")
            try:
                wait_until(lambda: team.show()["members"][place]["reason"] == "not-present", SLOW,
                           f"{name} to be gone")
            finally:
                plug(lab, bus, f"late{place}")
            wait_until(team.well, SLOW, f"late{place} to be used")
            assert team.show()["members"][place]["name"] == f"late{place}"
    lab.guest.sh("".join(f"ip link set late{place} down; ip link set late{place} name {name};"
                         for place, name in enumerate(lab.vfs)))

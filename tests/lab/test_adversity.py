# SPDX-License-Identifier: GPL-2.0-or-later
"""A daemon that stands still, a clock that jumps, events that are lost, a map that is full, a
kernel that refuses the programs. Over veth, as in test_veth.py."""
import errno
import json
import re
import sys
import time
from pathlib import Path

import pytest

from lab import wait_until
from observed import active_slave, attached, link
from team import PYTHON, SLOW, Team, binary, running
from test_veth import PEER, network  # noqa: F401
from traffic import ping

sys.path.append(str(Path(__file__).resolve().parents[1] / "sweep"))
import fault  # noqa: E402

STOPPED_S = 5


def agree(team):
    """The daemon, the kernel and the configuration: who is primary, and who is a member."""
    shown = team.show()
    return (shown["primary"] == active_slave(team)
            and shown["mac"] == link(team.where, team.name)["address"]
            and all(link(team.where, member["name"]).get("master") == team.name
                    for member in shown["members"]))


# --- the daemon stands still ---

def test_stopped_while_a_link_is_lost(network):  # noqa: F811
    network.make(2)
    with network.team() as team:
        lost, left = team.primary, team.other()
        programs, pid = attached(network.lab, team), team.daemon.pid
        begin = time.monotonic()
        team.suspend_daemon()
        network.carrier(lost, up=False)
        wait_until(lambda: active_slave(team) == left, SLOW, f"bonding to take {left}")
        network.guest.wait_for(["ping", "-c", "1", "-W", "1", PEER], " 0% packet loss", SLOW)
        # Both ways, new flows and old ones, for as long as it stands still, and while it goes on.
        left_s = max(1.0, STOPPED_S - (time.monotonic() - begin))
        count = int((left_s + 2) / 0.02)
        pings = [where.spawn(["ping", "-n", "-c", str(count), "-i", "0.02", "-W", "20", address])
                 for where, address in ((network.guest, PEER), (network.peer, team.IPV4))]
        try:
            for process in pings:
                process.expect(f"seq={int(left_s / 0.02)} ", 60)
            assert time.monotonic() - begin >= STOPPED_S and team.daemon_state() == "T"
            team.resume_daemon()
            team.wait_state(lost, "failed")
            for process in pings:
                told = process.wait(120).out
                assert f"{count} packets transmitted, {count} received, 0% packet loss" in told, told
        finally:
            for process in pings:
                process.stop()
        shown = team.show()
        assert (shown["state"], shown["primary"]) == ("degraded", left)
        assert (team.member(lost)["reason"], team.member(lost)["failures"]) == (
            "media-disconnected", 1)
        assert (attached(network.lab, team), team.daemon.pid) == (programs, pid)
        assert agree(team)
        network.carrier(lost, up=True)
        wait_until(team.well, SLOW, f"{lost} to be used again")
        ping(network.peer, team.IPV4)


def test_stopped_while_a_link_is_lost_and_returns(network):  # noqa: F811
    network.make(2)
    with network.team() as team:
        lost, left = team.primary, team.other()
        team.suspend_daemon()
        network.carrier(lost, up=False)
        wait_until(lambda: active_slave(team) == left, SLOW, f"bonding to take {left}")
        network.carrier(lost, up=True)
        network.guest.wait_for(["ping", "-c", "1", "-W", "1", PEER], " 0% packet loss", SLOW)
        team.resume_daemon()
        wait_until(team.well, SLOW, "all members to be used")
        wait_until(lambda: agree(team), SLOW, "the daemon and the kernel to agree")
        ping(network.peer, team.IPV4, 20)
        ping(network.guest, PEER, 20)


# --- the clock ---

DAY = 24 * 3600


def jump(lab, seconds):
    """Of the VM's clock, from what it should be."""
    lab.host.run(["date", "-s", f"@{int(time.time()) + seconds}"])


@pytest.mark.parametrize("seconds", [DAY, -DAY])
def test_clock_jumps(network, seconds):  # noqa: F811
    lab, stable_ms = network.lab, 3000
    network.make(2)
    try:
        with network.team(f"stable-time-ms={stable_ms}") as team:
            lost = team.primary
            network.carrier(lost, up=False)
            team.wait_state(lost, "failed")
            uptime_us = int(float(lab.read("/proc/uptime").split()[0]) * 1e6)
            network.carrier(lost, up=True)
            jump(lab, seconds)
            team.wait_state(lost, "active")
            record = team.show()["failovers"][-1]
            assert (record["cause"], record["member"]) == ("returned", lost)
            # The stable time, not less, and little more.
            waited_ms = (record["decided_us"] - uptime_us) / 1000
            assert stable_ms - 20 <= waited_ms <= stable_ms + 5000, waited_ms
            ping(network.peer, team.IPV4)
            # Changes are made and clients are answered as ever.
            team.run("team", "set", team.name, "announce-count=2")
            network.carrier(team.primary, up=False)
            wait_until(lambda: team.primary == lost, SLOW, f"{lost} to be the primary")
            ping(network.peer, team.IPV4)
            network.carrier(team.other(lost), up=True)
    finally:
        jump(lab, 0)


# --- events are lost ---

def dropped(team):
    """Events that the daemon's sockets had no room for."""
    rows = [line.split() for line in
            team.where.run(["cat", "/proc/net/netlink"]).out.splitlines()[1:]]
    inodes = set(re.findall(r"socket:\[(\d+)\]", team.where.run(
        ["sh", "-c", f"ls -l /proc/{team.daemon.pid}/fd"]).out))
    return sum(int(row[8]) for row in rows if row[9] in inodes)


def test_events_are_lost(network):  # noqa: F811
    """More change than the event socket holds, while nobody reads it; and then what matters."""
    network.make(3)
    with network.team() as team:
        lost = team.primary
        team.suspend_daemon()
        storm = "".join(f"link set dev m2 alias storm-{number}\n" for number in range(4000))
        for _ in range(10):
            network.guest.run(["ip", "-batch", "-"], stdin=storm, timeout=120)
            if dropped(team):
                break
        assert dropped(team) > 0
        network.carrier(lost, up=False)
        network.guest.sh("ip address add 192.0.2.11/24 dev team0; ip link set team0 mtu 1400")
        wait_until(lambda: active_slave(team) != lost, SLOW, "bonding to take another")
        team.resume_daemon()
        team.wait_state(lost, "failed")
        shown = team.show()
        assert (shown["state"], shown["mtu"]) == ("degraded", 1400)
        assert "192.0.2.11/24" in shown["addresses"]
        wait_until(lambda: agree(team), SLOW, "the daemon and the kernel to agree")
        ping(network.peer, team.IPV4)
        # It hears events again.
        network.carrier(lost, up=True)
        wait_until(team.well, SLOW, f"{lost} to be used again")


# --- a full map ---

# Broadcasts of many sources, each with its number; what comes at the other end.
FLOOD = """
import socket, struct, sys, time
device, count = sys.argv[1], int(sys.argv[2])
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((device, 0))
for number in range(count):
    source = b"\\x02\\x77" + struct.pack("!I", number)
    s.send(b"\\xff" * 6 + source + b"\\x88\\xb5" + struct.pack("!I", number) + bytes(46))
    if number % 50 == 0:
        time.sleep(0.001)
"""
COLLECT = """
import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88b5))
s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE: we are slow
s.bind((sys.argv[1], 0x88b5))
s.settimeout(20)
count, seen, twice = int(sys.argv[2]), set(), 0
print("ready", flush=True)
try:
    while len(seen) < count:
        frame = s.recv(2048)
        number, = struct.unpack("!I", frame[14:18])
        assert frame[6:12] == b"\\x02\\x77" + frame[14:18]
        twice += number in seen
        seen.add(number)
except TimeoutError:
    pass
print("got", len(seen), "twice", twice, flush=True)
"""


def test_more_foreign_sources_than_the_map_remembers(network):  # noqa: F811
    network.make(2)
    with network.team() as team:
        pin = f"{team.bpffs}/{team.name}/stations"
        room = network.guest.run(["bpftool", "-j", "map", "show", "pinned", pin]).json()
        count = room["max_entries"] + room["max_entries"] // 2
        with network.peer.spawn([*PYTHON, "-c", COLLECT, "eth0", str(count)]) as collect:
            collect.expect("ready")
            network.guest.run([*PYTHON, "-c", FLOOD, team.name, str(count)], timeout=120)
            assert f"got {count} twice 0" in collect.expect("twice", 120)
        # The team's own traffic goes on.
        ping(network.guest, PEER)
        ping(network.peer, team.IPV4)


# --- the kernel refuses ---

def state_of(where, team):
    return where.sh(f"""
        ip -d -o link show | sed 's/ state [A-Z]*//'; tc qdisc show
        find {team.bpffs} 2>/dev/null || true; ls -A {team.config} 2>/dev/null || true
        bpftool prog show; bpftool map show""").out


def refused(where, team, pattern):
    """Making a team fails with one sentence, and leaves nothing."""
    before = state_of(where, team)
    words = ("team", "add", "team0", "--member", "m0", "--member", "m1")
    done = team.run(*words, check=False)
    assert (done.rc, done.out) == (1, "") and re.fullmatch(pattern + "\n", done.err), done
    said = json.loads(team.run(*words, "--json", check=False).out)
    assert done.err.strip().endswith(said["message"])
    wait_until(lambda: state_of(where, team) == before, SLOW, "all to be as it was")


@pytest.mark.parametrize("error, sentence", [
    ("EACCES", "the kernel's verifier refuses the programs of .*; iovteamd --verbose says why"),
    ("EINVAL", "cannot load the programs of .*: Invalid argument"),
    ("EPERM", "loading BPF programs needs root .*")])
def test_the_kernel_refuses_the_programs(network, build, error, sentence):  # noqa: F811
    """As the verifier does, or a kernel that lacks what they need: no program is ever loaded. A
    daemon that starts then says so and ends; a team that runs goes on without it."""
    network.make(2)
    with network.team() as team:
        lab, file = network.lab, f"{team.config}.fault"
        team.stop_daemon()
        before, programs = state_of(network.guest, team), attached(lab, team)
        lab.write(file, fault.always("requests", getattr(errno, error), "bpf 5"))
        try:
            done = network.guest.run(
                [binary(build, "iovteamd"), "--config", team.config, "--socket", team.socket,
                 "--bpffs", team.bpffs], check=False,
                env={"LD_PRELOAD": str(build / "tests/fault.so"), "IOVTEAM_FAULT_FILE": file})
        finally:
            lab.host.run(["rm", file])
        assert done.rc == 1 and re.fullmatch(f"iovteamd: {sentence}\n", done.err), done
        assert (state_of(network.guest, team), attached(lab, team)) == (before, programs)
        ping(network.peer, team.IPV4)
        team.start_daemon()
        assert team.well() and agree(team)


def test_a_kernel_without_bonding(network, build):  # noqa: F811
    network.make(2)
    lab, block = network.lab, "/etc/modprobe.d/iovteam-test.conf"
    lab.host.sh(f"modprobe -r bonding; mkdir -p /etc/modprobe.d; echo install bonding /bin/false > {block}")
    team = Team(lab, build, network.guest)
    try:
        team.start_daemon()
        refused(network.guest, team, "iovteam: team0 cannot be made: this kernel has no bonding "
                                     "driver; .*; nothing was changed")
    finally:
        team.close()
        lab.host.sh(f"rm -f {block}; modprobe bonding")
    with running(lab, build, network.members, where=network.guest) as made:
        made.reach(PEER)

# SPDX-License-Identifier: GPL-2.0-or-later
"""iovteamd as a service (packaging/iovteamd.service) of a guest that systemd boots, beside
NetworkManager and networkd, which would both like to have every NIC (C6)."""
from __future__ import annotations

import signal

import pytest

from debian import IPV4, Debian
from lab import LabError, wait_until
from team import SLOW

MEMBERS = ("virtio0", "virtio1")
FILES = {
    "/etc/iovteam/team0.conf":
        "[Team]\nName=team0\n[Member]\nDevice=virtio0\n[Member]\nDevice=52:54:00:20:00:01\n",
    # As images have it: whatever NIC there is, DHCP.
    "/etc/systemd/network/80-all.network": "[Match]\nName=virtio*\n[Network]\nDHCP=yes\n",
    "/etc/systemd/network/20-team0.network":
        f"[Match]\nName=team0\n[Network]\nAddress={IPV4}/24\nIPv6AcceptRA=no\n",
    # The time until a service that hangs is killed, for people who wait for tests.
    "/etc/systemd/system/iovteamd.service.d/lab.conf": "[Service]\nWatchdogSec=5s\n",
}


@pytest.fixture(scope="module")
def debian(build):
    with Debian(build, nics=2, files=FILES, managers=(
            "NetworkManager", "NetworkManager-wait-online", "systemd-networkd",
            "systemd-networkd-wait-online")) as running:
        try:
            running.wait_well("team0")
        except LabError:
            print(running._what_holds_it_up())
            raise
        yield running


@pytest.fixture(autouse=True)
def nothing_left_behind(debian):
    """In place of that for the other lab, which is not running here: the team is as it was."""
    yield
    debian.plug_all()
    debian.wait_well("team0")
    debian.reach()


def started(debian, unit):
    return int(debian.property(unit, "ActiveEnterTimestampMonotonic"))


@pytest.mark.long  # until it was seen on a busy machine with signs of life that begin when ready
def test_ready_before_the_network_is_configured(debian):
    told = debian.host.run(["journalctl", "--no-pager", "-o", "short-monotonic", "-u", "iovteamd"])
    assert debian.property("iovteamd", "NRestarts") == "0", told.out
    for manager in ("systemd-networkd", "NetworkManager"):
        assert 0 < started(debian, "iovteamd") < int(
            debian.property(manager, "ExecMainStartTimestampMonotonic")), (manager, told.out)
    debian.systemctl("start", "network-online.target")
    for waiter in ("systemd-networkd-wait-online", "NetworkManager-wait-online"):
        wait_until(lambda: debian.property(waiter, "ActiveState") == "active", SLOW, waiter)
    assert debian.property("network-online.target", "ActiveState") == "active"
    debian.reach()


def test_managers_leave_members_alone(debian):
    """After their restart, too, when they look at everything anew."""
    for restart in (False, True):
        if restart:
            debian.systemctl("restart", "systemd-networkd", "NetworkManager")
            debian.wait_well("team0")
        networkd = debian.host.run(["networkctl", "--no-legend", "--no-pager"]).out
        manager = debian.host.run(["nmcli", "-t", "-f", "DEVICE,STATE", "device"]).out
        for member in MEMBERS:
            line = next(line for line in networkd.splitlines() if f" {member} " in line)
            assert line.endswith("unmanaged"), networkd
            assert f"{member}:unmanaged" in manager, manager
        links = debian.host.run(["ip", "-j", "address", "show"]).json()
        for link in links:
            if link["ifname"] in MEMBERS:
                assert link["master"] == "team0" and not link["addr_info"], link
            if link["ifname"] == "team0":
                assert IPV4 in [a["local"] for a in link["addr_info"]], link
    # Nothing was set for that, so nothing is to be given back.
    for member in MEMBERS:
        assert debian.read(f"/proc/sys/net/ipv6/conf/{member}/disable_ipv6") == b"0\n"


def test_exposure(debian):
    debian.host.run(["systemd-analyze", "security", "--no-pager", "--threshold=21",
                     "iovteamd.service"])


def test_works_in_its_sandbox(debian):
    """Failing over, and making and removing a team; tracing is permitted there."""
    assert debian.team("team0")["carrier_program"] == "attached"
    primary = debian.team("team0")["primary"]
    debian.cable(debian.virtio[MEMBERS.index(primary)], up=False)
    wait_until(lambda: debian.team("team0")["primary"] not in ("", primary), SLOW,
               "another primary")
    debian.reach()
    debian.plug_all()
    debian.host.sh("ip link add d0 type dummy; ip link add d1 type dummy")
    debian.iovteam("team", "add", "team1", "--member", "d0", "--member", "d1")
    debian.wait_well("team1")
    debian.iovteam("team", "remove", "team1")
    debian.host.sh("ip link delete d0; ip link delete d1")
    assert not debian.link("team1")


def test_readers_group(debian):
    show = ["iovteam", "team", "show", "team0"]
    nobody = ["setpriv", "--reuid", "nobody", "--regid", "nogroup"]
    assert debian.host.run([*nobody, "--groups", "iovteam", *show]).rc == 0
    assert debian.host.run([*nobody, "--clear-groups", *show], check=False).rc == 1
    refused = debian.host.run([*nobody, "--groups", "iovteam", "iovteam", "reload"], check=False)
    assert refused.rc == 1 and "root" in refused.err, refused.err


def test_reload(debian):
    path = "/etc/iovteam/team0.conf"
    before = debian.read(path).decode()
    debian.write(path, before.replace("[Member]", "StableTimeMs=700\n[Member]", 1))
    debian.systemctl("reload", "iovteamd")
    assert debian.team("team0")["settings"]["StableTimeMs"] == "700"
    debian.write(path, "nonsense\n")
    assert debian.systemctl("reload", "iovteamd", check=False).rc != 0
    assert debian.team("team0")["settings"]["StableTimeMs"] == "700"
    assert debian.property("iovteamd", "ActiveState") == "active"
    debian.write(path, before)
    debian.systemctl("reload", "iovteamd")


def lost(ping):
    """Packets that a ping which has ended did not get answered."""
    words = ping.wait().out.split("packets transmitted, ")
    return int(words[0].split()[-1]) - int(words[1].split()[0])


def test_stop_and_start_under_traffic(debian):
    with debian.host.spawn(["ping", "-n", "-i", "0.05", "-c", "150", "192.0.2.1"]) as ping:
        ping.expect("icmp_seq=5 ")
        debian.systemctl("stop", "iovteamd")
        assert debian.link("team0")["operstate"] == "UP"
        debian.systemctl("start", "iovteamd")
        assert lost(ping) == 0


def test_watchdog(debian):
    """A daemon that stands still is ended and started again; traffic goes on."""
    before = debian.property("iovteamd", "MainPID")
    restarts = int(debian.property("iovteamd", "NRestarts"))
    with debian.host.spawn(["ping", "-n", "-i", "0.1", "192.0.2.1"]) as ping:
        ping.expect("icmp_seq=5 ")
        debian.host.run(["kill", "-STOP", before])
        wait_until(lambda: int(debian.property("iovteamd", "NRestarts")) > restarts, 60,
                   "systemd to start it again")
        wait_until(lambda: debian.property("iovteamd", "ActiveState") == "active", SLOW, "ready")
        ping.kill(signal.SIGQUIT)  # "x/y packets, 0% loss", and goes on
        ping.expect(" packets, ", stream="err")
        assert "packets, 0% loss" in ping.stderr(), ping.stderr()
    assert debian.property("iovteamd", "MainPID") != before

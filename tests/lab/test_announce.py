# SPDX-License-Identifier: GPL-2.0-or-later
"""After a failover the world is told (T10): addresses, memberships, and everybody on top of the
team who has a MAC of its own. Seen where it counts: at the ports of the physical switch."""
from __future__ import annotations

import re
import time
from contextlib import contextmanager

import pytest

from lab import wait_until
from team import PYTHON, SLOW, running, team  # noqa: F401
from traffic import Receiver, at_switch, switch, wait_all

COUNT, INTERVAL = 4, 0.3
SETTINGS = (f"announce-count={COUNT}", f"announce-interval-ms={int(INTERVAL * 1000)}")
IN_VLAN, IN_VLAN6 = "198.51.100.10", "2001:db8:100::10"
EVERYBODY = ("ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01")


def add_vlan(lab, team):
    lab.guest.sh(f"""ip link add link {team.name} name {team.name}.100 type vlan id 100
        ip link set {team.name}.100 up
        ip address add {IN_VLAN}/24 dev {team.name}.100
        ip address add {IN_VLAN6}/64 dev {team.name}.100 nodad""")


# --- addresses ---

# What a broadcast that announces an address looks like in tcpdump.
ANNOUNCED = {
    Address: text for Address, text in (
        ("192.0.2.10", "Request who-has 192.0.2.10 tell 192.0.2.10"),
        ("2001:db8::10", "neighbor advertisement, tgt is 2001:db8::10"),
        (IN_VLAN, f"vlan 100, p 0, ethertype ARP (0x0806), Request who-has {IN_VLAN} tell {IN_VLAN}"),
        (IN_VLAN6, f"neighbor advertisement, tgt is {IN_VLAN6}"),
    )}


def announcements(capture, address):
    return [frame for frame in capture.frames(ANNOUNCED[address])
            if frame.destination in EVERYBODY]


@pytest.mark.legacy
def test_number_and_spacing_are_the_settings_and_only_on_the_new_primary(lab, build):
    with running(lab, build, ("ens4", "ens5"), *SETTINGS) as team:
        add_vlan(lab, team)
        team.reach()
        old, new = team.primary, team.other()
        with at_switch(lab) as seen:
            team.switchover(new)
            wait_until(lambda: all(len(announcements(seen[new], address)) >= 1 + COUNT
                                   for address in ANNOUNCED), SLOW, "all announcements")
            # Two more intervals, in which there must be no further one: an event ends them.
            before = sum(len(capture.frames("echo request")) for capture in seen.values())
            lab.guest.run(["ping", "-c", "2", "-W", "20", "-i", str(2 * INTERVAL), "192.0.2.1"])
            wait_all(seen, before + 2, "echo request")
            for address in ANNOUNCED:
                times = [frame.time for frame in announcements(seen[new], address)]
                assert len(times) == 1 + COUNT, (address, times)
                assert not announcements(seen[old], address)
                assert {frame.source for frame in announcements(seen[new], address)} == {
                    team.macs[new]}
                # The daemon's at once, then bonding's.
                mean = (times[-1] - times[1]) / (COUNT - 1)
                assert 0.8 * INTERVAL < mean < 1.5 * INTERVAL, (address, times)
                print(f"announced {address}: {[round(t - times[0], 3) for t in times]}")
            # Who is known is told by unicast, too.
            assert [frame for frame in seen[new].frames(ANNOUNCED["192.0.2.10"])
                    if frame.destination not in EVERYBODY]


# --- memberships ---

GROUP, GROUP6 = "239.1.2.3", "ff15::123"


@contextmanager
def reports(lab, tap):
    """A function that tells which memberships have been reported on a port: (VLAN, group)."""
    with switch(lab).spawn(["tcpdump", "-i", tap, "-Q", "in", "-enltv", "--immediate-mode",
                            "-Z", "root"]) as dump:
        dump.expect("listening on", stream="err")

        def seen(source):
            found = set()
            # A frame begins in the first column and goes on in the lines behind it.
            for frame in re.split(r"\n(?=\S)", dump.stdout()):
                if not frame.startswith(source):
                    continue
                vlan = re.search(r"vlan (\d+)", frame.split("\n")[0])
                for group in re.findall(r"gaddr ([0-9a-f.:]+)", frame):
                    found.add((int(vlan[1]) if vlan else 0, group))
            return found

        yield seen


@pytest.mark.parametrize("alive", [True, False], ids=["daemon", "no-daemon"])
def test_memberships_are_reported_again(lab, team, alive):
    add_vlan(lab, team)
    devices = (team.name, f"{team.name}.100")
    wanted = {(vlan, group) for vlan in (0, 100) for group in (GROUP, GROUP6)}
    old, new = team.primary, team.other()
    receivers = []
    try:
        for number, device in enumerate(devices):
            receivers += [Receiver(lab.guest, port=5100 + number, group=GROUP, device=device),
                          Receiver(lab.guest, "::", port=5200 + number, group=GROUP6,
                                   device=device)]
        with reports(lab, lab.pfs[lab.vfs.index(new)].tap) as seen:
            if not alive:
                team.stop_daemon()
            lab.host.run(["ip", "link", "set", team.pf(old), "down"])
            begin = time.monotonic()
            try:
                wait_until(lambda: wanted <= seen(team.macs[new]), SLOW,
                           f"{wanted} to be reported on {new}, {seen(team.macs[new])} were")
                print(f"reported {time.monotonic() - begin:.1f} s after the loss")
            finally:
                team.restore(old)
    finally:
        for receiver in receivers:
            receiver.__exit__()
        if not alive:
            team.start_daemon()
        wait_until(team.well, SLOW, "the team to be well again")

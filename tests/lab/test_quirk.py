# SPDX-License-Identifier: GPL-2.0-or-later
"""A lost VF of igbvf rests: its filters are not touched while its driver resets it, by bonding no
more than by the daemon (core/quirk.h)."""
import re
from datetime import datetime

import pytest

from lab import wait_until
from observed import active_slave, link
from team import SLOW, team  # noqa: F401

pytestmark = pytest.mark.long

REST_MS = 2000
MIIMON_MS = 100


def changes(text):
    """What `ip -ts monitor link` has printed: (time, device, the rest)."""
    parts = re.split(r"^\[([\d\-T:.]+)\] ", text, flags=re.MULTILINE)[1:]
    for when, what in zip(parts[::2], parts[1::2]):
        found = re.match(r"(?:Deleted )?\d+: ([\w.\-]+)[@:](.*)", what, re.DOTALL)
        if found:
            yield datetime.fromisoformat(when), found[1], found[2]


def test_a_lost_vf_rests(lab, team):  # noqa: F811
    assert link(lab.guest, team.name)["linkinfo"]["info_data"]["downdelay"] == REST_MS
    lost, left = team.primary, team.other()
    with lab.guest.spawn(["ip", "-ts", "monitor", "link"]) as monitor:
        with team.lost(lost):
            assert team.primary == left
            # Traffic does not wait for bonding.
            lab.guest.wait_for(["ping", "-c", "1", "-W", "1", "192.0.2.1"], " 0% packet loss", SLOW)
            wait_until(lambda: active_slave(team) == left, SLOW, f"bonding to take {left}")
            said = monitor.expect(f"link/ether {team.macs[left]}")
        seen = list(changes(said))
    gone = next(when for when, device, rest in seen if device == lost and "NO-CARRIER" in rest)
    # The bond takes the active slave's MAC: then it has changed over.
    over = next(when for when, device, rest in seen
                if device == team.name and f"link/ether {team.macs[left]}" in rest)
    assert (over - gone).total_seconds() * 1000 >= REST_MS - 2 * MIIMON_MS

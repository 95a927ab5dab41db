# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine that is guest and host: while the daemon makes many adapters, a link of a team is lost.
Without the carrier program only the daemon's event path fails over, and it must not wait."""
import pytest

from lab import wait_until
from team import SLOW, WITHOUT_TRACING, binary
from veth import network  # noqa: F401

VMS, EACH = 16, 8


def active(network, team):  # noqa: F811
    link = network.guest.run(["ip", "-d", "-j", "link", "show", team.name]).json()[0]
    return link["linkinfo"]["info_data"].get("active_slave", "")


def write(network, team):  # noqa: F811
    lines = ["ip link add nic0 type veth peer name far0; ip link set far0 up",
             f"printf '[Switch]\\nName=lan\\nNic=nic0\\n' > {team.config}/lan.switch.conf"]
    for vm in range(VMS):
        adapters = "".join(f"[Adapter]\\nName=a{number}\\nSwitch=lan\\n"
                           for number in range(EACH))
        lines.append(f"printf '[VM]\\nName=v{vm}\\n{adapters}' > {team.config}/v{vm}.vm.conf")
    network.guest.sh("\n".join(lines))


@pytest.mark.long
def test_a_link_is_lost_meanwhile(network, build):  # noqa: F811
    network.make(2)
    network.guest.run(["modprobe", "tun"])
    with network.team(wrapper=WITHOUT_TRACING) as team:
        write(network, team)
        primary = active(network, team)
        reload = network.guest.spawn([binary(build, "iovteam"), "reload", "--socket", team.socket])
        network.guest.wait_for(["ip", "link", "show", "dev", "v0.a0"], "v0.a0", SLOW)
        network.carrier(primary, up=False)
        wait_until(lambda: active(network, team) not in ("", primary), SLOW, "the failover")
        assert reload.running, reload.stderr()
        assert reload.wait(4 * SLOW).rc == 0
        network.guest.sh(f"rm {team.config}/*.vm.conf {team.config}/lan.switch.conf")
        team.run("reload", timeout=4 * SLOW)
        network.guest.run(["ip", "link", "delete", "nic0"])

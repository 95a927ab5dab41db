# SPDX-License-Identifier: GPL-2.0-or-later
"""Who sits on the team with a MAC of its own (T7, T9, T10): VMs on a bridge, macvlan, a virtual
router, a bridge that speaks STP. After a failover the physical switch must know them behind the
new primary before they say anything, and nothing may come back or twice."""
from __future__ import annotations

import time
from contextlib import contextmanager

import pytest

from lab import wait_until
from team import SLOW, running, team  # noqa: F401
from test_everything import link, trusting_host  # noqa: F401
from traffic import at_switch, known_at, ping, switch

PEER = "192.0.2.1"
LEARN = "ethertype Reverse ARP"
COUNT = 2


@contextmanager
def vm_on_a_bridge(lab, team, address="192.0.2.30", stp=False):
    """A VM that says nothing by itself; yields it and its MAC."""
    vm = lab.namespace("vm")
    own = "02:00:00:00:00:b0"
    try:
        lab.guest.sh(f"""ip address flush dev {team.name}
            ip link add name br0 address {own} type bridge stp_state {int(stp)} forward_delay 200
            ip link add tap0 type veth peer name eth0 netns vm
            ip link set tap0 master br0 up
            ip link set {team.name} master br0
            sysctl -qw net.ipv6.conf.br0.disable_ipv6=1
            ip link set br0 up
            ip address add {team.IPV4}/24 dev br0""")
        vm.sh(f"sysctl -qw net.ipv6.conf.all.disable_ipv6=1; ip link set eth0 up;"
              f" ip address add {address}/24 dev eth0")
        mac = link(vm, "eth0")["address"]
        lab.guest.sh(f"bridge fdb add {mac} dev {team.name} self;"
                     f" bridge fdb add {own} dev {team.name} self")
        lab.peer.run(["ip", "neighbour", "flush", "dev", "eth0"])
        wait_until(lambda: vm.run(["ping", "-c1", "-W1", PEER], check=False).rc == 0, SLOW,
                   "the VM to reach the peer")
        yield vm, mac
    finally:
        lab.guest.run(["ip", "link", "delete", "br0"], check=False)
        lab.host.run(["ip", "netns", "delete", "vm"], check=False)


def port_of(lab, mac):
    """The switch's port behind which it has learned a MAC."""
    table = switch(lab).run(["bridge", "-j", "fdb", "show", "br", "phys"]).json()
    return next((entry["ifname"] for entry in table if entry["mac"] == mac), None)


def tap_of(lab, member):
    return lab.pfs[lab.vfs.index(member)].tap


def learned_inside(lab, mac):
    table = lab.guest.run(["bridge", "-j", "fdb", "show", "br", "br0"]).json()
    return [entry["ifname"] for entry in table
            if entry["mac"] == mac and entry.get("state") != "permanent"
            and "self" not in entry.get("flags", ())]


def test_a_silent_vm_is_found_after_a_failover(lab, build, trusting_host):  # noqa: F811
    with running(lab, build, ("ens4", "ens5"), f"announce-count={COUNT}") as team:
        with vm_on_a_bridge(lab, team) as (vm, mac):
            old, new = team.primary, team.other()
            wait_until(lambda: port_of(lab, mac) == tap_of(lab, old), SLOW, "the VM at its port")
            # Its neighbour entry at the peer shall need no question.
            lab.peer.run(["ip", "neighbour", "replace", "192.0.2.30", "lladdr", mac, "dev", "eth0",
                          "nud", "permanent"])
            try:
                with at_switch(lab, f"ether src {mac}") as seen, team.lost(old):
                    wait_until(lambda: port_of(lab, mac) == tap_of(lab, new), SLOW,
                               "the switch to know the VM's new port")
                    # Nobody has asked the VM anything yet: it was announced.
                    frames = seen[new].wait(1 + COUNT, LEARN)
                    assert {frame.destination for frame in frames} == {"ff:ff:ff:ff:ff:ff"}
                    assert len(seen[new].frames()) == len(frames), seen[new].frames()
                    begin = time.monotonic()
                    wait_until(lambda: lab.peer.run(["ping", "-c1", "-W1", "192.0.2.30"],
                                                    check=False).rc == 0, SLOW, "the silent VM")
                    print(f"reached {time.monotonic() - begin:.1f} s after it was announced")
                    ping(lab.peer, "192.0.2.30")
                    ping(lab.peer, team.IPV4)
                    # What the NIC returned of it has taught our bridge nothing.
                    assert learned_inside(lab, mac) == ["tap0"]
                    assert len(seen[new].frames(LEARN)) == 1 + COUNT
                    assert not seen[old].frames(LEARN)
                ping(lab.peer, "192.0.2.30")
                ping(vm, team.IPV4)
            finally:
                lab.peer.run(["ip", "neighbour", "delete", "192.0.2.30", "dev", "eth0"])


def test_a_vm_that_has_moved_away_is_not_announced(lab, build, trusting_host):  # noqa: F811
    with running(lab, build, ("ens4", "ens5"), f"announce-count={COUNT}") as team:
        with vm_on_a_bridge(lab, team) as (vm, mac):
            vm.sh("ip link set eth0 down")
            # It comes up elsewhere, and says so, as QEMU does after a migration.
            frame = f"ffffffffffff{mac.replace(':', '')}8035" + "00" * 46
            sent = time.monotonic()
            wait_until(lambda: time.monotonic() > sent + 0.6, SLOW, "the end of its reflections")
            lab.peer.run(["/usr/bin/python3", "-IS", "-c", f"""
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
s.send(bytes.fromhex("{frame}"))
"""])
            wait_until(lambda: port_of(lab, mac) == "peer", SLOW, "the VM behind the peer's port")
            wait_until(lambda: learned_inside(lab, mac) == [team.name], SLOW,
                       "our bridge to know it outside")
            with at_switch(lab, "arp or rarp") as seen:
                new = team.other()
                team.switchover(new)
                seen[new].wait(1 + COUNT, LEARN)  # of the bridge itself
                assert not [frame for capture in seen.values()
                            for frame in capture.frames(LEARN) if frame.source == mac]
            assert port_of(lab, mac) == "peer"


def test_macvlan_in_a_vlan_is_announced_in_it(lab, build, trusting_host):  # noqa: F811
    with running(lab, build, ("ens4", "ens5"), f"announce-count={COUNT}") as team:
        upper = lab.namespace("upper")
        try:
            lab.guest.sh(f"""ip link add link {team.name} name {team.name}.100 type vlan id 100
                ip link set {team.name}.100 up
                ip link add mv0 link {team.name}.100 netns upper type macvlan mode bridge""")
            upper.sh("ip link set mv0 up; ip address add 198.51.100.20/24 dev mv0")
            mac = link(upper, "mv0")["address"]
            upper.run(["ping", "-c", "1", "-W", "1", "198.51.100.1"], check=False)
            with at_switch(lab, f"ether src {mac}") as seen:
                new = team.other()
                team.switchover(new)
                frames = seen[new].wait(1 + COUNT, f"vlan 100, p 0, {LEARN}")
                assert not seen[team.other(new)].frames(LEARN)
                assert len(seen[new].frames(LEARN)) == len(frames)  # none without the tag
        finally:
            lab.host.run(["ip", "netns", "delete", "upper"])


KEEPALIVED = """
global_defs {{ script_user root }}
vrrp_instance one {{
    state {state}
    interface {device}
    virtual_router_id 51
    priority {priority}
    advert_int 1
    use_vmac
    vmac_xmit_base
    virtual_ipaddress {{ 192.0.2.51/24 }}
}}
"""
VMAC = "00:00:5e:00:01:33"


def test_a_virtual_router_stays_reachable(lab, team, trusting_host):  # noqa: F811
    # Else the team asks for neighbours in the router's name with its own MAC, and they believe it.
    lab.guest.run(["sysctl", "-qw", f"net.ipv4.conf.{team.name}.arp_announce=2"])
    lab.write("/tmp/keepalived.conf",
              KEEPALIVED.format(state="MASTER", device=team.name, priority=200).encode())
    run = ["keepalived", "-n", "-l", "-f", "/tmp/keepalived.conf", "-p", "/tmp/keepalived.pid",
           "-r", "/tmp/vrrp.pid"]
    try:
        with lab.guest.spawn(run) as router:
            def answers():
                assert router.running, router.stderr()
                return lab.peer.run(["ping", "-c1", "-W1", "192.0.2.51"], check=False).rc == 0

            wait_until(answers, SLOW, "the virtual router")
            assert known_at(lab.peer, "192.0.2.51") == VMAC
            old, new = team.primary, team.other()
            with at_switch(lab, f"ether src {VMAC}") as seen:
                with team.lost(old):
                    wait_until(lambda: port_of(lab, VMAC) == tap_of(lab, new), SLOW,
                               "the switch to know its port")
                    assert seen[new].frames(LEARN) or seen[new].frames("tell 192.0.2.51")
                    wait_until(answers, SLOW, "the virtual router after the failover")
                    ping(lab.peer, "192.0.2.51")
                    assert known_at(lab.peer, "192.0.2.51") == VMAC
            ping(lab.peer, "192.0.2.51")
    finally:
        lab.guest.run(["ip", "link", "delete", "vrrp.51"], check=False)


def test_stp_of_a_bridge_on_the_team_sees_no_loop(lab, team, trusting_host):  # noqa: F811
    with vm_on_a_bridge(lab, team, stp=True):
        for number in range(2):
            if number:
                team.switchover(team.other())
            with at_switch(lab, "ether dst 01:80:c2:00:00:00") as seen:
                seen[team.primary].wait(3, "802.1d")
                assert not seen[team.other()].frames("802.1d")
            # The switch floods them, and the other NIC has returned ours: nobody has seen it.
            drops = {m["name"]: m["drops"]["reflected"] for m in team.show()["members"]}
            assert drops[team.other()] > 0, drops
            ports = lab.guest.run(["bridge", "-j", "link", "show", "dev", team.name]).json()
            assert ports[0]["state"] == "forwarding"
            # It is the root: nobody else's are heard, so not its own, either.
            assert "root_port 0 root_path_cost 0" in lab.guest.run(
                ["ip", "-d", "link", "show", "br0"]).out
            ping(lab.peer, team.IPV4)

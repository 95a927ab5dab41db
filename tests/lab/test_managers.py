# SPDX-License-Identifier: GPL-2.0-or-later
"""Bonds that NetworkManager, networkd, netplan and ifupdown have made are adopted (T21): the
managers as Debian has them, under systemd, with real traffic. A guest of their own boots."""
from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from acts import PEER6, traffic_of
from debian import IPV4, IPV6, Debian
from lab import LabError, wait_until
from team import SLOW

pytestmark = pytest.mark.long

BOND = "bond0"
PORTS = ("virtio0", "virtio1")


class Manager:
    """Makes bond0 over two NICs, with addresses, as an administrator would have it made."""

    unit = ""
    files: dict[str, str] = {}
    restart_keeps_the_bond = True

    def __init__(self, debian: Debian) -> None:
        self.debian = debian

    def write(self) -> None:
        for path, text in self.files.items():
            self.debian.host.run(["mkdir", "-p", os.path.dirname(path)])
            self.debian.write(path, text, 0o600 if "netplan" in path else 0o644)

    def make(self) -> None:
        self.write()
        self.debian.start(self.unit)

    def restart(self) -> None:
        self.debian.systemctl("restart", self.unit)

    def remove(self) -> None:
        """In whatever state it is."""
        self.debian.host.sh(f"""
            systemctl stop {self.unit} {self.unit}.socket || true
            rm -f {' '.join(self.files)} /run/lab/{self.unit} /run/systemd/network/*netplan*
            ip link delete {BOND} || true
            for port in {' '.join(PORTS)}; do ip link set $port down; ip addr flush dev $port; done
            """, check=False, timeout=90)


class Networkd(Manager):
    unit = "systemd-networkd"
    files = {
        "/etc/systemd/network/20-bond0.netdev":
            "[NetDev]\nName=bond0\nKind=bond\n"
            "[Bond]\nMode=active-backup\nFailOverMACPolicy=active\nMIIMonitorSec=100ms\n",
        "/etc/systemd/network/20-bond0.network":
            f"[Match]\nName=bond0\n[Network]\nAddress={IPV4}/24\nAddress={IPV6}/64\n",
        "/etc/systemd/network/20-ports.network":
            "[Match]\nName=virtio0 virtio1\n[Network]\nBond=bond0\n",
    }


class Netplan(Manager):
    unit = "systemd-networkd"
    files = {"/etc/netplan/bond0.yaml": f"""
network:
  version: 2
  renderer: networkd
  ethernets: {{virtio0: {{}}, virtio1: {{}}}}
  bonds:
    bond0:
      interfaces: [virtio0, virtio1]
      addresses: [{IPV4}/24, "{IPV6}/64"]
      parameters: {{mode: active-backup, fail-over-mac-policy: active, mii-monitor-interval: 100}}
"""}

    def make(self) -> None:
        self.write()
        self.debian.host.sh(f"mkdir -p /run/lab; touch /run/lab/{self.unit}")
        self.restart()

    def restart(self) -> None:
        self.debian.host.run(["netplan", "apply"], timeout=300)


class NetworkManager(Manager):
    unit = "NetworkManager"
    files = {f"/etc/NetworkManager/system-connections/{name}.nmconnection": text
             for name, text in {
                 BOND: f"""
[connection]
id=bond0
type=bond
interface-name=bond0
[bond]
mode=active-backup
fail_over_mac=active
miimon=100
[ipv4]
method=manual
address1={IPV4}/24
[ipv6]
method=manual
address1={IPV6}/64
""", **{port: f"""
[connection]
id={port}
type=ethernet
interface-name={port}
master=bond0
slave-type=bond
""" for port in PORTS}}.items()}

    def write(self) -> None:
        super().write()
        self.debian.host.sh("chmod 600 /etc/NetworkManager/system-connections/*")


class Ifupdown(Manager):
    """Its restart takes the bond down and makes another one: nothing can flow meanwhile."""

    unit = "networking"
    restart_keeps_the_bond = False
    files = {"/etc/network/interfaces.d/bond0": f"""
auto bond0
iface bond0 inet static
    address {IPV4}/24
    bond-slaves virtio0 virtio1
    bond-mode active-backup
    bond-fail-over-mac active
    bond-miimon 100
iface bond0 inet6 static
    address {IPV6}/64
    accept_ra 0
"""}


@pytest.fixture(scope="module")
def debian(build):
    with Debian(build, nics=3) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_left_behind(debian):
    """In place of that for the other lab, which is not running here."""
    yield
    debian.iovteam("team", "remove", BOND, check=False)
    debian.plug_all()
    debian.host.sh(f"ip link delete {BOND} 2>/dev/null || true")
    debian.wait_clean()


@pytest.fixture(params=[NetworkManager, Networkd, Netplan, Ifupdown], ids=lambda m: m.__name__)
def manager(request, debian):
    made = request.param(debian)
    try:
        made.make()
        wait_until(lambda: len(debian.slaves(BOND)) == 2, 3 * SLOW, f"{BOND} to have two slaves")
        debian.reach()
        debian.reach(PEER6, "-I", IPV6)  # from that address: it may be tentative still
        yield made
    except Exception:
        print(debian.host.sh(f"ip link; journalctl --no-pager -n 40 -u {made.unit}").out)
        raise
    finally:
        made.remove()


def as_made(debian):
    """What a manager has set, and what it finds when it is let alone again."""
    link = debian.link(BOND)
    options = dict(link["linkinfo"]["info_data"])
    for key in ("active_slave", "ad_info"):
        options.pop(key, None)
    return options, debian.slaves(BOND), link["mtu"], link["flags"]


def test_adopted_and_let_go_under_traffic(debian, build, manager):
    """Adopted, its manager restarted, iovteamd restarted, let go: nothing is ever lost."""
    before = as_made(debian)
    team = SimpleNamespace(IPV4=IPV4, IPV6=IPV6, macs={
        port: debian.link(port)["address"] for port in PORTS})
    with traffic_of(debian.guest, debian.peer, build, team) as acts:
        with acts("bare-restart") as bare:
            if manager.restart_keeps_the_bond:
                manager.restart()
            acts.more()
        wait_until(lambda: len(debian.slaves(BOND)) == 2, SLOW, "both slaves")
        debian.reach()
        debian.reach(PEER6, "-I", IPV6)
        with acts("adopted"):
            acts.more(100)
            debian.iovteam("team", "adopt", BOND)
            debian.wait_well(BOND)
            acts.more()
        with acts("spread") as act:
            acts.more()
        acts.unharmed("spread")
        assert set(act.last) == set(team.macs.values())
        if manager.restart_keeps_the_bond:
            with acts("manager-restarted"):
                manager.restart()
                acts.more()
            # What a manager does to a bond that nobody has adopted is its own affair.
            if bare.out["lost"] == bare.into["lost"] == 0:
                acts.unharmed("manager-restarted")
            debian.wait_well(BOND)
            debian.reach()
            debian.reach(PEER6, "-I", IPV6)
        with acts("daemon-restarted"):
            debian.systemctl("restart", "iovteamd")
            acts.more()
        acts.unharmed("daemon-restarted")
        debian.wait_well(BOND)
        with acts("let-go"):
            acts.more(100)
            debian.iovteam("team", "remove", BOND)
            acts.more()
        for name in ("adopted", "let-go"):
            act = acts.done[name]
            assert (act.out["lost"], act.into["lost"]) == (0, 0), act
            assert (act.out["duplicated"], act.into["duplicated"]) == (0, 0), act
    try:
        wait_until(lambda: as_made(debian) == before, SLOW, "the bond as it was made")
    except LabError:
        assert as_made(debian) == before  # to show what differs


def test_made_again_it_is_adopted_again(debian):
    """ifupdown's restart, and a person's `ip link delete`: the next bond of that name."""
    manager = Ifupdown(debian)
    try:
        manager.make()
        debian.iovteam("team", "adopt", BOND)
        debian.wait_well(BOND)
        first = debian.link(BOND)["ifindex"]
        manager.restart()
        debian.wait_well(BOND)
        assert debian.link(BOND)["ifindex"] != first
        assert sorted(debian.slaves(BOND).values()) == [1, 2]
        debian.reach()
        debian.host.run(["ip", "link", "delete", BOND])
        wait_until(lambda: debian.team(BOND)["state"] == "down", SLOW, "the team to be down")
        notes = debian.team(BOND)["notes"]
        assert notes == ["there is no bond bond0; its manager makes it"], notes
        debian.iovteam("team", "remove", BOND)
    finally:
        manager.remove()


@pytest.fixture
def bond(debian):
    """A bond that a person makes: quicker than any manager, and the same to us."""
    debian.host.sh(f"""
        modprobe bonding
        ip link add {BOND} type bond mode active-backup fail_over_mac active miimon 100
        for port in {' '.join(PORTS)}; do
            ip link set $port down; ip link set $port master {BOND}
        done
        ip link set {BOND} up; ip address add {IPV4}/24 dev {BOND}""")
    yield
    debian.host.sh(f"ip link delete {BOND} 2>/dev/null || true")


def test_what_others_change_is_followed_or_put_right(debian, bond):
    debian.iovteam("team", "adopt", BOND)
    debian.wait_well(BOND)
    debian.host.sh(f"ip link set {BOND} type bond all_slaves_active 0\n"
                   "ip link set virtio0 type bond_slave queue_id 0")
    wait_until(lambda: debian.link(BOND)["linkinfo"]["info_data"]["all_slaves_active"] == 1
               and 0 not in debian.slaves(BOND).values(), SLOW, "attributes as wanted")
    debian.host.sh(f"ip link set virtio2 down; ip link set virtio2 master {BOND}")
    debian.wait_well(BOND, 3)
    debian.host.run(["ip", "link", "set", "virtio2", "nomaster"])
    debian.wait_well(BOND, 2)
    assert debian.host.sh("tc filter show dev virtio2 ingress; bpftool net show dev virtio2 "
                          "| grep member_ || true").out.strip().find("member_") < 0
    refused = debian.iovteam("member", "add", BOND, "virtio2", check=False)
    assert refused.rc == 1
    assert "bond0 is adopted: add and remove slaves with what has made" in refused.err


def test_let_go_while_bonding_would_choose_another(debian, build, bond):
    """Back with primary_reselect=always, bonding makes its first slave the active one at once."""
    debian.iovteam("team", "adopt", BOND)
    debian.wait_well(BOND)
    first, second = (port for port in debian.slaves(BOND))
    debian.iovteam("team", "switchover", BOND, "--to", second)
    debian.reach()
    debian.host.sh(f"ip address add {IPV6}/64 dev {BOND} nodad")
    debian.reach(PEER6)
    team = SimpleNamespace(IPV4=IPV4, IPV6=IPV6, macs={})
    with traffic_of(debian.guest, debian.peer, build, team) as acts:
        with acts("let-go"):
            acts.more(100)
            debian.iovteam("team", "remove", BOND)
            acts.more()
        acts.unharmed("let-go")
    assert debian.link(BOND)["linkinfo"]["info_data"]["active_slave"] == first


def test_a_lost_link(debian, bond):
    debian.iovteam("team", "adopt", BOND)
    debian.wait_well(BOND)
    debian.reach()
    primary = debian.team(BOND)["primary"]
    debian.cable(debian.virtio[PORTS.index(primary)], up=False)
    wait_until(lambda: debian.team(BOND)["primary"] not in ("", primary), SLOW, "another primary")
    debian.reach()
    active = debian.link(BOND)["linkinfo"]["info_data"]["active_slave"]
    assert active == debian.team(BOND)["primary"]
    debian.plug_all()
    debian.wait_well(BOND)


@pytest.mark.parametrize("options, sentence", [
    ("mode balance-rr", "bond0 is not in mode active-backup; set NetworkManager mode=active-"),
    ("mode active-backup", "bond0 sets the MAC of its slaves; set NetworkManager fail_over_mac="),
    ("mode active-backup fail_over_mac active arp_interval 100 arp_ip_target 192.0.2.1",
     "bond0 watches its slaves by ARP, not by their links; set NetworkManager miimon=100"),
])
def test_what_cannot_be_adopted(debian, options, sentence):
    debian.host.sh(f"modprobe bonding; ip link add {BOND} type bond {options}")
    before = debian.link(BOND)
    refused = debian.iovteam("team", "adopt", BOND, check=False)
    assert refused.rc == 1 and sentence in refused.err, refused.err
    assert debian.link(BOND) == before
    missing = debian.iovteam("team", "adopt", "bond9", check=False)
    assert missing.rc == 1 and "there is no bond bond9; its manager makes it" in missing.err


def managed(debian):
    """What doctor gives as a mend against a manager of a member; "" where there is none."""
    findings = debian.iovteam("doctor", "--json", check=False).json()["findings"]
    return next((f["mend"] for f in findings if f["check"] == "managed"), "")


CATCH_ALL = "/etc/systemd/network/80-all.network"


@pytest.mark.parametrize("unit, busy, tell", [
    ("NetworkManager", "connecting", "nmcli device set virtio2 managed no"),
    ("systemd-networkd", "configuring",
     "udevadm trigger --settle --action=change /sys/class/net/virtio2\n"
     "networkctl reload; networkctl reconfigure virtio2"),
])
def test_a_manager_is_told_to_let_go(debian, unit, busy, tell):
    """A device that a manager is at work on becomes a member: what docs/managers.md says to do."""
    debian.write(CATCH_ALL, "[Match]\nName=virtio2\n[Network]\nDHCP=yes\n")
    show = ["sh", "-c", "nmcli -t device 2>/dev/null || networkctl --no-legend --no-pager"]
    try:
        debian.start(unit)
        debian.host.wait_for(["sh", "-c", f"{show[2]} | grep virtio2"], busy, SLOW)
        if unit == "NetworkManager":  # before; networkd's mark needs the configuration
            debian.host.sh(tell)
        debian.iovteam("team", "add", BOND, "--member", "virtio2")
        if unit != "NetworkManager":
            wait_until(lambda: managed(debian).replace("; networkctl rel", "\nnetworkctl rel")
                       == tell, SLOW, "doctor to say the same")
            debian.host.sh(tell)
        debian.host.wait_for(["sh", "-c", f"{show[2]} | grep virtio2"], "unmanaged", SLOW)
        debian.wait_well(BOND, 1)
        wait_until(lambda: not managed(debian), SLOW, "doctor to see that it has let go")
        link = debian.host.run(["ip", "-j", "address", "show", "virtio2"]).json()[0]
        assert link["master"] == BOND
        assert not link["addr_info"], link
    finally:
        debian.host.sh(f"systemctl stop {unit} {unit}.socket; rm -f {CATCH_ALL} /run/lab/{unit}",
                       check=False, timeout=90)
        debian.iovteam("team", "remove", BOND)
        debian.host.sh("ip link set virtio2 down; ip address flush dev virtio2")

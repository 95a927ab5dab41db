# SPDX-License-Identifier: GPL-2.0-or-later
"""Switches and adapters on the machine's own kernel: what needs no SR-IOV. Guests are namespaces;
a cable is pulled by setting the other end of a NIC down.
"""
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from host_world import host, run, wait_until  # noqa: F401
from test_refusals_native import COMMAND, has_bonding

QEMU = shutil.which("qemu-system-x86_64")
FOREIGN = "02:00:00:00:00:99"


def make(world, teaming=True):
    """The seed's host: two switches, a VM with an adapter on each."""
    guest = world.make_guest("web1")
    for letter, nic in (("A", "nic0"), ("B", "nic1")):
        world.do("switch", "add", f"sw{letter}", "--nic", nic, "--iov", "off")
    for letter in "AB":
        world.do("adapter", "add", "web1", f"nic{letter}", "--switch", f"sw{letter}",
                 "--namespace", guest)
    if teaming:
        world.do("adapter", "set", "web1", "allow-teaming=on")
    for letter in "AB":
        world.guest("web1", "ip", "link", "set", f"nic{letter}", "up")
    return guest


def unmake(world):
    for letter in "AB":
        world.do("adapter", "remove", "web1", f"nic{letter}")
        world.do("switch", "remove", f"sw{letter}")


def carrier(world, device):
    return world.guest("web1", "cat", f"/sys/class/net/{device}/carrier",
                       check=False).stdout.strip() == "1"


def guest_carrier(world, device):
    link = world.link(device, world.guest_name("web1"))
    return link is not None and "NO-CARRIER" not in link["flags"]


def has_vlans(world):
    """Has this kernel bridges that know VLANs?"""
    made = world.host("ip", "link", "add", "probe0", "type", "bridge", "vlan_filtering", "1",
                      check=False).returncode == 0
    world.host("ip", "link", "del", "probe0", check=False)
    return made


def knows_vlans(world):
    return world.link("swA")["linkinfo"]["info_data"]["vlan_filtering"] == 1


def test_made_and_removed(host):  # noqa: F811
    """Everything is there, in order and after removal nothing; the NICs are as they were."""
    before = host.links()
    host.host("ip", "link", "set", "nic1", "up")
    with host.daemon():
        make(host)
        wait_until(host.as_wanted, "nothing to be left")
        bridge = host.link("swA")
        assert "UP" in bridge["flags"] and knows_vlans(host) == has_vlans(host)
        assert host.link("nic0")["master"] == "swA" and "UP" in host.link("nic0")["flags"]
        assert host.link("web1.nicA")["master"] == "swA"
        adapter = host.adapter("web1", "nicA")
        assert host.link("nicA", host.guest_name("web1"))["address"] == adapter["mac"]
        assert (adapter["status"], adapter["path"], adapter["port"]) == ("ok", "ok", "web1.nicA")
        assert adapter["wanted"]["allow_teaming"] and adapter["attach"] is None
        assert len(adapter["permitted_macs"]) == 2
        assert host.switch("swA")["uplink"] == "up" and host.switch("swA")["adapters"] == 1
        unmake(host)
        assert host.links() == before
        assert "UP" not in host.link("nic0")["flags"] and "UP" in host.link("nic1")["flags"]
        assert list(host.config.glob("*.conf")) == []
        assert list((host.directory / "bpf").glob("*/*")) == []


def test_traffic_and_vlans(host):  # noqa: F811
    """Guests reach the outside and each other; those in another VLAN do not, where the kernel's
    bridges know any."""
    with host.daemon():
        one = make(host, teaming=False)
        two = host.make_guest("web2")
        host.do("adapter", "add", "web2", "nicA", "--switch", "swA", "--namespace", two)
        host.at(one, "sh", "-ec", "ip address add 192.0.2.11/24 dev nicA")
        host.at(two, "sh", "-ec", "ip address add 192.0.2.12/24 dev nicA; ip link set nicA up")
        wait_until(lambda: host.pings(one, "192.0.2.1"), "the outside")
        wait_until(lambda: host.pings(two, "192.0.2.11"), "each other")
        if not has_vlans(host):
            assert "knows no VLANs" in host.refuse("adapter", "add", "web2", "nicB", "--switch",
                                                   "swB", "vlan=7")
            return
        host.do("adapter", "set", "web2", "nicA", "vlan=7")
        wait_until(lambda: not host.pings(two, "192.0.2.11", 1), "them to be parted")
        host.do("adapter", "set", "web1", "nicA", "vlan=7")
        wait_until(lambda: host.pings(two, "192.0.2.11"), "the same VLAN")
        assert not host.pings(one, "192.0.2.1", 1)


def test_uplink_lost(host):  # noqa: F811
    """H5 b, H8: with allow-teaming the guest is told, without it is not; the adapter is ok."""
    with host.daemon():
        make(host)
        wait_until(lambda: guest_carrier(host, "nicA"), "the guest's carrier")
        host.out("ip", "link", "set", "out0", "down")
        wait_until(lambda: not guest_carrier(host, "nicA"), "the guest to see it")
        adapter = host.adapter("web1", "nicA")
        assert (adapter["status"], adapter["path"]) == ("ok", "disconnected")
        assert guest_carrier(host, "nicB") and host.adapter("web1", "nicB")["path"] == "ok"
        assert host.switch("swA")["uplink"] == "down"
        host.out("ip", "link", "set", "out0", "up")
        wait_until(lambda: guest_carrier(host, "nicA"), "the carrier to be back")
        # The host's administrator sets the NIC down: it stays so.
        host.host("ip", "link", "set", "nic0", "down")
        wait_until(lambda: not guest_carrier(host, "nicA"), "the guest to see that")
        # Without allow-teaming it stays connected, and says so.
        host.do("adapter", "set", "web1", "allow-teaming=off")
        wait_until(lambda: guest_carrier(host, "nicA"), "it to be connected")
        adapter = host.adapter("web1", "nicA")
        assert (adapter["status"], adapter["path"]) == ("ok", "uplink-lost")
        assert "UP" not in host.link("nic0")["flags"]


def frames(world, adapter="nicA"):
    return world.adapter("web1", adapter)["frames"]


def test_source_macs(host):  # noqa: F811
    """H5 a: its own, a team mate's, a foreign one; counted, and seen or not seen outside."""
    with host.daemon():
        guest = make(host, teaming=False)
        mate = host.adapter("web1", "nicB")["mac"]

        def passes(mac):
            """Whether a frame gets through, by the counters, and that they agree."""
            was = frames(host)
            host.send(guest, "nicA", mac, count=5)
            now = wait_until(lambda: (f := frames(host))["passed"] + f["refused"]
                             >= was["passed"] + was["refused"] + 5 and f, "frames to be counted")
            refused = now["refused"] - was["refused"]
            assert refused in (0, 5)
            return refused == 0

        wait_until(lambda: guest_carrier(host, "nicA"), "the carrier")
        assert passes(host.adapter("web1", "nicA")["mac"])
        assert not passes(mate) and not passes(FOREIGN)
        host.do("adapter", "set", "web1", "allow-teaming=on")
        assert passes(mate) and not passes(FOREIGN)
        assert frames(host)["passed_mate"] == 5
        host.do("adapter", "set", "web1", "nicA", "mac-spoofing=on")
        assert passes(FOREIGN)
        host.do("adapter", "set", "web1", "allow-teaming=off")
        host.do("adapter", "set", "web1", "nicA", "mac-spoofing=off")
        assert not passes(mate) and not passes(FOREIGN)


def test_put_right(host):  # noqa: F811
    """What a stranger deletes or changes is there again."""
    with host.daemon():
        make(host, teaming=False)
        vlans = ("bridge vlan add dev web1.nicA vid 9 pvid untagged",
                 "bridge vlan del dev nic0 vid 9") if has_vlans(host) else ()
        for wreck in ("ip link del swA", "ip link del web1.nicA", "ip link set swA down",
                      "ip link set web1.nicA nomaster", "ip link set web1.nicA down",
                      "ip link set nic0 nomaster", *vlans):
            host.host("sh", "-ec", wreck)
            wait_until(lambda: host.as_wanted()
                       and host.adapter("web1", "nicA")["status"] == "ok", wreck)
            assert host.link("web1.nicA")["master"] == "swA", wreck
        # The guest goes and comes: its adapters are made when it is there.
        host.drop_guest("web1")
        wait_until(lambda: not host.link("web1.nicA"), "the ports to go with the guest")
        assert "wait for the namespace" in host.iovteam("plan").stdout
        host.make_guest("web1")
        wait_until(lambda: host.link("nicA", host.guest_name("web1")), "the guest's adapter")


class FalseGuest:
    """A guest's namespace that is none: its ports cannot be made, and the kernel says so."""

    def __init__(self, world, vm):
        self.world, self.vm = world, vm
        self.path = Path("/run/netns") / world.guest_name(vm)

    def __enter__(self):
        self.path.touch()
        wait_until(self.is_noted, "the failure to be noted")
        return self

    def __exit__(self, *_):
        self.path.unlink()

    def is_noted(self):
        return any("cannot be made" in note
                   for note in self.world.adapter(self.vm, "nicA")["notes"])


def test_trouble_passes(host):  # noqa: F811
    """What failed, and now waits for something, is no trouble any more: the daemon is at rest."""
    with host.daemon():
        host.do("switch", "add", "swA", "--nic", "nic0", "--iov", "off")
        host.do("adapter", "add", "web1", "nicA", "--switch", "swA", "--namespace",
                host.guest_name("web1"))
        with FalseGuest(host, "web1") as guest:
            pass
        wait_until(lambda: not guest.is_noted(), "the trouble to be forgotten")
        host.make_guest("web1")
        wait_until(lambda: host.adapter("web1", "nicA")["status"] == "ok", "the guest's adapter")


def test_trouble_of_another(host):  # noqa: F811
    """What is broken already keeps no command from another VM; one that changes it fails."""
    with host.daemon():
        host.do("switch", "add", "swA", "--nic", "nic0", "--iov", "off")
        host.do("adapter", "add", "web2", "nicA", "--switch", "swA", "--namespace",
                host.guest_name("web2"))
        with FalseGuest(host, "web2") as guest:
            host.do("adapter", "add", "web1", "nicA", "--switch", "swA", "--namespace",
                    host.make_guest("web1"))
            assert host.adapter("web1", "nicA")["status"] == "ok"
            assert guest.is_noted()
            assert "cannot be made" in host.refuse("adapter", "set", "web2", "nicA",
                                                   "iov-weight=7")
            assert host.adapter("web2", "nicA")["wanted"]["iov_weight"] == 0
            # Going back does not stop at it either.
            host.host("ip", "link", "del", "web1.nicA")
            host.refuse("adapter", "set", "web2", "nicA", "iov-weight=7")
            wait_until(lambda: host.adapter("web1", "nicA")["status"] == "ok", "the other VM's")


def test_restart(host):  # noqa: F811
    """Nothing is touched by a restart; what was changed meanwhile is done then."""
    with host.daemon() as daemon:
        guest = make(host)
        index = host.link("web1.nicA")["ifindex"], host.link("swA")["ifindex"]
        host.send(guest, "nicA", FOREIGN)
        wait_until(lambda: frames(host)["refused"], "the refused frame")
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
    (host.config / "web1.vm.conf").write_text(
        (host.config / "web1.vm.conf").read_text().replace("AllowTeaming=on", "AllowTeaming=off"))
    with host.daemon():
        assert (host.link("web1.nicA")["ifindex"], host.link("swA")["ifindex"]) == index
        assert frames(host)["refused"] == 1
        assert len(host.adapter("web1", "nicA")["permitted_macs"]) == 1
    for path in host.config.glob("*.conf"):
        path.unlink()
    with host.daemon():
        wait_until(lambda: not host.link("swA"), "all to be removed")
        assert not host.link("web1.nicA")
        assert list((host.directory / "bpf").glob("*/*")) == []


def test_killed_while_making(host):  # noqa: F811
    """What a daemon has made and not marked yet is gone on with, or removed."""
    make_group = ("ip", "link", "add", "group", "0x696f7674")
    with host.daemon() as daemon:
        make(host)
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
    for name in ("web1.nicA", "web1.nicB", "swA"):
        host.host("ip", "link", "del", name)
    for name, kind in (("swA", "bridge"), ("swC", "bridge"), ("web1.nicA", "veth"),
                       ("web9.nicA", "veth")):
        host.host(*make_group, "name", name, "type", kind)
    host.host("ip", "link", "add", "mine", "type", "bridge")
    index = host.link("swA")["ifindex"]
    with host.daemon():
        wait_until(host.as_wanted, "nothing to be left")
        assert host.link("swA")["ifindex"] == index
        for name in ("swA", "web1.nicA"):
            assert host.link(name)["group"] == "default"
            assert host.link(name)["ifalias"].startswith("iovteam ")
        assert not host.link("swC") and not host.link("web9.nicA") and host.link("mine")
        unmake(host)


def test_ports_for_qemu(host):  # noqa: F811
    """A tap, what QEMU and libvirt are to be told, and that the guest is not told."""
    with host.daemon():
        host.do("switch", "add", "swA", "--nic", "nic0", "--iov", "off")
        host.do("adapter", "add", "a-longer-name", "nicA", "--switch", "swA")
        adapter = host.adapter("a-longer-name", "nicA")
        assert adapter["port"].startswith("ivt")
        assert host.link(adapter["port"])["linkinfo"]["info_kind"] == "tun"
        words = " ".join(adapter["attach"]["qemu"])
        assert f"ifname={adapter['port']}" in words and adapter["mac"] in words
        assert f"<target dev='{adapter['port']}'" in adapter["attach"]["libvirt_xml"]
        host.do("adapter", "add", "web1", "1,b", "--switch", "swA")
        words = " ".join(host.adapter("web1", "1,b")["attach"]["qemu"])
        assert "id=tap-1.2cb,ifname=web1.1,,b," in words and "netdev=tap-1.2cb," in words
        host.do("adapter", "set", "a-longer-name", "nicA", "allow-teaming=on")
        host.out("ip", "link", "set", "out0", "down")
        wait_until(lambda: host.adapter("a-longer-name", "nicA")["path"] == "uplink-lost",
                   "the lost uplink")
        assert any("Qmp" in note for note in host.adapter("a-longer-name", "nicA")["notes"])


@pytest.mark.skipif(not QEMU, reason="there is no QEMU (the lab brings one)")
def test_qemu_is_told(host):  # noqa: F811
    """H7, with a real QEMU, started with the arguments that are shown; also when it comes later."""
    socket = host.directory / "qmp"
    with host.daemon():
        host.do("switch", "add", "swA", "--nic", "nic0", "--iov", "off")
        host.do("adapter", "add", "web1", "nicA", "--switch", "swA", "--qmp", str(socket),
                "allow-teaming=on")
        words = host.adapter("web1", "nicA")["attach"]["qemu"]
        host.out("ip", "link", "set", "out0", "down")
        wait_until(lambda: host.adapter("web1", "nicA")["path"] == "uplink-lost", "the lost uplink")
        assert host.adapter("web1", "nicA")["notes"]  # nobody is there to be told
        qemu = subprocess.Popen(
            ["ip", "netns", "exec", host.name, QEMU, "-machine", "q35,accel=tcg", "-nodefaults",
             "-display", "none", "-S", "-qmp", f"unix:{socket},server=on,wait=off", *words],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            wait_until(lambda: qemu.poll() is not None
                       or host.adapter("web1", "nicA")["path"] == "disconnected", "QEMU's word")
            assert qemu.poll() is None, qemu.stderr.read()
            assert host.adapter("web1", "nicA")["notes"] == []
            host.out("ip", "link", "set", "out0", "up")
            wait_until(lambda: host.adapter("web1", "nicA")["path"] == "ok", "the uplink")
            refused_while_it_runs(host)
        finally:
            qemu.terminate()
            qemu.wait()
        host.do("adapter", "remove", "web1", "nicA")
        assert not host.link("web1.nicA")


def refused_while_it_runs(world):
    """QEMU would hold a tap that is gone. What leaves the tap alone is done."""
    before = world.state(), world.link("web1.nicA")["ifindex"]
    sentence = ("web1/nicA is in use: its VM runs; shut the VM down, or unplug the adapter from it with"
                " QEMU's device_del and netdev_del")
    assert world.refuse("adapter", "remove", "web1", "nicA") == sentence
    assert world.refuse("adapter", "set", "web1", "nicA", f"mac={FOREIGN}") == sentence
    file = world.config / "web1.vm.conf"
    text = file.read_text()
    file.unlink()
    assert sentence in world.refuse("reload")
    file.write_text(text)
    assert (world.state(), world.link("web1.nicA")["ifindex"]) == before
    world.do("adapter", "set", "web1", "nicA", "allow-teaming=off")


def test_many_adapters(host):  # noqa: F811
    """64 adapters on two switches in one reload, and then a reload that touches one."""
    with host.daemon():
        for letter, nic in (("A", "nic0"), ("B", "nic1")):
            host.do("switch", "add", f"sw{letter}", "--nic", nic, "--iov", "off")
        for vm in range(32):
            (host.config / f"web{vm}.vm.conf").write_text(f"[VM]\nName=web{vm}\n" + "".join(
                f"[Adapter]\nName=nic{letter}\nSwitch=sw{letter}\n" for letter in "AB"))
        host.do("reload")
        wait_until(host.as_wanted, "nothing to be left")
        assert host.switch("swA")["adapters"] == host.switch("swB")["adapters"] == 32
        before = host.links()
        file = host.config / "web7.vm.conf"
        file.write_text(file.read_text().replace("Switch=swB", "Switch=swB\nMacSpoofing=on"))
        monitor = subprocess.Popen(["ip", "-n", host.name, "monitor", "link"],
                                   stdout=subprocess.PIPE, text=True)
        assert [action["text"] for action in host.ask("reload")["actions"]] == [
            "web7/nicB may send from any MAC"]
        monitor.terminate()
        assert monitor.communicate()[0] == "" and host.links() == before
        for vm in range(32):
            (host.config / f"web{vm}.vm.conf").unlink()
        host.do("reload")
        assert not host.link("web7.nicB")


def test_given_port(host):  # noqa: F811
    """Somebody else's port is filtered, used, and given back."""
    with host.daemon():
        host.do("switch", "add", "swA", "--nic", "nic0", "--iov", "off")
        host.host("ip", "link", "add", "given0", "type", "veth", "peer", "name", "given1")
        host.do("adapter", "add", "web1", "nicA", "--switch", "swA", "port=given0")
        assert host.link("given0")["master"] == "swA"
        host.do("adapter", "remove", "web1", "nicA")
        assert "master" not in host.link("given0")
        assert list((host.directory / "bpf").glob("*/*")) == []
        # In a bridge of somebody else's it stays there.
        host.do("adapter", "add", "web1", "nicA", "--switch", "swA", "port=given0")
        host.host("sh", "-ec", "ip link add br9 type bridge; ip link set given0 master br9")
        wait_until(lambda: any("nomaster" in note for note in host.adapter("web1", "nicA")["notes"]),
                   "the refusal")
        host.do("adapter", "remove", "web1", "nicA")
        assert host.link("given0")["master"] == "br9"


def test_name_taken_in_the_guest(host):  # noqa: F811
    """The sentence says where the other interface is."""
    with host.daemon():
        host.do("switch", "add", "swA", "--nic", "nic0", "--iov", "off")
        guest = host.make_guest("web1")
        host.at(guest, "ip", "link", "add", "nicA", "type", "veth", "peer", "name", "other")
        assert "the port of web1/nicA cannot be made: there is an interface nicA in the namespace " \
               f"{guest} already; rename it" in host.refuse(
                   "adapter", "add", "web1", "nicA", "--switch", "swA", "--namespace", guest)
        assert not host.link("web1.nicA") and host.as_wanted()
        host.do("switch", "remove", "swA")


def test_refused(host):  # noqa: F811
    """Bad input: one sentence each, and nothing is changed."""
    with host.daemon():
        guest = make(host, teaming=False)
        host.host("sh", "-ec", """
            ip link add route0 type veth peer name route1; ip link set route0 up
            ip address add 198.51.100.2/24 dev route0
            ip link set route1 up; ip route add default via 198.51.100.1
            ip link add own0 type veth peer name own1; ip link set own0 up
            ip address add 203.0.113.2/24 dev own0
            ip link add br9 type bridge; ip link add busy0 type veth peer name busy1
            ip link set busy0 master br9""")
        before = host.state()
        for words, part in (
                ("switch add swC --nic nic9", "there is no NIC nic9"),
                ("switch add swC --nic nic0", "nic0 is the NIC of swA already"),
                ("switch add swC --nic web1.nicA", "web1.nicA is a port of the switch swA already"),
                ("switch add swC --nic route0", "default route"),
                ("switch add swC --nic own0", "own0 has the address 203.0.113.2/24"),
                ("switch add swC --nic busy0", "nomaster"),
                ("switch add br9 --nic busy1", "there is a bridge br9 already"),
                ("switch add route1 --nic busy1", "there is an interface route1 already"),
                ("team add t2 --member nic0", "nic0 cannot be both the NIC of swA and a member of t2"),
                ("team add t2 --member swA", "swA cannot be both a switch and a member of t2"),
                ("switch remove swA", "swA has adapters"),
                ("switch remove swZ", "there is no switch"),
                ("switch set swA iov=on", "only while no adapter uses it"),
                ("adapter add web1 nicA --switch swA", "nicA is an adapter already"),
                ("adapter add web1 nicC --switch swZ", "there is no switch"),
                ("adapter add web3 nicC --switch swA port=route0", "default route"),
                ("adapter add web3 nicC --switch swA port=busy0", "nomaster"),
                ("adapter add web3 nicC --switch swA port=nic1", "is the NIC of the switch swB"),
                ("adapter add web3 nicC --switch swA port=web1.nicA", "without port="),
                ("adapter set web1 nicA port=route0", "default route"),
                ("adapter set web1 nicA port=busy0", "nomaster"),
                ("adapter set web1 nicA iov-weight=101", "101"),
                ("vf reallot swZ", "there is no switch"),
                ("vf reallot swA", "nic0 has no VFs to deal"),
                ("vf reallot swA --plan", "iovteam switch show swA says why"),
                ("adapter set web1 nicA vlan=4095", "4095"),
                (f"adapter set web1 nicA mac={host.adapter('web1', 'nicB')['mac']}",
                 "of adapter nicB of web1 is that of nicA of web1 already"),
                (f"adapter set web1 nicA mac={host.link('nic0')['address']}",
                 "web1/nicA cannot have the MAC of nic0, the NIC of the switch swA"),
                (f"adapter add web3 nicC --switch swA port=x0 mac={host.link('nic0')['address']}",
                 "web3/nicC cannot have the MAC of nic0"),
                ("adapter set web1 nicZ vlan=5", "no adapter"),
                ("adapter show web9", "there is no VM"),
                ("adapter show web1 nicZ", "no adapter"),
        ):
            assert part in host.refuse(*words.split()), words
            assert host.state() == before, words
        assert guest


def test_a_team_that_had_failed(host):  # noqa: F811
    """C1: a team that could not be made before a command, and that the command leaves as it is, stops
    no other change. What touches the team fails by it, and is undone whole."""
    if has_bonding(host):
        pytest.skip("the kernel has bonding, so the team can be made")
    def state():
        return host.state()[0], {path: path.read_text() for path in host.config.iterdir()}

    guest = host.make_guest("web1")
    host.host("ip", "link", "add", "veth0", "type", "veth", "peer", "name", "peer0")
    host.config.mkdir()
    file = host.config / "zz.conf"
    file.write_text("[Team]\nName=zz\n[Member]\nDevice=veth0\n")
    with host.daemon():
        assert "; it is tried again" in host.log.read_text()
        said = host.ask("switch", "add", "swA", "--nic", "nic0")["actions"]
        assert host.link("swA")
        trouble, = [action for action in said if action["team"] == "zz"]
        assert trouble["what"] == "wait" and "zz" in trouble["text"], trouble
        host.do("adapter", "add", "web1", "nicA", "--switch", "swA", "--namespace", guest)
        assert "Not possible now:\n  " + trouble["text"] in host.do(
            "adapter", "set", "web1", "nicA", "allow-teaming=on")
        assert "Not possible now:\n  " + trouble["text"] in host.do("reload")
        # Touched, by a command or by hand beside one, it must be made.
        before, text = state(), file.read_text()
        assert host.refuse("team", "set", "zz", "announce-count=7").endswith("nothing was changed")
        assert state() == before
        file.write_text(text + "Weight=50\n")
        assert host.refuse("switch", "add", "swB", "--nic", "nic1").endswith("nothing was changed")
        file.write_text(text)
        assert state() == before
        assert host.refuse("team", "add", "yy", "--member", "veth0") == (
            "veth0 is a member of zz already")
        assert state() == before
        host.do("team", "remove", "zz")


def test_an_adapter_of_a_drop_in(host):  # noqa: F811
    """C1: it is the drop-in's, and goes with it; the file's own adapters are changed as ever."""
    with host.daemon():
        host.do("switch", "add", "swA", "--nic", "nic0", "--iov", "off")
        host.do("adapter", "add", "st", "nicA", "--switch", "swA")
        drop_in = host.config / "st.vm.conf.d" / "10-more.conf"
        drop_in.parent.mkdir()
        drop_in.write_text("[Adapter]\nName=more\nSwitch=swA\n")
        host.do("reload")
        text = (host.config / "st.vm.conf").read_text()
        for words in ("adapter set st more iov-weight=2", "adapter set st iov-weight=2"):
            assert host.refuse(*words.split()) == (
                "st.vm.conf.d/10-more.conf adds [Adapter] more; change it there")
        assert (host.config / "st.vm.conf").read_text() == text
        host.do("adapter", "set", "st", "nicA", "iov-weight=2")
        drop_in.unlink()
        host.do("reload")
        assert not host.link("st.more") and host.link("st.nicA")


def test_what_cannot_be_done_yet(host):  # noqa: F811
    """A command says what plan says: what waits. Who has no port has no path either."""
    with host.daemon():
        host.do("switch", "add", "swA", "--nic", "nic0", "--iov", "off")
        name = host.guest_name("web1")
        waits = (f"Not possible now:\n  wait for the namespace {name}", "wait for the port vnet77")
        said = host.do("adapter", "add", "web1", "nicA", "--switch", "swA", "--namespace", name)
        assert waits[0] in said and "Nothing to do" not in said
        said = host.do("adapter", "add", "web2", "nicA", "--switch", "swA", "port=vnet77")
        assert waits[0] in said and waits[1] in said, said
        assert host.do("reload") == host.do("plan")
        for vm in ("web1", "web2"):
            adapter = host.adapter(vm, "nicA")
            assert (adapter["status"], adapter["path"]) == ("degraded", "no-port")
        assert "no port: it is not on its switch" in host.do("adapter", "show", "web1", "nicA")
        host.make_guest("web1")
        host.host("ip", "link", "add", "vnet77", "type", "veth", "peer", "name", "vnet78")
        wait_until(lambda: all(host.adapter(vm, "nicA")["path"] == "ok" for vm in ("web1", "web2")),
                   "both to be made")
        assert host.do("reload") == "Nothing to do: everything is as wanted.\n"


def test_one_guest_for_all_adapters(host):  # noqa: F811
    """A later adapter that names another guest would take the others away from theirs."""
    with host.daemon():
        guest, other = make(host, teaming=False), host.make_guest("web2")
        before, inside = host.state(), host.link("nicA", guest)["ifindex"]
        add = ("adapter", "add", "web1", "nicC", "--switch", "swA")
        assert host.refuse(*add, "--namespace", other) == (
            f"web1 has Namespace {guest}, which is for all its adapters; remove them first to change "
            "it")
        assert "one or the other" in host.refuse(*add, "--qmp", "/run/none")
        assert (host.state(), host.link("nicA", guest)["ifindex"]) == (before, inside)
        host.do(*add, "--namespace", guest)
        assert host.link("nicC", guest)
        # A guest of QEMU: what tells it may come later, but is one for all.
        add = ("adapter", "add", "web3", "nicB", "--switch", "swB")
        host.do("adapter", "add", "web3", "nicA", "--switch", "swA")
        tap = host.link("web3.nicA")["ifindex"]
        assert "web3 is a guest of QEMU" in host.refuse(*add, "--namespace", other)
        host.do(*add, "--qmp", "/run/none")
        assert "web3 has Qmp /run/none" in host.refuse(
            "adapter", "add", "web3", "nicC", "--switch", "swB", "--qmp", "/run/other")
        assert host.link("web3.nicA")["ifindex"] == tap


def test_hand_edits_refused(host):  # noqa: F811
    """C1: what reload refuses plan refuses, too, in the same words and with the file's name; so does
    a command for something else."""
    with host.daemon():
        make(host, teaming=False)
        before = host.state()[0]
        switch, vm = host.config / "swA.conf", host.config / "web1.vm.conf"
        team = host.config / "zz.conf"
        team.write_text("[Team]\nName=zz\nAdopt=yes\n")
        host.do("reload")
        for file, old, new, sentence in (
                (switch, "Nic=nic0", "Nic=nic9",
                 "swA.conf: Nic cannot change while the switch swA is there; remove it first"),
                (switch, "Nic=nic0", "Nic=nic0\nAdopt=yes",
                 "swA.conf: Adopt cannot change while the switch swA is there; remove it first"),
                (switch, "Nic=nic0", "Nic=nic0\nIov=on",
                 "swA.conf: Iov of swA changes only while no adapter uses it; remove its adapters "
                 "first"),
                (team, "Adopt=yes", "Adopt=no\n[Member]\nDevice=none0",
                 "zz.conf: Adopt cannot change while the team zz is there; remove it first"),
                (vm, "Switch=swB", "Switch=swB\nPort=nic1", "web1.vm.conf: nic1 is the NIC of the "
                 "switch swB"),
        ):
            text = file.read_text()
            assert old in text, text
            file.write_text(text.replace(old, new))
            for words in ("plan", "reload", "switch set swB vf-count=2"):
                assert host.refuse(*words.split()).startswith(sentence), (words, new)
            file.write_text(text)
        assert host.do("plan") == "Not possible now:\n  there is no bond zz; its manager makes it\n"
        # Named by the command itself the file is no news.
        assert host.refuse("switch", "set", "swA", "adopt=yes") == (
            "Adopt cannot change while the switch swA is there; remove it first")
        assert host.state()[0] == before


def test_nic_unplugged(host):  # noqa: F811
    """The NIC goes from under a switch, and comes back: guests are told, and it is taken again."""
    with host.daemon():
        make(host)
        wait_until(lambda: guest_carrier(host, "nicA"), "the guest's carrier")
        host.host("ip", "link", "del", "nic0")
        wait_until(lambda: host.adapter("web1", "nicA")["path"] == "disconnected", "the loss")
        assert host.switch("swA")["uplink"] == "not-present"
        assert any("not there" in note for note in host.switch("swA")["notes"])
        assert host.adapter("web1", "nicA")["status"] == "ok" and not guest_carrier(host, "nicA")
        # While it is away all but its own things can be changed.
        host.do("adapter", "set", "web1", "nicA", "mac-spoofing=on")
        assert "wait for the NIC nic0" in host.iovteam("plan").stdout
        host.host("ip", "link", "add", "nic0", "type", "veth", "peer", "name", "out0", "netns",
                  host.outside)
        host.out("sh", "-ec", "ip link set out0 master lan; ip link set out0 up")
        wait_until(lambda: host.adapter("web1", "nicA")["path"] == "ok", "it to be back")
        assert host.link("nic0")["master"] == "swA" and host.as_wanted()
        wait_until(lambda: guest_carrier(host, "nicA"), "the guest's carrier")
        # Away for good: the switch can be removed all the same.
        host.host("ip", "link", "del", "nic0")
        wait_until(lambda: host.switch("swA")["uplink"] == "not-present", "the loss")
        unmake(host)
        assert not host.link("swA") and list((host.directory / "bpf").glob("*/*")) == []


def test_mtu(host):  # noqa: F811
    """A port is as wide as the NIC, also later on, so it does not make the host's own bridge narrower."""
    with host.daemon():
        host.host("ip", "link", "set", "nic0", "mtu", "4000")
        make(host)
        for device, netns in (("swA", None), ("web1.nicA", None), ("nicA", host.guest_name("web1"))):
            assert host.link(device, *([netns] if netns else []))["mtu"] == 4000, device
        assert host.link("web1.nicB")["mtu"] == 1500
        found = [one["evidence"] for one in
                 json.loads(host.iovteam("doctor", "--json").stdout)["findings"]
                 if one["check"] == "mtu-differs"]
        assert found == ["the MTU of nic0 is 4000, that of nic1 is 1500"]
        host.host("ip", "link", "set", "nic1", "mtu", "4000")
        wait_until(lambda: [host.link(name)["mtu"] for name in ("web1.nicB", "swB")] == [4000, 4000],
                   "the port to follow")
        host.host("ip", "link", "set", "web1.nicB", "mtu", "1500")
        wait_until(lambda: [host.link(name)["mtu"] for name in ("web1.nicB", "swB")] == [4000, 4000],
                   "the port to be put right")
        assert "mtu-differs" not in host.iovteam("doctor", "--json").stdout
        # Somebody else's port is left as it is; and both paths are as wide as the narrower one.
        host.host("ip", "link", "add", "given0", "type", "veth", "peer", "name", "given1")
        host.do("adapter", "set", "web1", "nicA", "port=given0")
        assert host.link("given0")["mtu"] == 1500 and host.as_wanted()
        mend, = [one["mend"] for one in
                 json.loads(host.iovteam("doctor", "--json").stdout)["findings"]
                 if one["check"] == "mtu-differs"]
        assert mend == "ip link set nic1 mtu 1500"
        unmake(host)


def test_nic_renamed(host):  # noqa: F811
    """It is the uplink as before, also for the next daemon; its name is another one's then."""
    with host.daemon():
        make(host)
        wait_until(lambda: guest_carrier(host, "nicA"), "the guest's carrier")
        host.host("sh", "-ec", "ip link set nic0 down; ip link set nic0 name enp7s0; "
                               "ip link set enp7s0 up")
        wait_until(lambda: host.switch("swA")["uplink"] == "up", "the renamed one to be known")
    with host.daemon():
        assert host.switch("swA")["uplink"] == "up" and host.as_wanted()
        wait_until(lambda: host.adapter("web1", "nicA")["path"] == "ok", "the path")
        assert guest_carrier(host, "nicA")
        # Who bears the configured name is meant, as at the start.
        host.host("ip", "link", "add", "nic0", "type", "veth", "peer", "name", "out9", "netns",
                  host.outside)
        host.out("ip", "link", "set", "out9", "up")
        wait_until(lambda: (host.link("nic0") or {}).get("master") == "swA", "the new one")
        assert "master" not in host.link("enp7s0")
        unmake(host)
        assert "master" not in host.link("nic0")


def test_nic_taken_elsewhere(host):  # noqa: F811
    """Somebody puts it into a bridge of his own: guests are told, and doctor says where it is."""
    with host.daemon():
        make(host)
        wait_until(lambda: guest_carrier(host, "nicA"), "the guest's carrier")
        host.host("sh", "-ec", "ip link add theirs type bridge; ip link set theirs up")

        def taken():
            # Between the kernel's two steps it is in none, and the switch may take it back.
            host.host("ip", "link", "set", "nic0", "master", "theirs")
            return host.switch("swA")["uplink"] == "taken"
        wait_until(taken, "the switch to have lost it")
        wait_until(lambda: not guest_carrier(host, "nicA"), "the guest to see it")
        assert host.adapter("web1", "nicA")["path"] == "disconnected"
        lost, = [one for one in json.loads(host.iovteam("doctor", "--json").stdout)["findings"]
                 if one["check"] == "uplink-lost"]
        assert (lost["evidence"], lost["mend"]) == (
            "its NIC nic0 is in theirs", "ip link set nic0 nomaster")
        host.host("ip", "link", "set", "nic0", "nomaster")
        wait_until(lambda: guest_carrier(host, "nicA"), "the carrier to be back")
        assert host.link("nic0")["master"] == "swA" and host.as_wanted()
        host.host("ip", "link", "del", "theirs")
        unmake(host)


def test_adopted_bridge(host):  # noqa: F811
    """A bridge that is in use: adapters come and go, and what others have there stays as it is."""
    host.host("sh", "-ec", """
        ip link add br9 type bridge; ip link set br9 up; ip address add 198.51.100.1/24 dev br9
        ip link add foreign0 type veth peer name foreign1; ip link set foreign0 master br9 up
        ip link set nic0 master br9; ip link set nic0 up""")

    def theirs():
        return [(link["ifname"], link["ifindex"], link.get("master"), link["address"])
                for name in ("br9", "foreign0", "nic0") for link in [host.link(name)]]
    before = theirs()
    with host.daemon():
        assert "adopt" in host.refuse("switch", "add", "br9", "--nic", "nic0")
        host.do("switch", "add", "br9", "--nic", "nic0", "adopt=yes")
        guest = host.make_guest("web1")
        host.do("adapter", "add", "web1", "nicA", "--switch", "br9", "--namespace", guest)
        host.at(guest, "sh", "-ec", "ip link set nicA up; ip address add 192.0.2.11/24 dev nicA;"
                " ip address add 198.51.100.11/24 dev nicA")
        wait_until(lambda: host.pings(guest, "192.0.2.1"), "the outside")
        assert host.pings(guest, "198.51.100.1")
        assert host.switch("br9")["adopted"] and host.as_wanted()
        # Its maker makes it anew: the port goes with the old one, and is in the new one.
        host.host("sh", "-ec", "ip link del br9; ip link add br9 type bridge; ip link set br9 up;"
                  " ip link set foreign0 master br9; ip link set nic0 master br9")
        wait_until(lambda: host.as_wanted() and (host.link("web1.nicA") or {}).get("master") == "br9",
                   "the port in the new bridge")
        host.do("adapter", "remove", "web1", "nicA")
        host.do("switch", "remove", "br9")
        after = theirs()
        assert [link[2] for link in after] == [link[2] for link in before]
        assert not host.link("web1.nicA") and not host.link("br9").get("ifalias")


def test_removed_while_it_runs(host):  # noqa: F811
    """An adapter is taken from a guest that sends over it; the other one goes on."""
    with host.daemon():
        guest = make(host)
        host.at(guest, "sh", "-ec", "ip address add 192.0.2.11/24 dev nicA;"
                " ip address add 192.0.2.12/25 dev nicB")
        wait_until(lambda: host.pings(guest, "192.0.2.1"), "the outside")
        flood = subprocess.Popen(["ip", "netns", "exec", guest, "ping", "-i", "0.01", "-I", "nicA",
                                  "192.0.2.1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            host.do("adapter", "remove", "web1", "nicA")
        finally:
            flood.terminate()
            flood.wait()
        assert not host.link("web1.nicA") and not host.link("nicA", guest)
        assert len(host.adapter("web1", "nicB")["permitted_macs"]) == 1
        wait_until(lambda: host.pings(guest, "192.0.2.1"), "the other adapter")


def test_events(host):  # noqa: F811
    """T20: what becomes of uplinks and adapters is told to who listens, and to scripts."""
    told = host.directory / "told"
    hook = host.config / "hooks.d" / "tell"
    hook.parent.mkdir(parents=True)
    hook.write_text(f"""#!/bin/sh
echo "$IOVTEAM_EVENT $IOVTEAM_SWITCH $IOVTEAM_ADAPTER $IOVTEAM_STATE_BEFORE $IOVTEAM_STATE" >> {told}
""")
    hook.chmod(0o755)
    with host.daemon(), open(host.directory / "stream", "w+") as stream:
        listener = subprocess.Popen(["ip", "netns", "exec", host.name, COMMAND, "events", "--socket",
                                     str(host.socket)], stdout=stream)
        try:
            make(host)
            host.do("adapter", "set", "web1", "nicB", "allow-teaming=off")
            for wire in ("out0", "out1"):
                host.out("ip", "link", "set", wire, "down")
            wait_until(lambda: host.adapter("web1", "nicA")["path"] == "disconnected", "the guest")
            wait_until(lambda: host.adapter("web1", "nicB")["path"] == "uplink-lost", "the other")
            host.out("ip", "link", "set", "out0", "up")
            wait_until(lambda: host.adapter("web1", "nicA")["path"] == "ok", "the uplink")
            unmake(host)

            def lines():
                words = (line.split() for line in told.read_text().splitlines())
                return [" ".join(line) for line in words if line[1:]]
            wait_until(lambda: "switch-removed swB" in lines(), "the last event")
        finally:
            listener.terminate()
            listener.wait()
        seen = lines()
        for line in ("switch-uplink swA up down", "switch-uplink swB up down",
                     "switch-uplink swA down up", "adapter-path swA nicA ok disconnected",
                     "adapter-path swB nicB ok uplink-lost",
                     "adapter-path swA nicA disconnected ok", "adapter-removed swA nicA",
                     "switch-removed swA"):
            assert seen.count(line) == 1, (line, seen)
        stream.seek(0)
        text = stream.read()
        assert "swA switch-uplink up -> down" in text
        assert "swA adapter-path web1/nicA ok -> disconnected" in text
        assert "swB adapter-removed web1/nicB" in text


def test_the_last_switch_goes(host):  # noqa: F811
    """An adopted one leaves nothing to look at, and is told of all the same, not by some later event."""
    host.host("sh", "-ec", "ip link add br9 type bridge; ip link set br9 up;"
              " ip link set nic0 master br9; ip link set nic0 up")
    wait_until(lambda: "LOWER_UP" in host.link("br9")["flags"]
               and host.link("nic0")["operstate"] == "UP", "the bridge")
    told = host.directory / "told"
    told.touch()
    hook = host.config / "hooks.d" / "tell"
    hook.parent.mkdir(parents=True)
    hook.write_text(f'#!/bin/sh\necho "$IOVTEAM_EVENT $IOVTEAM_SWITCH" >> {told}\n')
    hook.chmod(0o755)
    with host.daemon():
        host.do("switch", "add", "br9", "--nic", "nic0", "adopt=yes")
        wait_until(lambda: "switch-uplink br9\n" in told.read_text(), "the switch")
        host.do("switch", "remove", "br9")
        wait_until(lambda: "switch-removed br9\n" in told.read_text(), "its end", 10)


def addresses(world, device):
    """With the routes through it; what the kernel makes by itself is left out."""
    shown = json.loads(world.host("ip", "-j", "address", "show", "dev", device).stdout)[0]
    routes = [json.loads(world.host("ip", family, "-j", "route", "show", "dev", device).stdout)
              for family in ("-4", "-6")]
    return (sorted(f"{address['local']}/{address['prefixlen']}" for address in shown["addr_info"]
                   if address["scope"] == "global"),
            sorted((route["dst"], route.get("gateway")) for family in routes for route in family
                   if not route["dst"].startswith("fe80")))


class Reached:
    """The host is reached from outside all the time: what is lost is counted."""

    def __init__(self, world, target):
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", world.outside, "ping", "-i", "0.02", "-W", "1", target],
            stdout=subprocess.PIPE, text=True)

    def lost(self):
        self.process.send_signal(signal.SIGINT)
        counts = next(line for line in self.process.communicate()[0].splitlines()
                      if "transmitted" in line)
        sent, received = [int(word) for word in counts.split() if word.isdigit()][:2]
        return sent - received, sent


def test_take_addresses(host):  # noqa: F811
    """A machine that is reached over the NIC stays reachable; taken back, and given back."""
    host.host("sh", "-ec", """
        ip link set nic0 up; ip address add 192.0.2.5/24 dev nic0; ip route add default via 192.0.2.1
        ip -6 address add 2001:db8::5/64 dev nic0 nodad; ip route add 198.51.100.0/24 via 192.0.2.9""")
    mac, before = host.link("nic0")["address"], addresses(host, "nic0")
    assert before[0] == ["192.0.2.5/24", "2001:db8::5/64"] and ("default", "192.0.2.1") in before[1]
    wait_until(lambda: host.pings(host.outside, "192.0.2.5", 1), "the host to be reached")
    with host.daemon():
        state = host.state()
        assert "--take-addresses" in host.refuse("switch", "add", "swA", "--nic", "nic0")
        host.host("ip", "link", "add", "above0", "link", "nic0", "type", "macvlan")
        assert "above0" in host.refuse("switch", "add", "swA", "--nic", "nic0", "--take-addresses")
        host.host("ip", "link", "del", "above0")
        assert host.state() == state
        reached = Reached(host, "192.0.2.5")
        host.do("switch", "add", "swA", "--nic", "nic0", "--take-addresses", "--confirm", "60")
        assert addresses(host, "swA") == before and addresses(host, "nic0") == ([], [])
        assert host.link("swA")["address"] == mac
        assert host.pings(host.outside, "192.0.2.5")
        host.do("cancel")
        assert addresses(host, "nic0") == before and not host.link("swA")
        host.do("switch", "add", "swA", "--nic", "nic0", "--take-addresses")
        # A port with a lower MAC does not change the bridge's, and so what peers know.
        host.do("adapter", "add", "web1", "nicA", "--switch", "swA", "--namespace",
                host.make_guest("web1"), "mac=02:00:00:00:00:01")
        assert addresses(host, "swA") == before and host.link("swA")["address"] == mac
        host.do("adapter", "remove", "web1", "nicA")
        assert "--give-addresses nic0" in host.refuse("switch", "remove", "swA")
        assert "not the NIC" in host.refuse("switch", "remove", "swA", "--give-addresses", "nic1")
        host.do("switch", "remove", "swA", "--give-addresses", "nic0")
        assert addresses(host, "nic0") == before and not host.link("swA")
        assert host.pings(host.outside, "192.0.2.5")
        lost, sent = reached.lost()
        assert lost < 100, f"{lost} of {sent}"  # 2 s in all; a bridge's port forwards at once
        print(f"lost {lost} of {sent}, 20 ms apart")


def test_going_back_to_a_switch_with_addresses(host):  # noqa: F811
    """The bridge that is made anew keeps its MAC, too, whichever ports come."""
    host.host("sh", "-ec", "ip link set nic0 up; ip address add 192.0.2.5/24 dev nic0")
    mac = host.link("nic0")["address"]
    with host.daemon():
        host.do("switch", "add", "swA", "--nic", "nic0", "--take-addresses")
        host.do("switch", "remove", "swA", "--give-addresses", "nic0", "--confirm", "60")
        host.do("cancel")
        host.do("adapter", "add", "web1", "nicA", "--switch", "swA", "--namespace",
                host.make_guest("web1"), "mac=02:00:00:00:00:01")
        assert addresses(host, "swA")[0] == ["192.0.2.5/24"]
        assert host.link("swA")["address"] == mac
        host.do("adapter", "remove", "web1", "nicA")
        host.do("switch", "remove", "swA", "--give-addresses", "nic0")


def test_daemon_dies_while_addresses_move(host):  # noqa: F811
    """The next start puts them back, though nobody has asked for a confirmation."""
    host.host("sh", "-ec", "ip link set nic0 up; ip address add 192.0.2.5/24 dev nic0;"
              " ip route add default via 192.0.2.1; ip link add swA type bridge")
    before = addresses(host, "nic0")
    hanging = Path("/run/netns") / host.guest_name("web2")
    with host.daemon() as process:
        host.do("switch", "add", "swB", "--nic", "nic1")
        # Opening it waits for ever; the addresses have moved by then, for the bridge is there.
        os.mkfifo(hanging)
        try:
            (host.config / "web2.vm.conf").write_text(
                f"[VM]\nName=web2\nNamespace={hanging.name}\n[Adapter]\nName=nicA\nSwitch=swB\n"
                "Mac=02:00:00:00:00:02\nSerial=1\n")
            asking = subprocess.Popen([
                "ip", "netns", "exec", host.name, COMMAND, "switch", "add", "swA", "--nic", "nic0",
                "--take-addresses", "adopt=yes", "--socket", str(host.socket)],
                stderr=subprocess.DEVNULL)
            wait_until(lambda: addresses(host, "swA") == before, "the addresses to move", 30)
            process.kill()
            assert asking.wait(30) == 1
        finally:
            hanging.unlink()
            (host.config / "web2.vm.conf").unlink()
    with host.daemon():
        wait_until(lambda: addresses(host, "nic0") == before, "the addresses to be back", 30)
        assert addresses(host, "swA") == ([], [])
        assert not any(host.config.glob("*swA*.conf"))
        host.do("switch", "remove", "swB")
    host.host("ip", "link", "del", "swA")


def test_take_addresses_fails(host):  # noqa: F811
    """A step fails after they have moved: all is as it was."""
    host.host("sh", "-ec", "ip link set nic0 up; ip address add 192.0.2.5/24 dev nic0;"
              " ip route add default via 192.0.2.1")
    before = addresses(host, "nic0")
    with host.daemon():
        host.do("switch", "add", "swB", "--nic", "nic1")
        # A guest that is broken: its port is made in the same change, and fails.
        broken = Path("/run/netns") / host.guest_name("web2")
        broken.touch()
        try:
            (host.config / "web2.vm.conf").write_text(
                f"[VM]\nName=web2\nNamespace={broken.name}\n[Adapter]\nName=nicA\nSwitch=swB\n"
                "Mac=02:00:00:00:00:02\nSerial=1\n")
            assert "cannot be made" in host.refuse("switch", "add", "swA", "--nic", "nic0",
                                                   "--take-addresses")
        finally:
            broken.unlink()
        assert addresses(host, "nic0") == before and not host.link("swA")
        assert host.pings(host.outside, "192.0.2.5")


def test_iov_without_sriov(host):  # noqa: F811
    """Made, and says why there are no VFs."""
    with host.daemon():
        host.do("switch", "add", "swA", "--nic", "nic0", "--iov", "on")
        switch = host.switch("swA")
        assert switch["iov"] and not switch["iov_supported"] and switch["iov_reasons"]
        guest = host.make_guest("web1")
        host.do("adapter", "add", "web1", "nicA", "--switch", "swA", "--namespace", guest,
                "iov-weight=100")
        adapter = host.adapter("web1", "nicA")
        assert adapter["actual"]["data_path"] == "synthetic" and adapter["actual"]["vf"] is None
        assert any("no VF" in note for note in adapter["notes"])
        assert run("true").returncode == 0

# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's side with a driver that makes VFs (igb): the VM's own namespace is the host, guests are
namespaces in it. What needs no SR-IOV is in tests/unit/test_host_native.py, too."""
import json
from contextlib import contextmanager

import pytest

from lab import wait_until
from team import PYTHON, SLOW, Team

PEER = "192.0.2.1"
PFS = {"TeamDemoA": "ens1f0", "TeamDemoB": "ens1f1"}
VFS = 7


class Host:
    """The daemon on the host, the command, and what tests ask of them."""

    def __init__(self, lab, build):
        self.lab, self.host = lab, lab.host
        self.control = Team(lab, build, where=lab.host, name="none")
        self.guests = {}
        self._build = build

    def run(self, *words, **options):
        return self.control.run(*words, timeout=60, **options)

    def refuse(self, *words):
        done = self.run(*words, check=False)
        assert done.rc == 1 and done.err.count("\n") == 1, (words, done.out, done.err)
        return done.err

    def ask(self, *words):
        return self.run(*words, "--json").json()

    def switch(self, name):
        return self.ask("switch", "show", name)["switches"][0]

    def adapter(self, vm, name):
        adapters = self.ask("adapter", "show", vm)["vms"][0]["adapters"]
        return next(adapter for adapter in adapters if adapter["name"] == name)

    def vfs(self, switch):
        return self.ask("vf", "show", switch)["vfs"]

    def reported(self, pf):
        """VFs as the PF's driver has them."""
        return self.host.run(["ip", "-d", "-j", "link", "show", "dev", pf]).json()[0].get(
            "vfinfo_list", [])

    def as_wanted(self):
        return self.ask("plan")["actions"] == []

    def settle(self, what="all to be as wanted"):
        wait_until(self.as_wanted, 2 * SLOW, what)

    # --- making ---

    def make_switches(self, iov, *settings):
        for name, pf in PFS.items():
            self.run("switch", "add", name, "--nic", pf, "--iov", iov, *settings)

    def guest(self, vm):
        if vm not in self.guests:
            self.guests[vm] = self.lab.namespace(vm)
        return self.guests[vm]

    def add(self, vm, adapter, switch, *settings):
        self.guest(vm)
        self.run("adapter", "add", vm, adapter, "--switch", switch, "--namespace", vm, *settings)

    def remove_all(self):
        for vm in self.ask("adapter", "show")["vms"]:
            for adapter in vm["adapters"]:
                self.run("adapter", "remove", vm["name"], adapter["name"])
        wait_until(lambda: not any(vf["mac"] != "00:00:00:00:00:00" for vf in self.ask(
            "vf", "show")["vfs"]), SLOW, "the VFs to be free again")
        for switch in self.ask("switch", "show")["switches"]:
            wait_until(lambda: self.run("switch", "remove", switch["name"], check=False).rc == 0,
                       SLOW, "the switch to go")


def device(guest, name):
    """As `ip -j link` has it, None if there is none."""
    done = guest.run(["ip", "-j", "link", "show", "dev", name], check=False)
    return json.loads(done.out)[0] if done.rc == 0 else None


def has_carrier(guest, name):
    return "LOWER_UP" in device(guest, name)["flags"]


def reaches(guest, target, count=1):
    return guest.run(["ping", "-c", str(count), "-i", "0.2", "-W", "1", target],
                     check=False).rc == 0


@pytest.fixture
def host(lab, build):
    """No VFs, no switches; afterwards neither."""
    lab.host.sh("".join(f"echo 0 > /sys/class/net/{pf}/device/sriov_numvfs;"
                        for pf in PFS.values()), timeout=60)
    made = Host(lab, build)
    made.control.start_daemon()
    try:
        yield made
        made.remove_all()
        wait_until(lambda: all(not made.reported(pf) for pf in PFS.values()), SLOW,
                   "the VFs to go with their switches")
    except BaseException:
        print("the daemon's log:\n" + made.control.daemon.stderr()[-6000:])
        raise
    finally:
        made.control.stop_daemon()
        lab.host.sh("".join(f"ip link del {switch} 2>/dev/null;" for switch in PFS)
                    + f"rm -rf {made.control.bpffs} {made.control.bpffs}-guard", check=False)
        for vm in made.guests:
            lab.host.run(["ip", "netns", "delete", vm], check=False)
        lab.renew_vfs()


@contextmanager
def team_of(lab, build, guest, members):
    """A team in a guest, with an address that the peer is in the network of."""
    team = Team(lab, build, where=guest, name="team0")
    team.start_daemon()
    try:
        team.add(members, addresses=["192.0.2.20/24"])
        yield team
        team.remove()
    finally:
        team.stop_daemon()


@pytest.mark.legacy
def test_the_seeds_story(lab, build, host):
    """Two switches, two adapters, a team in the guest. The NIC is disabled on the host: there the
    adapter is well and disconnected, in the guest a member has failed, and traffic goes on."""
    host.make_switches("off")
    for letter in "AB":
        host.add("web1", f"nic{letter}", f"TeamDemo{letter}")
    host.run("adapter", "set", "web1", "allow-teaming=on")
    host.settle()
    guest = host.guest("web1")
    with team_of(lab, build, guest, ["nicA", "nicB"]) as team:
        wait_until(lambda: reaches(guest, PEER), SLOW, "the outside")
        lab.host.run(["ip", "link", "set", "ens1f0", "down"])
        wait_until(lambda: team.member("nicA")["state"] == "failed", SLOW, "the guest to see it")
        assert team.member("nicA")["reason"] == "media-disconnected"
        assert team.primary == "nicB" and reaches(guest, PEER, 3)
        adapter = host.adapter("web1", "nicA")
        assert (adapter["status"], adapter["path"]) == ("ok", "disconnected")
        assert host.switch("TeamDemoA")["uplink"] == "down"
        assert host.adapter("web1", "nicB")["path"] == "ok" and host.as_wanted()
        lab.host.run(["ip", "link", "set", "ens1f0", "up"])
        wait_until(team.well, SLOW, "the member to be back")
        # The cable is pulled: the same.
        lab.cable(1, up=False)
        wait_until(lambda: team.member("nicB")["state"] == "failed", SLOW, "the pulled cable")
        assert host.adapter("web1", "nicB")["path"] == "disconnected"
        assert team.primary == "nicA" and reaches(guest, PEER, 3)
        lab.plug_all()
        wait_until(team.well, SLOW, "both to be back")


def vlans_of(lab, port):
    shown = lab.host.run(["bridge", "-j", "vlan", "show", "dev", port]).json()
    return {vlan for entry in shown[0]["vlans"]
            for vlan in range(entry["vlan"], entry.get("vlanEnd", entry["vlan"]) + 1)}


@pytest.mark.legacy
def test_vlans(lab, host):
    """Those of two VLANs do not reach each other; what a stranger does to a port is put right."""
    host.make_switches("off")
    for number, vm in enumerate(("web1", "web2")):
        host.add(vm, "nicA", "TeamDemoA", "vlan=7")
        host.guest(vm).sh(f"ip link set nicA up; ip address add 198.51.100.{number + 1}/24 dev nicA")
    host.settle()
    wait_until(lambda: reaches(host.guest("web1"), "198.51.100.2"), SLOW, "the same VLAN")
    host.run("adapter", "set", "web2", "nicA", "vlan=8")
    wait_until(lambda: not reaches(host.guest("web1"), "198.51.100.2"), SLOW, "two VLANs")
    # The uplink carries what is used, and no more.
    assert vlans_of(lab, "ens1f0") == {1, 7, 8}
    lab.host.sh("bridge vlan add dev web2.nicA vid 7 pvid untagged; bridge vlan del dev ens1f0 vid 8;"
                " bridge vlan add dev ens1f0 vid 9")
    host.settle("the stranger's work to be undone")
    assert not reaches(host.guest("web1"), "198.51.100.2")
    assert vlans_of(lab, "ens1f0") == {1, 7, 8}
    # A VLAN that somebody gives another port of the bridge, or the bridge, is used, too.
    lab.host.sh("bridge vlan add dev TeamDemoA vid 30 self")
    wait_until(lambda: vlans_of(lab, "ens1f0") == {1, 7, 8, 30}, SLOW, "the bridge's own VLAN")
    host.run("adapter", "set", "web2", "nicA", "vlan=7")
    wait_until(lambda: vlans_of(lab, "ens1f0") == {1, 7, 30}, SLOW, "a VLAN that nobody is in to go")


def test_vfs(lab, host):
    """Made, given by weight with what belongs to them, handed over, taken, and known again after a
    restart; each is told; nothing is left."""
    log = f"{host.control.config}/told"
    lab.host.sh(f"""mkdir -p {host.control.config}/hooks.d; cd {host.control.config}/hooks.d
        printf '#!/bin/sh\necho "$IOVTEAM_EVENT $IOVTEAM_VM" >> {log}\n' > tell; chmod 755 tell""")
    host.run("switch", "add", "TeamDemoA", "--nic", "ens1f0", "--iov", "on", "vf-count=2")
    wait_until(lambda: host.switch("TeamDemoA")["vfs_made"] == 2, 2 * SLOW, "the VFs")
    switch = host.switch("TeamDemoA")
    assert switch["vfs_total"] == VFS and switch["vfs_used"] == 0 and switch["iov_supported"]
    for number, weight in enumerate((10, 100, 50), 1):
        host.add(f"web{number}", "nicA", "TeamDemoA", f"iov-weight={weight}")
    host.settle()
    # The first two were there first, and keep what they have; the third has none, and says so.
    holders = {vf["adapter"]: vf for vf in host.vfs("TeamDemoA")}
    assert set(holders) == {"web1/nicA", "web2/nicA"}
    assert host.adapter("web3", "nicA")["actual"]["data_path"] == "synthetic"
    assert any("no VF" in note for note in host.adapter("web3", "nicA")["notes"])
    for vm in ("web1", "web2"):
        adapter = host.adapter(vm, "nicA")
        assert adapter["actual"]["data_path"] == "vf" and adapter["status"] == "ok"
        assert device(host.guest(vm), "nicA-vf")["address"] == adapter["mac"]
        reported = host.reported("ens1f0")[adapter["actual"]["vf"]]
        assert reported["address"] == adapter["mac"]
        assert reported["spoofchk"] and not reported["trust"]
    # H6: one attribute after the other, read back.
    host.run("adapter", "set", "web1", "nicA", "allow-teaming=on", "vlan=5")
    host.settle()
    adapter = host.adapter("web1", "nicA")
    reported = host.reported("ens1f0")[adapter["actual"]["vf"]]
    assert reported["spoofchk"] and reported["trust"], reported
    assert reported["vlan_list"][0]["vlan"] == 5
    assert any("trusted" in note for note in adapter["notes"])
    assert any("cannot tell" in note for note in adapter["notes"])
    host.run("adapter", "set", "web1", "nicA", "allow-teaming=off", "vlan=0")
    # A stranger changes a setting.
    lab.host.run(["ip", "link", "set", "ens1f0", "vf", str(adapter["actual"]["vf"]), "spoofchk",
                  "off"])
    wait_until(lambda: host.as_wanted() and host.reported("ens1f0")[adapter["actual"]["vf"]][
        "spoofchk"], SLOW, "it to be put right")
    # A restart forgets nothing and touches nothing.
    before = host.vfs("TeamDemoA")
    host.control.stop_daemon()
    host.control.start_daemon()
    assert host.vfs("TeamDemoA") == before and host.as_wanted()
    # H4: the third is heavier than the first, but gets its VF only when somebody asks.
    assert any("vf reallot" in note for note in host.adapter("web3", "nicA")["notes"])
    told = host.ask("vf", "reallot", "TeamDemoA", "--plan")["actions"]
    assert len(told) == 1 and "web1/nicA (iov-weight 10)" in told[0]["text"]
    assert "for web3/nicA (iov-weight 50)" in told[0]["text"]
    assert host.vfs("TeamDemoA") == before and host.as_wanted()
    assert host.ask("vf", "reallot", "TeamDemoA")["actions"] == told
    wait_until(lambda: holders_of(host) == {"web2/nicA", "web3/nicA"}, SLOW, "the VF to move")
    host.settle()
    assert host.adapter("web1", "nicA")["actual"]["data_path"] == "synthetic"
    assert not device(host.guest("web1"), "nicA-vf")
    assert any("synthetic path" in note for note in host.adapter("web1", "nicA")["notes"])
    assert host.ask("vf", "reallot", "TeamDemoA")["actions"] == []
    # Who gives up makes room.
    host.run("adapter", "set", "web3", "nicA", "iov-weight=0")
    host.settle()
    assert not device(host.guest("web3"), "nicA-vf")
    assert holders_of(host) == {"web1/nicA", "web2/nicA"}
    # What there is is told anew by a daemon that starts.
    for vm, wanted in (("web1", ["vf-assigned", "vf-assigned", "vf-taken", "vf-assigned"]),
                       ("web3", ["vf-assigned", "vf-taken"])):
        wait_until(lambda: [line.split()[0] for line in lab.host.run(["cat", log]).out.splitlines()
                            if line.startswith("vf-") and line.endswith(vm)] == wanted, SLOW,
                   f"all of {vm} to be told")


def with_port(lab, host, vm, *settings):
    """An adapter of a guest of QEMU's, as far as the host sees: its port is not a tap, but made."""
    lab.host.run(["ip", "link", "add", "tap0", "type", "veth", "peer", "name", "tap1"])
    host.run("adapter", "add", vm, "nicA", "--switch", "TeamDemoA", "port=tap0", *settings)


def holders_of(host):
    return {vf["adapter"] for vf in host.vfs("TeamDemoA") if vf["adapter"]}


@pytest.mark.long
def test_vfs_that_were_there(lab, host):
    """A reload takes the switch and its adapter away at once: the VF is back, reset, and stays."""
    lab.host.sh("echo 2 > /sys/class/net/ens1f0/device/sriov_numvfs", timeout=60)
    host.run("switch", "add", "TeamDemoA", "--nic", "ens1f0", "--iov", "on", "vf-count=2")
    host.add("web1", "nicA", "TeamDemoA", "iov-weight=100")
    # H2: nobody can give a VM one, for there is no IOMMU here.
    with_port(lab, host, "qemu1", "iov-weight=100")
    host.settle()
    assert holders_of(host) == {"web1/nicA"}
    assert host.adapter("qemu1", "nicA")["actual"]["data_path"] == "synthetic"
    assert any("to no VM" in note for note in host.adapter("qemu1", "nicA")["notes"])
    assert device(host.guest("web1"), "nicA-vf")
    given = host.adapter("web1", "nicA")["actual"]["vf"]
    lab.host.sh(f"rm {host.control.config}/*.conf")
    host.run("reload")
    wait_until(lambda: not device(lab.host, "TeamDemoA"), SLOW, "the switch to go")
    assert host.as_wanted() and not device(host.guest("web1"), "nicA-vf")
    reported = host.reported("ens1f0")
    assert len(reported) == 2 and reported[given]["address"] == "00:00:00:00:00:00"
    lab.host.sh("ip link del tap0; echo 0 > /sys/class/net/ens1f0/device/sriov_numvfs", timeout=60)


def sticky(lab, port):
    shown = lab.host.run(["bridge", "fdb", "show", "dev", port]).out
    return [line.split()[0] for line in shown.splitlines() if " sticky " in f"{line} "]


def test_vf_and_synthetic_reach_each_other(lab, host):
    """H9: one guest on a VF, one behind the bridge, on one NIC; also after either has changed."""
    host.run("switch", "add", "TeamDemoA", "--nic", "ens1f0", "--iov", "on", "vf-count=2")
    wait_until(lambda: host.switch("TeamDemoA")["vfs_made"] == 2, 2 * SLOW, "the VFs")
    host.add("web1", "nicA", "TeamDemoA", "iov-weight=100")
    host.add("web2", "nicA", "TeamDemoA")
    host.settle()
    host.guest("web1").sh("ip link set nicA-vf up; ip address add 192.0.2.21/24 dev nicA-vf")
    host.guest("web2").sh("ip link set nicA up; ip address add 192.0.2.22/24 dev nicA")
    self_entries = lab.host.run(["bridge", "fdb", "show", "dev", "ens1f0"]).out
    assert f"{host.adapter('web2', 'nicA')['mac']} " in self_entries
    wait_until(lambda: reaches(host.guest("web1"), PEER), SLOW, "the outside by the VF")
    # QEMU's igb reflects to the PF what the PF itself has sent to all. The bridge does not learn
    # web2's MAC at the uplink by that: an entry keeps it at its port (docs/host.md).
    host.guest("web2").run(["ip", "neigh", "flush", "all"])
    assert reaches(host.guest("web2"), PEER, 3)
    assert sticky(lab, "web2.nicA") == [host.adapter("web2", "nicA")["mac"]]
    assert sticky(lab, "web1.nicA") == []
    # Who teams may use the MAC elsewhere.
    host.run("adapter", "set", "web2", "nicA", "allow-teaming=on")
    host.settle()
    assert sticky(lab, "web2.nicA") == []
    host.run("adapter", "set", "web2", "nicA", "allow-teaming=off")
    host.settle()
    wait_until(lambda: reaches(host.guest("web1"), "192.0.2.22"), SLOW, "VF to synthetic")
    assert reaches(host.guest("web2"), "192.0.2.21")
    # A stranger empties the filter.
    mac = host.adapter("web2", "nicA")["mac"]
    lab.host.run(["bridge", "fdb", "del", mac, "dev", "ens1f0", "self"])
    wait_until(lambda: mac in lab.host.run(["bridge", "fdb", "show", "dev", "ens1f0"]).out, SLOW,
               "the entry to be back")
    # Now both have a VF: the MAC is in one filter only.
    host.run("adapter", "set", "web2", "nicA", "iov-weight=100")
    host.settle()
    # A guest that uses its VF loses it with its adapter.
    assert reaches(host.guest("web1"), PEER)
    host.run("adapter", "remove", "web1", "nicA")
    wait_until(lambda: holders_of(host) == {"web2/nicA"}, SLOW, "the VF to be taken")
    assert not device(host.guest("web1"), "nicA-vf") and host.as_wanted()
    shown = lab.host.run(["bridge", "fdb", "show", "dev", "ens1f0"]).out
    assert not [line for line in shown.splitlines() if mac in line and "self" in line], shown
    assert sticky(lab, "web2.nicA") == []


def test_nic_is_a_bond(lab, host):
    """H1: with iov off only, and it says what a bond hides and what to do instead."""
    lab.host.sh("ip link add bond0 type bond mode active-backup miimon 100; ip link set bond0 up;"
                " ip link set ens1f0 down; ip link set ens1f0 master bond0")
    try:
        assert "hides SR-IOV" in host.refuse("switch", "add", "TeamDemoA", "--nic", "bond0", "--iov",
                                             "on")
        assert "ens1f0" in host.refuse("switch", "add", "TeamDemoA", "--nic", "ens1f0")
        host.run("switch", "add", "TeamDemoA", "--nic", "bond0", "--iov", "off")
        assert "team in the guest" in host.refuse("switch", "set", "TeamDemoA", "iov=on")
        assert any("team in the guest" in note for note in host.switch("TeamDemoA")["notes"])
        host.add("web1", "nicA", "TeamDemoA")
        host.guest("web1").sh("ip link set nicA up; ip address add 192.0.2.21/24 dev nicA")
        wait_until(lambda: reaches(host.guest("web1"), PEER), SLOW, "the outside by the bond")
        host.run("adapter", "remove", "web1", "nicA")
        host.run("switch", "remove", "TeamDemoA")
    finally:
        lab.host.sh("ip link del bond0")


AT_ONCE = 0.5  # seconds; linkwatch waits for one after it has told of another device

# How long up0's loss takes to its guest's port, each time when other0's has just been told.
TOLD_AFTER = """
import time
def read(device, what):
    with open(f"/sys/class/net/{device}/{what}") as file:
        return file.read().strip()
def turn(device, on):
    with open(f"/sys/class/net/{device}/carrier", "w") as file:
        file.write(on)
def wait(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)
def connected():
    return bool(int(read("web1.nicU", "flags"), 16) & 1)
for _ in range(5):
    for on, down in (("1", False), ("0", True)):
        turn("other0", on)
        wait(lambda: (read("other0", "operstate") == "down") == down)
    begin = time.monotonic()
    turn("up0", "0")
    wait(lambda: not connected())
    print(time.monotonic() - begin)
    turn("up0", "1")
    wait(lambda: connected() and read("up0", "operstate") != "down")
"""


@pytest.mark.legacy
def test_uplink_is_told_at_its_drivers_report(lab, host):
    """H5 b: not when the kernel sends its event, which it holds back (docs/host.md)."""
    lab.host.sh("modprobe dummy numdummies=0; for nic in up0 other0;"
                " do ip link add $nic type dummy; ip link set $nic up; done")
    try:
        host.run("switch", "add", "swU", "--nic", "up0", "--iov", "off")
        host.add("web1", "nicU", "swU", "allow-teaming=on")
        host.settle()
        told = lab.host.run([*PYTHON, "-c", TOLD_AFTER], timeout=120).out
        assert sorted(map(float, told.split()))[2] < AT_ONCE, told
        host.run("adapter", "remove", "web1", "nicU")
        host.run("switch", "remove", "swU")
        wait_until(lambda: "uplink_o" not in lab.host.run(["bpftool", "prog", "show"]).out, SLOW,
                   "the program to go with the last switch")
    finally:
        lab.host.sh("ip link del up0; ip link del other0")


def test_refused(lab, host):
    """What only a NIC with VFs can refuse."""
    host.run("switch", "add", "TeamDemoA", "--nic", "ens1f0", "--iov", "off")
    assert "7 VFs at most" in host.refuse("switch", "add", "TeamDemoB", "--nic", "ens1f1", "--iov",
                                          "on", "vf-count=8")
    assert "TeamDemoB" not in json.dumps(host.ask("switch", "show"))

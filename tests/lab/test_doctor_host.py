# SPDX-License-Identifier: GPL-2.0-or-later
"""Doctor (H11) about a host with real VFs: what it finds is there, and its commands mend it.
tests/unit/test_doctor_nic.c has each check."""
from lab import wait_until
from team import SLOW
from test_host import PEER, host, reaches, team_of  # noqa: F401


def doctor(host):  # noqa: F811
    done = host.run("doctor", "--json", check=False)
    findings = done.json()["findings"]
    assert done.rc == any(finding["severity"] == "fatal" for finding in findings), done
    return {(finding["check"], finding["subject"]): finding for finding in findings}


def find(host, check, subject, harm=""):  # noqa: F811
    """The finding. @harm is a command that brings it about. The daemon would put it right before it
    is asked, so it stands still until the question waits."""
    pid = host.control.daemon.pid

    def found():
        if harm:
            host.host.sh(f"kill -STOP {pid}; set +e; {harm}\n"
                         f"(sleep 1; kill -CONT {pid}) >/dev/null 2>&1 </dev/null &")
        return doctor(host).get((check, subject))
    return wait_until(found, SLOW, f"{check} of {subject} to be found")


def mend(host, command, check, subject):  # noqa: F811
    if command.startswith("iovteam "):
        host.run(*command.split()[1:])
    else:
        host.host.sh(command)
    wait_until(lambda: (check, subject) not in doctor(host), SLOW, f"{command} to mend it")


def test_vfs(lab, build, host):  # noqa: F811
    host.run("switch", "add", "TeamDemoA", "--nic", "ens1f0", "--iov", "on", "vf-count=1")
    wait_until(lambda: host.switch("TeamDemoA")["vfs_made"] == 1, 2 * SLOW, "the VF")
    assert "there is no IOMMU" in find(host, "no-iommu", "TeamDemoA")["evidence"]
    host.add("web1", "nicA", "TeamDemoA", "iov-weight=100")
    host.add("web2", "nicA", "TeamDemoA", "iov-weight=10")
    host.settle()
    found = find(host, "vfs-exhausted", "web2/nicA")
    assert "ens1f0 has 1 VFs (it can have 7); 1 are with adapters" in found["evidence"], found
    assert ("no-iommu", "TeamDemoA") not in doctor(host)  # namespaces need none
    mend(host, found["mend"].rpartition(": ")[2], "vfs-exhausted", "web2/nicA")
    host.settle()
    assert host.adapter("web2", "nicA")["actual"]["data_path"] == "vf"

    # igb has no link state of VFs, and igbvf's carrier does not follow the cable.
    host.run("adapter", "set", "web2", "nicA", "allow-teaming=on")
    host.settle()
    assert "whose driver igb cannot" in find(host, "vf-untold", "web2/nicA")["evidence"]
    with team_of(lab, build, host.guest("web2"), ["nicA-vf"]) as team:
        checks = [finding["check"] for finding in team.run(
            "doctor", "--json", check=False).json()["findings"]]
        assert checks[0] == "single-member" and "blind-driver" in checks, checks

    # What a stranger changes is found, and put right by the command or by the daemon.
    found = find(host, "vf-untrusted", "web2/nicA", "ip link set ens1f0 vf 0 trust off")
    mend(host, found["mend"], "vf-untrusted", "web2/nicA")
    mac = host.adapter("web1", "nicA")["mac"]
    found = find(host, "fdb", "TeamDemoA", f"bridge fdb del {mac} dev ens1f0 self")
    assert mac in found["mend"] and " add " in found["mend"], found
    wait_until(lambda: ("fdb", "TeamDemoA") not in doctor(host), SLOW, "the entry to be back")

    # QEMU's igb reflects a broadcast of the PF to the PF (docs/host.md).
    guest = host.guest("web1")
    guest.sh("ip link set nicA up; ip address add 192.0.2.21/24 dev nicA")
    found = find(host, "learnt-outside", "web1/nicA",
                 f"bridge fdb del {mac} dev web1.nicA master; "
                 f"ip netns exec web1 ping -c 1 -W 1 {PEER}")
    mend(host, found["mend"], "learnt-outside", "web1/nicA")
    wait_until(lambda: reaches(guest, PEER), SLOW, "the outside")
    assert ("learnt-outside", "web1/nicA") not in doctor(host)


def test_a_bond_a_vlan_and_a_packet_filter(lab, host):  # noqa: F811
    lab.host.sh("modprobe bonding; modprobe br_netfilter\n"
                "ip link add bond9 type bond; ip link set bond9 up\n"
                "sysctl net.bridge.bridge-nf-call-iptables=1")
    try:
        host.run("switch", "add", "TeamDemoA", "--nic", "ens1f0", "--iov", "off")
        host.run("switch", "add", "TeamDemoB", "--nic", "bond9", "--iov", "off")
        assert "bond9 is a bond" in find(host, "nic-teamed", "TeamDemoB")["evidence"]
        mend(host, find(host, "bridge-filter", "TeamDemoA")["mend"], "bridge-filter", "TeamDemoA")
        host.add("web1", "nicA", "TeamDemoA", "vlan=5", "allow-teaming=on")
        host.add("web1", "nicB", "TeamDemoB", "vlan=6", "allow-teaming=on")
        host.settle()
        mend(host, find(host, "vlan-differs", "web1")["mend"], "vlan-differs", "web1")
        assert host.adapter("web1", "nicB")["vlan"] == 5
        host.remove_all()
    finally:
        lab.host.sh("ip link del bond9; rmmod br_netfilter")

# SPDX-License-Identifier: GPL-2.0-or-later
"""Doctor (H11) of the daemon itself: of files, and of the devices that are there. The team adopts a
bond that is not there, so that no kernel needs bonding; tests/unit/test_doctor.c has each check.
"""
import json
import re
import shlex

from host_world import host  # noqa: F401
from test_refusals_native import CLONE, wait_until, world  # noqa: F401

HOST = {
    "a.conf": "[Switch]\nName=swA\nNic=veth0\nIov=on\n",
    "b.conf": "[Switch]\nName=swB\nNic=missing0\n",
    "web1.vm.conf": "[VM]\nName=web1\nNamespace=web1\n"
                    "[Adapter]\nName=nicA\nSwitch=swA\nAllowTeaming=on\n"
                    "[Adapter]\nName=nicB\nSwitch=swB\nAllowTeaming=on\nVlan=7\nIovWeight=50\n",
}


def doctor(world):  # noqa: F811
    done = world.iovteam("doctor", "--json")
    findings = json.loads(done.stdout)["findings"]
    assert done.returncode == any(found["severity"] == "fatal" for found in findings)
    assert done.stderr == ""
    return {(found["check"], found["subject"]): found for found in findings}


def test_a_host(world):  # noqa: F811
    world.config.mkdir(exist_ok=True)
    for name, text in HOST.items():
        (world.config / name).write_text(text)
    with world.daemon():
        before = world.state()
        wait_until(lambda: "swA" in doctor(world)[("last-uplink", "web1")]["what"],
                   "the uplink that is there to be the last one")
        found = doctor(world)
        found.pop(("bridge-filter", "swA"), None)  # by the machine's own settings
        assert list(found) == [
            ("last-uplink", "web1"), ("vlan-differs", "web1"), ("uplink-lost", "swB"),
            ("weight-without-iov", "web1/nicB"), ("host-step", "web1/nicA"),
            ("host-step", "web1/nicB"), ("no-vfs", "swA"),
            ("switch-guards", "physical switches")]
        assert "the namespace web1, which is not there" in found[("host-step", "web1/nicA")][
            "evidence"]
        assert found[("no-vfs", "swA")]["evidence"].startswith("NIC veth0, not-pci: ")
        assert found[("uplink-lost", "swB")]["evidence"] == "there is no NIC missing0"
        # What is observed now, not what was at the start.
        assert world.inside("ip", "link", "set", "veth0", "down").returncode == 0
        wait_until(lambda: ("uplink-lost", "swA") in doctor(world), "the uplink to be lost")
        assert doctor(world)[("uplink-lost", "swA")]["mend"] == "ip link set veth0 up"
        assert world.inside("ip", "link", "set", "veth0", "up").returncode == 0
        wait_until(lambda: ("uplink-lost", "swA") not in doctor(world), "the uplink to return")
        assert world.state()[1] == before[1]  # it has changed nothing


def test_a_team_and_files_that_are_wrong(world):  # noqa: F811
    world.config.mkdir(exist_ok=True)
    file = world.config / "team0.conf"
    with world.daemon():
        assert doctor(world) == {}
        done = world.iovteam("doctor")
        assert (done.returncode, done.stdout) == (
            0, "Nothing would make a failover fail, as far as can be seen.\n")
        file.write_text("[Team]\nName=team0\nAdopt=yes\n")
        assert world.iovteam("reload").returncode == 0
        found = doctor(world)
        assert list(found)[0] == ("team-down", "team0")
        assert found[("team-down", "team0")]["evidence"].startswith("there is no interface team0")
        assert ("adopted-bond", "team0") in found
    file.write_text("[Team]\nName=team0\nColour=red\n")
    with world.daemon():
        evidence = doctor(world)[("files", "configuration")]["evidence"]
        assert "team0.conf:3: there is no setting Colour" in evidence


def mend(host, check, subject):  # noqa: F811
    """Runs the command of a finding as it stands there; then it is found no more."""
    command = doctor(host)[(check, subject)]["mend"]
    if command.startswith("iovteam "):
        host.do(*shlex.split(command)[1:])
    else:
        host.host(*shlex.split(command))
    wait_until(lambda: (check, subject) not in doctor(host), f"{command} to mend it")


def test_commands_mend(host):  # noqa: F811
    """What doctor says about a host of real devices is mended by the commands that it gives."""
    guest = host.make_guest("web1")
    with host.daemon():
        for letter, nic in (("A", "nic0"), ("B", "nic1")):
            host.do("switch", "add", f"sw{letter}", "--nic", nic, "--iov", "off")
            host.do("adapter", "add", "web1", f"nic{letter}", "--switch", "swA", "--namespace",
                    guest, "allow-teaming=on")
        wait_until(lambda: not host.ask("plan")["actions"], "all to be made")
        assert list(doctor(host))[0] == ("one-switch", "web1")
        mend(host, "one-switch", "web1")
        assert host.adapter("web1", "nicB")["switch"] == "swB"
        host.do("adapter", "set", "web1", "nicA", "allow-teaming=off")
        mend(host, "teaming-off", "web1")
        host.host("ip", "link", "set", "nic1", "mtu", "1400")
        wait_until(lambda: ("mtu-differs", "web1") in doctor(host), "the MTU to be seen")
        mend(host, "mtu-differs", "web1")
        assert host.link("nic0")["mtu"] == 1400
        host.host("ip", "link", "set", "nic0", "down")
        wait_until(lambda: ("last-uplink", "web1") in doctor(host), "the uplink to be lost")
        mend(host, "uplink-lost", "swA")
        wait_until(lambda: ("last-uplink", "web1") not in doctor(host), "the uplink to be back")
        found = doctor(host)
        found.pop(("bridge-filter", "swA"), None)  # by the machine's own settings
        assert list(found) == [("switch-guards", "physical switches")], found


def test_a_guest_that_cannot_be_told(host):  # noqa: F811
    """QEMU's control socket is not known, and then not there."""
    with host.daemon():
        host.do("switch", "add", "swA", "--nic", "nic0", "--iov", "off")
        host.do("adapter", "add", "vm1", "nicA", "--switch", "swA", "allow-teaming=on")
        assert ("cannot-be-told", "vm1") in doctor(host)
        host.do("adapter", "remove", "vm1", "nicA")
        host.do("adapter", "add", "vm1", "nicA", "--switch", "swA", "--qmp",
                str(host.directory / "qmp"), "allow-teaming=on")
        found = wait_until(lambda: doctor(host).get(("guest-untold", "vm1")),
                           "the socket to be missed")
        assert f"{host.directory}/qmp: No such file" in found["evidence"]
        assert ("cannot-be-told", "vm1") not in doctor(host)
        host.do("adapter", "remove", "vm1", "nicA")


def test_each_check_is_documented():
    """In the table of the severity that it has."""
    rows = [row for file in sorted((CLONE / "src/core").glob("doctor_*.c")) for row in re.findall(
        r'\{"([a-z-]+)", FINDING_([A-Z]+), \.', file.read_text())]
    assert len(rows) > 30
    sections = re.split(r"^## ", (CLONE / "docs/doctor.md").read_text(), flags=re.M)[1:]
    for check, severity in rows:
        section = next(part for part in sections if part.startswith(severity.lower()))
        assert re.search(rf"^\|[^|]*\b{check}\b", section, re.M), (check, severity)

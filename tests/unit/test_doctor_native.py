# SPDX-License-Identifier: GPL-2.0-or-later
"""Doctor (H11) of the daemon itself: of files, and of the devices that are there. The team adopts a
bond that is not there, so that no kernel needs bonding; tests/unit/test_doctor.c has each check.
"""
import json

from test_refusals_native import wait_until, world  # noqa: F401

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
            ("weight-without-iov", "web1/nicB"), ("weight-zero", "web1/nicA"),
            ("switch-guards", "physical switches")]
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

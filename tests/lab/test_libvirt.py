# SPDX-License-Identifier: GPL-2.0-or-later
"""A domain of libvirt with two adapters, and the team in its guest: started, failed over, stopped.
The host is this machine, as in tests/unit/test_libvirt_native.py; the guest is the lab's kernel.
"""
import os
import socket
import sys
import time
from pathlib import Path

import pytest

from lab import wait_until
from lab.channel import AgentClient
from lab.command import Namespace
from lab.vm import CLONE, Kernel

sys.path.insert(0, str(CLONE / "tests/unit"))
from host_world import host  # noqa: E402, F401
from libvirt_world import libvirt_of  # noqa: E402

ADDRESS = "192.0.2.10"
BOOT, PATIENCE = 180, 60  # seconds

GUEST = """<domain type='qemu'><name>{name}</name><memory unit='MiB'>1024</memory><vcpu>2</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type><kernel>{kernel.image}</kernel>
<initrd>{kernel.initramfs}</initrd><cmdline>{cmdline}</cmdline></os>
<features><acpi/></features><cpu mode='maximum'/><on_reboot>destroy</on_reboot>
<devices><memballoon model='none'/>
<serial type='file'><source path='{directory}/console'/><target port='0'/></serial>
<channel type='unix'><source mode='bind' path='{directory}/agent'/>
<target type='virtio' name='lab.agent'/></channel>
{shares}</devices></domain>"""
SHARE = """<filesystem type='mount' accessmode='passthrough' multidevs='remap'>
<source dir='{path}'/><target dir='{tag}'/><readonly/></filesystem>"""

# Says when a device has lost its carrier.
WATCH = """
echo watching
while read carrier </sys/class/net/$1/carrier && [ "$carrier" = 1 ]; do :; done
echo lost
"""


@pytest.fixture(autouse=True)
def nothing_left_behind():
    """The lab's VM has no part in this; the fixtures here leave nothing."""
    yield


@pytest.fixture
def libvirt(host):  # noqa: F811
    with libvirt_of(host) as made:
        yield made


class Guest:
    """A domain that boots the lab's kernel into this machine's root."""

    def __init__(self, libvirt, name):  # noqa: F811
        self.libvirt, self.name, self.where = libvirt, name, libvirt.directory
        kernel = Kernel(os.environ.get("IOVTEAM_LAB_KERNEL", "6.12"))
        libvirt.define(name, xml=GUEST.format(
            name=name, kernel=kernel, cmdline=" ".join(kernel.arguments()), directory=self.where,
            shares=SHARE.format(path="/", tag="root") + SHARE.format(path=CLONE, tag="clone")))

    def start(self):
        self.libvirt.virsh("start", self.name)
        channel = socket.socket(socket.AF_UNIX)
        channel.connect(str(self.where / "agent"))
        agent = AgentClient(channel)
        agent.answer(0, timeout=BOOT)
        self.inside = Namespace(agent, self.name, None)

    def team(self, build, macs):
        """The team as its administrator makes it; a function that runs iovteam there."""
        self.inside.sh("modprobe -a virtio_net bonding; cd /sys/class/net\n" + "\n".join(
            f"for d in */address; do read mac <$d; if [ $mac = {mac} ];"
            f" then ip link set ${{d%/*}} name {name}; fi; done" for name, mac in macs.items()),
            timeout=PATIENCE)
        self.inside.spawn([f"{build}/iovteamd"])
        command = [f"{build}/iovteam"]
        wait_until(lambda: self.inside.run([*command, "team", "show"], check=False).rc == 0,
                   PATIENCE, "iovteamd in the guest")
        self.inside.run([*command, "team", "add", "team0",
                         *(word for name in macs for word in ("--member", name))],
                        timeout=PATIENCE)
        self.inside.sh(f"ip link set team0 up; ip address add {ADDRESS}/24 dev team0")
        return lambda *words: self.inside.run([*command, *words], timeout=PATIENCE)


def states(team):
    members = team("team", "show", "team0", "--json").json()["teams"][0]["members"]
    return {member["name"]: member["state"] for member in members}


@pytest.mark.long
def test_guest(host, libvirt, build):  # noqa: F811
    """What docs/libvirt.md shows. It prints what was seen on both sides."""
    host.more = ["--libvirt", str(build / "src/libvirt/iovteam-libvirt")]
    guest = Guest(libvirt, "web1")

    def say(words, text):
        print(f"$ {words}\n{text}", flush=True)

    def on_host(words):
        say("iovteam " + words, host.do(*words.split()))

    before = host.links()
    with host.daemon():
        on_host("switch add TeamDemoA --nic nic0")
        on_host("switch add TeamDemoB --nic nic1")
        on_host("adapter add web1 nicA --switch TeamDemoA --libvirt web1 allow-teaming=on")
        on_host("adapter add web1 nicB --switch TeamDemoB allow-teaming=on")
        macs = {name: host.adapter("web1", name)["mac"] for name in ("nicA", "nicB")}
        wait_until(lambda: all(mac in libvirt.xml("web1") for mac in macs.values()), PATIENCE,
                   "both adapters in the definition")
        say("virsh domiflist web1", libvirt.virsh("domiflist", "web1").stdout)
        say("virsh start web1", "")
        guest.start()
        team = guest.team(Path(build), macs)
        wait_until(lambda: set(states(team).values()) == {"active"}, PATIENCE, "the team")
        host.out("ping", "-c", "3", "-w", "20", ADDRESS)
        on_host("adapter show web1 nicA")
        say("(guest) iovteam team show team0", team("team", "show", "team0").out)

        with guest.inside.spawn(["sh", "-c", WATCH, "watch", "nicA"]) as watch:
            watch.expect("watching", PATIENCE)
            lost = time.monotonic()
            host.out("ip", "link", "set", "out0", "down")
            watch.expect("lost", PATIENCE)
            say("(the cable of nic0 is pulled)",
                f"the guest has no carrier after {1000 * (time.monotonic() - lost):.0f} ms")
        wait_until(lambda: states(team)["nicA"] != "active", PATIENCE, "the member to be lost")
        host.out("ping", "-c", "3", "-w", "20", ADDRESS)
        on_host("adapter show web1 nicA")
        say(f"virsh domif-getlink web1 {macs['nicA']}", libvirt.link("web1", macs["nicA"]))
        say("(guest) iovteam team show team0", team("team", "show", "team0").out)

        host.out("ip", "link", "set", "out0", "up")
        wait_until(lambda: set(states(team).values()) == {"active"}, PATIENCE, "it to be back")
        libvirt.virsh("destroy", "web1")
        wait_until(lambda: host.adapter("web1", "nicA")["domain"]["state"] == "stopped", PATIENCE,
                   "the domain's end to be seen")
        on_host("adapter show")
        for letter in "AB":
            on_host(f"adapter remove web1 nic{letter}")
            on_host(f"switch remove TeamDemo{letter}")
        wait_until(lambda: "<interface " not in libvirt.xml("web1"), PATIENCE,
                   "the definition as it was")
        assert host.links() == before

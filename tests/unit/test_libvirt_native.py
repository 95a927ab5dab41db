# SPDX-License-Identifier: GPL-2.0-or-later
"""VMs that are domains of a real libvirtd (H3, H7, H10). Domains are paused: what they have is what
libvirt says of them.
"""
import signal

import pytest

from host_world import host, run, wait_until  # noqa: F401
from libvirt_world import libvirt_of
from test_refusals_native import BUILD

PROGRAM = BUILD / "src/libvirt/iovteam-libvirt"
NICS = {"nicA": "nic0", "nicB": "nic1"}

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="it is built without libvirt")


@pytest.fixture
def libvirt(host):  # noqa: F811
    with libvirt_of(host) as made:
        yield made
    assert run("pgrep", "-f", str(made.directory)).stdout == ""


@pytest.fixture
def daemon(host, libvirt):  # noqa: F811
    host.more = ["--libvirt", str(PROGRAM)]
    with host.daemon() as process:
        yield process


def make(world, *options):
    for (adapter, nic), letter in zip(NICS.items(), "AB"):
        world.do("switch", "add", f"sw{letter}", "--nic", nic)
        world.do("adapter", "add", "web1", adapter, "--switch", f"sw{letter}", "--libvirt", "web1",
                 *options)


def unmake(world):
    for adapter, letter in zip(NICS, "AB"):
        world.do("adapter", "remove", "web1", adapter)
        world.do("switch", "remove", f"sw{letter}")


def settled(world, **wanted):
    """Both adapters are in the domain, and without a note."""
    wanted = {"name": "web1", "attached": True} | wanted
    for adapter in world.ask("adapter", "show", "web1")["vms"][0]["adapters"]:
        domain = adapter["domain"]
        if adapter["notes"] or {key: domain[key] for key in wanted} != wanted:
            return False
    return True


def notes(world, adapter="nicA"):
    return world.adapter("web1", adapter)["notes"]


def noted(world, words, adapter="nicA"):
    wait_until(lambda: any(words in note for note in notes(world, adapter)), words, 60)
    assert world.adapter("web1", adapter)["status"] == "degraded"
    assert all("\n" not in note and not note.endswith(".") for note in notes(world, adapter))


def test_domain(host, libvirt, daemon):  # noqa: F811
    """Attached while it is stopped, started, failed over, stopped, started again, detached."""
    libvirt.define("web1")
    before = libvirt.xml("web1")
    make(host, "allow-teaming=on")
    wait_until(lambda: settled(host, state="stopped", link=None), "the definition")
    mac = host.adapter("web1", "nicA")["mac"]
    assert libvirt.xml("web1").count("<interface type='ethernet'>") == 2
    libvirt.virsh("start", "web1", "--paused")
    wait_until(lambda: settled(host, state="running", link="up"), "it to run")
    assert libvirt.xml("web1", live=True).count("managed='no'") == 2

    host.out("ip", "link", "set", "out0", "down")
    wait_until(lambda: libvirt.link("web1", mac) == "down", "the link to be down")
    wait_until(lambda: host.adapter("web1", "nicA")["path"] == "disconnected", "the path")
    assert host.adapter("web1", "nicA")["domain"]["link"] == "down"
    assert host.adapter("web1", "nicB")["domain"]["link"] == "up"
    assert host.adapter("web1", "nicA")["status"] == "ok"
    # Another run of the domain begins with its links up: it is told again.
    libvirt.virsh("destroy", "web1")
    wait_until(lambda: host.adapter("web1", "nicA")["domain"]["state"] == "stopped", "its end")
    assert host.adapter("web1", "nicA")["path"] == "uplink-lost"
    libvirt.virsh("start", "web1", "--paused")
    wait_until(lambda: libvirt.link("web1", mac) == "down", "the link to be down again")
    # Without allow-teaming it is given back.
    host.do("adapter", "set", "web1", "allow-teaming=off")
    wait_until(lambda: libvirt.link("web1", mac) == "up", "the link of one that does not team")
    libvirt.virsh("destroy", "web1")
    unmake(host)
    wait_until(lambda: libvirt.xml("web1") == before, "the definition as it was")


def test_running_domain(host, libvirt, daemon):  # noqa: F811
    """Attached to a running domain, at once and in its definition; and taken out of it."""
    libvirt.define("web1")
    libvirt.virsh("start", "web1", "--paused")
    make(host)
    wait_until(lambda: settled(host, state="running", link="up"), "the running domain")
    assert libvirt.xml("web1").count("<interface ") == 2
    # Somebody takes one out of the definition: it is there again at the next look.
    mac = host.adapter("web1", "nicB")["mac"]
    libvirt.virsh("detach-interface", "web1", "ethernet", "--mac", mac, "--config")
    wait_until(lambda: mac in libvirt.xml("web1"), "it to be put right")
    # With its VM the last interface goes; one that runs in no guest lets go at its end at the latest.
    unmake(host)
    wait_until(lambda: "<interface " not in libvirt.xml("web1"), "the definition to be as it was")
    libvirt.virsh("destroy", "web1")
    # A transient domain is attached to while it runs, and gone with its end.
    libvirt.virsh("undefine", "web1")
    make(host)
    noted(host, "libvirt has no domain web1")
    libvirt.virsh("create", str(libvirt.directory / "web1.xml"), "--paused")
    wait_until(lambda: settled(host, state="running"), "the transient domain")
    libvirt.virsh("destroy", "web1")
    noted(host, "libvirt has no domain web1")


def test_vf_pair(host, libvirt, daemon):  # noqa: F811
    """The weight makes a pair of it in the definition; what a VF would be there libvirt takes, too."""
    libvirt.define("web1")
    make(host)
    wait_until(lambda: settled(host), "the domain")
    persistent = "<teaming type='persistent'/>"
    assert persistent not in libvirt.xml("web1")
    host.do("adapter", "set", "web1", "iov-weight=100")
    wait_until(lambda: libvirt.xml("web1").count(persistent) == 2, "the pairs")
    alias = "ua-iovteam-" + host.adapter("web1", "nicA")["mac"].replace(":", "")
    assert alias in host.adapter("web1", "nicA")["attach"]["libvirt_xml"]
    # The words are those of tests/unit/test_domain.c.
    vf = libvirt.directory / "vf.xml"
    vf.write_text("<hostdev mode='subsystem' type='pci' managed='no'><source><address "
                  "domain='0x0000' bus='0x02' slot='0x10' function='0x0'/></source><teaming "
                  f"type='transient' persistent='{alias}'/><alias name='{alias}-vf'/></hostdev>")
    libvirt.virsh("attach-device", "web1", str(vf), "--config")
    # It is not wanted: there is no such VF here.
    wait_until(lambda: "<hostdev" not in libvirt.xml("web1"), "it to be taken out")
    host.do("adapter", "set", "web1", "iov-weight=0")
    wait_until(lambda: "<teaming" not in libvirt.xml("web1")
               and "has no VF" not in str(notes(host)), "no pair")


def test_in_the_way(host, libvirt, daemon):  # noqa: F811
    """Somebody else's interface with the adapter's MAC is left alone; one on its port is used."""
    libvirt.define("web1", devices="<interface type='user'><mac address='52:54:00:00:00:0a'/>"
                                   "</interface><interface type='ethernet'><mac address="
                                   "'52:54:00:00:00:0b'/><target dev='web1.nicB' managed='no'/>"
                                   "</interface>")
    before = libvirt.xml("web1")
    make(host)
    host.do("adapter", "set", "web1", "nicA", "mac=52:54:00:00:00:0a")
    host.do("adapter", "set", "web1", "nicB", "mac=52:54:00:00:00:0b")
    noted(host, "has an interface with the MAC 52:54:00:00:00:0a already")
    wait_until(lambda: host.adapter("web1", "nicB")["domain"]["attached"]
               and not notes(host, "nicB"), "the other")
    wait_until(lambda: libvirt.xml("web1") == before, "the first ones to be taken out")
    unmake(host)
    assert libvirt.xml("web1") == before


def test_interface_that_leaves(host, libvirt, daemon):  # noqa: F811
    """Somebody else's interface, disconnected for a lost uplink, is connected again when its adapter
    is removed: beside another one, and as the last."""
    libvirt.define("web1", devices="<interface type='ethernet'><mac address='52:54:00:00:00:0a'/>"
                                   "<target dev='given0' managed='no'/></interface>")
    host.host("ip", "tuntap", "add", "given0", "mode", "tap")
    mac = "52:54:00:00:00:0a"
    add = ("adapter", "add", "web1", "nicA", "--switch", "swA", "--libvirt", "web1", f"mac={mac}",
           "port=given0", "allow-teaming=on")
    for letter, nic in zip("AB", NICS.values()):
        host.do("switch", "add", f"sw{letter}", "--nic", nic)
    host.do("adapter", "add", "web1", "nicB", "--switch", "swB", "--libvirt", "web1")
    host.do(*add)
    libvirt.virsh("start", "web1", "--paused")
    wait_until(lambda: settled(host, state="running"), "it to run")
    host.out("ip", "link", "set", "out0", "down")
    wait_until(lambda: libvirt.link("web1", mac) == "down", "the link to be down")
    host.do("adapter", "remove", "web1", "nicA")
    wait_until(lambda: libvirt.link("web1", mac) == "up", "the link to be up")
    host.do(*add)
    wait_until(lambda: libvirt.link("web1", mac) == "down", "the link to be down again")
    libvirt.virsh("destroy", "web1")
    host.do("adapter", "remove", "web1", "nicB")
    libvirt.virsh("start", "web1", "--paused")
    wait_until(lambda: libvirt.link("web1", mac) == "down", "the other run's, too")
    host.do("adapter", "remove", "web1", "nicA")
    wait_until(lambda: libvirt.link("web1", mac) == "up", "the link of the last one to be up")


def test_libvirtd_gone(host, libvirt, daemon):  # noqa: F811
    """One sentence, and tried again; the daemon answers, and its other work goes on."""
    libvirt.define("web1")
    make(host, "allow-teaming=on")
    wait_until(lambda: settled(host), "the domain")
    libvirt.virsh("start", "web1", "--paused")
    wait_until(lambda: settled(host, state="running"), "it to run")
    libvirt.stop()
    noted(host, "is not seen to")
    guest = host.make_guest("web2")
    host.do("adapter", "add", "web2", "nicA", "--switch", "swA", "--namespace", guest,
            "allow-teaming=on")
    host.out("ip", "link", "set", "out0", "down")
    wait_until(lambda: host.adapter("web2", "nicA")["path"] == "disconnected", "another VM")
    assert host.adapter("web1", "nicA")["path"] == "uplink-lost"
    libvirt.start()
    wait_until(lambda: host.adapter("web1", "nicA")["path"] == "disconnected", "its word", 60)


def test_libvirtd_hung(host, libvirt, daemon):  # noqa: F811
    """The daemon waits for nobody; what hangs is ended."""
    libvirt.define("web1")
    make(host, "allow-teaming=on")
    libvirt.virsh("start", "web1", "--paused")
    wait_until(lambda: settled(host, state="running"), "it to run")
    guest = host.make_guest("web2")
    host.do("adapter", "add", "web2", "nicA", "--switch", "swA", "--namespace", guest,
            "allow-teaming=on")
    with libvirt.hung():
        host.out("ip", "link", "set", "out0", "down")
        wait_until(lambda: host.adapter("web2", "nicA")["path"] == "disconnected", "another VM")
        assert settled(host)  # libvirt has not been given up yet
        noted(host, "libvirt has not answered")
        host.do("adapter", "set", "web2", "nicA", "vlan=0")
    wait_until(lambda: host.adapter("web1", "nicA")["path"] == "disconnected", "its word", 60)
    assert settled(host, state="running")


def test_refused(host, libvirt, daemon):  # noqa: F811
    """One sentence each, and all as before."""
    libvirt.define("web1")
    make(host)
    wait_until(lambda: settled(host), "the domain")
    before = host.state(), libvirt.xml("web1")
    add = ["adapter", "add", "web3", "nicA", "--switch", "swA"]
    for words, part in ((["--libvirt", "a/b"], "has no '/'"),
                        (["--libvirt", "x" * 64], "at most 63 bytes"),
                        (["--libvirt", "a\tb"], "no control characters"),
                        (["--libvirt", " a"], "neither begins nor ends with a space"),
                        (["--libvirt", "a ;b"], "cannot be written down"),
                        (["--libvirt", "web1"], "is that of web1 already")):
        assert part in host.refuse(*add, *words)
        assert (host.state(), libvirt.xml("web1")) == before, words


def test_what_is_refused_by_libvirt(host, libvirt, daemon):  # noqa: F811
    """It is said in libvirt's words, tried again, and keeps no other adapter waiting."""
    libvirt.define("web1")
    make(host)
    wait_until(lambda: settled(host), "the domain")
    libvirt.virsh("start", "web1", "--paused")
    # No tap that libvirt could open: the interface is no tap.
    host.host("ip", "link", "add", "odd0", "type", "veth", "peer", "name", "odd1")
    host.do("adapter", "add", "web1", "nicC", "--switch", "swA", "port=odd0")
    noted(host, "libvirt cannot attach nicC to the running domain web1", "nicC")
    assert host.adapter("web1", "nicA")["notes"] == []
    host.do("adapter", "remove", "web1", "nicC")
    assert daemon.poll() is None


def test_restart_of_the_daemon(host, libvirt):  # noqa: F811
    """What is in the domain is known again; the program goes with the daemon, however it ends."""
    libvirt.define("web1")
    host.more = ["--libvirt", str(PROGRAM)]
    with host.daemon() as process:
        make(host)
        wait_until(lambda: settled(host), "the domain")
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until(lambda: not run("pgrep", "-f", str(PROGRAM)).stdout, "its program to end")
    before = libvirt.xml("web1")
    with host.daemon():
        wait_until(lambda: settled(host), "the domain")
        assert libvirt.xml("web1") == before
        unmake(host)
        wait_until(lambda: "<interface " not in libvirt.xml("web1"), "it to be taken out")


def test_without_the_program(host):  # noqa: F811
    """The daemon does all else without it."""
    host.more = ["--libvirt", str(host.directory / "no-such-program")]
    with host.daemon():
        make(host)
        noted(host, "iovteam-libvirt is not installed")
        assert host.link("web1.nicA")["master"] == "swA"
        unmake(host)
        assert not host.link("swA")


def test_a_program_that_is_none(host):  # noqa: F811
    """One that ends at once is no trouble but its own, nor is one that says nothing of sense."""
    odd = host.directory / "odd"
    for script, words in (("exit 1", "iovteam-libvirt has ended"),
                          ("echo nonsense >&0; sleep 60", "what is not understood")):
        odd.write_text(f"#!/bin/sh\n{script}\n")
        odd.chmod(0o755)
        host.more = ["--libvirt", str(odd)]
        with host.daemon():
            make(host)
            noted(host, words)
            unmake(host)

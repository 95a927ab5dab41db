# SPDX-License-Identifier: GPL-2.0-or-later
"""What is somebody else's is given back as it was found: a card of QEMU, a port, a switch's NIC."""
import json
import signal
import socket
import subprocess
import threading

from host_world import host, run, wait_until  # noqa: F401

MAC = "02:00:00:00:02:01"
PORT_UP = ("sh", "-ec", "ip link add given0 type veth peer name given1; ip link set given0 up;"
           " ip link set given1 up")


class Qemu:
    """The control socket of a QEMU that has one card, whose link it keeps."""

    def __init__(self, path):
        self.path, self.link, self.silent = path, True, False
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        self.listener.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            try:
                with client, client.makefile("rw", encoding="utf-8") as stream:
                    self.talk(stream)
            except (OSError, ValueError):
                pass  # the daemon has hung up

    def talk(self, stream):
        self.say(stream, {"QMP": {"version": {}, "capabilities": []}})
        for line in stream:
            asked = json.loads(line)
            if self.silent:
                return
            answer = self.answer(asked["execute"], asked.get("arguments", {}))
            self.say(stream, {"return": answer, "id": asked["id"]})

    @staticmethod
    def say(stream, message):
        stream.write(json.dumps(message) + "\r\n")
        stream.flush()

    def answer(self, what, arguments):
        if what == "qom-list":
            card = [{"name": "card", "type": "child<virtio-net-pci>"}]
            return card if arguments["path"] == "/machine/peripheral" else []
        if what == "qom-get":
            return {"mac": MAC, "netdev": "net0"}[arguments["property"]]
        if what == "set_link":
            self.link = bool(arguments["up"])
        return {}


def add_switch(world):
    world.do("switch", "add", "swA", "--nic", "nic0", "--iov", "off")


def add_qemu(world):
    """A guest whose uplink is lost, and that has been told so."""
    qemu = Qemu(world.directory / "qmp")
    add_switch(world)
    world.do("adapter", "add", "web1", "nicA", "--switch", "swA", "--qmp", str(qemu.path),
             f"mac={MAC}", "allow-teaming=on")
    lose_uplink(world)
    wait_until(lambda: not qemu.link, "the guest to be told")
    wait_until(lambda: world.adapter("web1", "nicA")["path"] == "disconnected", "QEMU's word")
    return qemu


def lose_uplink(world):
    world.out("ip", "link", "set", "out0", "down")


def is_up(world, name):
    return "UP" in world.link(name)["flags"]


def edit(world, vm, old, new):
    file = world.config / f"{vm}.vm.conf"
    text = file.read_text()
    assert old in text, text
    file.write_text(text.replace(old, new))


def test_card_of_a_removed_adapter(host):  # noqa: F811
    """H7: nobody else would connect its guest again, with the VM's last adapter or without."""
    with host.daemon():
        qemu = add_qemu(host)
        host.do("adapter", "remove", "web1", "nicA")
        wait_until(lambda: qemu.link, "the card to be connected")
        host.do("switch", "remove", "swA")


def test_card_of_one_adapter_of_two(host):  # noqa: F811
    with host.daemon():
        qemu = add_qemu(host)
        host.do("adapter", "add", "web1", "nicB", "--switch", "swA", "allow-teaming=on")
        host.do("adapter", "remove", "web1", "nicA")
        wait_until(lambda: qemu.link, "the card to be connected")
        wait_until(lambda: "no network card" in str(host.adapter("web1", "nicB")["notes"]),
                   "the other to be looked for")
        # It is an adapter's again.
        host.do("adapter", "add", "web1", "nicC", "--switch", "swA", f"mac={MAC}",
                "allow-teaming=on")
        wait_until(lambda: not qemu.link, "the guest to be told")


def test_card_without_qmp(host):  # noqa: F811
    with host.daemon():
        qemu = add_qemu(host)
        edit(host, "web1", f"Qmp={qemu.path}\n", "")
        host.do("reload")
        wait_until(lambda: qemu.link, "the card to be connected")
        assert "Qmp" in str(host.adapter("web1", "nicA")["notes"])


def test_card_of_a_renamed_vm(host):  # noqa: F811
    """It is the same QEMU: what it was told holds."""
    with host.daemon():
        qemu = add_qemu(host)
        text = (host.config / "web1.vm.conf").read_text()
        (host.config / "web1.vm.conf").unlink()
        (host.config / "web9.vm.conf").write_text(text.replace("web1", "web9"))
        host.do("reload")
        assert host.adapter("web9", "nicA")["path"] == "disconnected" and not qemu.link


def test_card_of_a_qemu_that_is_gone(host):  # noqa: F811
    """It is let go: one that begins at the same socket later is nobody's."""
    with host.daemon():
        qemu = add_qemu(host)
        qemu.silent = True
        host.out("ip", "link", "set", "out0", "up")
        wait_until(lambda: host.adapter("web1", "nicA")["notes"], "the trouble")
        host.do("adapter", "remove", "web1", "nicA")
        qemu.silent = False
        host.do("adapter", "add", "web2", "nicA", "--switch", "swA", "--qmp", str(qemu.path),
                f"mac={MAC}", "allow-teaming=on")
        wait_until(lambda: qemu.link, "the next VM to be seen to")


def test_port(host):  # noqa: F811
    """A port that was set down for a lost uplink is up when it is given back, also by the next daemon;
    one that was down before is down."""
    host.host(*PORT_UP)
    host.host("ip", "link", "add", "down0", "type", "veth", "peer", "name", "down1")
    guest = host.make_guest("web1")
    with host.daemon() as daemon:
        add_switch(host)
        for name, port in (("nicA", "given0"), ("nicB", "down0")):
            host.do("adapter", "add", "web1", name, "--switch", "swA", "--namespace", guest,
                    f"port={port}", "allow-teaming=on")
        lose_uplink(host)
        wait_until(lambda: not is_up(host, "given0"), "the port to be set down")
        host.do("adapter", "remove", "web1", "nicA")
        assert is_up(host, "given0") and "master" not in host.link("given0")
        host.do("adapter", "add", "web1", "nicA", "--switch", "swA", "--namespace", guest,
                "port=given0", "allow-teaming=on")
        assert not is_up(host, "given0") and host.link("given0")["master"] == "swA"
        host.do("adapter", "add", "web1", "nicC", "--switch", "swA", "port=later0",
                "allow-teaming=on")
        host.host("ip", "link", "add", "later0", "type", "veth", "peer", "name", "later1")
        wait_until(lambda: host.link("later0").get("master") == "swA", "the port to join")
        host.do("adapter", "remove", "web1", "nicC")
        assert not is_up(host, "later0")
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
    with host.daemon():
        host.do("adapter", "remove", "web1", "nicA")
        assert is_up(host, "given0") and "master" not in host.link("given0")


def test_port_that_cannot_join(host):  # noqa: F811
    """Something sits on it, so a bridge cannot have it: it is as it was."""
    host.host(*PORT_UP)
    host.host("ip", "link", "add", "above0", "link", "given0", "type", "macvlan")
    with host.daemon():
        add_switch(host)
        before = host.state()
        assert host.refuse("adapter", "add", "web1", "nicA", "--switch", "swA", "port=given0") == (
            "given0 cannot be a port of swA: Device or resource busy; nothing was changed")
        wait_until(lambda: host.state() == before, "all to be as it was")
        assert is_up(host, "given0")


def test_nic_that_cannot_join(host):  # noqa: F811
    """Something sits on it, and it was down: it is as it was."""
    host.host("ip", "link", "add", "above0", "link", "nic0", "type", "macvlan")
    with host.daemon():
        before = host.state()
        assert "nic0 cannot be the uplink of swA: Device or resource busy" in host.refuse(
            "switch", "add", "swA", "--nic", "nic0")
        wait_until(lambda: host.state() == before, "all to be as it was")
        assert not is_up(host, "nic0")


def test_nic_is_up_before_it_joins(host):  # noqa: F811
    """A daemon may die between any two steps, and one that is in the switch is set up by nobody."""
    with host.daemon():
        monitor = subprocess.Popen(["ip", "-n", host.name, "-o", "monitor", "link"],
                                   stdout=subprocess.PIPE, text=True)
        wait_until(lambda: "socket:" in run("ls", "-l", f"/proc/{monitor.pid}/fd").stdout,
                   "it to listen")
        add_switch(host)
        host.host("ip", "link", "add", "last0", "type", "bridge")
        seen = []
        for line in monitor.stdout:
            if "last0" in line:
                break
            if ": nic0" in line:
                seen.append(line)
        monitor.terminate()
        monitor.wait()
        joined = [line for line in seen if "master swA" in line]
        assert joined and all("UP" in line.split(">")[0] for line in joined), seen
        host.do("switch", "remove", "swA")
        assert not is_up(host, "nic0")

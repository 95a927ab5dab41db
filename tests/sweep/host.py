# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's side of the bench: NICs for switches, a namespace that is a guest, and a QEMU that
only has the control socket of one.

    swguest: n0 n1 (uplinks)   ---   swpeer: pn0 pn1        swvm: the guest of VM web1
"""
from __future__ import annotations

import json
import socket
import subprocess
import threading
from pathlib import Path

import kernel
import state

VM, NICS, SWITCHES = "swvm", ("n0", "n1"), ("sw0", "sw1")
PORTS = tuple(f"{vm}.nic{letter}" for vm in ("web1", "web2") for letter in "ABCDEF")
# As adapters of web2 have them; what @Mac is set to.
QEMU_MAC = "02:00:00:00:02:01"
# Of what the daemon says: what was sent, and what others are told.
_PASSING = ("frames", "attach")


def switch(name: str, *settings: str) -> str:
    return "\n".join(("[Switch]", f"Name={name}", f"Nic={NICS[SWITCHES.index(name)]}", "Iov=off",
                      *settings)) + "\n"


def adapter(name: str, at: str, *settings: str) -> str:
    return "\n".join(("\n[Adapter]", f"Name={name}", f"Switch={at}", *settings)) + "\n"


def guest(*adapters: str) -> str:
    """The VM web1, which is a namespace."""
    return f"[VM]\nName=web1\nNamespace={VM}\n" + "".join(adapters)


def qemu(path: Path, *adapters: str) -> str:
    """The VM web2, which is QEMU's."""
    return f"[VM]\nName=web2\nQmp={path}\n" + "".join(adapters)


class Qemu:
    """Answers what the daemon asks QEMU, for one card, and keeps what its link was set to."""

    def __init__(self, path: Path) -> None:
        self.link = True
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            client, _ = self._listener.accept()
            try:
                with client, client.makefile("rw", encoding="utf-8") as stream:
                    self._talk(stream)
            except (OSError, ValueError):
                pass  # the daemon is gone, or has given up

    def _talk(self, stream) -> None:
        self._say(stream, {"QMP": {"version": {}, "capabilities": []}})
        for line in stream:
            asked = json.loads(line)
            answer = self._answer(asked["execute"], asked.get("arguments", {}))
            self._say(stream, {"return": answer, "id": asked.get("id")})

    @staticmethod
    def _say(stream, message: dict[str, object]) -> None:
        stream.write(json.dumps(message) + "\r\n")
        stream.flush()

    def _answer(self, what: str, arguments: dict[str, object]) -> object:
        if what == "qom-list":
            card = [{"name": "card", "type": "child<virtio-net-pci>"}]
            return card if arguments["path"] == "/machine/peripheral" else []
        if what == "qom-get":
            return {"mac": QEMU_MAC, "netdev": "net0"}[arguments["property"]]
        if what == "set_link":
            self.link = bool(arguments["up"])
        return {}


class Host:
    """What @bench has of a host."""

    def __init__(self, bench, home: str, peer: str, place: Path) -> None:
        self._bench = bench
        self.qmp = place / "qmp"
        # One that was killed has left it.
        subprocess.run(["ip", "netns", "delete", VM], capture_output=True, check=False)
        bench.run("ip", "netns", "add", VM)
        bench.run("ip", "netns", "exec", VM, "sh", "-c", "for what in all default; do"
                  " echo 1 >/proc/sys/net/ipv6/conf/$what/disable_ipv6; done")
        for nic in NICS:
            bench.run("ip", "-n", peer, "link", "add", f"p{nic}", "type", "veth", "peer", "name",
                      nic, "netns", home)
            bench.run("ip", "-n", peer, "link", "set", f"p{nic}", "up")
        # One is up before a switch has it, the other is not.
        bench.run("ip", "-n", home, "link", "set", NICS[1], "up")
        self._vm = kernel.socket_in(VM, home, socket.AF_NETLINK, socket.SOCK_RAW,
                                    socket.NETLINK_ROUTE)
        self._vm.bind((0, 0))
        self.qemu = Qemu(self.qmp)
        self._vlans = self._has_vlans(home)

    @staticmethod
    def _has_vlans(home: str) -> bool:
        """Has this kernel bridges that know VLANs?"""
        done = subprocess.run(["ip", "-n", home, "link", "add", "probe0", "type", "bridge",
                               "vlan_filtering", "1"], check=False, capture_output=True)
        subprocess.run(["ip", "-n", home, "link", "delete", "probe0"], check=False,
                       capture_output=True)
        return done.returncode == 0

    def vlan(self, wanted: int) -> int:
        """That one, or none where there are none."""
        return wanted if self._vlans else 0

    @property
    def files(self) -> tuple[str, ...]:
        """Of switches and VMs, as Bench.write() calls them."""
        return (*SWITCHES, "web1.vm", "web2.vm")

    def state(self) -> state.State:
        found: state.State = {"qemu link": self.qemu.link}
        for name, mac, flags in kernel.links(self._vm):
            if name != "lo":
                found[f"{VM} {name}"] = f"{mac} {flags}"
        return found

    def guest_up(self, *adapters: str) -> None:
        for name in adapters:
            self._bench.run("ip", "-n", VM, "link", "set", name, "up")

    @staticmethod
    def clean(pins: Path) -> list[str]:
        """The commands that take everything away that a daemon can have left."""
        return [*(f"ip link delete {name}" for name in (*SWITCHES, *PORTS)),
                *(f"ip link set {nic} nomaster" for nic in NICS),
                f"ip link set {NICS[0]} down", f"ip link set {NICS[1]} up",
                f"rm -rf {pins}-guard"]


def shown(path: Path) -> state.State:
    """What the daemon says of switches and adapters, and what it would do now."""
    found: state.State = {}
    for made in state.ask(path, "ShowSwitches")["switches"]:
        found[f"switch {made['name']}"] = _told(made)
    for vm in state.ask(path, "ShowAdapters")["vms"]:
        for made in vm["adapters"]:
            found[f"adapter {vm['name']}/{made['name']}"] = _told(made)
    # Equals come in the order of their ifindexes, which are others once one was made again.
    for action in state.ask(path, "Plan")["actions"]:
        found[f"plan {action['device']}: {action['text']}"] = True
    return found


def _told(made: dict[str, object]) -> str:
    return json.dumps({key: value for key, value in made.items() if key not in _PASSING},
                      sort_keys=True)

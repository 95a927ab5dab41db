# SPDX-License-Identifier: GPL-2.0-or-later
"""The world that iovteam lives in here: namespaces of this machine, and what somebody does in them.

    mguest: m0 m1 ... m7 --- mswitch: p0 p1 ... p7, bridge sw, pp --- mpeer: eth0
                                                                      maway: where devices are moved to

Cable N joins the member mN with the switch's port pN. MACs of members tell their cable.
"""
from __future__ import annotations

from pathlib import Path

import kernel
from model import AWAY, CABLES, GUEST, MTU, Device, Team

GUEST_NAMESPACE, SWITCH_NAMESPACE, PEER_NAMESPACE = "mguest", "mswitch", "mpeer"
AWAY_NAMESPACE = "maway"
NAMESPACES = (GUEST_NAMESPACE, SWITCH_NAMESPACE, PEER_NAMESPACE, AWAY_NAMESPACE)
PLACES = {GUEST: GUEST_NAMESPACE, AWAY: AWAY_NAMESPACE}
MAC_PREFIX = bytes.fromhex("02ab00")


def mac_of(cable: int, number: int) -> str:
    return (MAC_PREFIX + bytes([cable]) + number.to_bytes(2, "big")).hex(":")


def cable_of_mac(mac: bytes) -> int | None:
    return mac[3] if mac[:3] == MAC_PREFIX else None


def cable_of_port(name: str) -> int | None:
    return int(name[1:]) if name[0] == "p" and name[1:].isdigit() else None


def team_address(number: int) -> str:
    return f"10.0.{number}.10"


def peer_address(number: int) -> str:
    return f"10.0.{number}.1"


class World:
    """Acts on devices; each method leaves the model as it leaves the kernel."""

    def __init__(self) -> None:
        self._macs = 0

    # --- life ---

    def make(self) -> None:
        for namespace in NAMESPACES:
            kernel.run("ip", "netns", "add", namespace)
            kernel.batch(namespace, "link set lo up")
        kernel.batch(SWITCH_NAMESPACE,
                     "link add sw type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
                     f"link add pp mtu 9000 type veth peer name eth0 netns {PEER_NAMESPACE}",
                     "link set pp master sw up", "link set sw up")
        kernel.batch(PEER_NAMESPACE, "link set eth0 up", *(
            f"address add {peer_address(number)}/24 dev eth0" for number in range(2)))
        with kernel.inside(SWITCH_NAMESPACE):
            self._set("net/ipv6/conf/default/disable_ipv6", 1)
        with kernel.inside(GUEST_NAMESPACE):
            # Two teams on one network: each answers for its own addresses, and receives its own
            # broadcasts.
            self._set("net/ipv4/conf/all/arp_ignore", 1)
            self._set("net/ipv4/conf/all/arp_announce", 2)
            self._set("net/ipv4/conf/all/rp_filter", 1)

    @staticmethod
    def _set(name: str, value: int) -> None:
        Path("/proc/sys", name).write_text(str(value))

    @staticmethod
    def close() -> None:
        for namespace in NAMESPACES:
            kernel.run("ip", "netns", "delete", namespace, check=False)

    # --- cables ---

    def new_mac(self, cable: int) -> str:
        self._macs += 1
        return mac_of(cable, self._macs)

    def plug(self, device: Device, name: str, mac: str) -> None:
        device.name, device.mac, device.mac_now = name, mac, mac
        device.place, device.carrier, device.up, device.mtu = GUEST, True, False, MTU
        port = f"p{device.cable}"
        kernel.batch(SWITCH_NAMESPACE,
                     f"link add {port} mtu 9000 type veth peer name {name} address {mac} "
                     f"mtu {MTU} netns {GUEST_NAMESPACE}", f"link set {port} master sw up")

    @staticmethod
    def unplug(device: Device) -> None:
        kernel.batch(SWITCH_NAMESPACE, f"link delete p{device.cable}")
        device.unplug()

    @staticmethod
    def carrier(device: Device, up: bool) -> None:
        kernel.batch(SWITCH_NAMESPACE, f"link set p{device.cable} {'up' if up else 'down'}")
        device.carrier = up

    @staticmethod
    def move(device: Device, place: str) -> None:
        kernel.batch(PLACES[device.place], f"link set {device.name} netns {PLACES[place]}")
        device.place, device.up = place, False

    @staticmethod
    def set_up(device: Device, up: bool) -> None:
        kernel.batch(PLACES[device.place], f"link set {device.name} {'up' if up else 'down'}")
        device.up = up

    @staticmethod
    def rename(device: Device, name: str) -> None:
        kernel.batch(PLACES[device.place], f"link set {device.name} name {name}")
        device.name = name

    # --- teams ---

    @staticmethod
    def address(team: Team) -> None:
        """Somebody configures the team's interface, as NetworkManager would."""
        kernel.batch(GUEST_NAMESPACE,
                     f"address replace {team_address(team.number)}/24 dev {team.name}")

# SPDX-License-Identifier: GPL-2.0-or-later
"""A member with a VF and a virtio NIC of one MAC (T13). In a lab of its own, which has both."""
from __future__ import annotations

import os
from contextlib import contextmanager

import pytest

from connections import connections
from lab import Lab, wait_until
from team import SLOW, Team, running

DRIVER = "/sys/bus/pci/drivers/igbvf"


@pytest.fixture(scope="module")
def guest():
    """The guest's first VF has the MAC of the VM's virtio NIC, which is in the guest, too."""
    with Lab(os.environ.get("IOVTEAM_LAB_KERNEL", "6.12"), virtio=1) as lab:
        synthetic, vf = lab.virtio[0], lab.vfs[0]
        bus = bus_of(lab, vf)
        lab.mac = synthetic.mac
        lab.host.sh(f"""
            echo {bus} > {DRIVER}/unbind
            ip link set {lab.pfs[0].name} vf 0 mac {lab.mac}
            ip link set {synthetic.name} netns guest""")
        plug(lab, bus, vf)
        yield lab


def bus_of(lab, vf):
    links = lab.guest.run(["ip", "-j", "-d", "link", "show", vf]).json()
    return links[0]["parentdev"]


def plug(lab, bus, name):
    """Binds a VF's driver, and moves the device into the guest, as its host would."""
    lab.host.sh(f"""
        echo {bus} > {DRIVER}/bind
        ip link set $(ls /sys/bus/pci/devices/{bus}/net) netns guest name {name}""")


def shown(team):
    return next(m for m in team.show()["members"] if m["device"] == team.lab.mac)


def carries(team):
    return [path["name"] for path in shown(team)["paths"] if path["carries"]]


def test_one_member(guest, build):
    vf, synthetic, other = guest.vfs[0], guest.virtio[0].name, guest.vfs[1]
    with running(guest, build, (guest.mac, other)) as team:
        print(team.run("team", "show").out)
        wait_until(lambda: carries(team) == [vf], SLOW, "the VF to carry")
        print(team.run("team", "show").out)
        team.reach()
        bus = bus_of(guest, vf)
        with connections(guest, team) as talk:
            guest.host.sh(f"echo {bus} > {DRIVER}/unbind")
            wait_until(lambda: carries(team) == [synthetic], SLOW, "the synthetic path to carry")
            print(team.run("team", "show").out)
            talk.more_answers(20, "answers by the synthetic path")
            plug(guest, bus, "late0")
            wait_until(lambda: carries(team) == ["late0"], SLOW, "the VF to carry again")
            talk.more_answers(20, "answers by the VF")
            print(team.run("team", "show").out)
            print(talk.end())
        print(team.daemon.stderr())

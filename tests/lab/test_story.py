# SPDX-License-Identifier: GPL-2.0-or-later
"""`make lab` in short: its claims hold, and its figures are where readers look for them."""
import io
import os
import subprocess

import pytest

from lab import Hosted, story
from lab.demo_sets import Sriov, Virtio
from lab.demo_show import WIDTH, Screen

PACKETS, RATE = 2000, 500


def check(told, text):
    """Of one lab: all claims, and the shape that lab/README.md describes."""
    assert {"lab", "kernel", "drivers", "acts"} <= set(told)
    assert [c["claim"] for c in told["claims"] if not c["held"]] == [], text
    for act in told["acts"]:
        assert {"name", "seconds", "directions", "flows", "members"} <= set(act)
        if "uplink" in act:
            assert {side: len(act["views"][side]) for side in ("guest", "host")} == {
                "guest": 2, "host": 2}
            assert set(act["views"]["text"]) == {"guest", "host"}
    assert max(len(line) for line in text.split("\n")) <= WIDTH + 2


def test_virtio_guest_of_this_machine(build):
    """Lab (b): a real guest on virtio is told of a lost uplink with allow-teaming, and only then;
    frames from wrong source MACs are refused and counted."""
    screen = Screen(io.StringIO())
    virtio = Virtio(build, RATE, story.HOST_VIEWS)
    with Hosted(virtio.make_cards, os.environ.get("IOVTEAM_LAB_KERNEL", "6.12"),
                progress=screen.progress) as hosted:
        told = story.play_b(screen, hosted, virtio, PACKETS)
        host = hosted.host.netns
    check(told, screen.out.getvalue())
    uplinks = {act["name"]: act["uplink"] for act in told["acts"] if "uplink" in act}
    assert {name: (up["allow_teaming"], up["guest_told"]) for name, up in uplinks.items()} == {
        "not-told": (False, False), "told": (True, True)}
    assert uplinks["told"]["uplink_down_to_guest_carrier_ms"] > 0
    assert len(told["source_macs"]) == 8
    # Nothing is left of it on this machine.
    assert host not in subprocess.run(["ip", "netns", "list"], capture_output=True, text=True,
                                      check=True).stdout
    assert not hosted.directory.exists()


@pytest.mark.long
def test_sriov_host(lab, build):
    """Lab (a): the host gives VFs by weight, its NIC is disabled, the guest's team goes on."""
    lab.host.sh("".join(f"echo 0 > /sys/class/net/{pf.name}/device/sriov_numvfs;"
                        for pf in lab.pfs), timeout=60)
    screen = Screen(io.StringIO())
    sriov = Sriov(lab, build, RATE, story.VF_VIEWS)
    try:
        told = story.play_a(screen, sriov, PACKETS)
    finally:
        sriov.close()
        lab.renew_vfs()
    check(told, screen.out.getvalue())
    assert [vf["adapter"] for vf in told["vf_settings"]] == ["nicA", "nicB"]

# SPDX-License-Identifier: GPL-2.0-or-later
"""`make lab` in short: its claims hold, and its figures are where readers look for them."""
import io
import os
import subprocess

import pytest

from lab import Hosted, Lab, story
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
            # A card of the VM itself is no adapter of the host's.
            adapters = 1 if act["name"] == "mixed-team" else 2
            assert {side: len(act["views"][side]) for side in ("guest", "host")} == {
                "guest": 2, "host": adapters}
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
def test_sriov_host(build):
    """Lab (a): the host gives VFs by weight, its NIC is disabled, a VF is taken away, and the
    guest's team goes on. In a VM of its own, which has a virtio card, too."""
    screen = Screen(io.StringIO())
    with Lab(os.environ.get("IOVTEAM_LAB_KERNEL", "6.12"), vfs=0, virtio=1) as own:
        told = story.play_a(screen, Sriov(own, build, RATE, story.VF_VIEWS), PACKETS)
    check(told, screen.out.getvalue())
    assert [vf["adapter"] for vf in told["vf_settings"]] == ["nicA", "nicB"]
    acts = {act["name"]: act for act in told["acts"]}
    assert {name for name, act in acts.items() if act["counters_agree"] is None} == {
        "vf-unplugged"}
    assert acts["vf-unplugged"]["removal"]["command_to_gone_ms"] > 0
    assert acts["mixed-team"]["flows_away"] == acts["mixed-team"]["flows"]

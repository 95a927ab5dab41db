#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The story of a lost uplink, on the host and in the guest, in both labs: the host's switches,
adapters and VFs made with iovteam, the guest's team, traffic that is counted packet by packet.

Lab (a): a VM is the host with SR-IOV NICs, and a namespace in it the guest on VFs; the NIC is
disabled on the host, a cable is pulled that no VF tells of, a VF is taken from the guest and given
again, and a team of a VF and a virtio card loses the VF's uplink. Lab (b): this machine's kernel is
the host, and a VM is the guest on virtio cards; the uplink of a switch is lost, with allow-teaming
off and on. It ends with claims, each held or not; all of it goes to build/results/lab.json.
"""
from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Callable

CLONE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CLONE))

from lab import CommandFailed, Hosted, Lab, LabError  # noqa: E402
from lab import demo_show as show  # noqa: E402
from lab import story_measure as measure  # noqa: E402
from lab.demo_sets import Sriov, Virtio  # noqa: E402
from lab.demo_stage import FAILOVER_MAX, Stage  # noqa: E402
from lab.story_frames import play_frames  # noqa: E402

RATE = 2000
HOST_VIEWS = ("adapter show web1", "switch show", "doctor")
VF_VIEWS = (*HOST_VIEWS, "vf show")
PACKETS = 40_000  # both ways, of a healthy act


def title(screen: show.Screen, text: str, *lines: str) -> None:
    screen.line()
    screen.line(screen.bold(f"══ {text} {'═' * (show.WIDTH - len(text) - 4)}"))
    for line in lines:
        screen.line(f"  {line}".rstrip())


def play_a(screen: show.Screen, sriov: Sriov, packets: int = PACKETS) -> dict[str, Any]:
    """The pNIC is disabled on the host, a cable is pulled, a VF taken away, and the guest on its
    VFs sees it; then its team is of a VF and a virtio card."""
    screen.progress("switches, adapters with VFs, the team, the recorders…")
    stage = Stage(screen, sriov.with_vfs("allow-teaming=on"))
    facts = sriov.facts()
    title(screen, "lab (a): SR-IOV", f"host and guest: a VM, Linux {facts['kernel']}",
          f"NICs {facts['drivers']['pf']}, VFs {facts['drivers']['vf']}; "
          f"for the mixed team a card {facts['drivers']['card']}", "")
    show.commands(screen, "host", sriov.host.changes)
    show.commands(screen, "guest", [stage.team.made_by])
    vfs = sriov.settings_read_back()
    pf = stage.uplinks.device(stage.team.show()["primary"])
    stage.play("healthy", "both links carry", stage.healthy(packets))
    stage.play("link-lost", f"ip link set {pf} down, on the host", stage.link_lost)
    stage.play("link-back", f"ip link set {pf} up, on the host", stage.link_back)
    screen.line()
    stage.play_silent()
    stage.play_unplugged()
    screen.line()
    card, command = sriov.give_card()
    show.commands(screen, "host", [command])
    stage.play_mixed(card)
    sriov.clear()
    results = stage.results
    return {"lab": "a", **facts, "rate_pps": stage.rate, "acts": list(results.values()),
            "vf_settings": vfs,
            "claims": measure.as_list([*measure.claims_a(results), *measure.vf_claims(vfs)])}


def play_b(screen: show.Screen, lab: Hosted, virtio: Virtio,
           packets: int = PACKETS) -> dict[str, Any]:
    """The uplink of one switch is lost, with allow-teaming off and on."""
    screen.progress("frames from wrong source MACs…")
    facts = virtio.facts()
    title(screen, "lab (b): virtio", f"host: this machine, Linux {facts['host_kernel']}",
          f"guest: a VM, Linux {facts['kernel']}, {facts['drivers']['guest']}", "")
    show.commands(screen, "host", virtio.host.changes)
    screen.line()
    frames = play_frames(lab, virtio.host)
    show.frames_table(screen, frames)
    screen.progress("the team, the recorders…")
    stage = Stage(screen, virtio.with_team())
    screen.line()
    show.commands(screen, "guest", [stage.team.made_by])
    stage.play("healthy", "both links carry", stage.healthy(packets))
    stage.play("not-told", "an uplink is lost, allow-teaming=off", stage.link_lost_untold)
    stage.team.wait_well(FAILOVER_MAX)
    virtio.host.set_vm("allow-teaming=on")
    stage.play("told", "an uplink is lost, allow-teaming=on", stage.link_lost)
    stage.play("link-back", "the uplink is back", stage.link_back)
    results = stage.results
    return {"lab": "b", **facts, "rate_pps": stage.rate, "acts": list(results.values()),
            "source_macs": frames,
            "claims": measure.as_list([*measure.claims_b(results),
                                       *measure.frame_claims(frames)])}


def run_a(screen: show.Screen, build: Path, kernel: str) -> dict[str, Any]:
    with Lab(kernel=kernel, vfs=0, virtio=1, progress=screen.progress) as lab:
        return play_a(screen, Sriov(lab, build, RATE, VF_VIEWS))


def run_b(screen: show.Screen, build: Path, kernel: str) -> dict[str, Any]:
    virtio = Virtio(build, RATE, HOST_VIEWS)
    with Hosted(virtio.make_cards, kernel, progress=screen.progress) as lab:
        return play_b(screen, lab, virtio)


LABS: dict[str, Callable[[show.Screen, Path, str], dict[str, Any]]] = {"a": run_a, "b": run_b}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--kernel", default=os.environ.get("IOVTEAM_LAB_KERNEL", "6.12"),
                        help="kernel series of the VMs (default: $IOVTEAM_LAB_KERNEL or 6.12)")
    parser.add_argument("--build", type=Path, default=CLONE / "build",
                        help="where iovteamd, iovteam and recorder are (default: build)")
    parser.add_argument("--lab", choices=[*LABS], action="append",
                        help="one of them only (default: both)")
    return parser.parse_args()


def main() -> int:
    args = arguments()
    build, screen, begun = args.build.resolve(), show.Screen(), time.monotonic()
    labs = []
    for name in args.lab or LABS:
        try:
            labs.append(LABS[name](screen, build, args.kernel))
        except (LabError, CommandFailed, RuntimeError, OSError) as error:
            screen.line(f"lab ({name}): {error}")
            return 1
    claims = [{**claim, "claim": f"({lab['lab']}) {claim['claim']}"}
              for lab in labs for claim in lab["claims"]]
    show.verdict(screen, claims)
    seconds = round(time.monotonic() - begun, 1)
    path = build / "results" / "lab.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"seconds": seconds, "labs": labs}, indent=1) + "\n")
    screen.line(f"\n  {seconds:.0f} s; all numbers: {path}")
    return 0 if all(claim["held"] for claim in claims) else 1


if __name__ == "__main__":
    sys.exit(main())

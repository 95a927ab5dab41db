#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Shows the main job in the lab: a team over two VFs of two NICs lives through the loss and the
return of a link, a planned switchover, and a pulled cable that no carrier tells of, under traffic
that is counted packet by packet.

Then the same loss beside it without SR-IOV, where the guest learns of it from the host only: once
with allow-teaming off, once with it on. Each act is drawn as a strip chart from the kernel's own
counters and summed up from the recorders at both ends. All of it goes to build/results/demo.json.
"""
from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

CLONE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CLONE))

from lab import CommandFailed, Lab, LabError  # noqa: E402
from lab import demo_measure as measure  # noqa: E402
from lab import demo_show as show  # noqa: E402
from lab.demo_sets import Sriov  # noqa: E402
from lab.demo_stage import FAILOVER_MAX, FLOWS, Stage  # noqa: E402

PACKETS = 100_000  # both ways, of the healthy act


def header(screen: show.Screen, lab: Lab, facts: dict[str, Any], stage: Stage) -> None:
    pf, vf = facts["drivers"]["pf"], facts["drivers"]["vf"]
    upper, lower = (f"─ {nic.name} ({pf}) ─── VF {name} ({vf}) ─"
                    for nic, name in zip(lab.pfs, stage.members))
    line = screen.line
    line()
    line(screen.bold("iovteam: a team of two VFs, made inside the guest"))
    line(f"  Linux {facts['kernel']} in QEMU (software emulation); spoof check on, trust off")
    line()
    line(f"  {'outside':10}  {'host':22}guest")
    line(f"            ┌{upper}┐")
    line(f"  peer ─────┤{'':{len(upper)}}├─ {stage.team.name}")
    line(f"            └{lower}┘")
    line()
    line(f"  {FLOWS} UDP flows each way, half IPv4, half IPv6; {stage.rate:,} packets/s each way")
    line("  tx is what a member sends, rx what it receives, by the kernel's own counters;")
    line(f"  a full bar is {stage.rate:,} packets/s")
    line()


def play_on_vfs(screen: show.Screen, lab: Lab, sriov: Sriov) -> tuple[Stage, Any]:
    screen.progress("two switches, two adapters with a VF each, the team, the recorders…")
    stage = Stage(screen, sriov.with_vfs())
    facts = sriov.facts()
    header(screen, lab, facts, stage)
    show.commands(screen, "host", sriov.host.changes)
    show.commands(screen, "guest", [stage.team.made_by])
    pf = stage.uplinks.device(stage.team.show()["primary"])
    stage.play("healthy", "both links carry", stage.healthy(PACKETS))
    stage.play("link-lost", f"ip link set {pf} down, on the host", stage.link_lost)
    stage.play("link-back", f"ip link set {pf} up, on the host", stage.link_back)
    stage.play("switchover", "planned, both links well", stage.switchover)
    screen.line()
    stage.play_silent()
    return stage, facts


def play_allow_teaming(screen: show.Screen, sriov: Sriov, first: int) -> Stage:
    """Without SR-IOV the guest's cards are veths, whose carrier is the host's to give."""
    screen.progress("the same without SR-IOV: switches, adapters, the team, the recorders…")
    sriov.clear()
    stage = Stage(screen, sriov.with_veths(), first)
    screen.line()
    show.commands(screen, "host", sriov.host.changes)
    pf = stage.uplinks.device(stage.team.show()["primary"])
    stage.play("not-told", f"{pf} down, adapters with allow-teaming=off", stage.link_lost_untold)
    stage.team.wait_well(FAILOVER_MAX)
    sriov.host.set_vm("allow-teaming=on")
    pf = stage.uplinks.device(stage.team.show()["primary"])
    stage.play("told", f"{pf} down, adapters with allow-teaming=on", stage.link_lost)
    return stage


def run(screen: show.Screen, lab: Lab, build: Path, rate: int) -> dict[str, Any]:
    sriov = Sriov(lab, build, rate)
    vfs, facts = play_on_vfs(screen, lab, sriov)
    veths = play_allow_teaming(screen, sriov, len(vfs.results) + 1)
    results = {**vfs.results, **veths.results}
    claims = [*measure.claims(results, PACKETS), *measure.silent_claims(results),
              *measure.teaming_claims(results)]
    return {**facts, "rate_pps": rate, "acts": list(results.values()),
            "claims": [{"claim": text, "held": held} for text, held in claims]}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--kernel", default=os.environ.get("IOVTEAM_LAB_KERNEL", "6.12"),
                        help="kernel series of the lab (default: $IOVTEAM_LAB_KERNEL or 6.12)")
    parser.add_argument("--build", type=Path, default=CLONE / "build",
                        help="where iovteamd, iovteam and recorder are (default: build)")
    parser.add_argument("--rate", type=int, default=2000,
                        help="packets per second each way (default: 2000)")
    return parser.parse_args()


def main() -> int:
    args = arguments()
    build, screen = args.build.resolve(), show.Screen()
    try:
        with Lab(kernel=args.kernel, vfs=0, progress=screen.progress) as lab:
            results = run(screen, lab, build, args.rate)
    except (LabError, CommandFailed, RuntimeError, OSError) as error:
        screen.line(f"demo: {error}")
        return 1
    show.verdict(screen, results["claims"])
    path = build / "results" / "demo.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")
    screen.line(f"\n  all numbers: {path}")
    return 0 if all(claim["held"] for claim in results["claims"]) else 1


if __name__ == "__main__":
    sys.exit(main())

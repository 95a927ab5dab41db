#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Shows the main job in the lab: a team over two VFs of two NICs lives through the loss and the
return of a link, and a planned switchover, under traffic that is counted packet by packet.

Four acts, each drawn as a strip chart from the kernel's own counters and summed up from the
recorders at both ends. All of it goes to build/results/demo.json.
"""
from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

CLONE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CLONE))

from lab import CommandFailed, Lab, LabError, wait_until  # noqa: E402
from lab import demo_measure as measure  # noqa: E402
from lab import demo_show as show  # noqa: E402
from lab.demo_guest import Probe, Team  # noqa: E402
from lab.demo_measure import Act, Mark  # noqa: E402
from lab.demo_traffic import End, Traffic  # noqa: E402

TEAM = "team0"
GUEST = ["192.0.2.2", "2001:db8::2"]
PREFIXES = [24, 64]
FLOWS = 256
PACKETS = 100_000  # both ways, of the healthy act
HEALTHY_MAX = 40  # seconds for them, if emulation is slow
SAMPLE_MS = 100
LEAD, TAIL = 2.0, 2.0  # seconds of traffic before and after what happens in an act
FAILOVER_MAX, RETURN_MAX = 30, 90  # seconds


class Demo:
    """The lab, the team and the traffic, and what the acts have brought so far."""

    def __init__(self, lab: Lab, build: Path, rate: int, screen: show.Screen) -> None:
        self.lab, self.screen, self.rate = lab, screen, rate
        self.members = lab.vfs
        self.macs = {name: lab.vf_mac(pf) for pf, name in enumerate(lab.vfs)}
        self.flows = measure.Flows()
        self.results: dict[str, dict[str, Any]] = {}
        self.team = Team(lab, TEAM, build)
        self.build = build

    # --- before the first act ---

    def prepare(self) -> None:
        self.screen.progress("starting iovteamd, making the team, starting the recorders…")
        self.deepen_queues()
        self.probe = Probe(self.lab, SAMPLE_MS)
        self.team.start_daemon()
        self.team.add(self.members, [f"{a}/{n}" for a, n in zip(GUEST, PREFIXES)])
        for address in self.peer_addresses():
            self.team.reach(address)
        wait_until(self.team.well, FAILOVER_MAX, "both members to be active")
        self.traffic = Traffic(
            self.end(self.lab.guest, GUEST, self.peer_addresses()),
            self.end(self.lab.peer, self.peer_addresses(), GUEST, "--watch", "eth0"))

    def deepen_queues(self) -> None:
        """Emulation stands still now and then, for a second on a busy machine. Real links do
        not, so what comes in meanwhile is kept: it must not look like a loss of the team's."""
        switch = self.lab.outside.phys
        for nic, vf in zip(self.lab.pfs, self.members):
            subprocess.run(["ip", "-n", switch, "link", "set", nic.tap, "txqueuelen", "10000"],
                           check=True)
            self.lab.guest.run(["ethtool", "-G", vf, "rx", "4096"])

    def peer_addresses(self) -> list[str]:
        return [self.lab.outside.PEER_IPV4, self.lab.outside.PEER_IPV6]

    def end(self, where: Any, own: list[str], other: list[str], *options: str) -> End:
        pairs = [word for local, peer in zip(own, other)
                 for word in ("--local", local, "--peer", peer)]
        return End(where, self.build / "recorder", *pairs, "--flows", FLOWS,
                   "--rate", self.rate, *options)

    def facts(self) -> dict[str, Any]:
        """Kernel and drivers, as they say themselves."""
        def driver(where: Any, name: str) -> str:
            return where.sh(f"ethtool -i {name}").out.split()[1]

        return {"kernel": self.lab.host.run(["uname", "-r"]).out.strip(),
                "drivers": {"pf": driver(self.lab.host, self.lab.pfs[0].name),
                            "vf": driver(self.lab.guest, self.members[0])}}

    def header(self, facts: dict[str, Any]) -> None:
        pf, vf = facts["drivers"]["pf"], facts["drivers"]["vf"]
        upper, lower = (f"─ {nic.name} ({pf}) ─── VF {name} ({vf}) ─"
                        for nic, name in zip(self.lab.pfs, self.members))
        line = self.screen.line
        line()
        line(self.screen.bold("iovteam: a team of two VFs, made inside the guest"))
        line(f"  Linux {facts['kernel']} in QEMU (software emulation); spoof check on")
        line()
        line(f"  {'outside':10}  {'host':22}guest")
        line(f"            ┌{upper}┐")
        line(f"  peer ─────┤{'':{len(upper)}}├─ {TEAM}")
        line(f"            └{lower}┘")
        line()
        line(f"  {FLOWS} UDP flows each way, half IPv4, half IPv6; {self.rate:,} packets/s each way")
        line("  tx is what a member sends, rx what it receives, by the kernel's own counters;")
        line(f"  a full bar is {self.rate:,} packets/s")

    # --- acts ---

    def play(self, name: str, title: str, script: Callable[[Act], None]) -> None:
        """One act: traffic begins, the script does what the act is about, traffic ends."""
        show.act_title(self.screen, len(self.results) + 1, name, title)
        mark, before = self.probe.mark(), self.probe.packets()
        begin = self.traffic.begin(name)["now_ns"]
        act = Act(name, before, begin)
        self.act_begun = time.monotonic()
        script(act)
        act.end_ns = self.traffic.drain()
        act.packets_after = self.probe.packets()
        guest, peer = self.traffic.reports()
        act.guest, act.peer = guest["acts"][-1], peer["acts"][-1]
        act.events = self.probe.events(mark)
        act.failovers = self.team.show().get("failovers", [])
        self.results[name] = measure.measure(act, self.members, self.macs, self.flows)
        self.show_act(act)

    def show_act(self, act: Act) -> None:
        samples = [(e["t"], e["packets"]) for e in act.events if "packets" in e]
        marks = measure.marks(act, self.members)
        show.strip_chart(self.screen, samples, act.begin_ns, act.end_ns, self.members, marks,
                         self.rate)
        result = self.results[act.name]
        if "timing" in result:
            show.timing_table(self.screen, result["timing"])
        show.act_table(self.screen, result)

    def watch(self, condition: Callable[[], Any], limit: float, what: str) -> bool:
        """Waits for something while traffic runs, and tells how far it is. False if in vain."""
        end = time.monotonic() + limit
        while not condition():
            if time.monotonic() > end:
                return False
            self.tell(what)
            time.sleep(0.1)
        return True

    @staticmethod
    def note(act: Act, text: str) -> None:
        act.outside_marks.append(Mark(time.monotonic_ns(), text))

    def tell(self, what: str) -> None:
        self.screen.live(f"{time.monotonic() - self.act_begun:5.1f} s  {what}")

    def run_on(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self.watch(lambda: time.monotonic() >= end, seconds + 1, "traffic runs")

    def flowing(self) -> Callable[[], bool]:
        """A condition: for half a second both directions have carried most of what is sent."""
        span, history = 0.5, []

        def condition() -> bool:
            history.append((time.monotonic(), *self.traffic.received()))
            old = [h for h in history if h[0] <= history[-1][0] - span]
            if not old:
                return False
            since, *counts = old[-1]
            enough = 0.6 * self.rate * (history[-1][0] - since)
            return all(now - then >= enough for now, then in zip(history[-1][1:], counts))
        return condition

    def healthy(self, act: Act) -> None:
        def enough() -> bool:
            sent = sum(self.traffic.sent())
            self.tell(f"{sent:,} of {PACKETS:,} packets sent")
            time.sleep(0.5)
            return sent >= PACKETS
        self.watch(enough, HEALTHY_MAX, "traffic runs")

    def link_lost(self, act: Act) -> None:
        act.lost_member = self.team.show()["primary"]
        self.lost_pf = self.lab.pfs[self.members.index(act.lost_member)].name
        self.run_on(LEAD)
        self.probe.set_link(self.lost_pf, up=False)
        self.watch(lambda: self.team.show()["primary"] != act.lost_member, FAILOVER_MAX,
                   "waiting for the team to fail over")
        self.watch(self.flowing(), FAILOVER_MAX, "waiting for traffic to flow again")
        self.run_on(TAIL)

    def link_back(self, act: Act) -> None:
        self.run_on(LEAD)
        self.probe.set_link(self.lost_pf, up=True)
        self.watch(self.team.well, RETURN_MAX, "waiting for the member to be active again")
        if self.watch(self.team.at_home, RETURN_MAX, "waiting for its flows to come home"):
            self.note(act, "team: every bucket at home")
        self.run_on(TAIL)

    def switchover(self, act: Act) -> None:
        primary = self.team.show()["primary"]
        other = next(name for name in self.members if name != primary)
        self.run_on(LEAD)
        self.note(act, f"iovteam team switchover {TEAM} --to {other}")
        self.team.switchover(other)
        self.watch(lambda: self.team.show()["primary"] == other, FAILOVER_MAX,
                   "waiting for the team to switch over")
        self.run_on(TAIL)

    def run(self) -> dict[str, Any]:
        facts = self.facts()
        self.header(facts)
        primary = self.team.show()["primary"]
        pf = self.lab.pfs[self.members.index(primary)].name
        self.play("healthy", "both links carry", self.healthy)
        self.play("link-lost", f"ip link set {pf} down, on the host", self.link_lost)
        self.play("link-back", f"ip link set {pf} up, on the host", self.link_back)
        self.play("switchover", "planned, both links well", self.switchover)
        return {**facts, "rate_pps": self.rate, "acts": list(self.results.values())}


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
        with Lab(kernel=args.kernel, progress=screen.progress) as lab:
            demo = Demo(lab, build, args.rate, screen)
            demo.prepare()
            results = demo.run()
    except (LabError, CommandFailed, RuntimeError, OSError) as error:
        screen.line(f"demo: {error}")
        return 1
    claims = measure.claims(demo.results, PACKETS)
    show.verdict(screen, claims)
    results["claims"] = [{"claim": text, "held": held} for text, held in claims]
    path = build / "results" / "demo.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")
    screen.line(f"\n  all numbers: {path}")
    return 0 if all(held for _, held in claims) else 1


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: GPL-2.0-or-later
"""The stage of demo and lab: a team under traffic, and the acts that are played on it.

Each act is drawn as a strip chart from the kernel's own counters and summed up from the recorders
at both ends. The scripts (healthy, link_lost, ...) are the same whatever the members are; how an
uplink is lost and what both sides say of it is told by Uplinks and Views.
"""
from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from . import Namespace
from . import demo_measure as measure
from . import demo_show as show
from .demo_guest import Probe, Team, Uplinks
from .demo_host import Views
from .demo_measure import Act, Mark
from .demo_traffic import End, Traffic

GUEST = ["192.0.2.2", "2001:db8::2"]
PREFIXES = [24, 64]
PEER = ["192.0.2.1", "2001:db8::1"]
FLOWS = 256
HEALTHY_MAX = 40  # seconds for a healthy act's packets, if emulation is slow
LEAD, TAIL = 2.0, 2.0  # seconds of traffic before and after what happens in an act
HELD = 3.0  # seconds that a lost uplink stays lost where nobody tells the guest
FAILOVER_MAX, RETURN_MAX = 30, 90  # seconds


def traffic(guest: Namespace, peer: Namespace, build: Path, rate: int) -> Traffic:
    """A recorder at each end, over both versions of IP."""
    def end(where: Namespace, own: list[str], other: list[str], *options: str) -> End:
        pairs = [word for local, far in zip(own, other)
                 for word in ("--local", local, "--peer", far)]
        return End(where, build / "recorder", *pairs, "--flows", FLOWS, "--rate", rate, *options)

    return Traffic(end(guest, GUEST, PEER), end(peer, PEER, GUEST, "--watch", "eth0"))


def team_up(team: Team, members: list[str]) -> None:
    """The team as it begins: addressed, reaching the peer, every member in use."""
    team.add(members, [f"{a}/{n}" for a, n in zip(GUEST, PREFIXES)])
    for address in PEER:
        team.reach(address)
    team.wait_well(FAILOVER_MAX)


@dataclass
class Props:
    """What is on the stage: a team that reaches the peer, and what is around it."""

    team: Team
    members: list[str]
    probe: Probe
    uplinks: Uplinks
    views: Views
    traffic: Traffic
    rate: int  # of the traffic, packets per second each way


class Stage:
    """Plays acts and keeps what they have brought."""

    def __init__(self, screen: show.Screen, props: Props, first: int = 1) -> None:
        """first: the number of the first act."""
        self.screen, self.rate, self._number = screen, props.rate, first
        self.team, self.probe = props.team, props.probe
        self.uplinks, self.views, self.traffic = props.uplinks, props.views, props.traffic
        self.results: dict[str, dict[str, Any]] = {}
        self._cast(props.members)

    def _cast(self, members: list[str]) -> None:
        """Who is in the team from now on: where its flows are at home, the next act finds."""
        self.members, self.flows = members, measure.Flows()
        self.macs = {name: member["mac"] for name, member in self.team.members().items()}

    def play(self, name: str, title: str, script: Callable[[Act], None]) -> None:
        """One act: traffic begins, the script does what the act is about, traffic ends."""
        show.act_title(self.screen, self._number, name, title)
        self._number += 1
        mark, packets, before = self.probe.mark(), self.probe.packets(), self.team.members()
        self.uplinks.begin()
        act = Act(name, packets, self.traffic.begin(name)["now_ns"])
        self._begun = time.monotonic()
        script(act)
        act.end_ns = self.traffic.drain()
        act.packets_after = self.probe.packets()
        act.compare(before, self.team.members())
        guest, peer = self.traffic.reports()
        act.guest, act.peer = guest["acts"][-1], peer["acts"][-1]
        act.events = sorted([*self.probe.events(mark), *self.uplinks.events()],
                            key=lambda event: event["t"])
        act.failovers = self.team.show().get("failovers", [])
        self.results[name] = measure.measure(act, self.members, self.macs, self.flows)
        if act.uplink:
            self.results[name]["uplink"] = {**act.uplink,
                                            **measure.told(act, self.uplinks.uncertainty_ns)}
        if "removal" in self.results[name]:
            self.results[name]["removal"]["clock_uncertainty_ms"] = round(
                self.uplinks.uncertainty_ns / 1e6, 1)
        if act.views:
            self.results[name]["views"] = act.views
        self._show(act)

    def _show(self, act: Act) -> None:
        samples = [(e["t"], e["packets"]) for e in act.events if "packets" in e]
        marks = measure.marks(act, self.members)
        show.strip_chart(self.screen, samples, act.begin_ns, act.end_ns, self.members, marks,
                         self.rate)
        result = self.results[act.name]
        for figures, table in (("timing", show.timing_table), ("silence", show.silence_table),
                               ("removal", show.removal_table)):
            if figures in result:
                table(self.screen, result[figures])
        show.act_table(self.screen, result)
        if act.views:
            what = "VF was away" if "removal" in result else "uplink was lost"
            self.views.print(self.screen, f"while the {what}", act.views)

    # --- what scripts are made of ---

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
        self.screen.live(f"{time.monotonic() - self._begun:5.1f} s  {what}")

    def run_on(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self.watch(lambda: time.monotonic() >= end, seconds + 1, "traffic runs")

    def flowing(self) -> Callable[[], bool]:
        """A condition: for half a second both directions have carried most of what was sent."""
        span, history = 0.5, []

        def condition() -> bool:
            history.append((time.monotonic(), self.traffic.sent_and_received()))
            now, counts = history[-1]
            before = next((then for t, then in reversed(history) if t <= now - span), None)
            return before is not None and all(
                0.6 * (sent - sent_then) <= received - received_then > 0
                for (sent, received), (sent_then, received_then) in zip(counts, before))
        return condition

    # --- scripts ---

    def play_silent(self) -> None:
        """Two acts: a cable is pulled behind a carrier that stays, and plugged in again."""
        show.commands(self.screen, "guest", [self.team.begin_probing(FAILOVER_MAX)])
        lost = self.team.show()["primary"]
        self.play("cable-pulled", f"the cable behind {lost}, whose carrier stays",
                  self.cable_pulled)
        self.play("cable-back", f"the cable behind {lost} is plugged in", self.cable_back)

    def play_unplugged(self) -> None:
        """Two acts: the host takes a VF from the guest, as for a live migration, and gives it
        again."""
        vf = self.team.show()["primary"]
        self.play("vf-unplugged", f"the host takes {vf} from the guest", self.vf_unplugged)
        self.play("vf-replugged", f"the host gives {vf} to the guest again", self.vf_replugged)

    def play_mixed(self, card: str) -> None:
        """Two acts of a team of a VF and a card without one: the VF's uplink goes, and is back."""
        vf = self.team.show()["primary"]
        other = next(name for name in self.members if name != vf)
        show.commands(self.screen, "guest", self.team.exchange(other, card, FAILOVER_MAX))
        command = ["member", "show", self.team.name]
        show.command_output(self.screen, "guest", " ".join(["iovteam", *command]),
                            self.team.run(*command).out)
        self._cast([vf, card])
        pf = self.uplinks.device(vf)
        self.play("mixed-team", f"ip link set {pf} down, {card} stands by", self.link_lost)
        self.play("mixed-team-back", f"ip link set {pf} up, on the host", self.link_back)

    def healthy(self, packets: int) -> Callable[[Act], None]:
        def script(_: Act) -> None:
            def enough() -> bool:
                sent = sum(self.traffic.sent())
                self.tell(f"{sent:,} of {packets:,} packets sent")
                time.sleep(0.5)
                return sent >= packets
            self.watch(enough, HEALTHY_MAX, "traffic runs")
        return script

    def link_lost(self, act: Act) -> None:
        """The primary's uplink is lost, and the guest sees it."""
        act.lost_member = self._lose(act)
        self._outlive(act)

    def cable_pulled(self, act: Act) -> None:
        """The cable behind the primary is pulled: only probes tell."""
        act.figures, act.lost_member = "silence", self._lose(act, self.uplinks.pull)
        self._outlive(act)

    def vf_unplugged(self, act: Act) -> None:
        """The primary's VF is taken out of the guest."""
        act.figures, act.lost_member = "removal", self.team.show()["primary"]
        self.lost = act.lost_member
        self.run_on(LEAD)
        self.uplinks.plug(self.lost, False)
        self._outlive(act)

    def vf_replugged(self, act: Act) -> None:
        self._come_back(act, self.uplinks.plug)

    def _outlive(self, act: Act) -> None:
        """Until the team has left the lost member, and traffic flows."""
        self.watch(lambda: self.team.show()["primary"] != act.lost_member, FAILOVER_MAX,
                   "waiting for the team to fail over")
        self.watch(self.flowing(), FAILOVER_MAX, "waiting for traffic to flow again")
        act.views = self.views.take()
        self.run_on(TAIL)

    def link_lost_untold(self, act: Act) -> None:
        """The primary's uplink is lost for a while, and the guest does not see it."""
        member = self._lose(act)
        self.watch(lambda: self.views.uplink_lost(member), FAILOVER_MAX,
                   "waiting for the host to see it")
        self.run_on(HELD)
        act.views = self.views.take()
        self.uplinks.set(member, up=True)
        self.watch(self.flowing(), RETURN_MAX, "waiting for traffic to flow again")
        self.run_on(TAIL)

    def _lose(self, act: Act, lose: Callable[[str, bool], None] | None = None) -> str:
        self.lost = self.team.show()["primary"]
        act.uplink = {"lost": self.lost, "allow_teaming": self.views.allows_teaming(self.lost)}
        self.run_on(LEAD)
        (lose or self.uplinks.set)(self.lost, False)
        return self.lost

    def link_back(self, act: Act) -> None:
        self._come_back(act, self.uplinks.set)

    def cable_back(self, act: Act) -> None:
        self._come_back(act, self.uplinks.pull)

    def _come_back(self, act: Act, bring: Callable[[str, bool], None]) -> None:
        self.run_on(LEAD)
        bring(self.lost, True)
        self.watch(self.team.well, RETURN_MAX, "waiting for the member to be active again")
        if self.watch(self.team.at_home, RETURN_MAX, "waiting for its flows to come home"):
            self.note(act, "team: every bucket at home")
        self.run_on(TAIL)

    def switchover(self, act: Act) -> None:
        primary = self.team.show()["primary"]
        other = next(name for name in self.members if name != primary)
        self.run_on(LEAD)
        self.note(act, f"iovteam team switchover {self.team.name} --to {other}")
        self.team.switchover(other)
        self.watch(lambda: self.team.show()["primary"] == other, FAILOVER_MAX,
                   "waiting for the team to switch over")
        self.run_on(TAIL)

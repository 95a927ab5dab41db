# SPDX-License-Identifier: GPL-2.0-or-later
"""What the demo's acts measured: pure functions from the recorders' reports, the kernel's counters
and the probe's events to the numbers of demo.json.

Times of events are ns of the VM's monotonic clock throughout.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable

# Frames over an act that are not the recorder's: ARP, neighbour discovery, MLD, announcements.
OTHER_FRAMES_MAX = 200
# With each probe that it sends, a member in doubt asks so many neighbours (docs/probing.md).
QUESTIONS_MAX = 2
# A member that sends less than this share of an act's packets does not carry.
CARRYING_SHARE = 0.1
# Seconds of the healthy act that will do where emulation is too slow for the wanted packets.
LONG_ENOUGH = 20
# A silence of a whole direction that is worth telling; emulation alone makes some of 0.1 s.
SILENCE_NS = 200_000_000
# Interruptions as close as this are one.
TOUCHING_NS = 50_000_000
# One that begins this much later than the last has ended has another cause.
CHAINED_NS = 500_000_000


@dataclass
class Mark:
    """Something that happened in an act."""

    t: int
    text: str


@dataclass
class Act:
    """One act as it was played."""

    name: str
    packets_before: dict[str, list[int]]  # name -> [received, sent]: the kernel's counters
    begin_ns: int
    end_ns: int = 0
    packets_after: dict[str, list[int]] = field(default_factory=dict)
    guest: dict[str, Any] = field(default_factory=dict)  # the recorders' reports of it
    peer: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)  # the probe's
    failovers: list[dict[str, Any]] = field(default_factory=list)  # the team's
    lost_member: str = ""  # the one whose loss the guest is to see
    figures: str = "timing"  # what its loss is told by: timing, silence or removal
    probes: int = 0  # frames by which paths were probed
    uplink: dict[str, Any] = field(default_factory=dict)  # what was done to a member's uplink
    views: dict[str, Any] = field(default_factory=dict)  # what both sides said while it was lost
    outside_marks: list[Mark] = field(default_factory=list)  # in the clock outside, the peer's
    dropped: dict[str, int] = field(default_factory=dict)  # by the team's programs on reception
    roles: dict[str, dict[str, str]] = field(default_factory=dict)  # path and state at its begin

    def compare(self, before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> None:
        """What the team has shown of its members before the act and after it."""
        self.dropped = {name: sum(after[name]["drops"].values())
                        - sum(before[name]["drops"].values()) for name in after}
        self.probes = sum(after[name]["probes"]["sent"] - before[name]["probes"]["sent"]
                          for name in after)
        self.roles = {name: {"path": member["path"], "state": member["state"]}
                      for name, member in before.items()}


# --- traffic ---

def direction(name: str, sender: dict[str, Any], receiver: dict[str, Any]) -> dict[str, Any]:
    """One direction of an act. received counts each packet once; duplicates are apart."""
    sent, received = sender["sent"], receiver["received"]
    lost = sent["sent"] - received["unique"]
    pps = sent["offered_pps"]
    return {
        "direction": name,
        "offered_pps": round(pps, 1),
        "sent": sent["sent"],
        "refused": sent["refused"],
        "received": received["unique"],
        "lost": lost,
        "duplicated": received["duplicated"],
        "reordered": received["reordered"],
        "gap_ms": round(received["gap_ms"], 1),
        "flow_gap_ms": round(received["flow_gap_ms"], 1),
        "lost_ms": round(1000 * lost / pps, 1) if pps else 0.0,
        "recorder_drops": received["socket_drops"],
    }


def clock_offset(act: Act) -> int:
    """The peer's clock less the guest's: half the difference of both ways' shortest delays."""
    return (act.peer["received"]["delay_min_ns"] - act.guest["received"]["delay_min_ns"]) // 2


def interruptions(act: Act) -> dict[str, list[tuple[int, int]]]:
    """By direction: from when to when packets were being lost or, where a link was, nothing came
    for long. In other acts such a silence is the emulation's, and so it is here later on."""
    offset = clock_offset(act)
    since = lost_ns(act) or act.end_ns
    return {"out": interrupted(act.peer["received"], 0, offset, since),
            "in": interrupted(act.guest["received"], offset, 0, since)}


def interrupted(received: dict[str, Any], sender_ahead: int, receiver_ahead: int,
                since: int) -> list[tuple[int, int]]:
    """Losses are known by the sender's clock, silences by the receiver's; of these only such as
    end after @since."""
    spans = [(begin - receiver_ahead, begin + length - receiver_ahead)
             for begin, length in received["silences"]
             if length >= SILENCE_NS and begin + length - receiver_ahead > since]
    if received["outage_last_ns"]:
        spans.append((received["outage_first_ns"] - sender_ahead,
                      received["outage_last_ns"] - sender_ahead))
    return chained(merged(spans))


def chained(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The first of the spans and those that follow soon, each after the one before."""
    end = next((i for i in range(1, len(spans)) if spans[i][0] > spans[i - 1][1] + CHAINED_NS),
               len(spans))
    return spans[:end]


def merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in their order; those that touch are one."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1] + TOUCHING_NS:
            begin, last_end = found.pop()
            end = max(end, last_end)
        found.append((begin, end))
    return found


# --- flows ---

class Flows:
    """Where each flow is, by the source MAC that its frames reach the peer with."""

    def __init__(self) -> None:
        self.home: list[str] = []  # where the first act found each flow
        self.now: list[str] = []

    def follow(self, watch: dict[str, Any], lost_mac: str) -> tuple[int, list[int]]:
        """How many flows moved, and which of them without need. A flow needs to move once: away
        from a lost member, or home. On the way off a lost member it may pass over bonding's active
        slave, which takes it at once, to where the daemon sends it."""
        macs = [*watch["macs"], ""]  # -1 for a flow that was not seen
        first, last = ([macs[i] for i in watch[which]] for which in ("first", "last"))
        before = self.now or first
        moved, disturbed = 0, []
        for flow, (was, begin, end) in enumerate(zip(before, first, last)):
            if not end:  # nothing of it came: it is where it was
                last[flow] = was
                continue
            moves = watch["changes"][flow] + (begin != was)
            needed = was == lost_mac or (bool(self.home) and end == self.home[flow])
            moved += moves > 0
            on_the_way = was == lost_mac and end != lost_mac
            if moves > 1 and not on_the_way or moves == 1 and not needed:
                disturbed.append(flow)
        self.now = last
        self.home = self.home or before
        return moved, disturbed

    def away(self) -> int:
        """Flows that are not at home."""
        return sum(now != home for now, home in zip(self.now, self.home))


def kept_lost(act: Act, flows_before: Iterable[str], lost_mac: str) -> int:
    """Packets lost outbound by flows that were not on the lost member."""
    return sum(sent - unique
               for sent, unique, mac in zip(act.guest["flows_sent"], act.peer["flows_unique"],
                                            flows_before)
               if mac != lost_mac)


# --- the kernel's counters ---

def members(act: Act, names: list[str]) -> list[dict[str, Any]]:
    """What each has counted: None of one that is gone, and its counters with it. One that has come
    in the act has counted from 0 on."""
    def over_act(name: str, which: int) -> int | None:
        if name not in act.packets_after:
            return None
        return act.packets_after[name][which] - act.packets_before.get(name, [0, 0])[which]

    return [{"name": name, **act.roles.get(name, {}), "tx_packets": over_act(name, 1),
             "rx_packets": over_act(name, 0), "dropped": act.dropped.get(name, 0)}
            for name in names]


def counters_agree(result: dict[str, Any]) -> bool | None:
    """What the members sent lies between what the recorder at the far end received and what the
    near one sent; and so the other way, less what the team has dropped: a NIC may hand a VF's own
    frames back to it. Frames that are not the recorder's come on top. None: a member has taken its
    counters with it, so that nobody can tell."""
    out, into = result["directions"]
    if any(member["tx_packets"] is None for member in result["members"]):
        return None
    tx = sum(member["tx_packets"] for member in result["members"])
    rx = sum(member["rx_packets"] - member["dropped"] for member in result["members"])
    others = OTHER_FRAMES_MAX + (1 + QUESTIONS_MAX) * result["probes"]
    return (out["received"] <= tx <= out["sent"] + others
            and into["received"] <= rx <= into["sent"] + others)


def all_carry(result: dict[str, Any]) -> bool:
    tx = [member["tx_packets"] for member in result["members"]]
    return min(tx) >= CARRYING_SHARE * sum(tx)


# --- an act as demo.json has it ---

def measure(act: Act, names: list[str], macs: dict[str, str], flows: Flows) -> dict[str, Any]:
    """macs: by member. Acts must be given in their order: flows are followed through them."""
    lost_mac = macs.get(act.lost_member, "-")
    before = list(flows.now)
    moved, disturbed = flows.follow(act.peer["watch"], lost_mac)
    result = {
        "name": act.name,
        "seconds": round((act.end_ns - act.begin_ns) / 1e9, 1),
        "directions": [direction("out", act.guest, act.peer),
                       direction("in", act.peer, act.guest)],
        "flows": sum(sent > 0 for sent in act.guest["flows_sent"]),
        "flows_moved": moved,
        "flows_disturbed": len(disturbed),
        "flows_away": flows.away(),
        "members": members(act, names),
        "probes": act.probes,
    }
    result["counters_agree"] = counters_agree(result)
    if act.lost_member:
        result["lost_member"] = act.lost_member
        result["kept_flows_lost"] = kept_lost(act, before, lost_mac)
        result[act.figures] = FIGURES[act.figures](act)
    return result


# --- the story of a lost link ---

def carrier_lost_ns(act: Act) -> tuple[int, int] | None:
    """When the VF's driver noticed, by its line in the kernel's log, and when user space could
    know, by rtnetlink. A driver that logs nothing noticed when somebody was told:
    the probe or the team."""
    told = heard_ns(act)
    noticed = next((event["t"] for event in act.events
                    if re.search(r"igbvf .*Link is Down", event.get("log", ""))), None)
    if not noticed and told:
        noticed = min(told, failover_of(act).get("seen_us", told) * 1000)
    return (noticed, told) if noticed and told else None


def heard_ns(act: Act) -> int | None:
    """When user space could know that the member has lost its carrier, or goes."""
    return next((event["t"] for event in act.events
                 if event.get("link") == act.lost_member and not event["carrier"]), None)


def flowing_ns(act: Act) -> dict[str, int | None]:
    """By direction: when traffic flowed again; None if it was never interrupted."""
    return {way: spans[-1][1] if spans else None for way, spans in interruptions(act).items()}


def ms(since: int | None, until: int | None) -> float | None:
    return round((until - since) / 1e6, 1) if since and until else None


def lost_ns(act: Act) -> int | None:
    """When the uplink, or the VF, was begun to be taken away."""
    return next((e["t"] for e in act.events
                 if e.get("done", "").startswith("down ")
                 or (("cable" in e or "vf" in e) and not e["up"])), None)


def told(act: Act, uncertainty_ns: int) -> dict[str, Any]:
    """Whether and when the guest was told that a member's uplink was lost, from the moment that it
    was begun to be taken away. Between two clocks a time is uncertain."""
    def lost(wanted: Callable[[dict[str, Any]], bool]) -> int | None:
        return next((e["t"] for e in act.events
                     if "link" in e and not e["carrier"] and wanted(e)), None)

    down = lost_ns(act)
    guest = lost(lambda e: e["link"] == act.uplink["lost"] and not e.get("outside"))
    return {"guest_told": bool(guest),
            "uplink_down_to_host_ms": ms(down, lost(lambda e: bool(e.get("outside")))),
            "uplink_down_to_guest_carrier_ms": ms(down, guest),
            "clock_uncertainty_ms": round(uncertainty_ns / 1e6, 1)}


def silence(act: Act) -> dict[str, float | None]:
    """The way from the pulled cable to traffic flowing, in ms."""
    pulled, failover = lost_ns(act), failover_of(act)
    return {**{f"pulled_to_{step}_ms": ms(pulled, failover.get(f"{step}_us", 0) * 1000)
               for step in ("decided", "applied")},
            **{f"pulled_to_traffic_{way}_ms": ms(pulled, t) for way, t in flowing_ns(act).items()}}


def timing(act: Act) -> dict[str, float | None]:
    """The way from the PF going down to traffic flowing, in ms."""
    down, (noticed, told) = lost_ns(act), carrier_lost_ns(act) or (None, None)
    failover, flowing = failover_of(act), flowing_ns(act)
    return {
        "pf_down_to_vf_carrier_ms": ms(down, noticed),
        "vf_carrier_to_netlink_ms": ms(noticed, told),
        **{f"vf_carrier_to_{step}_ms": ms(noticed, failover.get(f"{step}_us", 0) * 1000)
           for step in ("seen", "decided", "applied")},
        **{f"vf_carrier_to_traffic_{way}_ms": ms(noticed, t) for way, t in flowing.items()},
        **{f"pf_down_to_traffic_{way}_ms": ms(down, t) for way, t in flowing.items()},
    }


def removal(act: Act) -> dict[str, float | None]:
    """The way from the host's command that takes a VF to traffic flowing, in ms, and how long that
    was interrupted. A device that is removed loses its carrier first, and the kernel may act on
    that (T17) before anybody is told: traffic may flow earlier than the team decides."""
    command, failover, spans = lost_ns(act), failover_of(act), interruptions(act)
    gone = next((e["t"] for e in act.events
                 if e.get("link") == act.lost_member and e.get("gone")), None)
    return {"command_to_netlink_ms": ms(command, heard_ns(act)),
            **{f"command_to_{step}_ms": ms(command, failover.get(f"{step}_us", 0) * 1000)
               for step in ("seen", "decided", "applied")},
            **{f"command_to_traffic_{way}_ms": ms(command, t)
               for way, t in flowing_ns(act).items()},
            "command_to_gone_ms": ms(command, gone),
            **{f"interrupted_{way}_ms": ms(found[0][0], found[-1][1]) if found else 0.0
               for way, found in spans.items()}}


FIGURES: dict[str, Callable[[Act], dict[str, float | None]]] = {
    "timing": timing, "silence": silence, "removal": removal}
# What the times until traffic flows begin with, in each of them.
TRAFFIC_SINCE = {"timing": "vf_carrier", "silence": "pulled", "removal": "command"}


def failover_of(act: Act) -> dict[str, Any]:
    """The team's own record of losing the member."""
    return next((f for f in act.failovers
                 if f["member"] == act.lost_member and f["seen_us"] * 1000 >= act.begin_ns), {})


# --- the marks of the timeline ---

def event_mark(event: dict[str, Any]) -> Mark | None:
    text = ""
    if "done" in event:
        verb, name = event["done"].split()
        text = f"{'outside' if event.get('outside') else 'host'}: ip link set {name} {verb}"
    elif "cable" in event:
        text = (f"outside: the cable behind {event['cable']} is "
                f"{'plugged in' if event['up'] else 'pulled'}")
    elif "vf" in event:
        text = f"host: {event['command']}"
    elif event.get("gone") or event.get("new"):
        text = f"{event['link']}: {'removed' if event.get('gone') else 'there again'}"
    elif "link" in event:
        place = "host: " if event.get("outside") else ""
        text = f"{place}{event['link']}: carrier {'up' if event['carrier'] else 'lost'}"
    elif match := re.search(r"(igbvf .*Link is (Up|Down))", event.get("log", "")):
        text = f"the VF's driver: {match[1]}"
    return Mark(event["t"], text) if text else None


def failover_marks(failover: dict[str, Any]) -> list[Mark]:
    """What the team itself recorded of a change."""
    member, cause, moved = (failover[key] for key in ("member", "cause", "buckets_moved"))
    done = f"team: datapath changed{f', {moved} buckets moved' if moved else ''}"
    text = {"returned": f"{member} is back", "switchover": f"{member} made primary"}
    return [Mark(failover["decided_us"] * 1000,
                 f"team: {text.get(cause, f'{member} is out ({cause})')}"),
            Mark(failover["applied_us"] * 1000, done)]


def interruption_marks(act: Act) -> list[Mark]:
    words = {"out": "outbound", "in": "inbound"}
    return [mark for way, spans in interruptions(act).items() for begin, end in spans
            for mark in (Mark(begin, f"{words[way]}: interrupted"),
                         Mark(end, f"{words[way]}: flows again"))]


def marks(act: Act, members: Iterable[str]) -> list[Mark]:
    """Everything worth a letter under the act's chart, in its order."""
    wanted = [event for event in act.events
              if event.get("outside") or event.get("link", "") in {"", *members}]
    offset = clock_offset(act)
    found = [*filter(None, map(event_mark, wanted)),
             *(mark for failover in act.failovers for mark in failover_marks(failover)),
             *interruption_marks(act),
             *(Mark(mark.t - offset, mark.text) for mark in act.outside_marks)]
    return sorted((mark for mark in found if act.begin_ns <= mark.t <= act.end_ns),
                  key=lambda mark: mark.t)


# --- claims ---

Claim = tuple[str, bool]  # what is promised, and whether it held
Results = dict[str, dict[str, Any]]  # of acts, by name


def total(result: dict[str, Any], *what: str) -> int:
    """Both directions of an act."""
    return sum(way[key] for way in result["directions"] for key in what)


def flowed_again(result: dict[str, Any]) -> bool:
    """Both ways, or one was never interrupted."""
    figures = next(name for name in TRAFFIC_SINCE if name in result)
    return all(result[figures][f"{TRAFFIC_SINCE[figures]}_to_traffic_{way}_ms"] is not None
               or not direction["lost"]
               for way, direction in zip(("out", "in"), result["directions"]))


def outlived(result: dict[str, Any]) -> Claim:
    """Of an act in which a member is lost, and the flows of others are not to notice."""
    return (f"{result['name']}: traffic flowed again both ways, {total(result, 'lost'):,} packets"
            " lost, none came twice, no flow moved without need",
            flowed_again(result) and total(result, "duplicated") == 0
            and result["flows_disturbed"] == 0)


def came_home(result: dict[str, Any]) -> Claim:
    """Of an act at whose end all is well again."""
    return (f"{result['name']}: 0 lost, 0 duplicated, every flow at home again",
            total(result, "lost", "refused", "duplicated") == 0 and result["flows_away"] == 0)


def counters_claim(results: Results) -> Claim:
    """Of all acts but those in which a device has taken its counters with it."""
    unknown = [name for name, result in results.items() if result["counters_agree"] is None]
    but = f" but {', '.join(unknown)}, where a VF took its own with it" if unknown else ""
    return (f"the kernel's counters agree with the recorder's in every act{but}",
            all(result["counters_agree"] is not False for result in results.values()))


def claims(results: Results, wanted_packets: int) -> list[Claim]:
    """What the demo promises of the acts on VFs."""
    healthy, lost, back, over = (results[name] for name in
                                 ("healthy", "link-lost", "link-back", "switchover"))
    return [
        (f"healthy: {healthy['flows']} flows, {total(healthy, 'sent'):,} packets"
         f" in {healthy['seconds']:.0f} s",
         healthy["flows"] >= 256 and (total(healthy, "sent") >= wanted_packets
                                      or healthy["seconds"] >= LONG_ENOUGH)),
        *((f"{result['name']}: 0 lost, 0 duplicated, 0 reordered",
           total(result, "lost", "refused", "duplicated", "reordered") == 0)
          for result in (healthy, over)),
        *((f"{result['name']}: both members carry", all_carry(result))
          for result in (healthy, over)),
        ("link-lost: the VF's driver noticed, and traffic flowed again both ways",
         lost["timing"]["pf_down_to_vf_carrier_ms"] is not None and flowed_again(lost)),
        ("link-lost: no flow moved without need", lost["flows_disturbed"] == 0),
        came_home(back),
        counters_claim(results),
    ]


def seen(result: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What guest and host said of the member that was lost, or whose uplink was."""
    views, lost = result["views"], result.get("lost_member") or result["uplink"]["lost"]
    place = next(i for i, member in enumerate(views["guest"]) if member["name"] == lost)
    return views["guest"][place], views["host"][place]


def silent_claims(results: Results) -> list[Claim]:
    """Of a cable that is pulled behind a carrier that stays."""
    pulled = results["cable-pulled"]
    guest, _ = seen(pulled)
    return [
        (f"cable-pulled: the carrier of {pulled['lost_member']} stays up, and the team leaves it"
         f" after {pulled['silence']['pulled_to_decided_ms']} ms",
         not pulled["uplink"]["guest_told"] and guest["reason"] == "path-unresponsive"),
        outlived(pulled),
        came_home(results["cable-back"]),
    ]


def unplug_claims(results: Results) -> list[Claim]:
    """Of a VF that is taken out of the guest and given to it again."""
    gone = results["vf-unplugged"]
    guest, _ = seen(gone)
    return [
        (f"vf-unplugged: {gone['lost_member']} is not-present, and the team has left it"
         f" {gone['removal']['command_to_decided_ms']} ms after the host's command",
         (guest["state"], guest["reason"]) == ("failed", "not-present")
         and gone["removal"]["command_to_decided_ms"] is not None
         and gone["removal"]["command_to_gone_ms"] is not None),
        outlived(gone),
        came_home(results["vf-replugged"]),
    ]


def mixed_claims(results: Results) -> list[Claim]:
    """Of a team of a VF and a card without one."""
    lost = results["mixed-team"]
    vf, card = lost["members"]
    return [
        (f"mixed-team: {vf['name']} is hardware and active, {card['name']} is synthetic and"
         " stands by",
         [(m["path"], m["state"]) for m in (vf, card)] == [("hardware", "active"),
                                                           ("synthetic", "standby")]),
        (f"mixed-team: all {lost['flows']} flows go to {card['name']}, traffic flowed again both"
         f" ways, {total(lost, 'lost'):,} packets lost, none came twice",
         flowed_again(lost) and lost["flows_away"] == lost["flows"]
         and total(lost, "duplicated") == 0),
        came_home(results["mixed-team-back"]),
    ]


def teaming_claims(results: Results) -> list[Claim]:
    """Of the acts in which an uplink is lost with allow-teaming off and on."""
    off, on = results["not-told"], results["told"]
    (guest_off, host_off), (guest_on, host_on) = seen(off), seen(on)
    lost_off, lost_on = total(off, "lost"), total(on, "lost")
    return [
        (f"allow-teaming off: the guest is not told and loses {lost_off:,} packets;"
         " the host says uplink-lost",
         not off["uplink"]["guest_told"] and guest_off["state"] == "active" and lost_off > 0
         and (host_off["status"], host_off["path"]) == ("ok", "uplink-lost")),
        (f"allow-teaming on: the guest's member fails, traffic flows again, {lost_on:,}"
         " packets lost",
         on["uplink"]["guest_told"] and guest_on["reason"] == "media-disconnected"
         and (host_on["status"], host_on["path"]) == ("ok", "disconnected") and flowed_again(on)),
        ("allow-teaming on: no flow moved without need", on["flows_disturbed"] == 0),
    ]

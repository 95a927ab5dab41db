# SPDX-License-Identifier: GPL-2.0-or-later
"""What must hold after each operation: kernel, maps and iovteam as the model says.

Each check gives sentences about what is wrong; none means that it holds.
"""
from __future__ import annotations

from typing import Any, Iterator

import kernel
from daemon import Daemon
from maps import BUCKETS, NOBODY, Maps
from model import GUEST, Device, Model, Team
from world import GUEST_NAMESPACE

ZERO_MAC = "00:00:00:00:00:00"


class View:
    """One look at everything."""

    def __init__(self, model: Model, daemon: Daemon) -> None:
        self.model, self.daemon = model, daemon
        self.links = kernel.links(GUEST_NAMESPACE)
        self.shown = daemon.show()
        self.pending = daemon.pending()
        self.maps = {name: Maps(f"{daemon.bpffs}/{name}") for name, team in model.teams.items()
                     if name in self.shown}

    def link(self, name: str) -> dict[str, Any]:
        return self.links.get(name, {"ifindex": 0, "flags": [], "mtu": 0, "address": ""})


def expect(what: str, found: Any, wanted: Any) -> Iterator[str]:
    if found != wanted:
        yield f"{what}: {found!r} instead of {wanted!r}"


def state(team: Team, spec: str) -> tuple[str, str]:
    """A member's state and reason (T15)."""
    device = team.slots.get(spec)
    if device is None:
        return "failed", "not-present"
    if not device.up:
        return "failed", "administrative-decision"
    if not device.carrier:
        return "failed", "media-disconnected"
    if spec in team.drained:
        return "active" if spec in team.used else "standby", "administrative-decision"
    if spec in team.standby and team.actives_well:
        return "standby", "administrative-decision"
    return "active", "none"


# --- devices ---


def check_device(view: View, device: Device) -> Iterator[str]:
    link = view.links.get(device.name)
    if not link:
        yield f"{device.name} is not there"
        return
    name = device.name
    yield from expect(f"MAC of {name}", link["address"], device.mac)
    yield from expect(f"MTU of {name}", link["mtu"], device.mtu)
    yield from expect(f"{name} is up", "UP" in link["flags"], device.up)
    yield from expect(f"master of {name}", link.get("master"),
                      device.team.name if device.team else None)
    for way in ("ingress", "egress"):
        wanted = [f"member_{way}"] if device.team else []
        yield from expect(f"programs at {way} of {name}",
                          kernel.programs(name, link["ifindex"], way), wanted)


# --- teams ---


def check_bond(view: View, team: Team) -> Iterator[str]:
    link = view.links.get(team.name)
    if not link:
        yield f"{team.name} is not there"
        return
    data = link["linkinfo"]["info_data"]
    yield from expect(f"MTU of {team.name}", link["mtu"], team.mtu)
    yield from expect(f"{team.name} is up", "UP" in link["flags"], team.up)
    yield from expect(f"mode of {team.name}", data["mode"], "active-backup")
    yield from expect(f"fail_over_mac of {team.name}", data["fail_over_mac"], "active")
    yield from expect(f"all_slaves_active of {team.name}", data["all_slaves_active"], 1)
    yield from expect(f"miimon of {team.name}", data["miimon"], 100)
    for field in ("updelay", "downdelay", "arp_interval"):
        yield from expect(f"{field} of {team.name}", data.get(field, 0), 0)
    yield from expect(f"bonding's own primary of {team.name}", data.get("primary"), None)
    yield from expect(f"programs at {team.name}",
                      kernel.programs(team.name, link["ifindex"], "egress"), ["team_egress"])


def standbys(team: Team) -> list[Device]:
    return [device for spec, device in team.slots.items() if spec in team.standby]


def check_primary(view: View, team: Team) -> Iterator[str]:
    """One primary if any member is usable; kernel, maps and iovteam agree on it."""
    maps, shown, bond = view.maps[team.name], view.shown[team.name], view.link(team.name)
    usable = {device.name: device for device in team.usable}
    primaries = [m["name"] for m in shown["members"] if m["primary"]]
    if not usable:
        yield from expect(f"state of {team.name}", shown["state"], "down")
        return
    if len(primaries) != 1 or primaries[0] not in usable:
        yield f"primary of {team.name}: {primaries} among the usable {sorted(usable)}"
        return
    # A team that is down does not step back: bonding looks at no carrier then.
    if team.up and usable[primaries[0]] not in team.best and (
            not usable[primaries[0]] in standbys(team) or team.actives_well):
        yield f"primary of {team.name}: {primaries[0]}, and there are better ones"
    primary = usable[primaries[0]]
    yield from expect(f"shown primary of {team.name}", shown["primary"], primary.name)
    if team.up:
        yield from expect(f"active slave of {team.name}",
                          bond["linkinfo"]["info_data"].get("active_slave"), primary.name)
        yield from expect(f"MAC of {team.name}", bond["address"], primary.mac)
    note = maps.notes.get(maps.primary)
    yield from expect(f"primary's slot of {team.name}", note and team.slots.get(note.device), primary)


def check_member(view: View, team: Team, spec: str, shown: dict[str, Any]) -> Iterator[str]:
    device, maps = team.slots.get(spec), view.maps[team.name]
    slot, what = maps.slot(spec), f"member {spec} of {team.name}"
    condition, why = state(team, spec)
    yield from expect(f"state of {what}", shown["state"], condition)
    yield from expect(f"drained {what}", shown["drained"], spec in team.drained)
    yield from expect(f"weight of {what}", shown["weight"], team.weight(spec))
    if device is None:
        if view.model.named(spec) is None:
            yield from expect(f"reason of {what}", shown["reason"], why)
        if slot is not None and maps.notes[slot].ifindex:
            yield f"{what} is not there, and iovteam's programs are noted at a device"
        return
    yield from expect(f"reason of {what}", shown["reason"], why)
    yield from expect(f"name of {what}", shown["name"], device.name)
    yield from expect(f"shown MAC of {what}", shown["mac"], device.mac)
    if slot is None:
        yield f"{what} has no slot"
        return
    link = view.link(device.name)
    yield from expect(f"noted index of {what}", maps.notes[slot].ifindex, link["ifindex"])
    yield from expect(f"noted state of {what}", maps.notes[slot].up_before, device.up_before)
    yield from expect(f"noted MAC of {what}", maps.member_macs[slot], device.mac)
    yield from expect(f"queue_id of {what}", link.get("linkinfo", {}).get(
        "info_slave_data", {}).get("queue_id"), slot + 1)


def check_shares(maps: Maps, team: Team, slots: dict[str, int]) -> Iterator[str]:
    """T4: by weight, to one bucket."""
    total = sum(team.homes.values())
    for spec, weight in team.homes.items():
        share = maps.shares[slots[spec]]
        if abs(share - BUCKETS * weight / total) >= 1:
            yield f"share of {spec} of {team.name}: {share} with weight {weight} of {total}"
    owners = {slots[spec] for spec in team.homes} or {NOBODY}
    yield from expect(f"homes of {team.name}", set(maps.shares) - owners, set())


def check_maps(view: View, team: Team) -> Iterator[str]:
    maps = view.maps[team.name]
    slots = {note.device: slot for slot, note in maps.notes.items()}
    yield from expect(f"seats of {team.name}", set(slots), team.seats)
    if set(slots) != team.seats:
        return
    usable = {slots[spec] for spec in team.used}
    found = {slot for slot in range(32) if (maps.usable & ~maps.lost) >> slot & 1}
    yield from expect(f"usable slots of {team.name}", found, usable)
    yield from expect(f"index of {team.name}", maps.ifindex, view.link(team.name)["ifindex"])
    yield from check_shares(maps, team, slots)
    others_all = {slots[spec] for spec in team.fallbacks}
    for home, fallback in set(zip(maps.homes, maps.fallbacks)):
        others = others_all - {home}
        if home == NOBODY:
            continue
        if fallback == home or (others and fallback not in others):
            yield f"fallback of slot {home} of {team.name}: {fallback}, usable are {usable}"
        elif not others and fallback != NOBODY and fallback in usable:
            yield f"fallback of slot {home} of {team.name}: {fallback} is nobody"
    for slot in set(range(32)) - {slots[spec] for spec in team.slots}:
        yield from expect(f"MAC of the free slot {slot} of {team.name}", maps.member_macs[slot],
                          ZERO_MAC)


def check_team(view: View, team: Team) -> Iterator[str]:
    shown = view.shown.get(team.name)
    if not shown:
        yield f"iovteam does not show {team.name}"
        return
    yield from check_bond(view, team)
    yield from expect(f"members of {team.name}", [m["device"] for m in shown["members"]],
                      team.members)
    for member in shown["members"]:
        if member["device"] in team.members:
            yield from check_member(view, team, member["device"], member)
    yield from check_primary(view, team)
    yield from check_maps(view, team)
    if team.usable:
        whole = len(team.well) == len(team.members)
        yield from expect(f"state of {team.name}", shown["state"], "up" if whole else "degraded")
    for key, value in team.settings.items():
        yield from expect(f"{key} of {team.name}", shown["settings"].get(key), value)


def check_all(model: Model, daemon: Daemon) -> list[str]:
    """Everything but traffic, with the daemon running."""
    view = View(model, daemon)
    problems = list(expect("teams", sorted(view.shown), sorted(model.teams)))
    for device in model.devices:
        if device.place == GUEST:
            problems += check_device(view, device)
    for team in model.teams.values():
        problems += check_team(view, team)
    known = {d.name for d in model.devices if d.place == GUEST} | set(model.teams) | {"lo"}
    problems += expect("devices", sorted(set(view.links) - known), [])
    problems += [f"iovteam would still do: {text}" for text in view.pending]
    return problems


def primaries(daemon: Daemon) -> dict[str, str]:
    """By team, how its primary is configured."""
    return {name: next((m["device"] for m in team["members"] if m["primary"]), "")
            for name, team in daemon.show().items()}

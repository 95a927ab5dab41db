# SPDX-License-Identifier: GPL-2.0-or-later
"""What is expected: a small model of devices and teams, without a word of how they are made.

Theory of operation. Each operation changes the model as it changes the world: what somebody did
to a device, or what was asked of iovteam. reconcile() then does what the daemon must do, in a few
lines: members that are no longer wanted are given back, those that are wanted are taken in. What
the model says afterwards must become true in the kernel, in the maps and in what iovteam shows.

The model is a function of the operations alone. It is never told what was observed, so a seed
names one run. What it cannot know, it does not say: which of several usable members is primary.
"""
from __future__ import annotations

from dataclasses import dataclass, field

CABLES = 8  # members to choose from; the two teams share them
MTU = 1500
GUEST, AWAY = "guest", "away"  # namespaces that a device may be in; None: it is unplugged


@dataclass
class Device:
    """The guest's end of a cable."""

    cable: int
    name: str = ""
    mac: str = ""  # its own: what its team keeps, and gives back when somebody changes it
    mac_now: str = ""
    place: str | None = None
    carrier: bool = True  # the switch's end of the cable is up
    up: bool = False  # administratively
    mtu: int = MTU
    team: "Team | None" = None
    # How it was when its team took it (T1: it is given back like that).
    up_before: bool = False
    mtu_before: int = MTU

    @property
    def usable(self) -> bool:
        return self.place == GUEST and self.up and self.carrier

    def unplug(self) -> None:
        self.place, self.team, self.up, self.mtu = None, None, False, MTU

    def freed(self) -> None:
        """What bonding leaves of a device that it lets go: down, with its own MTU."""
        self.team, self.up, self.mtu, self.mac = None, False, self.mtu_before, self.mac_now


@dataclass
class Team:
    name: str
    members: list[str]  # as configured, in order: names of interfaces
    number: int
    settings: dict[str, str] = field(default_factory=dict)
    slots: dict[str, Device] = field(default_factory=dict)  # who sits where
    freed: dict[str, tuple[Device, bool]] = field(default_factory=dict)  # … and was pulled out
    exists: bool = False
    up: bool = True
    mtu: int = MTU
    interface: str = ""  # its name now
    weights: dict[str, int] = field(default_factory=dict)
    standby: set[str] = field(default_factory=set)
    drained: set[str] = field(default_factory=set)
    seats: set[str] = field(default_factory=set)  # who has a slot, present or not

    def forget(self, spec: str) -> None:
        """It is not configured any more, and what was configured of it with it."""
        self.members.remove(spec)
        self.weights.pop(spec, None)
        self.standby.discard(spec)

    def member_settings(self, spec: str) -> dict[str, str]:
        return {**({"Weight": str(self.weights[spec])} if spec in self.weights else {}),
                **({"Role": "standby"} if spec in self.standby else {})}

    def rank(self, spec: str) -> int:
        """Who works rather than who: active ones, then the standby, then who is drained."""
        return 2 if spec in self.drained else 1 if spec in self.standby else 0

    @property
    def held(self) -> list[Device]:
        return list(self.slots.values())

    @property
    def usable(self) -> list[Device]:
        return [device for device in self.held if device.usable]

    @property
    def well(self) -> set[str]:
        return {spec for spec, device in self.slots.items() if device.usable}

    @property
    def used(self) -> set[str]:
        """Whom the datapath may use: those that are well, but drained ones only if need be."""
        return {spec for spec in self.well if spec not in self.drained} or self.well

    @property
    def best(self) -> list[Device]:
        """Who may be primary."""
        rank = min(map(self.rank, self.used), default=0)
        return [device for spec, device in self.slots.items()
                if spec in self.used and self.rank(spec) == rank]

    @property
    def actives_well(self) -> bool:
        return all(spec in self.used for spec in self.seats if not self.rank(spec))

    def weight(self, spec: str) -> int:
        return self.weights.get(spec, 100)

    @property
    def homes(self) -> dict[str, int]:
        """Weights of those who have buckets at home."""
        homes = {spec: self.weight(spec) for spec in self.seats if not self.rank(spec)}
        return homes or {spec: self.weight(spec) for spec in self.seats
                         if spec not in self.drained}

    @property
    def fallbacks(self) -> set[str]:
        found = {spec for spec in self.used if spec not in self.drained}
        if not found:  # the first of the drained ones is better than nobody
            return set([spec for spec in self.members if spec in self.used][:1])
        return {spec for spec in found if spec in self.standby} or found


class Model:
    def __init__(self) -> None:
        self.devices = [Device(cable) for cable in range(CABLES)]
        self.teams: dict[str, Team] = {}
        self.running = False

    # --- looking ---

    def named(self, name: str) -> Device | None:
        return next((d for d in self.devices if d.place == GUEST and d.name == name), None)

    def wanted(self, team: Team, spec: str) -> Device | None:
        """Who a configured name means: the device of that name; while there is none, the one that
        was taken in under it, whatever it is called now and unless that is another member's."""
        device = self.named(spec)
        held = team.slots.get(spec)
        if device is None and held and held.name not in team.members:
            device = held
        return device

    def member_names(self) -> set[str]:
        return {name for team in self.teams.values() for name in team.members}

    # --- what the daemon must do ---

    def reconcile(self) -> None:
        if not self.running:
            return
        for _ in range(3):  # what one team gives back another may take
            for name in sorted(self.teams):
                self._reconcile_team(self.teams[name])

    def _reconcile_team(self, team: Team) -> None:
        if not team.exists:
            team.exists, team.up, team.mtu = True, True, MTU
        team.interface = team.name
        for spec in sorted({*team.slots, *team.freed, *team.seats}):
            if spec not in team.members or (
                    spec in team.slots and self.wanted(team, spec) is not team.slots[spec]):
                self.give_back(team, spec)
        for spec in team.members:
            device = self.wanted(team, spec)
            if device and not device.team:
                self._take(team, spec, device)
        team.freed.clear()
        for device in team.held:
            device.mac_now = device.mac

    def give_back(self, team: Team, spec: str) -> None:
        device = team.slots.pop(spec, None)
        team.freed.pop(spec, None)
        team.seats.discard(spec)
        team.drained.discard(spec)
        if device:
            device.freed()
            device.up = device.up_before

    @staticmethod
    def _take(team: Team, spec: str, device: Device) -> None:
        before = team.freed.pop(spec, (None, False))
        device.up_before = before[1] if before[0] is device else device.up
        device.mtu_before, device.mtu = device.mtu, team.mtu
        device.team, device.up = team, True
        team.slots[spec] = device
        team.seats.add(spec)

    # --- what somebody does ---

    def leave_bond(self, device: Device) -> None:
        """Somebody took it out of the bond, but not away: it is the daemon's to take it again."""
        team = device.team
        spec = next(s for s, d in team.slots.items() if d is device)
        del team.slots[spec]
        team.freed[spec] = (device, device.up_before)
        device.freed()

    def vanish(self, device: Device) -> None:
        """It left the namespace, or was removed: nothing of it is remembered."""
        for team in self.teams.values():
            for spec, held in list(team.slots.items()):
                if held is device:
                    del team.slots[spec]
            for spec, (freed, _) in list(team.freed.items()):
                if freed is device:
                    del team.freed[spec]
        if device.team:
            device.freed()

    def delete_bond(self, team: Team) -> None:
        for device in team.held:
            self.leave_bond(device)
        team.exists = False

    def remove_team(self, team: Team) -> None:
        for spec in [*team.slots]:
            self.give_back(team, spec)
        del self.teams[team.name]

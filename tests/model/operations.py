# SPDX-License-Identifier: GPL-2.0-or-later
"""What may happen: each function picks its object by the seed, does it, and changes the model.

An operation returns what it did in a few words, or None if it is not possible now. It chooses by
the model alone. Those that iovteam is asked for need the daemon; "behind" ones are somebody else's
and happen whether it runs or not.
"""
from __future__ import annotations

import random
import signal
from typing import Callable, Iterable, Sequence

import kernel
from daemon import Daemon, Refusal
from model import AWAY, GUEST, Device, Model, Team
from world import GUEST_NAMESPACE, World

# A flapping member is held down longer each time (T11), but not here: nobody could wait for it.
FIRST_SETTINGS = {"StableTimeMs": "200", "HoldDownMaxMs": "0", "ReturnIdleMs": "50",
                  "ReturnBoundMs": "1000"}
SETTINGS = {"StableTimeMs": ("100", "200", "300"), "ReturnIdleMs": ("10", "50"),
            "ReturnBoundMs": ("500", "1000"), "AnnounceCount": ("0", "1", "3"),
            "AnnounceIntervalMs": ("100", "200")}
TEAMS = ("team0", "team1")
MEMBERS_MAX = 6


class Broken(Exception):
    """iovteam did not do what it was asked for, or did what it must refuse."""


class Bench:
    """All that an operation needs."""

    def __init__(self, model: Model, world: World, daemon: Daemon, random_: random.Random) -> None:
        self.model, self.world, self.daemon, self.random = model, world, daemon, random_
        # Since the last check: devices whose role as primary may have changed, and whether frames
        # may have come twice or with a wrong source, because somebody took our programs away.
        self.disturbed: set[int] = set()
        self.unguarded = False
        self.deaf = False  # with the daemon dead: nobody mends what would stop the traffic

    def pick(self, things: Iterable) -> object | None:
        things = list(things)
        return self.random.choice(things) if things else None

    def device(self, suits: Callable[[Device], bool]) -> Device | None:
        return self.pick(device for device in self.model.devices if suits(device))

    def team(self, suits: Callable[[Team], bool] = lambda team: True) -> Team | None:
        return self.pick(team for _, team in sorted(self.model.teams.items()) if suits(team))

    def member(self) -> tuple[Team, Device] | None:
        team = self.team(lambda team: bool(team.held))
        return (team, self.random.choice(team.held)) if team else None

    def disturb(self, *devices: Device) -> None:
        self.disturbed |= {device.cable for device in devices}

    def disturb_team(self, team: Team) -> None:
        self.disturb(*team.held)

    def free_name(self) -> str:
        """One that no device has; now and then one that a member is configured by."""
        taken = {d.name for d in self.model.devices if d.place}
        wanted = sorted(self.model.member_names() - taken)
        if wanted and self.random.random() < 0.5:
            return self.random.choice(wanted)
        return next(name for name in self.shuffled(f"m{n}" for n in range(12)) if name not in taken)

    def shuffled(self, things: Iterable[str]) -> list[str]:
        things = list(things)
        self.random.shuffle(things)
        return things

    def refused(self, method: str, **parameters: object) -> None:
        try:
            self.daemon.call(method, **parameters)
        except Refusal:
            return
        raise Broken(f"{method} {parameters} was not refused")

    def write(self, team: Team, extra: str = "") -> None:
        """The team's file, by hand."""
        lines = ["[Team]", f"Name={team.name}",
                 *(f"{key}={value}" for key, value in team.settings.items()),
                 *(f"[Member]\nDevice={member}" + "".join(
                     f"\n{key}={value}" for key, value in team.member_settings(member).items())
                   for member in team.members)]
        (self.daemon.config / f"{team.name}.conf").write_text("\n".join(lines) + "\n" + extra)


# --- iovteam is asked ---


def team_add(bench: Bench) -> str | None:
    name = bench.pick(name for name in TEAMS if name not in bench.model.teams)
    free = [d for d in bench.model.devices if d.place == GUEST and not d.team
            and d.name not in bench.model.member_names()]
    if not name or not free:
        return None
    chosen = bench.random.sample(free, bench.random.randint(1, min(len(free), 4)))
    team = Team(name, [d.name for d in chosen], TEAMS.index(name), dict(FIRST_SETTINGS))
    bench.daemon.call("AddTeam", team={"name": name, "settings": team.settings,
                                       "members": [{"device": m} for m in team.members]})
    bench.model.teams[name] = team
    bench.disturb(*chosen)
    return f"team add {name} {' '.join(team.members)}"


def team_remove(bench: Bench) -> str | None:
    team = bench.team()
    if not team:
        return None
    bench.disturb_team(team)
    bench.daemon.call("RemoveTeam", name=team.name)
    bench.model.remove_team(team)
    return f"team remove {team.name}"


def member_add(bench: Bench) -> str | None:
    team = bench.team(lambda team: len(team.members) < MEMBERS_MAX)
    device = bench.device(lambda d: d.place == GUEST and not d.team
                          and d.name not in bench.model.member_names())
    if not team or not device:
        return None
    bench.daemon.call("AddMember", name=team.name, member=device.name)
    team.members.append(device.name)
    return f"member add {team.name} {device.name}"


def member_remove(bench: Bench) -> str | None:
    team = bench.team(lambda team: len(team.members) > 1)
    if not team:
        return None
    spec = bench.random.choice(team.members)
    if len(team.members) == 2 and any(s in team.standby for s in team.members if s != spec):
        bench.refused("RemoveMember", name=team.name, member=spec)
        return f"member remove {team.name} {spec} refused"
    bench.disturb_team(team)
    bench.daemon.call("RemoveMember", name=team.name, member=spec)
    team.forget(spec)
    bench.model.give_back(team, spec)
    return f"member remove {team.name} {spec}"


def team_set(bench: Bench) -> str | None:
    team = bench.team()
    if not team:
        return None
    key = bench.random.choice(sorted(SETTINGS))
    value = bench.random.choice(SETTINGS[key])
    bench.daemon.call("SetTeam", name=team.name, settings={key: value})
    team.settings[key] = value
    return f"team set {team.name} {key}={value}"


def switchover(bench: Bench) -> str | None:
    team = bench.team(lambda team: len(team.best) > 1)
    if not team:
        return None
    device = bench.random.choice(team.best)
    bench.disturb_team(team)
    bench.daemon.call("Switchover", name=team.name, member=device.name)
    shown = bench.daemon.show()[team.name]["primary"]
    if shown != device.name:
        raise Broken(f"after a switchover to {device.name} {shown} is primary")
    return f"switchover {team.name} to {device.name}"


def member_set(bench: Bench) -> str | None:
    """A weight, or a role: at most one standby, and one active member."""
    team = bench.team()
    if not team:
        return None
    spec = bench.random.choice(team.members)
    if bench.random.random() < 0.5:
        key, value = "Weight", bench.random.choice(("1", "50", "100", "333", "1000"))
        team.weights[spec] = int(value)
    else:
        other = next((s for s in team.members if s in team.standby and s != spec), None)
        key, value = "Role", "active" if spec in team.standby else "standby"
        if value == "standby" and (other or len(team.members) == 1):
            bench.refused("SetMember", name=team.name, member=spec, settings={key: value})
            return f"member set {team.name} {spec} {key}={value} refused"
        team.standby ^= {spec}
    bench.disturb_team(team)
    bench.daemon.call("SetMember", name=team.name, member=spec, settings={key: value})
    return f"member set {team.name} {spec} {key}={value}"


def drain(bench: Bench) -> str | None:
    team = bench.team(lambda team: bool(team.held))
    if not team:
        return None
    spec = bench.random.choice(sorted(team.slots))
    others = {s for s in team.slots if s != spec and s not in team.drained
              and team.slots[s].usable}
    bench.disturb_team(team)
    if spec not in team.drained and not others:
        bench.refused("DrainMember", name=team.name, member=spec)
        return f"drain {team.name} {spec} refused"
    team.drained.add(spec)
    bench.daemon.call("DrainMember", name=team.name, member=spec)
    return f"drain {team.name} {spec}"


def restore(bench: Bench) -> str | None:
    team = bench.team(lambda team: bool(team.drained))
    if not team:
        return None
    spec = bench.random.choice(sorted(team.drained))
    bench.disturb_team(team)
    team.drained.discard(spec)
    bench.daemon.call("RestoreMember", name=team.name, member=spec)
    return f"restore {team.name} {spec}"


def refusals(bench: Bench) -> str | None:
    """What must be refused, and change nothing."""
    team = bench.team()
    if not team:
        return None
    bench.refused("AddMember", name=team.name, member="lo")
    bench.refused("AddMember", name=team.name, member="absent0")
    bench.refused("AddMember", name=team.name, member=team.members[0])
    bench.refused("AddTeam", team={"name": team.name, "members": [{"device": "absent0"}], "settings": {}})
    bench.refused("SetTeam", name=team.name, settings={"StableTimeMs": "often"})
    bench.refused("Switchover", name=team.name, member="absent0")
    bench.refused("SetMember", name=team.name, member=team.members[0], settings={"Weight": "0"})
    bench.refused("DrainMember", name=team.name, member="absent0")
    return f"refusals of {team.name}"


def edit_good(bench: Bench) -> str | None:
    """A file is edited by hand: settings, members, their order; then iovteam reload."""
    team = bench.team()
    if not team:
        return None
    free = [d.name for d in bench.model.devices if d.place == GUEST and not d.team
            and d.name not in bench.model.member_names()]
    members = bench.shuffled(team.members)
    if free and bench.random.random() < 0.5:
        members[bench.random.randrange(len(members))] = bench.random.choice(free)
    if bench.random.random() < 0.2 and len(members) < MEMBERS_MAX:
        members.append("late0" if "late0" not in bench.model.member_names() else "late1")
        if members[-1] in bench.model.member_names():
            members.pop()
    key = bench.random.choice(sorted(SETTINGS))
    team.settings[key] = bench.random.choice(SETTINGS[key])
    if all(spec in team.standby for spec in members):
        return None
    bench.disturb_team(team)
    for spec in [spec for spec in team.members if spec not in members]:
        team.forget(spec)
    team.members = members
    bench.write(team)
    if bench.model.running:
        bench.daemon.call("Reload")
    return f"edit {team.name}: {' '.join(members)} {key}={team.settings[key]}"


def edit_bad(bench: Bench) -> str | None:
    """A file that does not parse changes nothing, and is mended."""
    team = bench.team()
    if not team:
        return None
    extra = bench.random.choice(("Colour=blue\n", "[Member]\n", "[Member]\nDevice=lo\n",
                                 f"[Member]\nDevice={team.members[0]}\n", "[Team]\nName=x\n"))
    bench.write(team, extra)
    bench.refused("Reload")
    bench.write(team)
    bench.daemon.call("Reload")
    return f"bad edit of {team.name}: {extra!r}"


# --- behind its back: links ---


def flap(bench: Bench) -> str | None:
    """Carrier lost and back, at once or with work between."""
    device = bench.device(lambda d: d.place == GUEST and d.carrier)
    if not device:
        return None
    bench.disturb(device)
    times = bench.random.randint(1, 3)
    for _ in range(times):
        bench.world.carrier(device, False)
        bench.world.carrier(device, True)
    return f"flap {device.name} {times} times"


def carrier_down(bench: Bench) -> str | None:
    device = bench.device(lambda d: d.place == GUEST and d.carrier)
    if not device:
        return None
    bench.disturb(device)
    bench.world.carrier(device, False)
    return f"carrier of {device.name} down"


def carrier_up(bench: Bench) -> str | None:
    device = bench.device(lambda d: d.place is not None and not d.carrier)
    if not device:
        return None
    bench.world.carrier(device, True)
    return f"carrier of {device.name} up"


def set_down(bench: Bench) -> str | None:
    device = bench.device(lambda d: d.place == GUEST and d.up)
    if not device:
        return None
    bench.disturb(device)
    bench.world.set_up(device, False)
    return f"{device.name} set down"


def set_up(bench: Bench) -> str | None:
    device = bench.device(lambda d: d.place == GUEST and not d.up)
    if not device:
        return None
    bench.world.set_up(device, True)
    return f"{device.name} set up"


def team_down_up(bench: Bench) -> str | None:
    team = bench.team(lambda team: team.exists)
    if not team:
        return None
    up = not team.up
    kernel.batch(GUEST_NAMESPACE, f"link set {team.interface} {'up' if up else 'down'}")
    team.up = up
    bench.disturb_team(team)
    return f"{team.name} set {'up' if up else 'down'}"


# --- behind its back: devices ---


def unplug(bench: Bench) -> str | None:
    device = bench.device(lambda d: d.place is not None)
    if not device:
        return None
    bench.disturb(device)
    bench.model.vanish(device)
    name = device.name
    bench.world.unplug(device)
    return f"unplug {name}"


def plug(bench: Bench) -> str | None:
    """Under the same name or another, with the same MAC or a new one; maybe up already."""
    device = bench.device(lambda d: d.place is None)
    if not device:
        return None
    mac = device.mac if device.mac and bench.random.random() < 0.5 else bench.world.new_mac(
        device.cable)
    taken = {d.name for d in bench.model.devices if d.place}
    same = device.name and device.name not in taken and bench.random.random() < 0.5
    bench.world.plug(device, device.name if same else bench.free_name(), mac)
    return f"plug {device.name} {mac} (cable {device.cable})"


def replug(bench: Bench) -> str | None:
    """Removed and there again at once, under the same name."""
    device = bench.device(lambda d: d.place == GUEST)
    if not device:
        return None
    bench.disturb(device)
    bench.model.vanish(device)
    name, mac = device.name, bench.random.choice((device.mac, bench.world.new_mac(device.cable)))
    bench.world.unplug(device)
    bench.world.plug(device, name, mac)
    return f"replug {name} {mac}"


def move_away(bench: Bench) -> str | None:
    device = bench.device(lambda d: d.place == GUEST)
    if not device:
        return None
    bench.disturb(device)
    bench.model.vanish(device)
    bench.world.move(device, AWAY)
    return f"{device.name} moved to another namespace"


def move_back(bench: Bench) -> str | None:
    names = {d.name for d in bench.model.devices if d.place == GUEST}
    device = bench.device(lambda d: d.place == AWAY and d.name not in names)
    if not device:
        return None
    bench.disturb(device)
    bench.world.move(device, GUEST)
    return f"{device.name} moved back"


def rename_member(bench: Bench) -> str | None:
    device = bench.device(lambda d: d.place == GUEST and (kernel.HAS_TCX or not d.up))
    if not device:
        return None
    before, after = device.name, bench.free_name()
    bench.disturb(device)
    bench.world.rename(device, after)
    return f"rename {before} to {after}"


def change_mac(bench: Bench) -> str | None:
    """Of a member: iovteam gives it back; of another device: it is its new MAC."""
    device = bench.device(lambda d: d.place == GUEST)
    if not device:
        return None
    mac = bench.world.new_mac(device.cable)
    bench.disturb(device)
    kernel.batch(GUEST_NAMESPACE, f"link set {device.name} address {mac}")
    device.mac_now = mac
    if not device.team:
        device.mac = mac
    else:
        bench.deaf = True
    return f"MAC of {device.name} set to {mac}"


def change_mtu(bench: Bench) -> str | None:
    """Of a member: iovteam gives it the team's."""
    device = bench.device(lambda d: d.place == GUEST)
    if not device:
        return None
    mtu = bench.random.choice((1400, 1500, 2000, 4000))
    kernel.batch(GUEST_NAMESPACE, f"link set {device.name} mtu {mtu}")
    if not device.team:
        device.mtu = mtu
    return f"MTU of {device.name} set to {mtu}"


def release(bench: Bench) -> str | None:
    """Somebody takes a member out of the bond."""
    found = bench.member()
    if not found:
        return None
    _, device = found
    bench.disturb(device)
    kernel.batch(GUEST_NAMESPACE, f"link set {device.name} nomaster")
    bench.model.leave_bond(device)
    return f"{device.name} taken out of the bond"


# --- behind its back: the team ---


def team_mtu(bench: Bench) -> str | None:
    team = bench.team(lambda team: team.exists)
    if not team:
        return None
    mtu = bench.random.choice((1400, 1500, 3000))
    kernel.batch(GUEST_NAMESPACE, f"link set {team.interface} mtu {mtu}")
    team.mtu = mtu
    for device in team.held:
        device.mtu = mtu
    return f"MTU of {team.name} set to {mtu}"


def rename_team(bench: Bench) -> str | None:
    team = bench.team(lambda team: team.exists)
    if not team or not kernel.HAS_TCX:  # an interface that is up takes no name before 6.2
        return None
    if team.interface != team.name:
        return None
    team.interface = f"other{team.number}"
    kernel.batch(GUEST_NAMESPACE, f"link set {team.name} name {team.interface}")
    return f"rename {team.name} to {team.interface}"


def delete_bond(bench: Bench) -> str | None:
    team = bench.team(lambda team: team.exists)
    if not team:
        return None
    bench.disturb_team(team)
    kernel.batch(GUEST_NAMESPACE, f"link delete {team.interface}")
    bench.model.delete_bond(team)
    return f"delete {team.name}"


ATTRIBUTES = ("all_slaves_active 0", "miimon 0", "miimon 1000", "updelay 5000", "downdelay 5000",
              "resend_igmp 7", "num_grat_arp 9", "peer_notif_delay 1000", "use_carrier 0")


def change_bond(bench: Bench) -> str | None:
    team = bench.team(lambda team: team.exists and bool(team.held))
    if not team:
        return None
    attribute = bench.random.choice((*ATTRIBUTES, "primary", "active_slave", "queue_id", "swap"))
    device = bench.random.choice(team.held)
    if attribute in ("primary", "active_slave"):
        bench.disturb_team(team)
        attribute = f"{attribute} {device.name}"
    if attribute == "queue_id":
        kernel.attempt(GUEST_NAMESPACE, f"link set {device.name} type bond_slave queue_id 0")
    elif attribute == "swap":
        if len(team.held) < 2:
            return None
        _swap_queues(*bench.random.sample(team.held, 2))
    else:
        # Bonding refuses some in some states: updelay without miimon, an active slave that is down.
        kernel.attempt(GUEST_NAMESPACE, f"link set {team.interface} type bond {attribute}")
    bench.deaf = True
    return f"bonding of {team.name}: {attribute}"


def _swap_queues(one: Device, other: Device) -> None:
    links = kernel.links(GUEST_NAMESPACE)
    ids = [links[d.name]["linkinfo"]["info_slave_data"]["queue_id"] for d in (one, other)]
    for device, number in ((one, 0), (other, ids[0]), (one, ids[1])):
        kernel.attempt(GUEST_NAMESPACE, f"link set {device.name} type bond_slave queue_id {number}")


def detach(bench: Bench) -> str | None:
    """Somebody detaches one of our programs."""
    found = bench.member()
    if not found:
        return None
    team, device = found
    way = bench.random.choice(("ingress", "egress", "team"))
    name = team.interface if way == "team" else device.name
    if kernel.HAS_TCX:
        slot = _slot_of(bench, team, device)
        if slot is None:
            return None
        pin = "team" if way == "team" else f"member{slot}_{'in' if way == 'ingress' else 'out'}"
        kernel.run("bpftool", "link", "detach", "pinned", f"{bench.daemon.bpffs}/{team.name}/{pin}",
                   check=False)
    else:
        kernel.run("tc", "qdisc", "delete", "dev", name, "clsact", check=False)
    bench.unguarded = bench.deaf = True
    return f"program of {name} detached ({way})"


def _slot_of(bench: Bench, team: Team, device: Device) -> int | None:
    from maps import Maps
    spec = next(spec for spec, held in team.slots.items() if held is device)
    return Maps(f"{bench.daemon.bpffs}/{team.name}").slot(spec)


# --- the daemon ---


def daemon_end(bench: Bench) -> str | None:
    number = bench.random.choice((signal.SIGKILL, signal.SIGTERM))
    bench.daemon.end(number)
    bench.model.running = False
    return f"iovteamd ended by {number.name}"


def daemon_start(bench: Bench) -> str | None:
    bench.daemon.start()
    bench.model.running = True
    return "iovteamd started"


def daemon_restart(bench: Bench) -> str | None:
    bench.daemon.end(signal.SIGKILL)
    bench.daemon.start()
    return "iovteamd killed and started"


def daemon_stalled(bench: Bench) -> str | None:
    """Stopped while something happens, and resumed."""
    bench.daemon.pause()
    try:
        behind = [operation for operation in BEHIND if operation is not detach]
        done = [bench.random.choice(behind)(bench) for _ in range(2)]
    finally:
        bench.daemon.resume()
    bench.deaf = True
    return f"iovteamd stopped, {', '.join(filter(None, done))}, iovteamd resumed"


def several(bench: Bench) -> str | None:
    """A burst: nobody waits between. Only what ends alike in whatever order it is noticed."""
    operations = bench.random.choices(BURST, k=bench.random.randint(2, 5))
    return "; ".join(filter(None, (operation(bench) for operation in operations))) or None


BEHIND_WEIGHTS = {
    flap: 8, carrier_down: 8, carrier_up: 10, set_down: 5, set_up: 7, unplug: 4, plug: 8,
    replug: 3, move_away: 3, move_back: 5, rename_member: 4, change_mac: 3, change_mtu: 3,
    release: 3, team_mtu: 2, delete_bond: 1, change_bond: 4, detach: 2, team_down_up: 2,
    rename_team: 2,
}
BEHIND = list(BEHIND_WEIGHTS)
BURST = [flap, flap, carrier_down, carrier_up, carrier_up, unplug, plug, replug, move_away]
ASKED_WEIGHTS = {
    team_add: 6, team_remove: 1, member_add: 8, member_remove: 5, team_set: 3, switchover: 6,
    member_set: 5, drain: 3, restore: 4, refusals: 1, edit_good: 4, edit_bad: 1, daemon_end: 3, daemon_restart: 3, daemon_stalled: 3,
    several: 8,
}
DEAD_WEIGHTS = {daemon_start: 30, edit_good: 3}


def choose(bench: Bench, weights: dict[Callable, float]) -> Callable[[Bench], str | None]:
    """By the run's weights, among what is possible whether the daemon runs or not."""
    if bench.model.running and not bench.model.teams and bench.random.random() < 0.5:
        return team_add
    own = ASKED_WEIGHTS if bench.model.running else DEAD_WEIGHTS
    candidates: Sequence[Callable] = [*BEHIND_WEIGHTS, *own]
    return bench.random.choices(candidates, [weights.get(c, 0) if c is not daemon_start else
                                             DEAD_WEIGHTS[c] for c in candidates])[0]


def weights_of(random_: random.Random) -> dict[Callable, float]:
    """Each run has its own temper."""
    return {operation: weight * random_.choice((0.3, 1, 1, 2.5))
            for operation, weight in {**BEHIND_WEIGHTS, **ASKED_WEIGHTS}.items()}

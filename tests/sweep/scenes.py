# SPDX-License-Identifier: GPL-2.0-or-later
"""What is done while something fails. A scene has a base that it starts from, an act, and a way
back; an act that is a command returns its exit code and sentence, one that is an event nothing."""
from __future__ import annotations

import re

from bench import GUEST, HARMLESS, MEMBERS, REFUSING, TEAM, Bench, configuration
from state import JOURNAL, State

TWO, THREE = MEMBERS[:2], MEMBERS
# Nobody waits for a member, and the first one is primary.
QUICK = ("StableTimeMs=0", "HoldDownMaxMs=0", "ReturnIdleMs=1")
Outcome = tuple[int, str] | None


class Scene:
    """Base: the daemon runs, team0 is as @text says and has its first member as the primary."""

    name = ""
    text: str | None = configuration(TEAM, TWO, *QUICK)
    # What the act leads to is compared through blur() only.
    loose = False
    # The team is made anew each time: what drivers have said is remembered.
    anew = False
    # Of requests; others would not be failures here, but a kernel's answer with a meaning.
    errors: tuple[str, ...] | None = None

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def refused(self, before: State, after: State) -> list[State]:
        """What may be there when the act is refused."""
        return [before]

    def back(self) -> None:
        """To the base, from wherever the act has led."""
        bench = self.bench
        for member in [*bench.pulled]:
            bench.carrier(member, up=True)
        if not bench.alive:
            bench.start()
        if bench.waits:
            bench.must("cancel")
        bench.take_addresses()
        if self.anew:
            bench.write(TEAM, None)
            bench.reload()
        bench.write(TEAM, self.text)
        bench.reload()
        if self.text:
            bench.wait(lambda: bench.shows(TEAM, "up"), f"{TEAM} well")
            # Bonding looks at links ten times a second; until then it refuses.
            bench.wait(lambda: not bench.ask("Switchover", name=TEAM, member=MEMBERS[0]),
                       f"{MEMBERS[0]} the primary")

    def leave(self) -> None:
        """The files of the base away that the next scene does not know of."""

    def ready(self) -> None:
        """From the base to where the act can begin; what has a term."""

    def act(self) -> Outcome:
        raise NotImplementedError

    @staticmethod
    def blur(state: State) -> State:
        """A state without what depends on who is the primary: if one that leaves is taken back, it
        is that no more."""
        told = {key: value for key, value in state.items()
                if key not in (f"{TEAM} mac", f"{TEAM} active_slave", f"show {TEAM} mac",
                               f"show {TEAM} primary")}
        return {key: re.sub("True|False", "", value) if key.startswith(f"show {TEAM} member")
                else value for key, value in told.items()}


class Command(Scene):
    words: tuple[str, ...] = ()

    def act(self) -> Outcome:
        return self.bench.command(*self.words)


class Add(Command):
    name, text = "team add", None
    words = ("team", "add", TEAM, "--member", "m0", "--member", "m1")


class Remove(Command):
    name = "team remove"
    words = ("team", "remove", TEAM)


class Set(Command):
    name = "team set"
    words = ("team", "set", TEAM, "announce-count=3", "announce-interval-ms=200",
             "return-idle-ms=7")


class MemberAdd(Command):
    name = "member add"
    words = ("member", "add", TEAM, "m2")


class MemberRemove(Command):
    name, text = "member remove", configuration(TEAM, THREE, *QUICK)
    words = ("member", "remove", TEAM, "m2")


class PrimaryRemove(Command):
    name, text, loose = "primary remove", configuration(TEAM, THREE, *QUICK), True
    words = ("member", "remove", TEAM, "m0")


class Switchover(Command):
    name = "switchover"
    words = ("team", "switchover", TEAM, "--to", "m1")


class Reload(Command):
    """A changed file: a member leaves, one joins, settings differ. The file is the operator's, so
    it stays whatever becomes of it."""

    name = "reload"
    words = ("reload",)
    new = configuration(TEAM, ("m0", "m2"), *QUICK, "AnnounceCount=4")

    def back(self) -> None:
        super().back()
        self.bench.write(TEAM, self.new)


class Failover(Scene):
    name = "failover"

    def act(self) -> Outcome:
        self.bench.carrier("m0", up=False)
        return None


class Return(Scene):
    name = "return"

    def back(self) -> None:
        super().back()
        self.bench.carrier("m1", up=False)
        self.bench.wait(lambda: self.bench.shows(TEAM, "degraded"), "m1 lost")

    def act(self) -> Outcome:
        self.bench.carrier("m1", up=True)
        return None


class Start(Scene):
    """The daemon starts. It serves, or ends with exit code 1 and one sentence."""

    name = "start"
    text = None
    options: tuple[str, ...] = ()

    def back(self) -> None:
        super().back()
        self.bench.stop()

    def act(self) -> Outcome:
        bench = self.bench
        bench.begin(*self.options)
        bench.wait(lambda: not bench.alive or bench.ready(), "the daemon, to start")
        if bench.alive:
            return 0, ""
        code = bench.process.returncode
        bench.process = None
        errors = [line[3:] for line in bench.log() if line[:3] in ("<0>", "<1>", "<2>", "<3>")]
        return code, "\n".join(errors)


class StartMakes(Start):
    """It makes a team that is configured. If its first member can join at the second try only, the
    other one is the primary by then, and stays it."""

    name, loose = "start, make", True

    def back(self) -> None:
        super().back()
        self.bench.write(TEAM, configuration(TEAM, TWO, *QUICK))


class StartAdopts(Start):
    """It takes two teams over."""

    name = "start, adopt"
    text = configuration(TEAM, TWO, *QUICK)


# --- what waits to be confirmed (C5) ---

# A member that brings addresses, which it must have again if it is taken back.
UNCONFIRMED = ("member", "add", TEAM, "m2", "--take-addresses", "--confirm")
LONG = "600"


class ConfirmBegin(Command):
    name = "set, unless"
    words = ("team", "set", TEAM, "announce-count=5", "--confirm", LONG)


class Confirm(Command):
    name = "confirm"
    words: tuple[str, ...] = ("confirm",)

    def back(self) -> None:
        super().back()
        self.bench.give_addresses("m2")
        self.bench.must(*UNCONFIRMED, LONG)


class Cancel(Confirm):
    name = "cancel"
    words = ("cancel",)


class Expiry(Scene):
    """Nobody confirms: what was made is taken back."""

    name = "expiry"

    def back(self) -> None:
        super().back()
        self.bench.give_addresses("m2")

    def ready(self) -> None:
        self.bench.must(*UNCONFIRMED, "1")

    def act(self) -> Outcome:
        # Without asking the daemon, whose answers would count as well.
        self.bench.wait(lambda: not (self.bench.config / JOURNAL).exists(), "the term to end")
        return None


class StartTakesBack(Start):
    """What an earlier run has left unconfirmed. Files go back first; a start that fails later leaves
    the rest to the next one."""

    name = "start, undo"
    text = configuration(TEAM, TWO, *QUICK)

    def refused(self, before: State, after: State) -> list[State]:
        files = {key: after[key] for key in after if key.startswith("file ")}
        return [before, {**before, **files}]

    def back(self) -> None:
        Scene.back(self)
        self.bench.give_addresses("m2")
        self.bench.must(*UNCONFIRMED, LONG)
        self.bench.stop()


# --- addresses that move (T1) ---

class TakeAddresses(Command):
    name, text = "take addresses", None
    words = ("team", "add", TEAM, "--member", "m0", "--member", "m1", "--take-addresses")

    def back(self) -> None:
        super().back()
        self.bench.give_addresses("m1")


class GiveAddresses(Command):
    name = "give addresses"
    words = ("team", "remove", TEAM, "--give-addresses", "m1")

    def back(self) -> None:
        super().back()
        self.bench.give_addresses(TEAM)


# --- one MAC (T8 `team`) ---

class OneMac(Failover):
    """The new primary takes the team's MAC over. What a lost one has until it is back depends on
    who of the daemon and bonding was first."""

    name, text = "one mac", configuration(TEAM, THREE, *QUICK, "MacPolicy=team")
    loose = True
    errors = ("ENOMEM", "ENOBUFS")  # others say that the MAC is not permitted

    @staticmethod
    def blur(state: State) -> State:
        return {key: value for key, value in state.items() if key != f"{MEMBERS[0]} mac"}


class OneMacRefused(OneMac):
    """The first that should may not, so the next one does."""

    name, anew = "mac refused", True
    text = configuration(TEAM, ("m0", REFUSING, "m2"), *QUICK, "MacPolicy=team")

    def back(self) -> None:
        self.bench.refuse(HARMLESS)
        super().back()
        self.bench.refuse(self.bench.mac(GUEST, TEAM))


class OneMacSwitchover(Switchover):
    name, text = "mac switchover", OneMac.text


TEAM_SCENES = (Start, StartMakes, StartAdopts, StartTakesBack, Add, MemberAdd, MemberRemove,
               PrimaryRemove, Set, Reload, Switchover, Failover, Return, ConfirmBegin, Confirm,
               Cancel, Expiry, TakeAddresses, GiveAddresses, OneMac, OneMacRefused,
               OneMacSwitchover, Remove)

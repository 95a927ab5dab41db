# SPDX-License-Identifier: GPL-2.0-or-later
"""What is done while something fails. A scene has a base that it starts from, an act, and a way
back; an act that is a command returns its exit code and sentence, one that is an event nothing."""
from __future__ import annotations

import re

from bench import MEMBERS, TEAM, Bench, configuration
from state import State

TWO, THREE = MEMBERS[:2], MEMBERS
# Nobody waits for a member, and the first one is primary.
QUICK = ("StableTimeMs=0", "HoldDownMaxMs=0", "ReturnIdleMs=1")
Outcome = tuple[int, str] | None


class Scene:
    """Base: the daemon runs, team0 is as @text says and has its first member as the primary."""

    name = ""
    text: str | None = configuration(TEAM, TWO, *QUICK)
    # The primary leaves. If it is taken back, it is not the primary any more.
    loose = False

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def back(self) -> None:
        """To the base, from wherever the act has led."""
        bench = self.bench
        for member in [*bench.pulled]:
            bench.carrier(member, up=True)
        if not bench.alive:
            bench.start()
        bench.write(TEAM, self.text)
        bench.must("reload")
        if self.text:
            bench.wait(lambda: bench.shows(TEAM, "up"), f"{TEAM} well")
            # Bonding looks at links ten times a second; until then it refuses.
            bench.wait(lambda: bench.command("team", "switchover", TEAM, "--to", MEMBERS[0])[0]
                       == 0, f"{MEMBERS[0]} the primary")

    def act(self) -> Outcome:
        raise NotImplementedError

    @staticmethod
    def blur(state: State) -> State:
        """A state without what depends on who is the primary."""
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
    """It makes a team that is configured."""

    name = "start, make"

    def back(self) -> None:
        super().back()
        self.bench.write(TEAM, configuration(TEAM, TWO, *QUICK))


class StartAdopts(Start):
    """It takes two teams over."""

    name = "start, adopt"
    text = configuration(TEAM, TWO, *QUICK)


SCENES = (Start, StartMakes, StartAdopts, Add, MemberAdd, MemberRemove, PrimaryRemove, Set, Reload,
          Switchover, Failover, Return, Remove)

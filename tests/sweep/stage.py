# SPDX-License-Identifier: GPL-2.0-or-later
"""One scene: what it is like when nothing fails, and what each failure makes of it."""
from __future__ import annotations

import errno
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench import MEMBERS, TEAM, Bench, Broken
from fault import KILLS
from scenes import Outcome, Scene, Start
from state import State

AFTERWARDS_S = 0.15  # what an act leaves to be done later: comparing comes 20 ms after events
PUT_RIGHT_S = 0.6    # longer than this, and the daemon has tried once more
# A client that gets no answer cannot know whether the change was made.
UNANSWERED = ("closed the connection", "no memory for the answer")
LEAK_BLOCKS = 40
KILL = "KILL"  # in the place of an errno: the daemon dies at that point


def number(error: str) -> int:
    return KILLS if error == KILL else getattr(errno, error)


class Finding(Exception):
    """A point that was not clean."""


@dataclass
class Round:
    """Points of one kind, failed with one errno."""

    scene: str
    kind: str
    error: str
    sites: list[int]
    failed: int = 0     # points that were failed, and were clean
    refused: int = 0    # of them: the command, or the start
    put_right: int = 0  # of them: the daemon needed another try
    missed: int = 0     # this time the act was over before
    findings: list[str] = field(default_factory=list)

    def distinct(self, each: int = 1) -> list[int]:
        """Of each call stack so many points: the first, and others evenly up to the last."""
        stacks: dict[int, list[int]] = {}
        for number, site in enumerate(self.sites, 1):
            stacks.setdefault(site, []).append(number)
        return sorted({points[place * (len(points) - 1) // max(1, each - 1)]
                       for points in stacks.values() for place in range(each)})


class Stage:
    def __init__(self, bench: Bench, scene: Scene) -> None:
        self.bench, self.scene = bench, scene
        self.live: int | None = 0
        self.before: State = {}
        self.after: State = {}
        self._learn()

    def _learn(self) -> None:
        """The states before and after the act."""
        self.scene.back()
        for _ in range(2):  # the first time is not like the others: libraries keep things
            self.before = self.bench.steady()
            self.live = self.bench.fault.live
            self._act_unharmed()
            self.after = self.bench.steady()
            self.scene.back()
        amiss = self.bench.settle(self.before)
        if amiss:
            raise Broken(f"{self.scene.name}: the way back does not lead there:\n      "
                         + "\n      ".join(amiss))

    def _act_unharmed(self) -> None:
        self.scene.ready()
        self._must_act()

    def _must_act(self) -> None:
        outcome = self.scene.act()
        if outcome not in (None, (0, "")):
            raise Finding(f"without a failure: {outcome}")

    def round(self, kind: str, error: str) -> Round:
        """Counts the points."""
        self.scene.ready()
        self.bench.fault.count(kind)
        self._must_act()
        self._linger(lambda: False)
        self.bench.fault.disarm()
        sites = self.bench.fault.sites()
        self._back()
        return Round(self.scene.name, kind, error, sites)

    def _linger(self, enough) -> None:
        end = time.monotonic() + AFTERWARDS_S
        while time.monotonic() < end and not enough():
            self.bench.pause()

    # --- one failure ---

    def fail(self, now: Round, point: int) -> None:
        """Fails one point. A finding is noted, and the base is made anew."""
        fault = self.bench.fault
        try:
            self._try(now, point)
            now.failed += fault.failed
            now.missed += not fault.failed
        except (Finding, Broken, OSError, ValueError, KeyError) as error:
            fault.disarm()
            now.findings.append(
                f"{self.scene.name}, {now.kind} {point} of {len(now.sites)} "
                f"({fault.what()}, {now.error}): {error}\n    at "
                + " < ".join(names(fault.stack())))
            print(now.findings[-1], file=sys.stderr, flush=True)
            self._recover()

    def _try(self, now: Round, point: int) -> None:
        bench, fault = self.bench, self.bench.fault
        self.scene.ready()
        fault.arm(now.kind, number(now.error), point)
        outcome = self.scene.act()
        self._linger(lambda: fault.failed)
        fault.disarm()
        if now.error == KILL and fault.failed:
            expected = self._start_again(outcome)
            outcome = None
        else:
            expected = self._expected(outcome)
        acted = time.monotonic()
        self._settle(expected, str(outcome or "event"))
        now.put_right += time.monotonic() - acted > PUT_RIGHT_S
        self._check_traffic()
        if outcome and outcome[0]:
            now.refused += 1
            self._try_again(outcome)
        self._back()

    def _expected(self, outcome: Outcome) -> list[State]:
        """The states that may follow; the first is what should."""
        if outcome is None or outcome[0] == 0:
            return [self.after]
        code, sentence = outcome
        if code != 1 or "\n" in sentence or not sentence:
            raise Finding(f"exit code {code}, and {sentence!r}")
        if any(text in sentence for text in UNANSWERED):
            return [self.before, self.after]
        return self.scene.refused(self.before, self.after)

    def _start_again(self, outcome: Outcome) -> list[State]:
        """The daemon has died: the next one goes on from what is in files. A command that got no
        answer may have been carried out; an event's outcome, and that of a start, is the same."""
        bench = self.bench
        bench.wait(lambda: not bench.alive, "the daemon, to die")
        for draft in bench.config.glob("*.new"):
            draft.unlink()  # nobody reads it, and the next to write it begins anew
        bench.start()
        self.live = None
        if outcome is None or outcome[0] == 0 or isinstance(self.scene, Start):
            return [self.after]
        return [self.before, self.after]

    def _settle(self, wanted: list[State], what: str) -> None:
        if self.scene.loose:
            wanted = [self.scene.blur(state) for state in wanted]
        amiss = self.bench.settle(*wanted, blur=self.scene.blur if self.scene.loose else None)
        if amiss:
            raise Finding("\n      ".join([f"{what}, then", *amiss[:12]]))

    def _try_again(self, outcome: tuple[int, str]) -> None:
        """The same once more, from the base, must do what it always does."""
        if any(text in outcome[1] for text in UNANSWERED):
            self._back()
        again = self.scene.act()
        if again != (0, ""):
            raise Finding(f"{outcome}, and the next try: {again}")
        self._settle([self.after], "the next try")

    def _back(self) -> None:
        self.scene.back()
        amiss = self.bench.settle(self.before)
        if amiss:
            raise Finding("\n      ".join(["on the way back", *amiss[:12]]))
        self._check_traffic()
        if self.live is None:  # another process than the one that was learnt
            self.live = self.bench.fault.live
        grown = self.bench.fault.live - self.live
        if self.bench.alive and grown > LEAK_BLOCKS:
            self.live = self.bench.fault.live
            raise Finding(f"{grown} blocks of memory more than before")

    def _check_traffic(self) -> None:
        wrong = self.bench.traffic.settle() if self.bench.traffic else []
        if wrong:
            raise Finding("; ".join(wrong))

    def _recover(self) -> None:
        """After a finding: devices as they were, and a daemon that knows nothing of it. If that
        cannot be, everything anew."""
        try:
            self._clean()
            self.scene.back()
            amiss = self.bench.settle(self.before)
        except (Broken, OSError, ValueError, KeyError) as error:
            amiss = [str(error)]
        if amiss:
            print("    everything anew: " + "; ".join(amiss[:4]), file=sys.stderr, flush=True)
            self.bench = self.scene.bench = self.bench.anew()
            self._learn()
        if self.bench.traffic:
            self.bench.traffic.settle()
        self.live = self.bench.fault.live

    def _clean(self) -> None:
        bench = self.bench
        bench.stop()
        for name in (TEAM, *bench.host.files):
            bench.write(name, None)
        commands = [f"ip link delete {TEAM}", f"rm -rf {bench.pins / TEAM}",
                    *bench.host.clean(bench.pins)]
        for member in MEMBERS:
            commands += [f"tc qdisc delete dev {member} clsact",
                         f"ip link set {member} {'down' if member == MEMBERS[0] else 'up'}"]
        subprocess.run(["sh", "-c", "; ".join(commands)], check=False, capture_output=True)
        bench.start()


def names(stack: list[str]) -> list[str]:
    """Functions in the place of offsets, as far as there are symbols."""
    found = []
    for entry in stack[:14]:
        path, _, offset = entry.rpartition("+")
        told = subprocess.run(["addr2line", "-fse", path, hex(int(offset, 16) - 1)],
                              capture_output=True, text=True, check=False).stdout.split("\n")
        known = told and told[0] not in ("", "??")
        found.append(f"{told[0]} ({told[1]})" if known else Path(path).name + "+" + offset)
    return found

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The model test itself: runs in the lab's VM. tests/model/run starts it there.

    driver.py --build DIR --seed N --operations M [--verbose]

Does M operations that the seed chooses. After each it waits until everything is as the model says
and traffic flows, for a bound; what is still wrong then is told with the operations that led there,
and the exit status is 1. The same seed does the same operations again.
"""
from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import kernel  # noqa: E402
import operations  # noqa: E402
from daemon import Daemon, Refusal  # noqa: E402
from invariants import check_all, primaries  # noqa: E402
from model import GUEST, Model  # noqa: E402
from operations import Bench, Broken  # noqa: E402
from traffic import Prober  # noqa: E402
from world import GUEST_NAMESPACE, World  # noqa: E402

# Seconds. The daemon looks every 5 s for what has no event; the rest is for an emulated machine
# on a busy one. What failed is tried again after 1, 2, 4 … s.
CONVERGED_BY = 25
FLOWS_BY = 15
SLOW = 2  # worth a word
PROGRESS = 100  # operations
DESCRIPTORS_PER_TEAM = 16  # its maps and programs, at most
DESCRIPTORS_PER_MEMBER = 12
MEMORY_KIB = 32768  # of a daemon with two teams, at most
BPFFS = "/sys/fs/bpf/iovteam-model"


class Run:
    def __init__(self, build: Path, seed: int, verbose: bool) -> None:
        self.random = random.Random(seed)
        self.verbose, self.seed = verbose, seed
        self.directory = Path(tempfile.mkdtemp(prefix="iovteam-model-"))
        program = next(p for p in (build / "src/daemon/iovteamd", build / "iovteamd") if p.is_file())
        self.model, self.world = Model(), World()
        self.daemon = Daemon(program, self.directory, BPFFS)
        self.bench = Bench(self.model, self.world, self.daemon, self.random)
        self.done: list[str] = []
        self.descriptors = 0  # of a daemon without teams
        self.waited = {"converging": 0.0, "flowing": 0.0}
        self.primaries: dict[str, str] = {}
        self.carried: set[int] = set()  # teams that the traffic knows
        self.memory = 0  # the most that a daemon has had, KiB

    # --- life ---

    def open(self) -> None:
        self.world.make()
        kernel.enter(GUEST_NAMESPACE)
        self.traffic = Prober()
        self.daemon.start()
        self.model.running = True
        self.descriptors = self.daemon.descriptors()
        for device in self.model.devices:
            self.world.plug(device, f"m{device.cable}", self.world.new_mac(device.cable))

    def close(self) -> None:
        if hasattr(self, "traffic"):
            self.traffic.close()
        if self.daemon.alive:
            self.daemon.end(signal.SIGKILL)
        self.world.close()
        kernel.run("rm", "-rf", BPFFS, self.directory)

    # --- one operation ---

    def step(self, number: int, weights: dict) -> None:
        text = None
        while not text:
            operation = operations.choose(self.bench, weights)
            text = operation(self.bench)
        self.done.append(f"{number:4} {text}")
        if self.verbose:
            print(f"{time.monotonic():9.2f} {self.done[-1]}", flush=True)
        self.model.reconcile()
        if self.model.running:
            self.converge()
            self.watch_resources()
            self.bench.deaf = False
        self.flow()

    def converge(self) -> None:
        begin, last = time.monotonic(), []
        while True:
            try:
                problems = check_all(self.model, self.daemon)
            except (OSError, kernel.CommandFailed, KeyError, Refusal) as error:
                problems = [f"looking: {error!r}"]  # something went while it was looked at
            if not problems:
                break
            last = problems
            if not self.daemon.alive:
                raise Broken(f"iovteamd has ended: {self.daemon.tail()}")
            if time.monotonic() > begin + CONVERGED_BY:
                raise Broken("\n".join(problems))
            time.sleep(0.02)
        took = time.monotonic() - begin
        self.waited["converging"] += took
        if self.verbose and took > SLOW:
            print(f"          {took:.1f} s until right: {'; '.join(last[:4])}", flush=True)
        now = primaries(self.daemon)
        self.compare_primaries(now)
        self.primaries = now
        self.bench.disturbed.clear()

    def compare_primaries(self, now: dict[str, str]) -> None:
        """T7: who is primary stays it, unless something was done to it."""
        for name, before in self.primaries.items():
            team = self.model.teams.get(name)
            device = team and team.slots.get(before)
            if device and device.usable and device.cable not in self.bench.disturbed \
                    and team.rank(before) == 0 and now[name] != before:
                raise Broken(f"the primary of {name} is {now[name]} and was {before}, "
                             "which is well and was left alone")

    def flow(self) -> None:
        """Traffic flows through each team with a member that is well, and nothing came twice."""
        teams = {team.number: team for team in self.model.teams.values()}
        gone, new = self.carried - set(teams), set(teams) - self.carried
        for team in teams.values():
            if team.exists:
                kernel.attempt(GUEST_NAMESPACE, f"address replace 10.0.{team.number}.10/24 "
                                                f"dev {team.interface}")
        expected = [number for number, team in teams.items()
                    if team.exists and team.up and self.carries(team)]
        if self.bench.deaf:
            expected = []
        told = self.traffic.ask(drop=sorted(gone), add=sorted(new), teams=expected, bound=FLOWS_BY)
        self.carried = set(teams)
        if told["missing"]:
            raise Broken(f"no traffic in {FLOWS_BY} s: {', '.join(told['missing'])}")
        self.waited["flowing"] += told["took"]
        if self.verbose and told["took"] > SLOW:
            print(f"          {told['took']:.1f} s until traffic flowed: "
                  f"{', '.join(told['last'])}", flush=True)
        if not self.bench.unguarded:
            for what in ("duplicates", "misplaced"):
                if told[what]:
                    raise Broken(f"{what}: {'; '.join(told[what][:20])}")
        if self.model.running:
            self.bench.unguarded = False

    def carries(self, team) -> bool:
        return bool(team.usable)

    def watch_resources(self) -> None:
        teams = self.model.teams.values()
        most = self.descriptors + sum(DESCRIPTORS_PER_TEAM + DESCRIPTORS_PER_MEMBER * len(team.members)
                                 for team in teams)
        if (used := self.daemon.descriptors()) > most:
            raise Broken(f"iovteamd has {used} descriptors open; {most} at most are expected")
        if (used := self.daemon.memory_kib()) > MEMORY_KIB:
            raise Broken(f"iovteamd has {used} KiB of memory; {MEMORY_KIB} at most are expected")
        self.memory = max(self.memory, used)

    # --- the end ---

    def finish(self) -> None:
        """Everything is given back, and nothing is left."""
        if not self.model.running:
            operations.daemon_start(self.bench)
            self.model.reconcile()
        self.converge()
        for team in [*self.model.teams.values()]:
            self.daemon.call("RemoveTeam", name=team.name)
            self.model.remove_team(team)
        self.done.append("     all teams removed")
        self.converge()
        self.watch_resources()
        self.daemon.end(signal.SIGTERM)
        self.model.running = False
        problems = [*(f"left: program {program}" for program in self.left_programs()),
                    *(f"left: {path}" for path in Path(BPFFS).glob("**/*")),
                    *(f"left: {path}" for path in self.daemon.config.iterdir())]
        for name in self.left_qdiscs():
            problems.append(f"left: clsact at {name}")
        if problems:
            raise Broken("\n".join(problems))

    @staticmethod
    def left_programs() -> list[str]:
        """The kernel frees programs a moment after their last user."""
        end = time.monotonic() + 5
        while (left := kernel.our_programs()) and time.monotonic() < end:
            time.sleep(0.1)
        return left

    def left_qdiscs(self) -> list[str]:
        shown = kernel.run("tc", "qdisc", "show")
        return [line for line in shown.splitlines() if "clsact" in line]

    def report(self, broken: BaseException) -> None:
        print(f"\nBROKEN after {len(self.done)} operations, seed {self.seed}: {broken}\n")
        print("operations:\n" + "\n".join(self.done[-40:]))
        for what in (["ip", "-d", "link"], ["bpftool", "net"]):
            print(kernel.run(*what, check=False))
        if self.daemon.alive:
            try:
                import json
                print(json.dumps(self.daemon.call("Show"), indent=1))
            except (OSError, Refusal) as error:
                print(f"iovteamd: {error!r}")
        print(f"log of iovteamd:\n{self.daemon.tail()}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--operations", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=1e9, help="stop after so long")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    run = Run(options.build, options.seed, options.verbose)
    begin = time.monotonic()
    try:
        run.open()
        weights = operations.weights_of(run.random)
        run.flow()
        number = 0
        while number < options.operations and time.monotonic() - begin < options.seconds:
            number += 1
            run.step(number, weights)
            if number % PROGRESS == 0:
                print(f"{number} of {options.operations} operations", flush=True)
        run.finish()
    except Exception as error:  # whatever it is, it must be replayable
        run.report(error)
        if not isinstance(error, Broken):
            raise
        return 1
    finally:
        run.close()
    took = time.monotonic() - begin
    print(f"seed {options.seed}: {number} operations in {took:.0f} s "
          f"({number / took:.1f} per second), no invariant broken; converging took "
          f"{run.waited['converging']:.0f} s, flowing {run.waited['flowing']:.0f} s; "
          f"at most {run.memory} KiB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

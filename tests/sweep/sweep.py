#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Inside the VM, or --here: fails allocations and requests to the kernel of the daemon, one after the other.

For each scene the points are counted once. Then each point fails, once, and after it

  - the daemon lives, or, at its start, has ended with exit code 1 and one sentence;
  - the command has said one sentence, with exit code 1, and all is as it was before;
    or it has said nothing, and all is as wanted;
  - the daemon says the same of itself as always, and holds no descriptor more;
  - another team's traffic has lost nothing, and nothing came twice;
  - the same act without a failure does what it always does.

Prints a line of JSON for each scene, kind of points and errno.
"""
from __future__ import annotations

import argparse
import dataclasses
import fcntl
import json
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench import Bench  # noqa: E402
from host_scenes import HOST_SCENES  # noqa: E402
from scenes import TEAM_SCENES, Scene  # noqa: E402
from stage import Round, Stage  # noqa: E402

SCENES = (*TEAM_SCENES, *HOST_SCENES)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True, help="the directory with iovteamd")
    parser.add_argument("--library", type=Path, required=True, help="fault.so")
    parser.add_argument("--scene", action="append", choices=[scene.name for scene in SCENES])
    parser.add_argument("--kind", action="append", choices=["requests", "allocations"])
    parser.add_argument("--error", action="append", help="of requests; default ENOMEM; KILL: the daemon dies there")
    parser.add_argument("--each", type=int, help="so many points of each call stack; default all")
    parser.add_argument("--once", action="store_true",
                        help="of each call stack one point in all, and not in each scene")
    parser.add_argument("--point", type=int, action="append")
    parser.add_argument("--count", action="store_true", help="count the points, fail none")
    parser.add_argument("--here", action="store_true",
                        help="on this machine, which may have no bonding: the scenes of a host")
    parser.add_argument("--seconds", type=float, help="a sample that takes about so long")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    return parser.parse_args()


def scenes(options: argparse.Namespace) -> list[type[Scene]]:
    return [make for make in (HOST_SCENES if options.here else SCENES)
            if not options.scene or make.name in options.scene]


def rounds(options: argparse.Namespace, scene: type[Scene]) -> list[tuple[str, str]]:
    errors = {"requests": options.error or ["ENOMEM"], "allocations": ["ENOMEM"]}
    return [(kind, error) for kind in options.kind or errors for error in errors[kind]
            if scene.errors is None or error in scene.errors]


def chosen(now: Round, options: argparse.Namespace, failed: set[tuple[str, str, int]]) -> list[int]:
    """The points of a round. @failed: kind, errno and call stack of those of earlier rounds."""
    if options.count:
        return []
    if options.point:
        return options.point
    points = (now.distinct(options.each or 1) if options.each or options.once
              else list(range(1, len(now.sites) + 1)))
    stacks = {point: (now.kind, now.error, now.sites[point - 1]) for point in points}
    if options.once:
        points = [point for point in points if stacks[point] not in failed]
    failed.update(stacks.values())
    return points


def report(now: Round, begin: float) -> None:
    told = dataclasses.asdict(now)
    del told["sites"]
    told.update(points=len(now.sites), stacks=len(now.distinct()),
                seconds=round(time.monotonic() - begin, 1))
    print(json.dumps(told), flush=True)


class Stages:
    """One after the other, at a bench that a stage may have had to make anew."""

    def __init__(self, bench: Bench) -> None:
        self._first, self._stage = bench, None

    @property
    def bench(self) -> Bench:
        return self._stage.bench if self._stage else self._first

    def make(self, scene: type[Scene]) -> Stage:
        if self._stage:
            self._stage.scene.leave()
        self._stage = Stage(self.bench, scene(self.bench))
        return self._stage


def sweep(stages: Stages, options: argparse.Namespace) -> int:
    """All that was chosen. Returns how many points were not clean."""
    bad, failed = 0, set()
    for make in scenes(options):
        stage = stages.make(make)
        for kind, error in rounds(options, make):
            begin = time.monotonic()
            now = stage.round(kind, error)
            for point in chosen(now, options, failed):
                stage.fail(now, point)
            report(now, begin)
            bad += len(now.findings)
    return bad


def sample(stages: Stages, options: argparse.Namespace) -> int:
    """Points of different call stacks, scene by scene, each for its share of the time."""
    chance = random.Random(options.seed)
    end = time.monotonic() + options.seconds
    makes = scenes(options)
    chance.shuffle(makes)
    bad = 0
    for number, make in enumerate(makes):
        if time.monotonic() > end:
            break
        share = time.monotonic() + (end - time.monotonic()) / (len(makes) - number)
        stage = stages.make(make)
        kinds = [stage.round(kind, error) for kind, error in rounds(options, make)]
        points = [(now, point) for now in kinds for point in now.distinct()]
        begin = time.monotonic()
        chance.shuffle(points)
        for now, point in points:
            stage.fail(now, point)
            if time.monotonic() > share:
                break
        for now in kinds:
            report(now, begin)
            bad += len(now.findings)
    return bad


def main() -> int:
    options = arguments()
    with open("/tmp/iovteam-sweep.lock", "wb") as alone:  # names are the same in each sweep
        fcntl.flock(alone, fcntl.LOCK_EX)
        return run(options)


def run(options: argparse.Namespace) -> int:
    stages = Stages(Bench(options.build, options.library, not options.here))
    try:
        return 1 if (sample if options.seconds else sweep)(stages, options) else 0
    finally:
        stages.bench.close()


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What `make lab RUNS=20` adds to build/results/lab.json, as its "figures".

The story in the lab has each event once. Here each comes many times, beside the peers: carriers
that are lost, with the carrier program and without it, a second one soon after the first
(failover.py); paths that die in silence, virtual functions that vanish, and probing while all
processors are busy, in which no failover is right (silent.py).
"""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from command import ERRORS, Screen, parser_of
import failover
import silent

# Members, ms from the first lost carrier to the second one (0 = there is none), and of whom.
LINKS = [(2, 0, "iovteam,events,ab,team"),
         *((3, ms, "iovteam,events,ab,xor") for ms in (10, 100, 500))]


def links(args: argparse.Namespace, build: Path, screen: Screen) -> list[dict[str, Any]]:
    rows = []
    for args.members, args.second_ms, args.only in LINKS:
        screen.line(f"a carrier, and {args.second_ms} ms later another one" if args.second_ms
                    else "a carrier")
        results = failover.run(args, build, screen)
        for line in failover.lines(results):
            screen.line(line)
        rows += failover.rows(results)
    return rows


def paths(args: argparse.Namespace, build: Path, screen: Screen) -> dict[str, Any]:
    screen.line("paths behind a carrier that stays, virtual functions that vanish")
    results = silent.run(args, build, args.runs, args.soak, screen)
    for line in silent.lines(results):
        screen.line(line)
    return {name: results[name] for name in ("silent", "soak") if name in results}


def write(path: Path, figures: dict[str, Any]) -> None:
    """Beside what the story has left there."""
    story = json.loads(path.read_text()) if path.exists() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**story, "figures": figures}, indent=1) + "\n")


def arguments() -> argparse.Namespace:
    parser = parser_of(__doc__)
    parser.add_argument("--runs", type=int, default=20, help="of each event (default: 20)")
    parser.add_argument("--soak", type=int, default=600, metavar="SECONDS",
                        help="of probing with busy processors (default: 600; 0: none)")
    return parser.parse_args()


def main() -> int:
    args, screen = arguments(), Screen()
    build = args.build.resolve()
    path = build / "results" / "lab.json"
    args.tick_us = 0
    figures: dict[str, Any] = {"runs": args.runs}
    try:
        figures["failover"] = links(args, build, screen)
        write(path, figures)  # kept if what follows fails
        args.only = ""
        figures |= paths(args, build, screen)
    except ERRORS as error:
        screen.line(f"figures: {error}")
        return 1
    write(path, figures)
    screen.line(f"all numbers: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

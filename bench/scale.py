#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How iovteam grows: members of a team, teams of a guest, adapters of a host.

For each number: the daemon's memory and that of its maps in the kernel, the time that a reload
takes to make all of it, and the time from a lost link until the kernel sends elsewhere, or, of
adapters, until the last guest of the switch has lost its carrier. scale_inside.py measures, in the
lab's VM. All goes to build/results/scale.json.
"""
from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from command import CLONE, Screen, compare, parser_of
from lab import Lab

# What, how many, members of each.
SIZES = [("teams", 1, 1), ("teams", 1, 2), ("teams", 1, 8), ("teams", 1, 32), ("teams", 16, 2),
         ("teams", 64, 2), ("teams", 256, 2), ("adapters", 2, 2), ("adapters", 100, 2),
         ("adapters", 1000, 2)]
LONG_S = 1800


def named(row: dict[str, Any]) -> str:
    if row["what"] == "adapters":
        return f"{row['count']} adapters"
    return f"{row['count']} team{'s' * (row['count'] > 1)} of {row['members']}"


def table(rows: list[dict[str, Any]]) -> list[str]:
    lines = [f"{'':16}  {'daemon':>9}  {'maps':>9}  {'made in':>9}  {'one lost':>9}  {'all lost':>9}",
             f"{'':16}  {'KiB':>9}  {'KiB':>9}  {'ms':>9}  {'ms':>9}  {'ms':>9}"]
    for row in rows:
        lost = f"{statistics.median(row['failover_ms']):9.1f}" if row["failover_ms"] else f"{'':>9}"
        everything = f"{row['failover_all_ms']:9.1f}" if row["failover_all_ms"] else f"{'':>9}"
        lines.append(f"{named(row):16}  {row['memory_kib']:9}  {row['maps_kib']:9.0f}  "
                     f"{row['apply_ms']:9.0f}  {lost}  {everything}")
    return lines


def run(args: argparse.Namespace, build: Path, screen: Screen) -> list[dict[str, Any]]:
    rows = []
    with Lab(kernel=args.kernel, progress=screen.progress) as lab:
        lab.host.run(["modprobe", "-a", "bridge", "bonding"])
        for what, count, members in SIZES:
            screen.progress(f"{count} {what}, {members} members")
            out = lab.host.run(["/usr/bin/python3", "-IS", str(CLONE / "bench/scale_inside.py"),
                                "--build", str(build), what, str(count), str(members)],
                               timeout=LONG_S).out
            rows.append(json.loads(out))
            screen.line(table(rows)[-1])
    return rows


def main() -> int:
    args = parser_of(__doc__).parse_args()
    return compare("scale", args.build, lambda build, screen: run(args, build, screen), table)


if __name__ == "__main__":
    sys.exit(main())

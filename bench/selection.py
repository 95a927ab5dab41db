#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the choice of a member costs alone: iovteam's program, and DPDK's bonding driver.

On this machine itself, not in the lab: nothing is emulated. DPDK's function is built from Debian's
package, which lab/setup has unpacked into its cache; where that is not, there is no row of DPDK's
but the reason. All goes to build/results/selection.json.
"""
from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from command import Screen, compare, parser_of

HERE = Path(__file__).parent
DPDK = Path(os.environ.get("IOVTEAM_LAB_CACHE", "/var/cache/iovteam-lab")) / "dpdk"
MULTIARCH = "x86_64-linux-gnu"
TITLES = {"iovteam": "iovteam: the sending program, whole", "empty": "a program that does nothing",
          "dpdk": "DPDK net/bonding, layer34: hash and member"}
WAIT_S = 120
TURNS = 5


def output(*words: object) -> str:
    return subprocess.run(list(map(str, words)), text=True, check=True, timeout=WAIT_S,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


def build_dpdk(build: Path) -> Path:
    """Static libraries: the function is not in the shared one's interface."""
    program = build / "bench/dpdk-selection"
    libraries = sorted((DPDK / f"usr/lib/{MULTIARCH}").glob("librte_*.a"))
    output("gcc", "-O2", "-march=corei7", f"-I{DPDK}/usr/include", f"-I{DPDK}/usr/include/dpdk",
           f"-I{DPDK}/usr/include/{MULTIARCH}/dpdk", HERE / "dpdk_selection.c", "-o", program,
           "-Wl,--start-group", *libraries, "-Wl,--end-group",
           "-l:libbsd.so.0", "-l:libnuma.so.1", "-lm")
    return program


def run(build: Path, screen: Screen) -> list[dict[str, Any]]:
    """As bench.json has them. Each program several times: where the kernel puts a program's code
    is another place each time, and that alone makes a difference."""
    programs = [build / "selection-meter"]
    rows: list[dict[str, Any]] = []
    if DPDK.is_dir():
        screen.progress("building DPDK's function")
        programs.append(build_dpdk(build))
    else:
        rows.append({"what": "dpdk", "n/a": "no DPDK: lab/setup bench unpacks it"})
    found: dict[str, list[dict[str, Any]]] = {}
    for turn in range(TURNS):
        screen.progress(f"turn {turn + 1} of {TURNS}")
        for line in "".join(map(output, programs)).splitlines():
            one = json.loads(line)
            found.setdefault(one["what"], []).append(one)
    return [summed_up(what, turns) for what, turns in found.items()] + rows


def summed_up(what: str, turns: list[dict[str, Any]]) -> dict[str, Any]:
    return {"what": what, "ns_min": min(one["ns_min"] for one in turns),
            "ns_p50": statistics.median(one["ns_p50"] for one in turns),
            "ns_p50_max": max(one["ns_p50"] for one in turns)}


def table(rows: list[dict[str, Any]]) -> list[str]:
    """In Markdown."""
    lines = ["| | ns for a frame: cheapest run | median: of all turns, of the dearest |",
             "| --- | --- | --- |"]
    for row in rows:
        values = (f"n/a: {row['n/a']} |" if "n/a" in row
                  else f"{row['ns_min']:.1f} | {row['ns_p50']:.1f}, {row['ns_p50_max']:.1f}")
        lines.append(f"| {TITLES[row['what']]} | {values} |")
    return lines


def main() -> int:
    return compare("selection", parser_of(__doc__).parse_args().build, run, table)


if __name__ == "__main__":
    sys.exit(main())

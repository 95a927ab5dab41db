# SPDX-License-Identifier: GPL-2.0-or-later
"""What the comparisons' command lines share: options, progress, and the end: a table for people and
a file in build/results with all numbers."""
from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

CLONE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CLONE))

from lab import CommandFailed, LabError  # noqa: E402

ERRORS = (LabError, CommandFailed, RuntimeError, OSError, subprocess.SubprocessError)
ONLY = "those only whose key in README.md begins so, with commas between: iovteam,ab"


class Screen:
    """Lines, and one that is written over on a terminal."""

    def __init__(self) -> None:
        self._terminal, self._last = sys.stdout.isatty(), 0.0

    def line(self, text: str = "") -> None:
        print(("\r\033[K" if self._terminal else "") + text, flush=True)

    def progress(self, text: str) -> None:
        if self._terminal:
            print(f"\r\033[K{text}", end="", flush=True)
        elif time.monotonic() - self._last > 30:
            self._last = time.monotonic()
            print(text, flush=True)


def parser_of(doc: str) -> argparse.ArgumentParser:
    """With the options of every comparison: which kernel, and what is compared."""
    parser = argparse.ArgumentParser(description=doc.split("\n\n")[0])
    parser.add_argument("--kernel", default=os.environ.get("IOVTEAM_LAB_KERNEL", "6.12"),
                        help="kernel series of the lab (default: $IOVTEAM_LAB_KERNEL or 6.12)")
    parser.add_argument("--build", type=Path, default=CLONE / "build",
                        help="where iovteamd, iovteam and the meters are (default: build)")
    return parser


def chosen(kinds: list[type[Any]], only: str) -> list[type[Any]]:
    """Those whose key begins with one of the words between commas; all, if there are none."""
    return [kind for kind in kinds if kind.key.startswith(tuple(only.split(",")))]


def compare(name: str, build: Path, measure: Callable[[Path, Screen], Any],
            lines: Callable[[Any], list[str]]) -> int:
    """Measures, prints, writes build/results/NAME.json. Returns the exit status."""
    build, screen = build.resolve(), Screen()
    try:
        results = measure(build, screen)
    except ERRORS as error:
        screen.line(f"bench-{name}: {error}")
        return 1
    screen.line()
    for line in lines(results):
        screen.line(line)
    path = build / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")
    screen.line(f"\nall numbers: {path}")
    return 0

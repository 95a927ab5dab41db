# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures of bench/failover.py, and the meter's command line."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

CLONE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("IOVTEAM_BUILD", CLONE / "build"))
sys.path.insert(0, str(CLONE / "bench"))

import failover  # noqa: E402


def cycle(lost, silence_us, **more):
    stretch = {way: {"lost": 0, "silence_us": 0} for way in ("out", "in")}
    return {"recovered": True, "well": True, "skipped": 0, "ticks": 100, "rest": stretch,
            "return": {**stretch, "in": {"lost": 2, "silence_us": 0}},
            "failover": {**stretch, "out": {"lost": lost, "silence_us": silence_us}}, **more}


def test_percentiles_are_values_that_were_measured():
    values = list(range(1, 1001))
    assert failover.percentile(values, 0.5) == 500
    assert failover.percentile(values, 0.99) == 990
    assert failover.percentile([7], 0.99) == 7
    assert failover.percentile([1, 2], 0.99) == 2


def test_summary():
    found = failover.summed_up([cycle(5, 1500), cycle(1, 500),
                                cycle(9, 2500, recovered=False, skipped=3)])
    assert (found["failovers"], found["not_recovered"], found["skipped_ticks"]) == (3, 1, 3)
    assert found["out"]["lost"] == {"p50": 5, "p99": 9, "max": 9}
    assert found["out"]["silence_ms"] == {"p50": 1.5, "p99": 2.5, "max": 2.5}
    assert (found["in"]["lost"]["max"], found["in"]["lost_at_return"]) == (0, 6)


def test_table_is_aligned():
    rows = failover.table({side.key: failover.summed_up([cycle(12345, 9876543)])
                           for side in failover.SIDES})
    assert len(rows) == 2 + 2 * len(failover.SIDES)
    assert {len(row) for row in rows} == {len(rows[0])}


@pytest.mark.parametrize("words", [[], ["--cycles", "x"], ["--member", "m0"], ["--nothing"],
                                   ["--flows", "65"], ["stray"]])
def test_meter_refuses(words):
    done = subprocess.run([BUILD / "failover-meter", *words], capture_output=True, text=True)
    assert done.returncode == 2 and not done.stdout
    assert "Try 'failover-meter --help'." in done.stderr


def test_meter_helps():
    done = subprocess.run([BUILD / "failover-meter", "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("Usage: failover-meter")
    assert max(map(len, done.stdout.splitlines())) <= 80

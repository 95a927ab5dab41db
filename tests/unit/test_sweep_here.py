# SPDX-License-Identifier: GPL-2.0-or-later
"""A sample of the failure sweep over a host's switches and adapters (tests/sweep), which want no
bonding and so run here.

    IOVTEAM_SWEEP_SECONDS   how long, default 25
    IOVTEAM_SWEEP_SEED      which sample, default 1
"""
import json
import os
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("IOVTEAM_BUILD", TOP / "build")).resolve()
SECONDS = os.environ.get("IOVTEAM_SWEEP_SECONDS", "25")
SEED = os.environ.get("IOVTEAM_SWEEP_SEED", "1")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="root makes switches")


def test_failures_one_at_a_time():
    done = subprocess.run(
        ["/usr/bin/python3", "-IS", TOP / "tests/sweep/sweep.py", "--here", "--build", BUILD,
         "--library", BUILD / "tests/fault.so", "--seconds", SECONDS, "--seed", SEED],
        capture_output=True, text=True, timeout=float(SECONDS) * 5 + 120, check=False)
    rounds = [json.loads(line) for line in done.stdout.splitlines()]
    findings = [finding for one in rounds for finding in one["findings"]]
    assert not findings, "\n".join(findings)
    assert done.returncode == 0, done.stderr
    assert sum(one["failed"] for one in rounds) > 0

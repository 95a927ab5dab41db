# SPDX-License-Identifier: GPL-2.0-or-later
"""A sample of the failure sweep (tests/sweep): allocations and requests to the kernel that fail.
All of them: tests/sweep/run --all.

    IOVTEAM_SWEEP_SECONDS   how long, default 25
    IOVTEAM_SWEEP_SEED      which sample, default 1
"""
import json
import os
from pathlib import Path

SECONDS = os.environ.get("IOVTEAM_SWEEP_SECONDS", "25")
SEED = os.environ.get("IOVTEAM_SWEEP_SEED", "1")
SWEEP = Path(__file__).resolve().parents[1] / "sweep/sweep.py"


def test_failures_one_at_a_time(lab, build):
    lab.host.run(["modprobe", "-a", "tun", "bridge"])
    done = lab.host.run(
        ["/usr/bin/python3", "-IS", str(SWEEP), "--build", str(build), "--library",
         str(build / "tests/fault.so"), "--seconds", SECONDS, "--seed", SEED],
        timeout=float(SECONDS) * 3 + 60, check=False)
    rounds = [json.loads(line) for line in done.out.splitlines()]
    findings = [finding for one in rounds for finding in one["findings"]]
    print("".join(f"{one['scene']}, {one['kind']}: {one['failed']} of {one['points']}\n"
                  for one in rounds))
    assert not findings, "\n".join(findings)
    assert done.rc == 0, done.err
    assert sum(one["failed"] for one in rounds) > 0

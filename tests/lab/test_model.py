# SPDX-License-Identifier: GPL-2.0-or-later
"""The model test (HACKING.md), short and with a seed of its own: make model is the long one."""
from pathlib import Path

DRIVER = Path(__file__).resolve().parents[1] / "model/driver.py"
SEED, OPERATIONS = 7, 80
SECONDS = 40  # on a busy machine it does fewer


def test_random_operations_break_no_invariant(lab, build):
    done = lab.host.run(
        ["/usr/bin/python3", "-S", str(DRIVER), "--build", str(build),
         "--seed", str(SEED), "--operations", str(OPERATIONS), "--seconds", str(SECONDS)],
        timeout=SECONDS + 120, check=False)
    print(done.out)
    assert done.rc == 0, done.out[-6000:] + done.err[-2000:]

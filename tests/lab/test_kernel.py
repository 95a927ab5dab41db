# SPDX-License-Identifier: GPL-2.0-or-later
"""
The tests that ask a kernel, asked of the lab's: it has bonds and bridges for certain, and one of
the two has no tcx.
"""
import re

import pytest


@pytest.mark.legacy
@pytest.mark.parametrize("program", ["test_kernel_live", "test_kernel_packet", "test_kernel_port",
                                     "test_kernel_bond", "test_kernel_bridge",
                                     "packet/test_packet_guard", "packet/test_packet_guard_loader",
                                     "packet/test_packet_carrier", "packet/test_packet_uplink"])
def test_kernel(lab, build, program):
    run = lab.host.run([f"{build}/tests/{program}"], check=False, timeout=120,
                       env={"CMOCKA_MESSAGE_OUTPUT": "STDOUT"})
    assert run.rc == 0, run.out + run.err
    # That a kernel without them says so is what the other kernels show.
    skipped = re.findall(r"\[  SKIPPED \] ((?:bond|bridge|test)_\w+)", run.out + run.err)
    assert all(name.endswith("_lacks_are_explained") for name in skipped), skipped

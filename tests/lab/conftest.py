# SPDX-License-Identifier: GPL-2.0-or-later
"""What every lab test has: the running lab, the build, and a check for things left behind.

    IOVTEAM_LAB_KERNEL   the kernel's series, default 6.12
    IOVTEAM_BUILD        where meson built, default <clone>/build
"""
import os
import sys
from pathlib import Path

import pytest

CLONE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CLONE))

from lab import Lab, leftovers  # noqa: E402


@pytest.fixture(scope="session")
def lab(request):
    """One VM for the whole run; see lab/README.md."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def progress(text):
        with capture.global_and_fixture_disabled():
            print(f"lab: {text}", file=sys.stderr, flush=True)

    with Lab(os.environ.get("IOVTEAM_LAB_KERNEL", "6.12"), progress=progress) as running:
        yield running


@pytest.fixture(scope="session")
def build():
    """The build directory, which the VM sees at the same path."""
    return Path(os.environ.get("IOVTEAM_BUILD", CLONE / "build")).resolve()


@pytest.fixture(scope="session")
def _last(lab):
    """The snapshot after the previous test is the one before the next."""
    return {"snapshot": leftovers.Snapshot(lab)}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call":
        item.has_failed = report.failed


@pytest.fixture(autouse=True)
def nothing_left_behind(request, lab, _last):
    """Each test starts with the guest's VFs down and bare, and ends as it began. After a
    test that failed anyway it only cleans up."""
    yield
    leftovers.reset(lab)
    failed = getattr(request.node, "has_failed", False)
    difference, after = leftovers.settle(lab, _last["snapshot"], 0 if failed else 5)
    if difference:
        leftovers.clean(lab, _last["snapshot"], after)
        _last["snapshot"] = leftovers.Snapshot(lab)
        if not failed:
            pytest.fail("not as it was before the test:\n  " + "\n  ".join(difference),
                        pytrace=False)

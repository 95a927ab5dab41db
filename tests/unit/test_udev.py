# SPDX-License-Identifier: GPL-2.0-or-later
"""What `iovteamd --udev` answers udev's rules (C6), about devices of this machine's kernel."""
import os
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("IOVTEAM_BUILD", TOP / "build")).resolve()
IOVTEAMD = BUILD / "src/daemon/iovteamd"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes devices: needs root")


@pytest.fixture
def ask(tmp_path):
    """ask(text) of iovteamd in a namespace with the devices one and two."""
    name = f"iovudev-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["ip", "-n", name, "link", "add", "one", "type", "veth", "peer", "name",
                        "two"], check=True)
        (tmp_path / "team0.conf").write_text(
            "[Team]\nName=team0\n[Member]\nDevice=one\n[Member]\nDevice=uplink\n")
        (tmp_path / "bond0.conf").write_text(
            "[Team]\nName=bond0\nAdopt=yes\n[Member]\nDevice=two\n")
        yield lambda text: subprocess.run(
            ["ip", "netns", "exec", name, IOVTEAMD, "--config", tmp_path, "--udev", text],
            capture_output=True, text=True, timeout=30)
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


@pytest.mark.parametrize("device, answer", [
    ("one:", "ID_IOVTEAM_TEAM=team0\n"),
    ("one", "ID_IOVTEAM_TEAM=team0\n"),
    ("one:other", ""),  # about to be called otherwise
    ("two:uplink", "ID_IOVTEAM_TEAM=team0\n"),
    ("two:", ""),  # its bond is adopted: the bond's manager has it
    ("lo:", ""),
])
def test_answer(ask, device, answer):
    done = ask(device)
    assert (done.returncode, done.stdout, done.stderr) == (0, answer, "")


def test_a_device_that_is_gone(ask):
    assert ask("gone:").returncode == 1


def test_files_that_do_not_parse_mark_nothing(ask, tmp_path):
    (tmp_path / "broken.conf").write_text("nonsense\n")
    done = ask("one:")
    assert (done.returncode, done.stdout) == (1, "")

# SPDX-License-Identifier: GPL-2.0-or-later
import json
import os
import pathlib
import subprocess

import pytest

import fake

CLONE = pathlib.Path(__file__).resolve().parents[2]

# IOVTEAM_BUILD names the program, or the folder that all was built in.
BUILD = pathlib.Path(os.environ.get("IOVTEAM_BUILD") or CLONE / "build").resolve()
BINARY = str(BUILD / "src/cli/iovteam" if BUILD.is_dir() else BUILD)


def environment(**changes):
    clean = {k: v for k, v in os.environ.items() if k not in ("IOVTEAM_SOCKET", "NO_COLOR", "SSH_CONNECTION", "SUDO_USER")}
    return clean | {"TERM": "xterm", "TZ": "UTC"} | changes


class Command:
    """Runs iovteam against the fake's socket."""

    binary = BINARY

    def __init__(self, path):
        self.path = str(path)

    def environment(self, **changes):
        return environment(IOVTEAM_SOCKET=self.path, **changes)

    def __call__(self, *words, **changes):
        return subprocess.run([BINARY, *words], env=self.environment(**changes),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)

    def json(self, *words):
        done = self(*words, "--json")
        assert done.stderr == ""
        return done.returncode, json.loads(done.stdout)


@pytest.fixture
def iovteam(tmp_path):
    return Command(tmp_path / "socket")


@pytest.fixture
def daemon(tmp_path):
    """daemon(answer) starts a fake that answers so; bytes are for every call."""
    fakes = []

    def start(answer):
        if isinstance(answer, bytes):
            answer = fake.always(answer)
        fakes.append(fake.Fake(tmp_path / "socket", answer).__enter__())
        return fakes[-1]

    yield start
    for one in fakes:
        one.__exit__()

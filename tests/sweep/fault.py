# SPDX-License-Identifier: GPL-2.0-or-later
"""The driver's side of the library in the daemon (fault.c, fault.h)."""
from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path

KINDS = {"none": 0, "allocations": 1, "requests": 2}
POINTS_MAX = 65536
STACK_MAX, STACK_ENTRY = 32, 128
# kind, error, first, last, trace, seen, failed, depth; live; name, only. Then the stack, the sites.
_HEAD = struct.Struct("=IiIIIIII q 32s 32s")
_STACK = _HEAD.size
_SITES = _STACK + STACK_MAX * STACK_ENTRY
_SIZE = _SITES + 8 * POINTS_MAX
ALWAYS = 2**32 - 1
KILLS = -1  # for an errno


def always(kind: str, error: int, only: str) -> bytes:
    """A file for a daemon in which one function never works."""
    return _HEAD.pack(KINDS[kind], error, 1, ALWAYS, 0, 0, 0, 0, 0, b"", only.encode()).ljust(
        _SIZE, b"\0")


class Fault:
    """What shall fail in the daemon, and what has."""

    def __init__(self, path: Path, library: Path) -> None:
        path.write_bytes(bytes(_SIZE))
        self.environment = {"LD_PRELOAD": str(library), "IOVTEAM_FAULT_FILE": str(path)}
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), _SIZE)

    def _put(self, kind: int, error: int, first: int, last: int, trace: bool) -> None:
        live = self.live
        # The kind is what the library looks at first, so it is written last.
        self._map[4:_HEAD.size] = _HEAD.pack(
            0, error, first, last, trace, 0, 0, 0, live, b"", b"")[4:]
        self._map[0:4] = struct.pack("=I", kind)

    def arm(self, kind: str, error: int, first: int, last: int | None = None) -> None:
        """Fails the points from @first to @last (or that one) of what comes now."""
        self._put(KINDS[kind], error, first, first if last is None else last, False)

    def count(self, kind: str) -> None:
        """Fails nothing, and writes down where each point is."""
        self._put(KINDS[kind], 0, 0, 0, True)

    def disarm(self) -> None:
        self._map[0:4] = bytes(4)

    def _word(self, index: int) -> int:
        return struct.unpack_from("=I", self._map, 4 * index)[0]

    @property
    def seen(self) -> int:
        return self._word(5)

    @property
    def failed(self) -> int:
        return self._word(6)

    @property
    def live(self) -> int:
        """Blocks that the daemon has allocated now."""
        return struct.unpack_from("=q", self._map, 32)[0]

    def sites(self) -> list[int]:
        """By point, which call stack it had."""
        return list(struct.unpack_from(f"={min(self.seen, POINTS_MAX)}Q", self._map, _SITES))

    def what(self) -> str:
        """The function that failed first."""
        return self._map[40:72].split(b"\0")[0].decode()

    def stack(self) -> list[str]:
        """Where that was: object+offset, the library's own frames left out."""
        entries = (self._map[at:at + STACK_ENTRY].split(b"\0")[0].decode() for at in
                   range(_STACK, _STACK + self._word(7) * STACK_ENTRY, STACK_ENTRY))
        return [entry for entry in entries
                if entry and os.path.basename(entry).split("+")[0] != "fault.so"]

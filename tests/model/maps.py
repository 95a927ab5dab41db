# SPDX-License-Identifier: GPL-2.0-or-later
"""A team's pinned maps, read as the BPF programs see them (src/model/steering.h, note.h)."""
from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass

import kernel

SLOTS, BUCKETS, NOBODY = 32, 1024, 0xff
STATE = struct.Struct("=IIQIIQQ256s6s2x256s12xIII")
NOTE = struct.Struct("=48sIBBBxI")


@dataclass
class Note:
    device: str
    ifindex: int
    up_before: bool


class Maps:
    """A snapshot."""

    def __init__(self, directory: str) -> None:
        state = kernel.map_value(f"{directory}/state")
        if len(state) != STATE.size:
            raise RuntimeError("struct pick_state has changed; tests/model/maps.py must follow")
        (self.layout, self.ifindex, _, self.usable, self.primary, _, _, _, team_mac,
         macs, self.lost, *_) = STATE.unpack(state)
        self.team_mac = team_mac.hex(":")
        self.member_macs = [macs[8 * slot:8 * slot + 6].hex(":") for slot in range(SLOTS)]
        deal = kernel.map_value(f"{directory}/deal")
        self.homes, self.fallbacks = list(deal[0::2]), list(deal[1::2])
        notes = kernel.map_value(f"{directory}/notes")
        self.notes: dict[int, Note] = {}
        for slot in range(SLOTS):
            device, ifindex, up_before, *_ = NOTE.unpack_from(notes, slot * NOTE.size)
            name = device.split(b"\0")[0].decode()
            if name:
                self.notes[slot] = Note(name, ifindex, bool(up_before))

    def slot(self, device: str) -> int | None:
        return next((slot for slot, note in self.notes.items() if note.device == device), None)

    @property
    def shares(self) -> Counter:
        return Counter(self.homes)

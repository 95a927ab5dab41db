# SPDX-License-Identifier: GPL-2.0-or-later
"""Datagrams both ways over a team that nobody touches. Each is numbered; each must come once."""
from __future__ import annotations

import socket
import time

import kernel

PORT = 5000
_FLOWS = 8  # so that both members carry
_PAUSE_S = 0.002


class _Way:
    """One direction: sockets that send, one that receives."""

    def __init__(self, home: str, sender: tuple[str, str], receiver: tuple[str, str]) -> None:
        udp = (socket.AF_INET, socket.SOCK_DGRAM)
        self._senders = []
        for number in range(_FLOWS):
            made = kernel.socket_in(sender[0], home, *udp)
            made.bind((sender[1], PORT + 1 + number))
            made.connect((receiver[1], PORT))
            self._senders.append(made)
        self._receiver = kernel.socket_in(receiver[0], home, *udp)
        self._receiver.bind((receiver[1], PORT))
        self._receiver.setblocking(False)
        self._sent = 0
        self._missing: set[int] = set()
        self._wrong: list[str] = []

    def send(self) -> None:
        self._senders[self._sent % _FLOWS].send(str(self._sent).encode())
        self._missing.add(self._sent)
        self._sent += 1

    def receive(self) -> None:
        while True:
            try:
                number = int(self._receiver.recv(64))
            except BlockingIOError:
                return
            if number not in self._missing:
                self._wrong.append(f"datagram {number} came twice")
            self._missing.discard(number)

    def settle(self, name: str) -> list[str]:
        """What was wrong since the last time, once all have had the time to come."""
        end = time.monotonic() + 1
        self.receive()
        while self._missing and time.monotonic() < end:
            time.sleep(_PAUSE_S)
            self.receive()
        if self._missing:
            self._wrong.append(f"{len(self._missing)} datagrams lost")
        wrong, self._wrong = self._wrong, []
        self._missing.clear()
        return [f"another team's traffic {name}: {text}" for text in wrong]


class Traffic:
    def __init__(self, home: str, guest: tuple[str, str], peer: tuple[str, str]) -> None:
        """@guest and @peer: namespace and address."""
        self._ways = {"out": _Way(home, guest, peer), "in": _Way(home, peer, guest)}

    def step(self) -> None:
        """One datagram each way, and a short pause: the body of every loop that waits."""
        for way in self._ways.values():
            way.send()
        time.sleep(_PAUSE_S)
        for way in self._ways.values():
            way.receive()

    def settle(self) -> list[str]:
        return [text for name, way in self._ways.items() for text in way.settle(name)]

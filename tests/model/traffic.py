# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbered packets both ways through each team, all the time, and what the switch learns of them.

A process of its own, so that they flow whatever the driver waits for. Each flow is a pair of
connected UDP sockets, one in the guest and one at the peer; a packet says who it is, so a second
one is a duplicate, whenever it comes. Beside unicast there are broadcasts, which every member
receives and only one must deliver.

The switch's bridge tells (RTM_NEWNEIGH) at which port it has learnt a MAC. A member sends with its
own MAC and no other (T7, T8), and MACs here tell their cable: so each frame with a wrong source is
seen.
"""
from __future__ import annotations

import json
import os
import select
import socket
import struct
import time
from typing import Any

import kernel
from world import PEER_NAMESPACE, GUEST_NAMESPACE, SWITCH_NAMESPACE, cable_of_mac, cable_of_port
from world import peer_address, team_address

FLOWS = 6
TICK = 0.1  # seconds between packets of the same direction
AGAIN = 0.15  # … while one is waited for
PORT, BROADCAST_PORT = 5000, 7000
OUT, IN, BROADCAST_OUT, BROADCAST_IN = range(4)
WAYS = ("guest to peer", "peer to guest", "broadcast of the guest", "broadcast of the peer")
HEAD = struct.Struct("!BBBxQ")  # team, way, flow, number
IP_FREEBIND = 15
RTM_NEWNEIGH, RTMGRP_NEIGH, NDA_LLADDR, NUD_PERMANENT = 28, 4, 2, 0x80


class Flow:
    """One way of one flow: a sender, a receiver, and which numbers have come."""

    def __init__(self, team: int, way: int, number: int, sender: socket.socket,
                 receiver: socket.socket, to: tuple[str, int]) -> None:
        self.key = (team, way, number)
        self.sender, self.receiver, self.to = sender, receiver, to
        self.sent, self.seen, self.floor = 0, set(), 0
        self.fresh_from = 0  # a packet of this number or later shows that it flows now

    def send(self) -> None:
        try:
            try:
                self.sender.getpeername()
            except OSError:
                self.sender.connect(self.to)  # there was no route, or there is none yet
            self.sender.send(HEAD.pack(*self.key, self.sent))
        except OSError:
            pass  # lost, as others are
        self.sent += 1

    def take(self, number: int) -> bool:
        """False: it has come before."""
        if number < self.floor or number in self.seen:
            return False
        self.seen.add(number)
        if len(self.seen) > 2000:  # none is under way for so long
            self.floor = sorted(self.seen)[1000]
            self.seen = {n for n in self.seen if n >= self.floor}
        return True

    @property
    def flows(self) -> bool:
        return any(number >= self.fresh_from for number in self.seen)

    def __str__(self) -> str:
        team, way, number = self.key
        return f"team{team} {WAYS[way]} {number}"


def make_socket(namespace: str, address: tuple[str, int]) -> socket.socket:
    with kernel.inside(namespace):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    made.setblocking(False)
    made.bind(address)
    return made


class Traffic:
    """The process's own part."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.flows: dict[tuple[int, int, int], Flow] = {}
        self.receivers: dict[int, tuple[int, socket.socket]] = {}  # by descriptor: team, socket
        self.duplicates: list[str] = []
        self.misplaced: list[str] = []
        self.ports: dict[int, int | None] = {}
        with kernel.inside(SWITCH_NAMESPACE):
            self.neighbours = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self.neighbours.bind((0, RTMGRP_NEIGH))
        self.neighbours.setblocking(False)
        self.neighbours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.turn = 0
        self.waiting: dict[str, Any] | None = None
        self.last: list[str] = []  # what was missing at the last look
        self.poll = select.poll()
        for sock in (control, self.neighbours):
            self.poll.register(sock, select.POLLIN)

    # --- teams ---

    def add(self, team: int) -> None:
        if any(key[0] == team for key in self.flows):
            return
        local, peer = team_address(team), peer_address(team)
        everybody = f"{local.rpartition('.')[0]}.255"
        for number in range(FLOWS):
            port = PORT + 100 * team + number
            ours = make_socket(GUEST_NAMESPACE, (local, port))
            theirs = make_socket(PEER_NAMESPACE, (peer, port))
            self._flow(team, OUT, number, ours, theirs, (peer, port))
            self._flow(team, IN, number, theirs, ours, (local, port))
        port = BROADCAST_PORT + 2 * team
        for way, where, address, other in ((BROADCAST_OUT, GUEST_NAMESPACE, local, PEER_NAMESPACE),
                                           (BROADCAST_IN, PEER_NAMESPACE, peer, GUEST_NAMESPACE)):
            sender = make_socket(where, (address, port + way - BROADCAST_OUT))
            receiver = make_socket(other, (everybody, port + way - BROADCAST_OUT))
            self._flow(team, way, 0, sender, receiver, (everybody, port + way - BROADCAST_OUT))

    def _flow(self, team: int, way: int, number: int, sender: socket.socket,
              receiver: socket.socket, to: tuple[str, int]) -> None:
        self.flows[team, way, number] = Flow(team, way, number, sender, receiver, to)
        if receiver.fileno() not in self.receivers:
            self.receivers[receiver.fileno()] = (team, receiver)
            self.poll.register(receiver, select.POLLIN)

    def drop(self, team: int) -> None:
        gone = [flow for key, flow in self.flows.items() if key[0] == team]
        for flow in gone:
            if self.receivers.pop(flow.receiver.fileno(), None):
                self.poll.unregister(flow.receiver)
            del self.flows[flow.key]
        for sock in {sock for flow in gone for sock in (flow.sender, flow.receiver)}:
            sock.close()

    # --- receiving ---

    def receive(self, sock: socket.socket) -> None:
        while True:
            try:
                data = sock.recv(64)
            except BlockingIOError:
                return
            except OSError:
                continue  # an answer of ICMP to what was sent
            if len(data) != HEAD.size:
                continue
            *key, number = HEAD.unpack(data)
            flow = self.flows.get(tuple(key))
            if flow and not flow.take(number):
                self.duplicates.append(f"{flow}: {number}")

    def learn(self) -> None:
        while True:
            try:
                data = self.neighbours.recv(65536)
            except BlockingIOError:
                return
            except OSError:
                continue  # some were lost; others come
            while len(data) >= 16:
                length, kind = struct.unpack_from("=IH", data)
                if kind == RTM_NEWNEIGH:
                    self._learnt(data[16:length])
                data = data[(length + 3) & ~3:]

    def _learnt(self, message: bytes) -> None:
        family, index, state = struct.unpack_from("=BxxxiH", message)
        if family != socket.AF_BRIDGE or state & NUD_PERMANENT:
            return
        attributes = message[12:]
        while len(attributes) >= 4:
            length, kind = struct.unpack_from("=HH", attributes)
            if kind == NDA_LLADDR:
                self._judge(index, attributes[4:10])
            attributes = attributes[(max(length, 4) + 3) & ~3:]

    def _judge(self, index: int, mac: bytes) -> None:
        if index not in self.ports:
            with kernel.inside(SWITCH_NAMESPACE):
                try:
                    self.ports[index] = cable_of_port(socket.if_indextoname(index))
                except OSError:
                    self.ports[index] = None  # unplugged already
        port, cable = self.ports[index], cable_of_mac(mac)
        if port is not None and cable is not None and port != cable:
            self.misplaced.append(f"{mac.hex(':')} of cable {cable} at port {port}")

    # --- the loop ---

    def tick(self) -> None:
        self.turn += 1
        for (_, way, number), flow in self.flows.items():
            if number == self.turn % FLOWS or (way >= BROADCAST_OUT and self.turn % 2):
                flow.send()

    def missing(self) -> list[str]:
        return [str(flow) for key, flow in self.flows.items()
                if key[0] in self.waiting["teams"] and not flow.flows]

    def urge(self, first: bool) -> None:
        """Sends on each flow that has not shown yet that it flows."""
        for key, flow in self.flows.items():
            if key[0] not in self.waiting["teams"]:
                continue
            if first:
                flow.fresh_from = flow.sent
            if first or not flow.flows:
                flow.send()
        self.waiting["again"] = time.monotonic() + AGAIN

    def ask(self, request: dict[str, Any]) -> None:
        for team in request.get("add", ()):
            self.add(team)
        for team in request.get("drop", ()):
            self.drop(team)
        if "bound" in request:
            begin = time.monotonic()
            self.waiting = {"teams": request["teams"], "begin": begin,
                            "end": begin + request["bound"]}
            self.urge(first=True)
        else:
            self.answer()

    def answer(self, missing: list[str] = ()) -> None:
        told = {"missing": missing, "last": self.last, "duplicates": self.duplicates, "misplaced": self.misplaced}
        if self.waiting:
            told["took"] = time.monotonic() - self.waiting["begin"]
        self.waiting, self.last, self.duplicates, self.misplaced = None, [], [], []
        self.control.send(json.dumps(told).encode())

    def attend(self) -> None:
        """A question that waits for packets."""
        if not self.waiting:
            return
        missing = self.missing()
        self.last = missing or self.last
        now = time.monotonic()
        if not missing or now > self.waiting["end"]:
            self.answer(missing)
        elif now > self.waiting["again"]:
            self.urge(first=False)

    def run(self) -> None:
        due = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= due:
                self.tick()
                due = now + TICK
            self.attend()
            for descriptor, _ in self.poll.poll(20 if self.waiting else max(1, 1000 * (due - now))):
                if descriptor == self.control.fileno():
                    data = self.control.recv(4096)
                    if not data:
                        return
                    self.ask(json.loads(data))
                elif descriptor == self.neighbours.fileno():
                    self.learn()
                elif descriptor in self.receivers:
                    self.receive(self.receivers[descriptor][1])


class Prober:
    """The driver's end."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        self._pid = os.fork()
        if not self._pid:
            ours.close()
            try:
                Traffic(theirs).run()
            finally:
                os._exit(0)
        theirs.close()

    def ask(self, **request: Any) -> dict[str, Any]:
        self._control.send(json.dumps(request).encode())
        answer = self._control.recv(1 << 20)
        if not answer:
            raise RuntimeError("the traffic has ended")
        return json.loads(answer)

    def close(self) -> None:
        self._control.close()
        os.waitpid(self._pid, 0)

# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP connections through a team that must live on while its links are lost."""
import json
from contextlib import contextmanager

from acts import PEER4
from lab import wait_until
from team import PYTHON, SLOW

# One end of three connections: pseudo-random bytes each way, summed at both ends, and a small
# question every 50 ms whose answer is waited for. The guest's end ends it at a line on its
# standard input.
CONNECTIONS = """
import hashlib, json, os, select, socket, struct, sys, threading, time
local, remote, role = sys.argv[1:4]
port = 7000
def connect(offset):
    if role == "peer":
        family = socket.AF_INET6 if ":" in local else socket.AF_INET
        s = socket.create_server((local, port + offset), family=family, reuse_port=True)
        listening.append(s)
        return s
    return socket.create_connection((remote, port + offset), 30)
listening, report = [], {}
ended = threading.Event()
def send(c, name):
    digest, total, number = hashlib.sha256(), 0, 0
    while not ended.is_set():
        chunk = struct.pack("!Q", number) * 1024
        number += 1
        c.sendall(chunk)
        digest.update(chunk)
        total += len(chunk)
        ended.wait(0.02)
    info = c.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    c.shutdown(socket.SHUT_WR)
    report[name] = [total, digest.hexdigest(), struct.unpack_from("=I", info, 100)[0]]
def receive(c, name):
    digest, total = hashlib.sha256(), 0
    while data := c.recv(65536):
        digest.update(data)
        total += len(data)
    report[name] = [total, digest.hexdigest()]
def ask(c):
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    worst, number = 0, 0
    while not ended.is_set():
        number += 1
        began = time.monotonic()
        c.sendall(struct.pack("!Q", number))
        got = b""
        while len(got) < 8:
            piece = c.recv(8 - len(got))
            assert piece, "closed"
            got += piece
        assert struct.unpack("!Q", got)[0] == number
        worst = max(worst, time.monotonic() - began)
        print("answer", number, flush=True)
        ended.wait(0.05)
    c.close()
    report["ask"] = [number, round(worst, 3)]
def answer(c):
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while data := c.recv(4096):
        c.sendall(data)
ends = [connect(i) for i in range(3)]
print("ready", flush=True)
if role == "peer":
    ends = [s.accept()[0] for s in ends]
for c in ends:
    c.settimeout(120)
jobs = [(send, ends[0], "out"), (receive, ends[1], "in"), (ask, ends[2])] if role == "guest" else [
    (receive, ends[0], "out"), (send, ends[1], "in"), (answer, ends[2])]
threads = [threading.Thread(target=job[0], args=job[1:]) for job in jobs]
for thread in threads:
    thread.start()
sys.stdin.readline()
ended.set()
for thread in threads:
    thread.join()
print("report", json.dumps(report), flush=True)
"""


class Connections:
    """Both ends while they talk."""

    def __init__(self, guest, peer):
        self._guest, self._peer = guest, peer

    def answers(self):
        """How many questions have been answered so far."""
        return int((self._guest.stdout().rpartition("answer ")[2] or "0").split()[0])

    def more_answers(self, number, what):
        before = self.answers()
        wait_until(lambda: self.answers() >= before + number, SLOW, what)

    def end(self):
        """The reports of the guest and the peer: out: [bytes, digest, and at the sender
        retransmitted segments], in: the same, ask: [questions, the longest wait in s]."""
        for process in (self._guest, self._peer):  # each waits for the other's end
            process.write("\n")
        return self._report(self._guest), self._report(self._peer)

    @staticmethod
    def _report(process):
        text = process.expect("report", 150)
        wait_until(lambda: process.stdout().endswith("}\n"), SLOW, "the whole report")
        assert process.stderr() == "", text
        return json.loads(process.stdout().rpartition("report ")[2])


@contextmanager
def connections(lab, team, local="", remote=PEER4):
    local = local or team.IPV4
    with lab.peer.spawn([*PYTHON, "-c", CONNECTIONS, remote, local, "peer"]) as peer:
        peer.expect("ready")
        with team.where.spawn([*PYTHON, "-c", CONNECTIONS, local, remote, "guest"]) as guest:
            guest.expect("answer 20\n")
            yield Connections(guest, peer)

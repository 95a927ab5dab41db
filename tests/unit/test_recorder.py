# SPDX-License-Identifier: GPL-2.0-or-later
"""The traffic recorder counts exactly what happens to its packets.

Two recorders sit in a network namespace each, behind a tap device each. This process holds the
other ends of the two taps and carries every frame across, so it alone decides what is lost,
doubled, late or carried with another MAC, and knows to the packet what the recorders must report.

Over 600 lines because: the network that injects faults and the tests that count them exactly
read as one.
"""

import collections
import errno
import fcntl
import glob
import json
import os
import random
import select
import signal
import struct
import subprocess
import threading
import time

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

HERE = os.path.dirname(os.path.abspath(__file__))
LAB = os.path.join(HERE, "..", "..", "lab")
MAGIC = b"iovr"
HEAD = struct.Struct("!4sHHQQ")
PORT = 20000
CLOCKS = 2e6  # ns by which times of real and of monotonic clock may differ
WAIT = 30  # seconds until a condition that must come counts as missing

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 2, 0x1000

A, B = 0, 1  # the two ends; a direction is named by the end that sends
MACS = ["02:00:00:00:00:0a", "02:00:00:00:00:0b"]
NETS = [("10.77.0.1", "fd77::1"), ("10.77.0.2", "fd77::2")]


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def wait_for(condition, what):
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, f"waited {WAIT} s for {what}"
        time.sleep(0.005)


class Packet(collections.namedtuple("Packet", "frame end act flow seq sent_ns")):
    """A frame of a recorder's, sent by @end."""


def packet_of(frame, end):
    """The recorder's packet in a frame, or None: ARP, neighbour discovery and the like."""
    at = frame.find(MAGIC, 42)
    if at < 0 or len(frame) < at + HEAD.size:
        return None
    _, act, flow, seq, sent_ns = HEAD.unpack_from(frame, at)
    return Packet(frame, end, act, flow, seq, sent_ns)


class Wire:
    """Carries frames between the two taps; a rule turns each packet into what comes out."""

    def __init__(self, tag):
        self.rule = self.carry
        self.passed = [0, 0]  # recorder packets taken in, by the end that sent them
        self.received_at = []  # of each packet that was handed over, as put() tells
        self.error = None
        self.names = [f"rt{tag}{end}" for end in "ab"]
        self.taps = [self.tap_open(name) for name in self.names]
        self.stop_read, self.stop_write = os.pipe()
        self.thread = threading.Thread(target=self.run)

    @staticmethod
    def tap_open(name):
        tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH14x", name.encode(), IFF_TAP | IFF_NO_PI))
        return tap

    @staticmethod
    def carry(packet):
        return [packet.frame]

    def put(self, end, frame):
        """Hands a frame to @end; one whose interface is down does not take it. Returns the time
        before and after: the kernel over there received it between the two."""
        begin = time.monotonic_ns()
        try:
            os.write(self.taps[end], frame)
            return begin, time.monotonic_ns()
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return None

    def take(self, end):
        try:
            frame = os.read(self.taps[end], 10000)
        except BlockingIOError:
            return
        packet = packet_of(frame, end)
        for out in self.rule(packet) if packet else [frame]:
            when = self.put(1 - end, out)
            if packet:
                self.received_at.append(when)
        self.passed[end] += packet is not None

    def run(self):
        try:
            while True:
                ready, _, _ = select.select([*self.taps, self.stop_read], [], [])
                if self.stop_read in ready:
                    return
                for tap in ready:
                    self.take(self.taps.index(tap))
        except Exception as error:  # close() tells the test
            self.error = error

    def close(self):
        os.write(self.stop_write, b"x")
        if self.thread.ident:
            self.thread.join()
        for fd in [*self.taps, self.stop_read, self.stop_write]:
            os.close(fd)


class Recorder:
    """One end's recorder."""

    def __init__(self, binary, netns, *options):
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", netns, binary, *map(str, options)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.first = self.answer()  # it is ready when it has said so

    def answer(self):
        ready, _, _ = select.select([self.process.stdout], [], [], WAIT)
        assert ready, "the recorder is silent"
        return json.loads(self.process.stdout.readline())

    def __call__(self, line):
        self.process.stdin.write(line + "\n")
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait(WAIT)
        self.process.stdout.close()


class Bench:
    """Two namespaces, a wire between them and a recorder in each."""

    def __init__(self, binary):
        tag = f"{os.getpid() % 100000}"
        self.binary = binary
        self.netns = [f"rec{tag}{end}" for end in "ab"]
        self.ends = []
        self.wire = Wire(tag)

    def build(self):
        for end in A, B:
            self.build_end(end)
        self.wire.thread.start()

    def build_end(self, end):
        name, netns = self.wire.names[end], self.netns[end]
        ip("netns", "add", netns)
        ip("link", "set", name, "txqueuelen", "10000", "address", MACS[end], "netns", netns)
        ip("-n", netns, "link", "set", name, "up")
        ip("-n", netns, "addr", "add", NETS[end][0] + "/24", "dev", name)
        ip("-n", netns, "addr", "add", NETS[end][1] + "/64", "dev", name, "nodad")
        # What waits for a neighbour to be found can be dropped there, before the wire.
        for address in NETS[1 - end]:
            ip("-n", netns, "neigh", "add", address, "lladdr", MACS[1 - end], "dev", name)

    def start(self, *options, ends=(A, B)):
        """Starts the recorders at @ends, their flows half on IPv4 and half on IPv6."""
        for end in ends:
            pairs = [word for here, there in zip(NETS[end], NETS[1 - end])
                     for word in ("--local", here, "--peer", there)]
            self.ends.append(Recorder(self.binary, self.netns[end], *pairs, *options))

    def both(self, line):
        return [end(line) for end in self.ends]

    def drain(self):
        """Stops sending and waits until the last packet sent is over the wire and counted."""
        sent = [status["sent"] for status in self.both("pause")]
        wait_for(lambda: self.wire.passed == sent, "the wire to have carried all")
        self.settle()

    def settle(self):
        """Waits until the recorders have read what is in their sockets. Each answer follows a
        look at the sockets, so a few without news mean that there is none."""
        seen = []

        def quiet():
            seen.append(tuple(status["received"] for status in self.both("status")))
            return len(seen) > 20 and len(set(seen[-20:])) == 1
        wait_for(quiet, "the recorders to read")

    def run_act(self, name, packets):
        """One act of at least @packets in each direction that sends."""
        start = list(self.wire.passed)
        self.both("act " + name)
        wait_for(lambda: all(now - then >= packets for now, then in zip(self.wire.passed, start)),
                 f"{packets} packets each way")
        self.drain()

    def reports(self):
        return self.both("report")

    def close(self):
        for recorder in self.ends:
            recorder.close()
        self.wire.close()
        for netns in self.netns:
            subprocess.run(["ip", "netns", "del", netns], check=False)
        assert self.wire.error is None


@pytest.fixture(scope="session")
def binary(tmp_path_factory):
    """The built recorder, or one built here."""
    built = os.environ.get("IOVTEAM_BUILD", os.path.join(HERE, "..", "..", "build"))
    if os.access(os.path.join(built, "recorder"), os.X_OK):
        return os.path.join(built, "recorder")
    out = str(tmp_path_factory.mktemp("recorder") / "recorder")
    subprocess.run(["cc", "-std=gnu17", "-O1", "-g", "-Wall", "-Wextra", "-Werror",
                    "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined",
                    *glob.glob(os.path.join(LAB, "recorder*.c")), "-ljansson", "-o", out],
                   check=True)
    return out


@pytest.fixture
def bench(binary):
    b = Bench(binary)
    try:
        b.build()
        yield b
    finally:
        b.close()
    for name, folder in [*((name, "/sys/class/net") for name in b.wire.names),
                         *((name, "/run/netns") for name in b.netns)]:
        assert not os.path.exists(os.path.join(folder, name))


def act(report, name):
    return next(a for a in report["acts"] if a["name"] == name)


def one_way(reports, sender, name):
    """What a direction's two reports say: (sent, received) of the act."""
    return act(reports[sender], name)["sent"], act(reports[1 - sender], name)["received"]


def lost(reports, sender, name):
    sent, received = one_way(reports, sender, name)
    return sent["sent"] - received["unique"]


# ---- counting ----

def test_clean_wire_loses_nothing(bench):
    bench.start("--flows", 64, "--rate", 2000)
    bench.run_act("healthy", 1000)
    reports = bench.reports()
    for sender in A, B:
        sent, received = one_way(reports, sender, "healthy")
        assert sent["sent"] == received["unique"] == received["received"] == \
            bench.wire.passed[sender]
        assert (received["duplicated"], received["reordered"], received["holes"]) == (0, 0, 0)
        assert (sent["refused"], received["socket_drops"]) == (0, 0)
        assert 0 < received["delay_min_ns"] < 1e9  # both ends have the same clock here
        assert act(reports[sender], "healthy")["flows_sent"] == \
            act(reports[1 - sender], "healthy")["flows_unique"]
        assert reports[sender]["malformed"] == reports[sender]["socket_errors"] == 0


class Havoc:
    """Loses, doubles and swaps packets at random, and keeps account."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.held = {}
        self.count = {A: collections.Counter(), B: collections.Counter()}

    def __call__(self, packet):
        key = packet.end, packet.act, packet.flow
        count = self.count[packet.end]
        count["sent"] += 1
        if key in self.held:  # the one held back comes after this one
            count["reordered"] += 1
            return [packet.frame, self.held.pop(key)]
        what = self.random.choices(["lost", "twice", "thrice", "held", ""], [2, 2, 1, 2, 20])[0]
        if what == "held":
            self.held[key] = packet.frame
            return []
        copies = {"lost": 0, "twice": 2, "thrice": 3}.get(what, 1)
        count["lost"] += copies == 0
        count["duplicated"] += max(copies - 1, 0)
        return [packet.frame] * copies

    def release(self, wire):
        """Those still held have no later one to come after: late, but in order."""
        for (end, _, _), frame in self.held.items():
            wire.put(1 - end, frame)
        self.held.clear()


@pytest.mark.parametrize("flows,seed", [(1, 1), (7, 2), (256, 3)])
def test_counts_what_was_injected(bench, flows, seed):
    bench.start("--flows", flows, "--rate", 3000)
    havoc = bench.wire.rule = Havoc(seed)
    bench.run_act("havoc", 3000)
    havoc.release(bench.wire)
    bench.drain()
    reports = bench.reports()
    for sender in A, B:
        sent, received = one_way(reports, sender, "havoc")
        expected = havoc.count[sender]
        assert expected["lost"] and expected["duplicated"] and expected["reordered"]
        assert sent["sent"] == expected["sent"]
        assert lost(reports, sender, "havoc") == expected["lost"]
        assert received["duplicated"] == expected["duplicated"]
        assert received["reordered"] == expected["reordered"]
        assert received["socket_drops"] == 0


def test_a_packet_counts_under_the_act_that_sent_it(bench):
    """Packets held back for an act, and then handed over, belong to the act they left in."""
    bench.start("--flows", 4, "--rate", 1000)
    held = []

    def hold(packet):
        if packet.end == A and packet.act == 1 and packet.seq < 10:
            held.append(packet.frame)
            return []
        return [packet.frame]
    bench.wire.rule = hold
    bench.run_act("early", 200)
    assert lost(bench.reports(), A, "early") == 40
    bench.both("act late")
    for frame in held:
        bench.wire.put(B, frame)
    bench.drain()
    reports = bench.reports()
    assert lost(reports, A, "early") == 0
    assert act(reports[B], "early")["received"]["reordered"] == 40
    assert [lost(reports, end, "late") for end in (A, B)] == [0, 0]
    assert act(reports[B], "late")["received"]["reordered"] == 0


def test_an_act_may_come_in_before_it_is_announced(bench):
    bench.start("--flows", 4, "--rate", 1000)
    bench.ends[A]("act first")
    wait_for(lambda: bench.wire.passed[A] > 50, "packets from A")
    bench.ends[B]("act first")
    bench.drain()
    reports = bench.reports()
    assert [lost(reports, end, "first") for end in (A, B)] == [0, 0]


def test_strangers_are_malformed(bench):
    """Frames on a flow's socket that are not its packets are counted apart, and harm nothing."""
    bench.start("--flows", 4, "--rate", 1000)
    bench.run_act("quiet", 100)
    before = act(bench.reports()[B], "quiet")["received"]
    payloads = {
        "short": HEAD.pack(MAGIC, 1, 0, 1, 1)[:-1],
        "empty": b"",
        "magic": HEAD.pack(b"iovx", 1, 0, 1, 1),
        "no act": HEAD.pack(MAGIC, 0, 0, 1, 1),
        "act beyond": HEAD.pack(MAGIC, 256, 0, 1, 1),
        "other flow": HEAD.pack(MAGIC, 1, 2, 1, 1),
        "flow beyond": HEAD.pack(MAGIC, 1, 4, 1, 1),
        "number beyond": HEAD.pack(MAGIC, 1, 0, 1 << 20, 1),
        "number huge": HEAD.pack(MAGIC, 1, 0, (1 << 64) - 1, 1),
        "no time": HEAD.pack(MAGIC, 1, 0, 1, 0),
        "random": random.Random(4).randbytes(200),
    }
    for payload in payloads.values():
        for flow, net in enumerate([IP(src=NETS[A][0], dst=NETS[B][0]),
                                    IPv6(src=NETS[A][1], dst=NETS[B][1])]):
            port = PORT + flow
            bench.wire.put(B, bytes(Ether(src=MACS[A], dst=MACS[B]) / net /
                                    UDP(sport=port, dport=port) / payload))
    wait_for(lambda: bench.ends[B]("report")["malformed"] == 2 * len(payloads), "all strangers")
    after = act(bench.reports()[B], "quiet")["received"]
    assert after == before


# ---- silence ----

def test_silence_and_outage(bench):
    """A stretch without any packet shows as one silence; the sender's clock says when."""
    bench.start("--flows", 10, "--rate", 1000, ends=(A,))
    bench.start("--flows", 10, "--rate", 0, ends=(B,))
    gone, kept = [], []

    def blackout(packet):
        if 20 <= packet.seq < 50:  # of every flow: about 300 ms
            gone.append(packet.sent_ns)
            return []
        kept.append(packet.sent_ns)
        return [packet.frame]
    bench.wire.rule = blackout
    bench.both("act blackout")
    wait_for(lambda: bench.wire.passed[A] >= 1000, "1000 packets")
    bench.drain()
    reports = bench.reports()
    _, received = one_way(reports, A, "blackout")
    after_which = max(i for i, t in enumerate(kept) if t < gone[0])
    last, again = bench.wire.received_at[after_which:after_which + 2]
    assert lost(reports, A, "blackout") == received["holes"] == len(gone) == 300
    assert again[0] - last[1] - CLOCKS <= received["gap_ms"] * 1e6 <= again[1] - last[0] + CLOCKS
    since, length = max(received["silences"], key=lambda silence: silence[1])
    assert len(received["silences"]) == 8
    assert length == pytest.approx(received["gap_ms"] * 1e6, abs=1e3)
    assert last[0] - CLOCKS <= since <= last[1] + CLOCKS
    assert received["flow_gap_ms"] >= received["gap_ms"]
    assert received["outage_first_ns"] == max(t for t in kept if t < gone[0])
    assert received["outage_last_ns"] == min(t for t in kept if t > gone[-1])


def test_silence_of_one_flow(bench):
    """One flow's silence is seen though the direction as a whole is never silent."""
    bench.start("--flows", 10, "--rate", 1000)
    sent = {A: {}, B: {}}

    def silence(packet):
        sent[packet.end][packet.seq, packet.flow] = packet.sent_ns
        return [] if packet.flow == 3 and 20 <= packet.seq < 50 else [packet.frame]
    bench.wire.rule = silence
    bench.run_act("one", 1000)
    reports = bench.reports()
    for sender in A, B:
        _, received = one_way(reports, sender, "one")
        assert received["outage_first_ns"] == sent[sender][20, 2]
        assert received["outage_last_ns"] == sent[sender][49, 4]
        sent_by_flow = act(reports[sender], "one")["flows_sent"]
        unique_by_flow = act(reports[1 - sender], "one")["flows_unique"]
        assert [s - u for s, u in zip(sent_by_flow, unique_by_flow)] == [0] * 3 + [30] + [0] * 6
        assert received["gap_ms"] < received["flow_gap_ms"]


# ---- the recorder's own faults are told apart ----

def test_own_socket_drops_are_told_apart(bench):
    """A recorder that does not read loses packets at its own sockets, and says how many."""
    bench.start("--flows", 1, "--rate", 30000, ends=(A,))
    bench.start("--flows", 1, "--rate", 0, ends=(B,))
    bench.both("act stall")
    # ip netns exec becomes the recorder, so this is its process
    os.kill(bench.ends[B].process.pid, signal.SIGSTOP)
    wait_for(lambda: bench.wire.passed[A] > 20000, "enough to fill the socket")
    os.kill(bench.ends[B].process.pid, signal.SIGCONT)
    bench.drain()
    reports = bench.reports()
    drops = act(reports[B], "stall")["received"]["socket_drops"]
    assert drops > 0
    assert lost(reports, A, "stall") == drops


def test_a_stalled_sender_skips(bench):
    """What was due while the sender was stopped is neither sent late nor counted as lost."""
    bench.start("--flows", 4, "--rate", 1000)
    bench.both("act stall")
    wait_for(lambda: bench.wire.passed[A] > 100, "packets from A")
    os.kill(bench.ends[A].process.pid, signal.SIGSTOP)
    at = bench.wire.passed[B]
    wait_for(lambda: bench.wire.passed[B] > at + 500, "half a second's packets from B")
    os.kill(bench.ends[A].process.pid, signal.SIGCONT)
    bench.drain()
    reports = bench.reports()
    assert act(reports[A], "stall")["sent"]["skipped"] > 100
    assert [lost(reports, end, "stall") for end in (A, B)] == [0, 0]


def test_the_pace_is_even(bench):
    """In no stretch of time does more leave than two bursts and twice the rate."""
    sent = []

    def note(packet):
        if packet.end == A:
            sent.append(packet.sent_ns)
        return [packet.frame]
    bench.start("--flows", 8, "--rate", 2000)
    bench.wire.rule = note
    bench.run_act("pace", 2000)
    for n in (10, 50, 200):
        quickest = min(b - a for a, b in zip(sent, sent[n:])) / 1e9
        assert quickest >= (n - 8) / (2 * 2000)
    offered = act(bench.reports()[A], "pace")["sent"]
    assert offered["offered"] == offered["sent"] == len(sent)
    assert offered["offered_pps"] * offered["sending_ms"] / 1000 == pytest.approx(len(sent))


def test_what_the_kernel_refuses_is_not_sent(bench):
    bench.start("--flows", 4, "--rate", 1000)
    bench.run_act("good", 100)
    bench.both("act bad")
    ip("-n", bench.netns[A], "link", "set", bench.wire.names[A], "down")
    wait_for(lambda: bench.ends[A]("report")["acts"][1]["sent"]["refused"] > 100, "refusals")
    bench.both("pause")
    bench.settle()
    reports = bench.reports()
    sent, received = one_way(reports, A, "bad")
    assert sent["offered"] == sent["sent"] + sent["refused"]
    assert received["unique"] <= sent["sent"]
    assert act(reports[A], "good")["sent"]["refused"] == 0


# ---- the watch ----

def test_watch_sees_flows_move(bench):
    """Flow by flow: the source MAC at the begin and at the end of an act, and changes between."""
    bench.start("--flows", 6, "--rate", 1000, ends=(A,))
    bench.start("--flows", 6, "--rate", 1000, "--watch", bench.wire.names[B], ends=(B,))
    one, two = (bytes.fromhex(m) for m in ("020000000001", "020000000002"))

    def source(packet):
        """Flow 1 moves once, flow 2 there and back, flow 3 is on the other from the start."""
        number = (packet.act - 1) * 1000 + packet.seq
        away = {1: number >= 1005, 2: 1005 <= number < 1010, 3: True}.get(packet.flow, False)
        return [packet.frame[:6] + (two if away else one) + packet.frame[12:]]
    bench.wire.rule = lambda p: source(p) if p.end == A else [p.frame]
    bench.run_act("before", 200)
    bench.run_act("during", 200)
    reports = bench.reports()
    assert "watch" not in act(reports[A], "before")
    for name, last, changes in [("before", [0, 0, 0, 1, 0, 0], [0] * 6),
                                ("during", [0, 1, 0, 1, 0, 0], [0, 1, 2, 0, 0, 0])]:
        watch = act(reports[B], name)["watch"]
        macs = ["02:00:00:00:00:01", "02:00:00:00:00:02"]
        assert sorted(watch["macs"]) == macs and watch["drops"] == 0
        assert [macs.index(watch["macs"][m]) for m in watch["first"]] == [0, 0, 0, 1, 0, 0]
        assert [macs.index(watch["macs"][m]) for m in watch["last"]] == last
        assert watch["changes"] == changes
        assert watch["frames"] == act(reports[A], name)["sent"]["sent"]


def test_watch_of_a_silent_flow(bench):
    bench.start("--flows", 3, "--rate", 1000, ends=(A,))
    bench.start("--flows", 3, "--rate", 1000, "--watch", bench.wire.names[B], ends=(B,))
    bench.wire.rule = lambda p: [] if p.flow == 1 else [p.frame]
    bench.run_act("act", 100)
    watch = act(bench.reports()[B], "act")["watch"]
    assert watch["first"] == watch["last"] == [0, -1, 0]


# ---- commands and the command line ----

def test_commands(bench):
    bench.start("--flows", 2, "--rate", 1000)
    a = bench.ends[A]
    assert (a.first["act"], a.first["running"]) == (0, False)
    assert "error" in a("resume") and "error" in a("act") and "error" in a("act a/b")
    assert "error" in a("act " + "x" * 32) and "error" in a("nonsense") and "error" in a("")
    assert "error" in a("x" * 300)
    begun = a("act one")
    assert (begun["act"], begun["name"], begun["running"]) == (1, "one", True)
    wait_for(lambda: a("status")["sent"] > 10, "packets")
    paused = a("pause")
    assert not paused["running"]
    assert a("status")["sent"] == paused["sent"]
    assert a("resume")["running"]
    wait_for(lambda: a("status")["sent"] > paused["sent"], "packets again")
    assert a("report")["acts"][0]["sent"]["sent"] > paused["sent"]
    assert a("status")["running"]  # a report does not end the act
    a.process.stdin.write("quit\n")
    assert a.process.wait(WAIT) == 0


def test_rate_zero_sends_nothing(bench):
    bench.start("--flows", 2, "--rate", 0)
    assert not bench.ends[A]("act listen")["running"]
    assert bench.reports()[A]["acts"][0]["sent"]["offered"] == 0


def test_it_ends_with_stdin_and_at_its_limit(bench):
    bench.start("--flows", 2, "--limit", 1, ends=(A,))
    bench.start("--flows", 2, ends=(B,))
    assert bench.ends[A].process.wait(WAIT) == 1
    bench.ends[B].process.stdin.close()
    assert bench.ends[B].process.wait(WAIT) == 0


@pytest.mark.parametrize("words", [
    [], ["--local", "10.0.0.1"], ["--local", "nonsense", "--peer", "10.0.0.1"],
    ["--local", "10.0.0.1", "--peer", "fd00::1"],
    ["--local", "127.0.0.1", "--peer", "127.0.0.1", "--flows", "0"],
    ["--local", "127.0.0.1", "--peer", "127.0.0.1", "--flows", "-1"],
    ["--local", "127.0.0.1", "--peer", "127.0.0.1", "--rate", "1k"],
    ["--local", "127.0.0.1", "--peer", "127.0.0.1", "--size", "23"],
    ["--local", "127.0.0.1", "--peer", "127.0.0.1", "--port", "65000", "--flows", "1000"],
    ["--local", "127.0.0.1", "--peer", "127.0.0.1", "more"],
    ["--unknown"],
])
def test_wrong_usage(binary, words):
    run = subprocess.run([binary, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert run.returncode == 2 and run.stdout == ""
    assert "recorder: " in run.stderr and "--help" in run.stderr


def test_help(binary):
    run = subprocess.run([binary, "--help"], capture_output=True, text=True)
    assert run.returncode == 0 and run.stderr == ""
    assert all(len(line) <= 80 for line in run.stdout.splitlines())


def test_no_such_interface(binary):
    run = subprocess.run([binary, "--local", "127.0.0.1", "--peer", "127.0.0.1", "--watch", "nope"],
                         capture_output=True, text=True, stdin=subprocess.PIPE)
    assert run.returncode == 1 and "nope: No such device" in run.stderr

# SPDX-License-Identifier: GPL-2.0-or-later
"""The live view on a terminal, and its blocks and lines elsewhere."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

import pytest

import fake

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"


class Counting:
    """Answers Show with counters that grow: ens4's by time, so that its rate is known."""

    def __init__(self, change=None):
        self.calls = 0
        self.start = time.monotonic()
        self.change = change

    def __call__(self, method, parameters):
        self.calls += 1
        team = fake.healthy() if self.calls < 3 or not self.change else self.change()
        ms = int((time.monotonic() - self.start) * 1000)
        for member in team["members"][:1]:
            member["tx_packets"] = 84 * ms
            member["tx_bytes"] = 84 * ms * 1000
        return fake.reply(teams=[team])


class Terminal:
    """iovteam on a terminal of its own, which is also its controlling terminal."""

    def __init__(self, iovteam, *words, rows=24, columns=80, **changes):
        environment = iovteam.environment(**changes)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execve(iovteam.binary, [iovteam.binary, *words], environment)
        self.text = ""
        self.status = None

    def read(self, end):
        """Some more output; False when there will be none."""
        assert select.select([self.fd], [], [], max(0, end - time.monotonic()))[0], self.text
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.text += data.decode()
        return bool(data)

    def until(self, condition, seconds=30):
        end = time.monotonic() + seconds
        while not condition(self.text):
            assert self.read(end), f"it ended: {self.text!r}"
        return self.text

    def send(self, keys):
        os.write(self.fd, keys.encode())

    def local_modes(self):
        return termios.tcgetattr(self.fd)[3]

    def end(self, seconds=30):
        end = time.monotonic() + seconds
        while self.read(end):
            pass
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        return self.text


@pytest.fixture
def terminal(iovteam):
    made = []

    def start(*words, **options):
        made.append(Terminal(iovteam, *words, **options))
        return made[-1]

    yield start
    for one in made:
        if one.status is None:
            os.kill(one.pid, signal.SIGKILL)
            os.waitpid(one.pid, 0)
            os.close(one.fd)


def frames(text):
    """What the screen showed, one after the other, without its control sequences."""
    parts = text.split("\x1b[H")[1:]
    return [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", part).replace("\r", "") for part in parts]


def plain(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def rate_of(text, name="ens4"):
    return re.search(rf"{name} +active +- +512 +(\S+) +(\S+) +(\S+) +(\S+)", text).groups()


def test_redraws_in_place_and_ends_after_count(daemon, terminal):
    server = daemon(Counting())
    view = terminal("watch", "--interval", "0.2", "--count", "3")
    text = view.end()
    assert view.status == 0
    assert text.count(ENTER) == text.count(LEAVE) == 1
    assert len(server.calls) == 4
    shown = frames(text)
    assert len(shown) == 4
    assert rate_of(shown[0]) == ("-", "-", "-", "-")
    for frame in shown[1:]:
        pps, bps, rx_pps, rx_bps = rate_of(frame)
        # The machine may stall, so the rate is only about the one that is sent.
        assert 40 < float(pps.rstrip("k")) < 170 and pps.endswith("k")
        assert 320 < float(bps.rstrip("M")) < 1400 and bps.endswith("M")
        assert (rx_pps, rx_bps) == ("0", "0")
    assert max(len(line) for frame in shown for line in frame.splitlines()) <= 80
    # The last view stays on the screen that was there before.
    assert "team0 is up" in plain(text.split(LEAVE)[1])


def test_a_short_reason_is_whole_beside_a_long_name(daemon, terminal):
    """At 80 columns packets per second go before the reason can no longer be read. A device that is
    not there has no interface's name, and stands with what the configuration calls it."""
    device = "ens5"
    daemon(lambda method, parameters: fake.reply(teams=[fake.healthy() | {
        "state": "degraded", "members": [fake.member("ens4", 4), fake.member(
            device, 5, name="", state="failed", reason="not-present", buckets_held=0)]}]))
    for device, kept in (("ens5", True), ("pci-0000:81:00.0.1", False)):
        view = terminal("watch", "--interval", "0.2", "--count", "1")
        last = frames(view.end())[-1]
        assert re.search(rf"{device} +failed +not-present +0 ", last), last
        assert ("RX PPS" in last) == kept and "TX BPS" in last and "RX BPS" in last, last
        assert max(map(len, last.splitlines())) <= 80


@pytest.mark.parametrize("key", ["q", "Q", "\x03", "xyq"])
def test_a_key_leaves_and_all_is_restored(key, daemon, terminal):
    daemon(Counting())
    view = terminal("watch", "--interval", "3600")
    before = termios.ICANON | termios.ECHO
    view.until(lambda text: "team0" in text and "\x1b[J" in text)
    assert not view.local_modes() & before
    view.send(key)
    view.until(lambda text: LEAVE in text)
    text = view.end()
    assert view.status == 0
    assert text.rindex("\x1b[?25h") < text.index(LEAVE) and "\x1b[?7h" in text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_leaves(number, daemon, terminal):
    daemon(Counting())
    view = terminal("watch", "--interval", "3600")
    view.until(lambda text: "\x1b[J" in text)
    os.kill(view.pid, number)
    assert LEAVE in view.end()
    assert view.status == 0


def test_stop_gives_the_screen_back_and_continue_takes_it(daemon, terminal):
    daemon(Counting())
    view = terminal("watch", "--interval", "3600")
    view.until(lambda text: "\x1b[J" in text)
    view.send("\x1a")
    view.until(lambda text: LEAVE in text)
    assert os.WIFSTOPPED(os.waitpid(view.pid, os.WUNTRACED)[1])
    assert view.local_modes() & termios.ICANON
    os.kill(view.pid, signal.SIGCONT)
    view.until(lambda text: text.count(ENTER) == 2 and text.count("\x1b[J") == 2)
    view.send("q")
    view.end()
    assert view.status == 0


def test_another_size_is_drawn_at_once(daemon, terminal):
    daemon(Counting())
    view = terminal("watch", "--interval", "3600", columns=50, rows=6)
    view.until(lambda text: "\x1b[J" in text)
    assert "ens5" not in frames(view.text)[0]  # no room
    fcntl.ioctl(view.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    view.until(lambda text: text.count("\x1b[J") == 2)
    assert "ens5" in frames(view.text)[1]
    assert "FAILURES" in frames(view.text)[1]
    view.send("q")
    view.end()


def test_a_change_shows(daemon, terminal):
    daemon(Counting(fake.degraded))
    view = terminal("watch", "team0", "--interval", "0.1")
    view.until(lambda text: "last: ens4 media-disconnected" in plain(text))
    view.until(lambda text: "\x1b[1;31mfailed" in text)
    view.send("q")
    view.end()
    assert "team0 is degraded, primary ens5, failures 1\r\n" in plain(view.text)


def test_no_colour_when_asked(daemon, terminal):
    daemon(Counting(fake.degraded))
    view = terminal("watch", "--interval", "0.1", "--count", "3", NO_COLOR="1")
    text = view.end()
    assert "failed" in text and not re.search(r"\x1b\[[0-9;]*m", text)


def test_the_view_lives_through_a_restart_of_the_daemon(daemon, terminal, tmp_path):
    server = fake.Fake(tmp_path / "socket", Counting())
    with server:
        view = terminal("watch", "--interval", "0.1")
        view.until(lambda text: text.count("\x1b[J") >= 2)
    os.unlink(server.path)
    view.until(lambda text: "iovteamd is not running" in text and "What follows is old" in text)
    drawn = len(frames(view.text))
    daemon(Counting())
    view.until(lambda text: len(frames(text)) > drawn + 1
               and "not running" not in frames(text)[-2])
    view.send("q")
    view.end()
    assert view.status == 0


def test_a_call_that_hangs_can_be_left(daemon, terminal):
    hanging = threading.Event()
    replies = iter([fake.reply(teams=[fake.healthy()])])

    def answer(method, parameters):
        reply = next(replies, None)
        if not reply:
            hanging.set()
        return reply

    daemon(answer)
    view = terminal("watch", "--interval", "0.1", "--timeout", "3600")
    view.until(lambda text: "\x1b[J" in text)
    assert hanging.wait(30)
    view.send("\x03")
    assert LEAVE in view.end()
    assert view.status == 0


def test_a_first_failure_ends_it_on_the_usual_screen(terminal):
    view = terminal("watch")
    text = view.end()
    assert view.status == 1
    assert ENTER not in text and "iovteamd is not running" in text


def test_blocks_without_a_terminal(daemon, iovteam):
    daemon(Counting())
    done = iovteam("watch", "--interval", "0.1", "--count", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    blocks = done.stdout.split("\n\n")
    assert [block.splitlines()[0][8:] for block in blocks[::2]] == [", every 0.1 s"] * 2
    for block in blocks[1::2]:
        assert block.splitlines()[0] == "team0 is up, primary ens4, failures 0"
        assert rate_of(block)[0].endswith("k")


def test_json_lines(daemon, iovteam):
    daemon(Counting())
    done = iovteam("watch", "--interval", "0.1", "--count", "2", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 2
    for line in lines:
        first = line["teams"][0]["members"][0]
        assert 40000 < first["tx_pps"] < 170000
        assert first["rx_bps"] == 0


def test_counters_that_go_back_have_no_rate(daemon, iovteam):
    counters = iter([1000, 10, 20])

    def answer(method, parameters):
        one = fake.member("ens4", 4, tx_packets=next(counters))
        return fake.reply(teams=[fake.healthy() | {"members": [one]}])

    daemon(answer)
    done = iovteam("watch", "--interval", "0.1", "--count", "2", "--json")
    first, second = (json.loads(line)["teams"][0]["members"][0]
                     for line in done.stdout.splitlines())
    assert "tx_pps" not in first and first["rx_pps"] == 0
    assert second["tx_pps"] > 0


def test_a_failure_without_a_terminal_ends_it(daemon, iovteam):
    replies = iter([fake.reply(teams=[]), fake.error("org.iovteam.NotFound", message="gone")] * 2)
    daemon(lambda method, parameters: next(replies))
    done = iovteam("watch", "--interval", "0.1")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "iovteam: gone\n")
    assert iovteam.json("watch", "--interval", "0.1") == (
        1, {"error": "org.iovteam.NotFound", "message": "gone"})


def test_ctrl_c_without_a_terminal(daemon, iovteam):
    daemon(Counting())
    process = subprocess.Popen([iovteam.binary, "watch", "--interval", "0.1", "--json"],
                               env=iovteam.environment(), stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_progress_of_a_slow_call(daemon, terminal):
    """A line on the terminal's stderr after two seconds, gone when the answer is there."""
    seen = threading.Event()

    def answer(method, parameters):
        assert seen.wait(30)
        return fake.reply(actions=[])

    daemon(answer)
    view = terminal("reload")
    view.until(lambda text: "Waiting for iovteamd, 2 s" in text)
    seen.set()
    text = view.end()
    assert view.status == 0
    assert text.endswith("\r\x1b[KNothing to do: everything is as wanted.\r\n")

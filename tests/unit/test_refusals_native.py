# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon on the machine's own kernel, which may be without bonding: what it refuses leaves all
as it was. Each test has a network namespace, a BPF file system, a configuration and a socket of
its own.
"""
import fcntl
import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

CLONE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("IOVTEAM_BUILD") or CLONE / "build").resolve()
DAEMON, COMMAND = str(BUILD / "src/daemon/iovteamd"), str(BUILD / "src/cli/iovteam")
PATIENCE = 30  # seconds


def run(*argv, **options):
    return subprocess.run(argv, capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, **options)


def wait_until(condition, what, patience=PATIENCE):
    end = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.02)
    return value


class World:
    """The namespace, and where the daemon has its things."""

    def __init__(self, directory, name):
        self.directory, self.name = directory, name
        self.config, self.socket = directory / "teams", directory / "socket"
        self.bpffs = directory / "bpf" / "iovteam"
        self.log = directory / "log"
        self.more = []  # options of the daemon

    def inside(self, *argv, **options):
        return run("ip", "netns", "exec", self.name, *argv, **options)

    def iovteam(self, *words, socket=None):
        return self.inside(COMMAND, *words, "--socket", str(socket or self.socket))

    def command_line(self, *more, socket=None):
        return ["nsenter", f"--net=/run/netns/{self.name}", "--", DAEMON, "--config",
                str(self.config), "--socket", str(socket or self.socket), "--bpffs",
                str(self.bpffs), *self.more, *more]

    @contextmanager
    def daemon(self):
        with open(self.log, "wb") as log:
            process = subprocess.Popen(self.command_line(), stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log)
        try:
            wait_until(lambda: process.poll() is not None
                       or self.iovteam("team", "show").returncode == 0, "the daemon to answer")
            assert process.poll() is None, self.log.read_text()
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(PATIENCE)

    def state(self):
        """Devices, addresses, queues and filters; files and pins; loaded programs are in pins."""
        links = self.inside("sh", "-c", "ip -d -o link; ip -o address; tc qdisc; "
                                        "tc filter show dev veth0 ingress").stdout
        files = {str(path): path.read_text() if path.is_file() else ""
                 for top in (self.config, self.bpffs) if top.exists()
                 for path in sorted(top.rglob("*"))}
        return links, files


@pytest.fixture
def world(tmp_path):
    name = f"iovteam-test-{os.getpid()}"
    made = World(tmp_path, name)
    (tmp_path / "bpf").mkdir()
    assert run("ip", "netns", "add", name).returncode == 0
    mounted = run("mount", "-t", "bpf", "bpf", str(tmp_path / "bpf"))
    try:
        assert mounted.returncode == 0, mounted.stderr
        assert made.inside("sh", "-ec", """
            echo 1 >/proc/sys/net/ipv6/conf/default/addr_gen_mode  # no address comes later
            ip link set lo up
            ip link add veth0 type veth peer name peer0
            ip link add veth1 type veth peer name peer1
            ip link set veth0 mtu 1400 up
            ip link set peer0 up""").returncode == 0
        wait_until(lambda: made.inside("ip", "link").stdout.count("state UP") == 2, "both carriers")
        yield made
    finally:
        run("umount", str(tmp_path / "bpf"))
        run("ip", "netns", "delete", name)


def has_bonding(world):
    made = world.inside("ip", "link", "add", "probe0", "type", "bond").returncode == 0
    world.inside("ip", "link", "del", "probe0")
    return made


def test_a_kernel_without_bonding(world):
    """Where there is bonding the same words make a team, and its removal gives all back."""
    bonding = has_bonding(world)
    before = world.state()
    words = ["team", "add", "team0", "--member", "veth0", "--member", "veth1"]
    with world.daemon():
        done = world.iovteam(*words)
        if bonding:
            assert done.returncode == 0, done.stderr
            assert world.iovteam("team", "remove", "team0").returncode == 0
        else:
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr.startswith("iovteam: ") and done.stderr.count("\n") == 1
            # The cause, and what to do about it.
            assert "bonding" in done.stderr and "modprobe bonding" in done.stderr, done.stderr
            assert done.stderr.endswith("; nothing was changed\n")
            said = json.loads(world.iovteam(*words, "--json").stdout)
            assert said["error"] == "org.iovteam.Failed"
            assert f"iovteam: {said['message']}\n" == done.stderr
        links, files = world.state()
        assert links == before[0]
        assert [name for name in files if not files[name] == ""] == []  # no file of a team
        assert list(world.bpffs.glob("*")) == [] and list(world.config.glob("*")) == []
        assert json.loads(world.iovteam("team", "show", "--json").stdout) == {"teams": []}
        # It has not lost its head over it.
        done = world.iovteam("team", "add", "team0", "--member", "veth9")
        assert (done.returncode, done.stderr) == (1, "iovteam: there is no device veth9\n")
    assert not world.socket.exists()


def test_bad_options(world):
    before = world.state()
    for words in (["--colour"], ["--config"], ["extra"], ["-x"], ["--socket", "/tmp/x", "word"]):
        done = world.inside(DAEMON, *words)
        assert (done.returncode, done.stdout) == (2, ""), words
        assert done.stderr.count("\n") == 1 and (words[0].lstrip("-")[0] in done.stderr), done
    for words, text in ((["--help"], "usage: iovteamd"), (["--version"], "iovteamd ")):
        done = world.inside(DAEMON, *words)
        assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith(text)
    assert world.state() == before


def test_not_root(world):
    before = world.state()
    done = world.inside("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--",
                        DAEMON, "--config", str(world.config), "--socket", str(world.socket),
                        "--bpffs", str(world.bpffs))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("iovteamd must be started by root\n"), done.stderr
    assert done.stderr.count("\n") == 1
    assert world.state() == before and not world.socket.exists()


def test_a_socket_that_cannot_be(world):
    """A path longer than the kernel takes, or in a place that is no directory."""
    before = world.state()
    for path in (world.directory / ("long" * 30), Path("/dev/null/socket")):
        done = run(*world.command_line(socket=path))
        assert (done.returncode, done.stdout) == (1, "")
        last = done.stderr.splitlines()[-1]
        assert f"cannot listen at {path}: " in last, done.stderr
        assert world.state() == before


def ends_at_once(argv, why, status=1):
    """@argv, a daemon, refuses to start with one sentence."""
    second = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
    try:
        out, err = second.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        second.kill()
        second.communicate()
        pytest.fail("the second daemon serves beside the first one")
    assert (second.returncode, out) == (status, "")
    assert why in err.splitlines()[-1], err


def test_a_second_daemon_in_the_namespace(world, tmp_path):
    """It refuses to start, at another socket, too, and takes nothing from the first."""
    with world.daemon() as first:
        assert world.iovteam("switch", "add", "sw0", "--nic", "veth0").returncode == 0
        names = world.inside("ls", "/sys/class/net").stdout
        inode = world.socket.stat().st_ino
        (tmp_path / "other").mkdir()
        for line in (world.command_line(),
                     world.command_line("--config", str(tmp_path / "other"), "--bpffs",
                                        str(tmp_path / "bpf/other"), socket=tmp_path / "second")):
            ends_at_once(line, "another iovteamd serves this network namespace already")
        assert "sw0" in names and world.inside("ls", "/sys/class/net").stdout == names
        assert world.socket.stat().st_ino == inode
        assert world.iovteam("switch", "show").returncode == 0
        assert first.poll() is None
        assert world.iovteam("switch", "remove", "sw0").returncode == 0
    assert not claims(world)


def claims(world):
    inode = world.inside("stat", "-Lc", "%i", "/proc/self/ns/net").stdout.strip()
    return list(Path("/run/iovteam").glob(f"netns-{inode}.lock"))


def test_a_daemon_of_another_namespace_at_the_same_socket(world):
    other = f"{world.name}-other"
    assert run("ip", "netns", "add", other).returncode == 0
    try:
        with world.daemon() as first:
            line = world.command_line()
            line[1] = f"--net=/run/netns/{other}"
            ends_at_once(line, f"cannot listen at {world.socket}: ")
            assert first.poll() is None
    finally:
        run("ip", "netns", "delete", other)


def test_a_killed_daemons_claim_is_taken(world):
    with world.daemon() as first:
        first.kill()
        first.wait(PATIENCE)
        assert claims(world)
    with world.daemon():
        assert world.iovteam("team", "show").returncode == 0
    assert not claims(world)


def test_a_file_where_the_socket_should_be(world):
    world.socket.write_text("precious")
    ends_at_once(world.command_line(),
                 f"cannot listen at {world.socket}: there is a file that is no socket")
    assert world.socket.read_text() == "precious"


def test_a_file_where_the_directory_should_be(world):
    world.config.write_text("")
    ends_at_once(world.command_line(), f"{world.config} is no directory; --config names ", status=2)


def test_a_fifo_among_the_files(world):
    """Nobody waits for who might write into it."""
    world.config.mkdir()
    fifo = world.config / "f.conf"
    with world.daemon():
        os.mkfifo(fifo)
        done = world.iovteam("reload")
        assert (done.returncode, done.stdout) == (1, "")
        assert f"{fifo}: is not a regular file" in done.stderr, done.stderr
        asked = world.inside(DAEMON, "--config", str(world.config), "--udev", "veth0:veth0")
        assert asked.stdout == ""
        fifo.unlink()
        assert world.iovteam("reload").returncode == 0


def test_whoever_reads_the_log_ends(world):
    """And the terminal that the daemon was started from."""
    process = subprocess.Popen(world.command_line("--verbose"), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        wait_until(lambda: world.iovteam("team", "show").returncode == 0, "the daemon to answer")
        process.stderr.close()
        process.send_signal(signal.SIGHUP)
        for _ in range(2):
            assert world.iovteam("switch", "add", "sw0", "--nic", "veth0").returncode == 0
            assert world.iovteam("switch", "remove", "sw0").returncode == 0
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(PATIENCE)


def test_whoever_reads_the_log_stands_still(world):
    """Lines are left out, and how many is said once they are read again."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    process = subprocess.Popen(world.command_line("--verbose"), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=writer)
    os.close(writer)
    try:
        wait_until(lambda: world.iovteam("team", "show").returncode == 0, "the daemon to answer")
        for _ in range(20):
            assert world.iovteam("switch", "add", "sw0", "--nic", "veth0").returncode == 0
            assert world.iovteam("switch", "remove", "sw0").returncode == 0
        os.read(reader, 1 << 16)
        assert world.iovteam("switch", "add", "sw0", "--nic", "veth0").returncode == 0
        assert b"lines were left out before this one" in os.read(reader, 1 << 16)
        assert world.iovteam("switch", "remove", "sw0").returncode == 0
    finally:
        process.terminate()
        process.wait(PATIENCE)
        os.close(reader)


def test_a_dead_daemons_socket_is_taken(world):
    with world.daemon() as first:
        first.send_signal(signal.SIGKILL)
        first.wait(PATIENCE)
        assert world.socket.exists()
        done = world.iovteam("team", "show")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (f"iovteam: iovteamd is not running (nobody listens at "
                               f"{world.socket}); start it with: systemctl start iovteamd\n")
    with world.daemon():
        assert world.iovteam("team", "show").returncode == 0


def test_a_file_that_is_wrong_at_the_start(world):
    """The daemon runs and says so; nothing is changed until the file is mended."""
    world.config.mkdir()
    file = world.config / "a.conf"
    file.write_text("[Team]\nName=team0\nColour=red\n[Member]\nDevice=veth0\n")
    before = world.state()
    with world.daemon():
        assert f"{file}:3: there is no setting Colour" in world.log.read_text()
        done = world.iovteam("reload")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"iovteam: {file}:3: there is no setting Colour; ")
        assert world.state() == before
        file.unlink()
        assert world.iovteam("reload").returncode == 0
        assert world.state()[0] == before[0]


def test_a_member_that_is_not_in_use(world):
    """T20: it is configured, so the sentence does not say that there is no such member."""
    world.config.mkdir()
    (world.config / "team0.conf").write_text("[Team]\nName=team0\nAdopt=yes\n[Member]\nDevice=veth0\n")
    with world.daemon():
        for words in (("member", "drain", "team0"), ("member", "restore", "team0"),
                      ("team", "switchover", "team0", "--to")):
            done = world.iovteam(*words, "veth0")
            assert (done.returncode, done.stdout, done.stderr) == (
                1, "", "iovteam: veth0 is a member of team0, but not in use now; iovteam team show "
                "team0 says why\n"), words
            done = world.iovteam(*words, "veth1")
            assert done.stderr == 'iovteam: team0 has no member "veth1"\n', words

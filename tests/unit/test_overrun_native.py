# SPDX-License-Identifier: GPL-2.0-or-later
"""More events than the daemon's socket holds, while the daemon stands still: afterwards it knows
the devices as they are, not as the events that were left tell it. On the machine's own kernel.
"""
import os
import signal
import subprocess

from test_refusals_native import wait_until, world  # noqa: F401

TURNS = 500
STORMS_MAX = 200


def lost_events(pid):
    """How many events each of the process's event sockets has lost (/proc/net/netlink, Drops)."""
    inodes = {os.stat(f"/proc/{pid}/fd/{fd}").st_ino for fd in os.listdir(f"/proc/{pid}/fd")}
    with open(f"/proc/{pid}/net/netlink") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    return sum(int(row[8]) for row in rows if int(row[9]) in inodes)


def planned(world):  # noqa: F811
    done = world.iovteam("plan")
    assert done.returncode == 0, done.stderr
    return done.stdout


def is_waited_for(world, device):  # noqa: F811
    return f"wait for {device}, which is not there" in planned(world)


def storm(world, pid):  # noqa: F811
    """Events of veth1 until the queue runs over."""
    turn = "".join(f"link set veth1 mtu {1300 + number % 2}\n" for number in range(TURNS))
    for _ in range(STORMS_MAX):
        done = subprocess.run(["ip", "netns", "exec", world.name, "ip", "-batch", "-"], input=turn,
                              text=True, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        if lost_events(pid):
            return
    raise AssertionError("the queue does not run over")


def test_events_are_lost(world):  # noqa: F811
    world.config.mkdir()
    # The team itself cannot be made where there is no bonding; what is waited for is said anyway.
    (world.config / "a.conf").write_text(
        "[Team]\nName=team0\n[Member]\nDevice=veth1\n[Member]\nDevice=late0\n")
    with world.daemon() as daemon:
        assert is_waited_for(world, "late0") and not is_waited_for(world, "veth1")
        daemon.send_signal(signal.SIGSTOP)
        try:
            storm(world, daemon.pid)
            # Nobody will ever tell the daemon of these.
            assert world.inside("ip", "link", "del", "veth1").returncode == 0
            assert world.inside("ip", "link", "add", "late0", "type", "veth", "peer", "name",
                                "late1").returncode == 0
        finally:
            daemon.send_signal(signal.SIGCONT)
        wait_until(lambda: is_waited_for(world, "veth1"), "the daemon to miss veth1")
        assert not is_waited_for(world, "late0")
        assert "all is observed anew" in world.log.read_text()
        # And it listens again.
        assert world.inside("ip", "link", "del", "late0").returncode == 0
        wait_until(lambda: is_waited_for(world, "late0"), "the daemon to miss late0")

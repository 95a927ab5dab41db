# SPDX-License-Identifier: GPL-2.0-or-later
"""What changes is told as it changes (T20): to those who watch, and to scripts."""
from __future__ import annotations

import json

import pytest

from lab import wait_until
from team import PYTHON, SLOW, Team, binary

# Appends each event and what the environment says of it.
HOOK = """#!/bin/sh
read event
echo "$event" >> {log}
echo "$IOVTEAM_EVENT $IOVTEAM_TEAM $IOVTEAM_MEMBER $IOVTEAM_STATE $IOVTEAM_REASON" >> {log}.env
"""
SILENT = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b'{"method": "org.iovteam.Monitor", "more": true}' + bytes(1))
print("ready", flush=True)
sys.stdin.read()
"""


class Watcher:
    """iovteam events --json, for a block."""

    def __init__(self, lab, build, team):
        self._process = lab.guest.spawn([binary(build, "iovteam"), "events", "--json",
                                         "--socket", team.socket])
        self._process.expect('"snapshot"')

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._process.stop()

    def events(self):
        return [json.loads(line) for line in self._process.stdout().split("\n")[:-1]]

    def wait(self, what, **fields):
        """The first event of this kind with these fields."""
        def found():
            return next((event for event in self.events() if event["event"] == what
                         and fields.items() <= event.items()), None)
        return wait_until(found, SLOW, f"{what} {fields} in {self.events()}")


def kinds(events, *wanted):
    return [(event["event"], event.get("member", "")) for event in events
            if event["event"] in wanted]


def test_a_failover_is_told_to_watchers_and_scripts(lab, build):
    team = Team(lab, build)
    log = f"{team.config}/log"
    lab.guest.run(["mkdir", "-p", f"{team.config}/hooks.d"])
    lab.write(f"{team.config}/hooks.d/10-log", HOOK.format(log=log), mode=0o755)
    try:
        team.start_daemon()
        with Watcher(lab, build, team) as watcher, \
                lab.guest.spawn([*PYTHON, "-c", SILENT, team.socket]) as silent:
            silent.expect("ready")
            assert watcher.events()[0]["teams"] == []
            team.add()
            for member in team.macs:
                watcher.wait("joined", member=member)
            watcher.wait("team-state", state="up")
            old, new = team.primary, team.other()
            with team.lost(old):
                failover = watcher.wait("failover", member=old)
                assert (failover["cause"], failover["primary_before"], failover["primary"]) == (
                    "media-disconnected", old, new)
                assert (failover["seen_us"] <= failover["decided_us"] <= failover["applied_us"]
                        <= failover["monotonic_us"])
                watcher.wait("primary", primary_before=old, primary=new)
                watcher.wait("member-state", member=old, state_before="active", state="failed",
                             reason="media-disconnected")
                watcher.wait("team-state", state_before="up", state="degraded")
                # One who comes now is told what is, under the number of the last event.
                with Watcher(lab, build, team) as late:
                    snapshot = late.events()[0]
                    assert snapshot["sequence"] == watcher.events()[-1]["sequence"]
                    assert snapshot["teams"][0]["state"] == "degraded"
            watcher.wait("returned", member=old)
            team.switchover(old)
            watcher.wait("switchover", member=old)
            team.run("member", "remove", team.name, new, timeout=60)
            watcher.wait("left", member=new)
            team.remove()
            watcher.wait("removed", team=team.name)
            wait_until(lambda: watcher.events()[-1]["event"] == "configuration-applied", SLOW,
                       "the end of it")
            events = watcher.events()
            numbers = [event["sequence"] for event in events]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            assert silent.running

            def logged():
                lines = lab.read(log).decode().split("\n")[:-1]
                return lines if json.loads(lines[-1])["sequence"] == numbers[-1] else None

            # The scripts had the very same, in the same order; "started" was before the snapshot.
            scripts = [json.loads(line) for line in wait_until(logged, SLOW, "the scripts")]
            assert scripts[0]["event"] == "started"
            assert scripts[1:] == [event for event in events if event["event"] != "snapshot"]
            told = lab.read(f"{log}.env").decode().split("\n")
            assert f"member-state {team.name} {old} failed media-disconnected" in told
    finally:
        team.close()


def test_slow_scripts_and_silent_watchers_delay_nothing(lab, build):
    """A script that never ends, watchers that never read: a failover takes as long as without."""
    team = Team(lab, build)
    lab.guest.run(["mkdir", "-p", f"{team.config}/hooks.d"])
    lab.write(f"{team.config}/hooks.d/10-slow", "#!/bin/sh\nsleep 1000 & sleep 1000\n", mode=0o755)
    silent = []
    try:
        team.start_daemon()
        for _ in range(4):
            silent.append(lab.guest.spawn([*PYTHON, "-c", SILENT, team.socket]))
            silent[-1].expect("ready")
        team.add()
        took = []
        for member in [team.primary, team.other()]:
            with team.lost(member):
                record = team.show()["failovers"][-1]
                took.append(record["applied_us"] - record["seen_us"])
        print(f"mask and announcements after the event: {took} us")
        # Emulated, on a busy machine; a wait for any of them would be ten seconds.
        assert max(took) < 1_000_000
        team.remove()
        team.stop_daemon()
        # What a script has started ends with the daemon.
        assert not lab.guest.run(["pgrep", "-f", "sleep 1000"], check=False).out
    finally:
        for process in silent:
            process.stop()
        team.close()

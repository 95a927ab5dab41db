# SPDX-License-Identifier: GPL-2.0-or-later
"""Events and hooks on the machine's own kernel: no team is needed, since each reload is an event.
The world of each test is that of test_refusals_native.py."""
import json
import os
import socket
import subprocess

import pytest

from test_refusals_native import COMMAND, PATIENCE, run, wait_until, world  # noqa: F401

MONITOR = b'{"method":"org.iovteam.Monitor","more":true}\0'
RELOAD = b'{"method":"org.iovteam.Reload"}\0'


@pytest.fixture(autouse=True)
def no_find_of_a_sanitizer(world):  # noqa: F811
    yield
    assert "Sanitizer" not in world.log.read_text()


def hook(world, name, text, mode=0o755):
    directory = world.config / "hooks.d"
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(mode)
    return path


def connect(world):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(PATIENCE)
    client.connect(str(world.socket))
    return client


def message(client, rest=b""):
    """One answer, and what has come behind it."""
    while b"\0" not in rest:
        got = client.recv(65536)
        assert got, "the daemon closed the connection"
        rest += got
    text, rest = rest.split(b"\0", 1)
    return json.loads(text), rest


def reload(world, times=1):
    with connect(world) as client:
        rest = b""
        for _ in range(times):
            client.sendall(RELOAD)
            answer, rest = message(client, rest)
            assert "error" not in answer


def lines(path, count, patience=PATIENCE):
    def read():
        found = path.read_text().splitlines() if path.exists() else []
        return found if len(found) >= count else None

    return wait_until(read, f"{count} lines in {path}", patience)


def living(group):
    """Processes of a group that have not ended; one that nobody has waited for yet has."""
    found = run("ps", "-e", "-o", "pgid=,stat=,pid=").stdout.splitlines()
    return [line for line in map(str.split, found) if line[0] == str(group) and line[1][0] != "Z"]


# --- monitoring ---

def test_a_stream_begins_with_what_is_and_goes_on(world):
    with world.daemon(), connect(world) as client:
        client.sendall(MONITOR)
        first, rest = message(client)
        assert first["continues"] is True
        assert first["parameters"]["event"]["event"] == "snapshot"
        assert first["parameters"]["event"]["teams"] == []
        reload(world, 3)
        last = first["parameters"]["event"]
        for _ in range(3):
            told, rest = message(client, rest)
            event = told["parameters"]["event"]
            assert event["event"] == "configuration-applied" and told["continues"] is True
            assert event["sequence"] == last["sequence"] + 1
            assert event["monotonic_us"] >= last["monotonic_us"]
            last = event
        assert not rest


def test_without_more_it_is_one_answer(world):
    with world.daemon(), connect(world) as client:
        client.sendall(MONITOR.replace(b',"more":true', b""))
        first, rest = message(client)
        assert "continues" not in first
        client.sendall(RELOAD)
        answer, rest = message(client, rest)
        assert "actions" in answer["parameters"] and not rest


def test_a_call_on_a_stream_ends_it(world):
    with world.daemon(), connect(world) as client:
        client.sendall(MONITOR)
        _, rest = message(client)
        client.sendall(RELOAD)
        answer, rest = message(client, rest)
        assert answer["error"] == "org.varlink.service.InvalidParameter"
        assert "continues" not in answer
        assert client.recv(100) == b""


def test_an_unknown_team_is_refused(world):
    with world.daemon():
        done = world.iovteam("events", "team9", "--json")
        assert done.returncode == 1
        assert json.loads(done.stdout)["error"] == "org.iovteam.NotFound"


def test_there_is_room_for_others_beside_those_who_watch(world):
    with world.daemon():
        clients = [connect(world) for _ in range(17)]
        try:
            for client in clients:
                client.sendall(MONITOR)
            answers = [message(client)[0] for client in clients]
            # Which one it is, is for the loop to say: all ask at once.
            errors = [answer.get("error") for answer in answers]
            assert sorted(map(str, errors)) == ["None"] * 16 + ["org.iovteam.Refused"]
            assert world.iovteam("team", "show").returncode == 0
            # Many short calls take each other's places, never those who watch.
            for _ in range(40):
                clients.append(connect(world))
            reload(world)
            told, _ = message(clients[errors.index(None)])
            assert told["parameters"]["event"]["event"] == "configuration-applied"
        finally:
            for client in clients:
                client.close()


def test_the_command_prints_lines_and_ends_with_the_daemon(world):
    with world.daemon() as daemon:
        watcher = subprocess.Popen(["nsenter", f"--net=/run/netns/{world.name}", "--", COMMAND,
                                    "events", "--socket", str(world.socket)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert watcher.stdout.readline().endswith(" snapshot no teams\n")
        reload(world)
        assert watcher.stdout.readline().endswith(" configuration-applied\n")
        daemon.terminate()
        assert watcher.wait(PATIENCE) == 1
        assert "ended the stream" in watcher.stderr.read()


# --- hooks ---

def test_hooks_run_in_order_with_event_and_environment(world):
    out = world.directory / "out"
    hook(world, "20-second", f'echo "second $IOVTEAM_EVENT" >> {out}')
    hook(world, "10-first", f'echo "first $IOVTEAM_EVENT $IOVTEAM_SEQUENCE $IOVTEAM_SOCKET" '
                            f'>> {out}; cat >> {out}')
    hook(world, "05-not-executable", f"echo bad >> {out}", 0o644)
    hook(world, "06-backup~", f"echo bad >> {out}")
    hook(world, ".07-hidden", f"echo bad >> {out}")
    with world.daemon():
        reload(world)
        found = lines(out, 6)
    assert found[0] == f"first started 1 {world.socket}"
    assert json.loads(found[1])["event"] == "started"
    assert found[2] == "second started"
    assert found[3].startswith("first configuration-applied 2 ")
    assert json.loads(found[4])["sequence"] == 2
    assert found[5:] == ["second configuration-applied"]


@pytest.mark.parametrize("mode, owner", [(0o757, 0), (0o775, 0), (0o755, 65534)])
def test_what_others_can_change_is_not_run(world, mode, owner):
    out = world.directory / "out"
    bad = hook(world, "10-bad", f"echo bad >> {out}", mode)
    os.chown(bad, owner, 0)
    (world.config / "hooks.d" / "15-link").symlink_to("/bin/false")
    hook(world, "20-good", f"echo good >> {out}")
    with world.daemon():
        assert lines(out, 1) == ["good"]
    log = world.log.read_text()
    assert "10-bad is not run: others than root can change it" in log
    assert "15-link is not run: it is not a regular file" in log


def test_nothing_is_run_from_a_directory_that_others_can_change(world):
    out = world.directory / "out"
    hook(world, "10-bad", f"echo bad >> {out}").parent.chmod(0o777)
    with world.daemon():
        wait_until(lambda: "nothing of it is run" in world.log.read_text(), "the refusal")
    assert not out.exists()


def test_a_hook_has_no_more_than_it_needs(world):
    out = world.directory / "out"
    hook(world, "10-look", f"ls /proc/self/fd >> {out}.fds; "
                           f"grep -E '^(CapPrm|NoNewPrivs|SigBlk)' /proc/self/status >> {out}")
    with world.daemon():
        status = dict(line.split(":\t") for line in lines(out, 3))
    assert status == {"CapPrm": f"{1 << 12 | 1 << 13:016x}",  # CAP_NET_ADMIN, CAP_NET_RAW
                      "NoNewPrivs": "1", "SigBlk": "0" * 16}
    assert (world.directory / "out.fds").read_text().split()[:3] == ["0", "1", "2"]
    assert len((world.directory / "out.fds").read_text().split()) == 4  # and that of ls


def test_what_a_hook_prints_and_how_it_ends_is_logged(world):
    hook(world, "10-talk", 'printf "one\\ntwo\\033[31m\\nthree"; echo four >&2; exit 3')
    hook(world, "20-flood", "yes")
    hook(world, "30-not-a-script", "").write_bytes(b"\x7fELF nonsense")
    with world.daemon():
        wait_until(lambda: "30-not-a-script: ended" in world.log.read_text(), "the last hook")
    log = world.log.read_text()
    for text in ("hook 10-talk: one\n", "hook 10-talk: two?[31m\n", "hook 10-talk: threefour\n",
                 "hook 10-talk: ended with status 3\n", "hook 20-flood: prints too much",
                 "hook 30-not-a-script: it cannot be run", "ended with status 127"):
        assert text in log, log
    assert log.count("hook 20-flood: y\n") < 40000


def test_a_hook_that_does_not_end_is_ended_and_the_loop_goes_on(world):
    out = world.directory / "out"
    hook(world, "10-slow", f"echo $$ >> {out}.pid; sleep 1000 & exec sleep 1000")
    hook(world, "20-next", f"echo next >> {out}")
    with world.daemon():
        group = int(lines(world.directory / "out.pid", 1)[0])
        reload(world, 100)  # meanwhile
        assert lines(out, 1) == ["next"]
        assert "10-slow: ended after 10 s" in world.log.read_text()
        wait_until(lambda: not living(group), "the end of all that the hook has started")
        running = int(lines(world.directory / "out.pid", 2)[1])
    # The one that ran at the daemon's end has gone with it.
    wait_until(lambda: not living(running), "the end of the hook")


def test_events_that_come_too_fast_are_dropped_and_counted(world):
    out, gate = world.directory / "out", world.directory / "gate"
    os.mkfifo(gate)
    hook(world, "10-wait", f'[ -e {out} ] || read x < {gate}; '
                           f'echo $IOVTEAM_SEQUENCE $IOVTEAM_DROPPED >> {out}')
    with world.daemon():
        reload(world, 1030)
        gate.write_text("go\n")
        found = [tuple(map(int, line.split())) for line in lines(out, 1025, 4 * PATIENCE)]
    # The first ran; of 1030 that came meanwhile the last 1024 waited.
    assert found[0] == (1, 0) and found[1] == (8, 6)
    assert [dropped for _, dropped in found[2:]] == [0] * 1023
    assert [number for number, _ in found[1:]] == list(range(8, 1032))
    log = world.log.read_text()
    assert "more than 1024 events wait" in log and "6 events were dropped" in log

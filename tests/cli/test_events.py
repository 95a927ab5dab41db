# SPDX-License-Identifier: GPL-2.0-or-later
"""The stream of changes, as text and as lines of JSON."""
import json

import fake

STAMP = {"realtime_us": 1_700_000_000_123_456, "monotonic_us": 5_000_000}


def event(number, kind, team="team0", **fields):
    return {"event": kind, "team": team, **fields, "sequence": number, **STAMP}


EVENTS = [
    event(7, "snapshot", "", teams=[fake.healthy()]),
    event(8, "failover", cause="media-disconnected", member="ens4", primary_before="ens4",
          primary="ens5", seen_us=100, decided_us=141, applied_us=1405, buckets_moved=512),
    event(9, "primary", primary_before="ens4", primary="ens5"),
    event(10, "member-state", member="ens4", device="ens4", state_before="active",
          state="failed", reason_before="none", reason="media-disconnected"),
    event(11, "team-state", state_before="up", state="degraded"),
    event(12, "left", member="ens4", device="ens4"),
    event(13, "trouble", text="no \033[31mcolours"),
    event(14, "primary", primary_before="ens5", primary=""),
    event(15, "member-state", member="ens6", device="ens6", state_before="", state="active",
          reason_before="", reason="none"),
    event(16, "configuration-applied", ""),
    event(17, "something-new", member="ens5", text="of a later daemon"),
]
TEXT = """\
22:13:20.123 snapshot team0 is up, primary ens4
22:13:20.123 team0 failover ens4 media-disconnected, primary ens4 -> ens5, 512 buckets moved, 1305 us
22:13:20.123 team0 primary ens4 -> ens5
22:13:20.123 team0 member-state ens4 active -> failed, media-disconnected
22:13:20.123 team0 team-state up -> degraded
22:13:20.123 team0 left ens4
22:13:20.123 team0 trouble no ?[31mcolours
22:13:20.123 team0 primary ens5 -> none
22:13:20.123 team0 member-state ens6 active
22:13:20.123 configuration-applied
22:13:20.123 team0 something-new ens5 of a later daemon
"""


def stream(events):
    return b"".join(fake.message(parameters={"event": one}, continues=True) for one in events)


def test_text(iovteam, daemon):
    daemon(stream(EVENTS))
    done = iovteam("events", "--count", str(len(EVENTS) - 1))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == TEXT


def test_json_is_an_object_on_each_line(iovteam, daemon):
    asked = daemon(stream(EVENTS))
    done = iovteam("events", "team0", "--json", "--count", str(len(EVENTS) - 1))
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line) for line in done.stdout.splitlines()] == EVENTS
    assert asked.calls == [{"method": "org.iovteam.Monitor", "parameters": {"name": "team0"},
                            "more": True}]


def test_count_leaves_what_comes_later(iovteam, daemon):
    daemon(stream(EVENTS))
    assert iovteam("events", "--count", "2").stdout == "".join(TEXT.splitlines(True)[:3])


def test_it_ends_with_the_daemon(iovteam, daemon):
    daemon(stream(EVENTS[:2]))
    done = iovteam("events")
    assert done.returncode == 1
    assert done.stdout == "".join(TEXT.splitlines(True)[:2])
    assert done.stderr == ("iovteam: iovteamd has ended the stream: it stopped, or was not read "
                           "from\n")


def test_a_refusal(iovteam, daemon):
    daemon(fake.error("org.iovteam.Refused", message="as many clients as may watch events do so"))
    done = iovteam("events")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "iovteam: as many clients as may watch events do so\n"


def test_a_daemon_that_knows_no_events(iovteam, daemon):
    daemon(fake.error("org.varlink.service.MethodNotFound", method="org.iovteam.Monitor"))
    done = iovteam("events")
    assert done.returncode == 1 and "older than this command" in done.stderr


def test_garbage_in_the_stream(iovteam, daemon):
    daemon(stream(EVENTS[:1]) + b"garbage\0")
    done = iovteam("events", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout.splitlines()[0]) == EVENTS[0]
    assert '"org.iovteam.cli.BadReply"' in done.stdout


def test_the_first_message_has_a_deadline(iovteam, daemon):
    daemon(lambda method, parameters: None)
    done = iovteam("events", "--timeout", "0.2")
    assert done.returncode == 1 and "did not answer within 0.2 s" in done.stderr

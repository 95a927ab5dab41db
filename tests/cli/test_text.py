# SPDX-License-Identifier: GPL-2.0-or-later
"""What people read: held against files in golden/, which IOVTEAM_GOLDEN=write makes anew."""
import os
import pathlib
import re

import pytest

import fake
import fake_host

GOLDEN = pathlib.Path(__file__).parent / "golden"

STEPS = [
    {"team": "team0", "what": "create", "device": "", "text": "make the team team0"},
    {"team": "team0", "what": "join", "device": "ens4", "text": "take ens4 into team0"},
    {"team": "team0", "what": "wait", "device": "ens5",
     "text": "wait for ens5, which is not there"},
]
ANSWER = {"member": "ens5", "why": "home", "bucket": 717, "home": "ens5", "hash": 0x5a3ecacd,
          "text": "bucket 717 is at home on ens5, and ens5 is usable"}

CASES = {
    "show-healthy": (fake.reply(teams=[fake.healthy()]), "team show"),
    "show-adopted": (fake.reply(teams=[fake.adopted()]), "team show"),
    "show-degraded": (fake.reply(teams=[fake.degraded()]), "team show team0"),
    "show-waiting": (fake.reply(teams=[fake.waiting()]), "team"),
    "show-planned": (fake.reply(teams=[fake.planned()]), "team"),
    "show-paths": (fake.reply(teams=[fake.two_paths()]), "team"),
    "member-show-planned": (fake.reply(teams=[fake.planned()]), "member"),
    "show-two": (fake.reply(teams=[fake.healthy(), fake.degraded()]), "team show"),
    "show-none": (fake.reply(teams=[]), "team show"),
    "member-show": (fake.reply(teams=[fake.degraded(), fake.waiting()]), "member"),
    "plan": (fake.reply(actions=STEPS), "plan"),
    "plan-nothing": (fake.reply(actions=[]), "plan"),
    "team-add": (fake.reply(actions=STEPS), "team add team0 --member ens4 --member ens5"),
    "team-add-confirm": (fake.reply(actions=STEPS[:2]),
                         "team add team0 --member ens4 --take-addresses --confirm 60"),
    "cancel": (fake.reply(actions=STEPS[:1]), "cancel"),
    "confirm": (fake.reply(what="the team team0 was made"), "confirm"),
    "show-pending": (
        fake.reply(teams=[fake.healthy()],
                   pending={"what": "the team team0 was made", "seconds": 42}), "team show"),
    "reload-waits": (fake.reply(actions=STEPS[2:]), "reload"),
    "switch-show": (fake.reply(switches=fake_host.troubled()), "switch"),
    "switch-show-well": (fake.reply(switches=[fake_host.switch("A", 0), fake_host.switch("B", 1)]),
                         "switch show"),
    "switch-show-none": (fake.reply(switches=[]), "switch show"),
    "switch-show-one": (fake.reply(switches=fake_host.troubled()[2:3]),
                        "switch show TeamDemoC"),
    "switch-show-gone": (fake.reply(switches=fake_host.troubled()[3:4]),
                         "switch show TeamDemoD"),
    "switch-show-adopted": (fake.reply(switches=fake_host.troubled()[4:]),
                            "switch show TeamDemoE"),
    "adapter-show": (fake.reply(vms=fake_host.vms()), "adapter"),
    "adapter-show-vm": (fake.reply(vms=fake_host.vms()[:1]), "adapter show web1"),
    "adapter-show-none": (fake.reply(vms=[]), "adapter show"),
    "adapter-show-one": (
        fake.reply(vms=[fake_host.vm("web1", fake_host.vms()[0]["adapters"][0])]),
        "adapter show web1 nicA"),
    "adapter-show-lost": (
        fake.reply(vms=[fake_host.vm("test", fake_host.vms()[1]["adapters"][1])]),
        "adapter show test nicB"),
    "adapter-show-without": (
        fake.reply(vms=[fake_host.vm("test", fake_host.vms()[1]["adapters"][0])]),
        "adapter show test nicA"),
    "adapter-show-domain": (fake.reply(vms=[fake_host.domain()]), "adapter show web3 nicA"),
    "vf-show": (fake.reply(vfs=fake_host.vfs()), "vf"),
    "vf-show-none": (fake.reply(vfs=[]), "vf show TeamDemoA"),
    "doctor": (fake.reply(findings=fake_host.findings("warning", "note")), "doctor"),
    "doctor-nothing": (fake.reply(findings=[]), "doctor"),
    "switch-add": (
        fake.reply(actions=[{"team": "", "what": "create", "device": "TeamDemoA",
                             "text": "make the switch TeamDemoA on ens1f0"}]),
        "switch add TeamDemoA --nic ens1f0 --iov on"),
    "explain": (fake.reply(**ANSWER), "explain team0 tcp 10.0.0.1:4711 10.0.0.2:443"),
    "explain-primary": (
        fake.reply(member="ens4", why="multicast", text="broadcast leaves on the primary"),
        "explain team0 52:54:00:12:34:56 ff:ff:ff:ff:ff:ff"),
}


# A MAC as a member's name does not fit, and what is to be copied is not wrapped.
WIDE = ("show-waiting", "adapter-show-one")


def check_golden(name, text):
    text = re.sub(r"(\d+ min )?\d+ s ago", "AGE ago", text)
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("IOVTEAM_GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("name", CASES)
def test_text(name, daemon, iovteam):
    answer, words = CASES[name]
    daemon(answer)
    done = iovteam(*words.split())
    assert (done.returncode, done.stderr) == (0, "")
    check_golden(name, done.stdout)
    lines = done.stdout.splitlines()
    assert all(line == line.rstrip() for line in lines)
    assert name in WIDE or max(map(len, lines)) <= 80


HELPS = ["", "team", "member", "team add", "team remove", "team set", "team show",
         "team switchover", "member add", "member remove", "member show", "explain", "plan",
         "reload", "watch", "confirm", "cancel", "switch", "switch add", "switch set",
         "switch remove", "switch show", "adapter", "adapter add", "adapter set",
         "adapter remove", "adapter show", "vf", "vf show", "vf reallot", "doctor"]


@pytest.mark.parametrize("words", HELPS)
def test_help_of_each_level(words, iovteam):
    """Needs no daemon, fits 80 columns, teaches by example, and "help X" is "X --help"."""
    done = iovteam(*words.split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stdout.startswith("Usage: iovteam")
    if words not in ("", "team", "member", "switch", "adapter", "vf"):
        assert "\n  iovteam " in done.stdout
    assert iovteam("help", *words.split()).stdout == done.stdout


def test_a_fatal_finding_fails_the_command(daemon, iovteam):
    """So a script can ask; the findings are told all the same, and no error."""
    found = fake_host.findings("fatal", "warning", "note")
    daemon(fake.reply(findings=found))
    done = iovteam("doctor")
    assert (done.returncode, done.stderr) == (1, "")
    check_golden("doctor-fatal", done.stdout)
    assert iovteam.json("doctor") == (1, {"findings": found})


def test_version(iovteam):
    done = iovteam("--version")
    assert done.returncode == 0
    assert re.fullmatch(r"iovteam \d+\.\d+\.\d+\n", done.stdout)


def test_text_from_elsewhere_cannot_steer_the_terminal(daemon, iovteam):
    team = fake.healthy() | {"notes": ["a\x1b[2Jb\x07\u009bc"], "name": "t\x1b]0;x\x07"}
    daemon(fake.reply(teams=[team]))
    shown = iovteam("team", "show").stdout
    assert "a?[2Jb???c" in shown
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown)


def test_fields_that_are_missing_or_of_another_type_do_no_harm(daemon, iovteam):
    teams = [{}, {"name": 7, "members": [{}, 3, None], "failovers": [{}], "settings": [],
                  "notes": [1], "addresses": "x", "mtu": "y"}, 5]
    daemon(fake.reply(teams=teams))
    for command in ("team", "member"):
        assert iovteam(command).returncode == 0
    daemon_reply = iovteam.json("team", "show")[1]
    assert daemon_reply["teams"] == teams


@pytest.mark.parametrize("rows", [[{}], [5, None], {}, "x",
                                  [{"name": 7, "nic": 3, "iov": "x", "adapters": {}}],
                                  [{"adapters": [{}, 4, {"attach": {}, "wanted": 1, "notes": [1]}]}]])
def test_strange_answers_about_a_host_do_no_harm(rows, daemon, iovteam):
    daemon(fake.reply(switches=rows, vms=rows, vfs=rows, findings=rows))
    for words in ("switch", "switch show a", "adapter", "adapter show a b", "vf", "doctor"):
        assert iovteam(*words.split()).returncode == 0


def test_output_that_cannot_be_written_is_a_failure(daemon, iovteam):
    import subprocess
    daemon(fake.reply(teams=[fake.healthy()]))
    with open("/dev/full", "w") as full:
        done = subprocess.run([iovteam.binary, "team"], env=iovteam.environment(), stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1
    assert "cannot write the output" in done.stderr

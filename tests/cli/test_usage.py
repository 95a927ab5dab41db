# SPDX-License-Identifier: GPL-2.0-or-later
"""Wrong usage: exit code 2, one sentence and a hint, and the daemon is never asked."""
import subprocess

import pytest

KEYS = ("stable-time-ms, hold-down-max-ms, return-idle-ms, return-bound-ms, announce-count, "
        "announce-interval-ms, distribution, mac-policy, mixed, probe, probe-interval, "
        "probe-multiplier, probe-address")

WRONG = {
    "": ("iovteam", "a command is missing, such as: team show, team add, watch, explain"),
    "bogus": ("iovteam", 'unknown command "bogus"'),
    "team bogus": ("iovteam team",
                   'unknown verb "bogus"; there are: add, adopt, remove, set, show, switchover'),
    "member team0": (
        "iovteam member",
        'unknown verb "team0"; there are: add, drain, restore, set, remove, show'),
    "member set team0 ens4": (
        "iovteam member set", "something is missing; it takes: NAME DEV KEY=VALUE..."),
    "member set team0 ens4 stable-time-ms=1": (
        "iovteam member set",
        'unknown setting "stable-time-ms"; the settings of a member are: weight, role'),
    "team add team0 --member ens4,": ("iovteam team add", '"" is not KEY=VALUE'),
    "team add team0 --member ens4,weight=1,weight=2": (
        "iovteam team add", '"weight" is given twice'),
    "team show --bogus": ("iovteam team show", 'unknown option "--bogus"'),
    "team show -x": ("iovteam team show", 'unknown option "-x"'),
    "team show --json=1": ("iovteam team show", "--json=1 takes no value"),
    "team switchover team0 --to": ("iovteam team switchover", "--to needs a value"),
    "team switchover team0": (
        "iovteam team switchover", "--to is missing; it takes: NAME --to MEMBER"),
    "team switchover --to ens4": (
        "iovteam team switchover", "something is missing; it takes: NAME --to MEMBER"),
    "team show team0 team1": ("iovteam team show", '"team1" is too much; it takes: [NAME]'),
    "plan team0": ("iovteam plan", '"team0" is too much; it takes: nothing more'),
    "team show --member ens4": (
        "iovteam team show", "--member does not go with this command"),
    "team add team0": (
        "iovteam team add", "--member is missing; it takes: NAME --member DEV... "
        "[--take-addresses] [KEY=VALUE]..."),
    "team add team0 ens4 --member ens5": ("iovteam team add", '"ens4" is not KEY=VALUE'),
    "team add team0 --member ens5 =1": ("iovteam team add", '"=1" is not KEY=VALUE'),
    "team add team0 --member=": ("iovteam team add", "--member needs a device"),
    "team set team0 colour=red": (
        "iovteam team set", f'unknown setting "colour"; the settings are: {KEYS}'),
    "team set team0 stable-time=1": (
        "iovteam team set", f'unknown setting "stable-time"; the settings are: {KEYS}'),
    "team set team0 announce-count=": ("iovteam team set", '"announce-count=" has no value'),
    "team set team0 announce-count=1 AnnounceCount=2": (
        "iovteam team set", '"announce-count" is given twice'),
    "team set team0": ("iovteam team set", "something is missing; it takes: NAME KEY=VALUE..."),
    "watch --interval 0": (
        "iovteam watch", '--interval takes seconds from 0.1 to 3600, such as 5 or 0.5, not "0"'),
    "watch --interval 1e3": (
        "iovteam watch", '--interval takes seconds from 0.1 to 3600, such as 5 or 0.5, not "1e3"'),
    "watch --interval 3600.1": (
        "iovteam watch",
        '--interval takes seconds from 0.1 to 3600, such as 5 or 0.5, not "3600.1"'),
    "watch --count 0": ("iovteam watch", '--count takes a number of 1 or more, not "0"'),
    "--timeout -1 team": (
        "iovteam team", '--timeout takes seconds from 0.1 to 3600, such as 5 or 0.5, not "-1"'),
    "reload --confirm 0": (
        "iovteam reload", '--confirm takes seconds from 1 to 3600, not "0"'),
    "reload --confirm 1.5": (
        "iovteam reload", '--confirm takes seconds from 1 to 3600, not "1.5"'),
    "team show --confirm 5": ("iovteam team show", "--confirm does not go with this command"),
    "team set team0 announce-count=1 --take-addresses": (
        "iovteam team set", "--take-addresses does not go with this command"),
    "team remove team0 --give-addresses=": (
        "iovteam team remove", "--give-addresses needs a device"),
    "switch bogus": (
        "iovteam switch", 'unknown verb "bogus"; there are: add, set, remove, show'),
    "switch add TeamDemoA": (
        "iovteam switch add",
        "--nic is missing; it takes: NAME --nic NIC [OPTIONS] [KEY=VALUE]..."),
    "switch add TeamDemoA --nic=": ("iovteam switch add", "--nic needs a value"),
    "switch add TeamDemoA --nic a --nic b": (
        "iovteam switch add", "--nic is given twice, and a switch has one NIC; make a switch on each, "
        "or a bond of them, which has no SR-IOV"),
    "switch add TeamDemoA --nic a --iov on iov=off": (
        "iovteam switch add", '"iov" is given twice'),
    "switch add TeamDemoA --nic a --vlan 7": (
        "iovteam switch add", "--vlan does not go with this command"),
    "switch add TeamDemoA ens1f0 --nic ens1f1": (
        "iovteam switch add", '"ens1f0" is not KEY=VALUE'),
    "switch set TeamDemoA": (
        "iovteam switch set", "something is missing; it takes: NAME KEY=VALUE..."),
    "switch set TeamDemoA weight=1": (
        "iovteam switch set", 'unknown setting "weight"; the settings of a switch are: iov, '
        'vf-count, adopt'),
    "switch show a b": ("iovteam switch show", '"b" is too much; it takes: [NAME]'),
    "adapter web1": (
        "iovteam adapter", 'unknown verb "web1"; there are: add, set, remove, show'),
    "adapter add web1 --switch A": (
        "iovteam adapter add",
        "something is missing; it takes: VM NAME --switch SWITCH [OPTIONS] [KEY=VALUE]..."),
    "adapter add web1 nicA": (
        "iovteam adapter add",
        "--switch is missing; it takes: VM NAME --switch SWITCH [OPTIONS] [KEY=VALUE]..."),
    "adapter add web1 nicA --switch A --namespace a --qmp b": (
        "iovteam adapter add", "--namespace and --qmp exclude each other: a guest is a namespace, "
        "or QEMU's"),
    "adapter add web1 nicA --switch A --libvirt a --qmp b": (
        "iovteam adapter add", "--libvirt excludes --namespace and --qmp: a domain of libvirt is told "
        "by libvirt"),
    "adapter add web1 nicA --switch A --mac 52:54:00:00:00:01 mac=52:54:00:00:00:02": (
        "iovteam adapter add", '"mac" is given twice'),
    "adapter add web1 nicA --switch A --iov-weight 1 --iov-weight 2": (
        "iovteam adapter add", "--iov-weight is given twice"),
    "adapter set web1": (
        "iovteam adapter set", "something is missing; it takes: VM [NAME] KEY=VALUE..."),
    "adapter set web1 nicA": (
        "iovteam adapter set", "something is missing; it takes: VM [NAME] KEY=VALUE..."),
    "adapter set web1 nicA nicB": ("iovteam adapter set", '"nicB" is not KEY=VALUE'),
    "adapter set web1 weight=5": (
        "iovteam adapter set", 'unknown setting "weight"; the settings of an adapter are: '
        "iov-weight, allow-teaming, mac-spoofing, vlan, mac, port, switch"),
    "adapter set web1 allow-teaming=": ("iovteam adapter set", '"allow-teaming=" has no value'),
    "adapter set web1 vlan=1 --vlan 2": (
        "iovteam adapter set", "--vlan does not go with this command"),
    "adapter remove web1": ("iovteam adapter remove", "something is missing; it takes: VM NAME"),
    "adapter show web1 nicA x": (
        "iovteam adapter show", '"x" is too much; it takes: [VM [NAME]]'),
    "vf bogus": ("iovteam vf", 'unknown verb "bogus"; there are: show, reallot'),
    "vf reallot": ("iovteam vf reallot", "something is missing; it takes: SWITCH [--plan]"),
    "vf show a b": ("iovteam vf show", '"b" is too much; it takes: [SWITCH]'),
    "confirm team0": ("iovteam confirm", '"team0" is too much; it takes: nothing more'),
    "--socket= team": ("iovteam team show", "--socket needs a path"),
}


@pytest.mark.parametrize("words", WRONG)
def test_wrong_usage(words, iovteam):
    title, sentence = WRONG[words]
    done = iovteam(*words.split())
    assert done.returncode == 2
    assert done.stdout == ""
    said, hint = done.stderr.splitlines()
    assert said.split(": ", 1)[1] == sentence
    assert hint.startswith("Try: iovteam") and hint.endswith(" --help")
    if not words.startswith("--"):
        assert said.startswith(title + ": ")
        assert hint == f"Try: {title} --help"
    code, document = iovteam.json(*words.split()) if words[-4:] != "--to" else (2, None)
    assert code == 2
    if document:
        assert document["error"] == "org.iovteam.cli.Usage"
        assert document["message"] == sentence


FLOWS = {
    "tcp 10.0.0.1 10.0.0.2": "tcp needs a port with both addresses, such as 10.0.0.1:4711",
    "tcp 10.0.0.1:1 10.0.0.2": "tcp needs a port with both addresses, such as 10.0.0.1:4711",
    "10.0.0.1:1 10.0.0.2:2": "addresses with ports need a protocol before them: tcp, udp or sctp",
    "tcp 10.0.0.1:0 10.0.0.2:1": 'the port in "10.0.0.1:0" is not a number of 1 to 65535',
    "tcp 10.0.0.1:65536 10.0.0.2:1": 'the port in "10.0.0.1:65536" is not a number of 1 to 65535',
    "tcp 10.0.0.1: 10.0.0.2:1": 'the port in "10.0.0.1:" is not a number of 1 to 65535',
    "tcp 10.0.0.1:+1 10.0.0.2:1": 'the port in "10.0.0.1:+1" is not a number of 1 to 65535',
    "icmp 10.0.0.1 10.0.0.2":
        'unknown protocol "icmp"; write tcp, udp or sctp, or leave it out',
    "TCP 10.0.0.1:1 10.0.0.2:1":
        'unknown protocol "TCP"; write tcp, udp or sctp, or leave it out',
    "10.0.0.1 2001:db8::1": "10.0.0.1 and 2001:db8::1 are not of the same kind",
    "tcp 52:54:00:12:34:56 52:54:00:12:34:57": "tcp is between IP addresses, not MACs",
    "10.0.0.1": "a flow is [PROTOCOL] SOURCE DESTINATION, such as tcp 10.0.0.1:4711 10.0.0.2:443",
    "tcp 10.0.0.1:1 10.0.0.2:2 x":
        "a flow is [PROTOCOL] SOURCE DESTINATION, such as tcp 10.0.0.1:4711 10.0.0.2:443",
}
NOT_ADDRESSES = ["10.0.0", "10.0.0.256", "010.0.0.1", "host", "fe80::1%eth0", "[10.0.0.1]",
                 "[2001:db8::1", "[2001:db8::1]x", "2001:db8::1::2", "52:54:00:12:34", "[]",
                 "1" * 60]


@pytest.mark.parametrize("flow", FLOWS)
def test_wrong_flow(flow, iovteam):
    done = iovteam("explain", "team0", flow)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"iovteam explain: {FLOWS[flow]}\nTry: iovteam explain --help\n"


@pytest.mark.parametrize("word", NOT_ADDRESSES)
def test_what_is_no_address(word, iovteam):
    done = iovteam("explain", "team0", word, "10.0.0.1")
    assert done.returncode == 2
    assert f'"{word}" is not an address' in done.stderr


@pytest.mark.parametrize("words", [["x" * 300, "y"], ["x"] * 300])
def test_a_flow_that_is_too_long(words, iovteam):
    done = iovteam("explain", "team0", *words)
    assert done.returncode == 2


@pytest.mark.parametrize("words", [["team", "show", b"\xff"], ["team", "remove", b"a\xff"],
                                   ["team", "add", b"\xff", "--member", "a"],
                                   ["team", "add", "a", "--member", b"\xff"],
                                   ["team", "set", "a", b"distribution=\xff"],
                                   ["watch", b"\xff"], ["switch", "show", b"\xff"],
                                   ["switch", "add", "a", "--nic", b"\xff"],
                                   ["switch", "add", b"\xff", "--nic", "a"],
                                   ["adapter", "show", "a", b"\xff"],
                                   ["adapter", "add", "a", b"\xff", "--switch", "c"],
                                   ["adapter", "set", "a", b"\xff", "vlan=1"],
                                   ["adapter", "set", "a", b"vlan=\xff"],
                                   ["vf", "show", b"\xff"], ["member", "add", b"\xff", "b"],
                                   ["explain", b"\xff", "10.0.0.1", "10.0.0.2"]])
def test_words_that_are_not_utf8(words, iovteam):
    done = subprocess.run([iovteam.binary, *words], env=iovteam.environment(),
                          capture_output=True, text=True, errors="replace", timeout=60)
    assert done.returncode == 2
    assert "not valid UTF-8" in done.stderr


def test_an_empty_word(iovteam):
    done = iovteam("team", "remove", "")
    assert done.returncode == 2
    assert "an empty word; it takes: NAME" in done.stderr

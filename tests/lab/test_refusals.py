# SPDX-License-Identifier: GPL-2.0-or-later
"""What a team cannot be, and what the daemon does not do: one clear sentence, the right exit code,
and nothing is changed."""
import json
import re
import shlex

import pytest

from lab import wait_until
from observed import link
from team import PYTHON, SLOW, Team, team  # noqa: F401

FAILED, USAGE = 1, 2


def state(lab, team):  # noqa: F811
    """All that a refused command must leave alone."""
    return lab.guest.sh(f"""
        ip -d -o link show; ip -o address show | sed 's/ tentative//'
        tc qdisc show; tc filter show dev ens4 ingress
        find {team.bpffs} 2>/dev/null || true
        ls -lA {team.config} 2>/dev/null && cat {team.config}/* 2>/dev/null || true
        bpftool -j prog show | tr '{{' '\\n' |
            sed -n 's/.*"id":\\([0-9]*\\),"type":\\("[a-z_]*"\\).*/\\1 \\2/p'
    """).out


def run_all(team, commands):  # noqa: F811
    """Many commands for the price of one: [(exit code, stdout, stderr)]."""
    end = "@@@"
    out = team.where.run(["sh", "-c", "\n".join(
        f"{shlex.join([team._command, *words, '--socket', team.socket])} "
        f">{team.config}.out 2>{team.config}.err; "
        f"printf '%s{end}' $?; cat {team.config}.out; printf {end}; cat {team.config}.err; "
        f"printf {end}" for words in commands) + f"\nrm {team.config}.out {team.config}.err"],
        timeout=120).out.split(end)[:-1]
    return [(int(out[i]), out[i + 1], out[i + 2]) for i in range(0, len(out), 3)]


def fault(done, as_json, code, sentence):
    """What is wrong with a command's two answers; empty: nothing."""
    if done[0] != code or done[1]:
        return f"exit code {done[0]}, printed {done[1]!r}"
    lines = done[2].splitlines()
    if not lines or not re.fullmatch(f"iovteam( [a-z]+)*: {sentence}", lines[0]):
        return f"said {done[2]!r}"
    if code == FAILED and (len(lines) != 1 or len(done[2]) > 300):
        return f"more than a sentence: {done[2]!r}"
    said = json.loads(as_json[1])
    if as_json[0] != code or as_json[2] or not lines[0].endswith(said["message"]):
        return f"as JSON {as_json}, not {lines[0]!r}"
    return ""


def refuse_all(lab, team, cases):  # noqa: F811
    """Each case is (sentence as a pattern, exit code, words…). All that is wrong is told."""
    before = state(lab, team)
    plain = run_all(team, [words for _, _, *words in cases])
    as_json = run_all(team, [[*words, "--json"] for _, _, *words in cases])
    after = state(lab, team)
    wrong = [f"{shlex.join(words)}: {why}"
             for (sentence, code, *words), text, document in zip(cases, plain, as_json)
             if (why := fault(text, document, code, sentence))]
    changed = sorted(set(before.splitlines()) ^ set(after.splitlines()))
    assert not wrong and not changed, "\n".join([*wrong, *changed])


@pytest.fixture
def daemon(lab, build):
    """The daemon alone, without a team."""
    made = Team(lab, build)
    try:
        made.start_daemon()
        yield made
    finally:
        made.close()


@pytest.fixture
def devices(lab):
    """Devices of all the kinds that cannot be members."""
    lab.host.run(["modprobe", "-a", "tun", "sit", "bridge", "veth", "vrf"])
    lab.guest.sh("""
        ip link add port0 type veth peer name port1
        ip link add bridge0 type bridge
        ip link set port0 master bridge0
        ip link add addressed0 type veth peer name addressed1
        ip address add 198.51.100.1/24 dev addressed0
        ip link add six0 type veth peer name six1
        ip address add 2001:db8:1::1/64 dev six0 nodad
        ip link add bond7 type bond
        ip link add slave0 type veth peer name slave1
        ip link set slave1 addrgenmode none up
        ip link set slave0 master bond7
        ip link add vrf0 type vrf table 7
        ip link add sit7 type sit local 192.0.2.77
        ip tuntap add tun0 mode tun
    """)
    # The kernel tells of carriers up to a second late: nothing shall change by itself any more.
    lab.guest.wait_for(["ip", "link", "show", "slave0"], " state UP ", SLOW)
    yield
    lab.guest.sh("""
        for name in port0 bridge0 addressed0 six0 slave0 bond7 vrf0 sit7 tun0; do
            ip link del $name
        done""")
    lab.host.run(["modprobe", "-r", "sit"])  # takes its sit0 of each namespace with it


# --- making a team ---

TAKE_OUT = "take it out first: ip link set {} nomaster"


def add(name, *members):
    return ["team", "add", name, *(word for member in members for word in ("--member", member))]


@pytest.mark.legacy
def test_devices_that_cannot_be_members(lab, daemon, devices):
    cases = [
        ("there is no device ens9", "ens9"),
        ("there is no device 02:00:00:00:00:99", "02:00:00:00:00:99"),
        ("there is no device pci-0000:07:00.0", "pci-0000:07:00.0"),
        ("a member cannot be lo: that is the loopback", "lo"),
        ("port0 is a port of the bridge bridge0; " + TAKE_OUT.format("port0"), "port0"),
        ("slave0 already belongs to bond7; " + TAKE_OUT.format("slave0"), "slave0"),
        ("bond7 is itself a bond; name the network cards instead", "bond7"),
        ("bridge0 is itself a bridge; name the network cards instead", "bridge0"),
        ("vrf0 is itself a vrf; name the network cards instead|vrf0 is not an Ethernet device",
         "vrf0"),
        ("tun0 is not an Ethernet device", "tun0"),
        ("sit7 is not an Ethernet device", "sit7"),
        (r"addressed0 has the address 198\.51\.100\.1/24, which belongs on the team; move it "
         r"with --take-addresses, or take it off: ip address del 198\.51\.100\.1/24 dev addressed0", "addressed0"),
        ("six0 has the address 2001:db8:1::1/64, which belongs on the team; move it with "
         "--take-addresses, or take it off: ip address del 2001:db8:1::1/64 dev six0", "six0"),
        ("a member cannot be ens4/5: .*", "ens4/5"),
        ("a member cannot be averylonginterface: an interface name has at most 15 bytes",
         "averylonginterface"),
        ("a member cannot be 01:00:5e:00:00:01: no device has a multicast MAC",
         "01:00:5e:00:00:01"),
        ("a member cannot be pci-7: a PCI path looks like pci-0000:3b:02.1", "pci-7"),
    ]
    refuse_all(lab, daemon, [
        case for sentence, device in cases for case in (
            (sentence, FAILED, *add("team0", device)),
            (sentence, FAILED, *add("team0", "ens4", device)))])
    assert daemon.run("team", "show", "--json").json() == {"teams": []}


def test_names_that_cannot_be_a_teams(lab, daemon, devices):
    twice = "ens4 is a member already"
    refuse_all(lab, daemon, [
        ("a team cannot be named abcdefghijklmnop: an interface name has at most 15 bytes",
         FAILED, *add("abcdefghijklmnop", "ens4")),
        ("a team cannot be named te/am: an interface name has no '/' and no ':'",
         FAILED, *add("te/am", "ens4")),
        (r"a team cannot be named \.\.: .*", FAILED, *add("..", "ens4")),
        ("a team cannot be named lo: that is the loopback", FAILED, *add("lo", "ens4")),
        ("a team cannot be named my team: .*", FAILED, *add("my team", "ens4")),
        (r"there is an interface bridge0 already \(a bridge\); choose another name",
         FAILED, *add("bridge0", "ens4")),
        ("there is an interface ens5 already; choose another name", FAILED, *add("ens5", "ens4")),
        (twice, FAILED, *add("team0", "ens4", "ens4")),
        ("--member is missing; it takes: .*", USAGE, "team", "add", "team0"),
        ("something is missing; it takes: .*", USAGE, "team", "add"),
        ('unknown verb "make"; there are: add, .*', USAGE, "team", "make", "team0"),
        ('"stable-time-ms" is not KEY=VALUE', USAGE, *add("team0", "ens4"), "stable-time-ms"),
    ])


def test_one_device_under_two_names(lab, daemon):
    """The interface, its MAC and its PCI address are one device."""
    mac = lab.vf_mac(0)
    pci = "pci-" + lab.host.sh(
        f"basename $(readlink /sys/class/net/{lab.pfs[0].name}/device/virtfn0)").out.strip()
    refuse_all(lab, daemon, [
        (f".*{first} and {then} are the same device", FAILED, *add("team0", first, *others, then))
        for first, *others, then in (("ens4", mac), (mac, "ens4"), ("ens4", "ens5", pci),
                                     (pci, mac))])


def test_thirty_three_members(lab, daemon):
    names = [f"m{number}" for number in range(33)]
    lab.guest.sh("\n".join(f"ip link add {name} type veth peer name {name}x" for name in names))
    try:
        refuse_all(lab, daemon, [("m32 would be a member too many: a team has at most 32", FAILED,
                                  *add("team0", *names))])
    finally:
        lab.guest.sh("\n".join(f"ip link del {name}" for name in names))


# --- a team that is there ---

def test_commands_to_a_team(lab, team, devices):  # noqa: F811
    team.run("team", "set", "team0", "stable-time-ms=500")
    missing = 'there is no team "team7"'
    number = "{} cannot be {}: it takes .*"
    lost = team.other()
    cases = [
        (missing, FAILED, "team", "remove", "team7"),
        (missing, FAILED, "team", "set", "team7", "stable-time-ms=5"),
        (missing, FAILED, "team", "show", "team7"),
        (missing, FAILED, "team", "switchover", "team7", "--to", "ens4"),
        (missing, FAILED, "member", "add", "team7", "ens4"),
        (missing, FAILED, "member", "remove", "team7", "ens4"),
        (missing, FAILED, "explain", "team7", "192.0.2.1", "192.0.2.2"),
        ("there is a team team0 already", FAILED, *add("team0", "ens5")),
        ("there is an interface addressed1 already.*", FAILED, *add("addressed1", "port1")),
        ("ens4 is a member of team0 already", FAILED, *add("team1", "ens4")),
        ("team0 cannot be a member of team1: it is a team itself", FAILED, *add("team1", "team0")),
        ("ens4 is a member already", FAILED, "member", "add", "team0", "ens4"),
        (f".*ens4 and {team.macs['ens4']} are the same device", FAILED, "member", "add", "team0",
         team.macs["ens4"]),
        ("there is no device ens9", FAILED, "member", "add", "team0", "ens9"),
        ("port0 is a port of the bridge bridge0; .*", FAILED, "member", "add", "team0", "port0"),
        ("team0 cannot be a member of team0: .*", FAILED, "member", "add", "team0", "team0"),
        (".*ens9.*", FAILED, "member", "remove", "team0", "ens9"),
        (number.format("StableTimeMs", "600001"), FAILED, "team", "set", "team0",
         "stable-time-ms=600001"),
        (number.format("StableTimeMs", "soon"), FAILED, "team", "set", "team0",
         "stable-time-ms=soon"),
        (number.format("AnnounceIntervalMs", "150"), FAILED, "team", "set", "team0",
         "announce-interval-ms=150"),
        (number.format("Distribution", "random"), FAILED, "team", "set", "team0",
         "distribution=random"),
        ("there is no setting Colour; there are .*|.*colour.*", USAGE, "team", "set", "team0",
         "colour=red"),
        # One of two is wrong: neither is set.
        (number.format("AnnounceCount", "256"), FAILED, "team", "set", "team0",
         "stable-time-ms=700", "announce-count=256"),
        ('team0 has no member "ens9"', FAILED, "team", "switchover", "team0", "--to", "ens9"),
        ('team0 has no member "port0"', FAILED, "team", "switchover", "team0", "--to", "port0"),
    ]
    refuse_all(lab, team, cases)
    team.lose(lost)
    # Bonding is through with it, too: nothing changes by itself any more.
    wait_until(lambda: link(team.where, lost)["linkinfo"]["info_slave_data"]["mii_status"] == "DOWN",
               SLOW, f"bonding to give {lost} up")
    refuse_all(lab, team, [
        (f"{lost} cannot be the primary: it is failed, standby or drained", FAILED, "team",
         "switchover", "team0",
         "--to", lost)])
    assert team.primary != lost
    team.restore(lost)
    wait_until(team.well, SLOW, f"{lost} to be used again")


def test_the_last_member_stays(lab, team):  # noqa: F811
    team.run("member", "remove", "team0", "ens4")
    refuse_all(lab, team, [
        ("ens5 is the last member; remove the team instead: iovteam team remove team0", FAILED,
         "member", "remove", "team0", "ens5")])
    assert team.primary == "ens5"


# --- files ---

def test_files_that_are_wrong(lab, daemon):
    path = f"{daemon.config}/a.conf"
    lab.guest.sh(f"mkdir -p {daemon.config}")
    for text, where in (
            ("[Team]\nName=team0\nColour=red\n[Member]\nDevice=ens4\n",
             "3: there is no setting Colour; there are .*"),
            ("[Team]\nName=team0\n", " there is no \\[Member\\]; a team has 1 to 32"),
            ("[Member]\nDevice=ens4\n", ".*"),
            ("[Team]\nName=team0\n[Member]\nDevice=ens4\n[Member]\nDevice=ens4\n",
             "6: ens4 is a member already"),
            ("[Team]\nName=team0\nStableTimeMs=x\n[Member]\nDevice=ens4\n",
             "3: StableTimeMs cannot be x: .*"),
            ("[Team\n", "1: .*")):
        lab.write(path, text)
        before = state(lab, daemon)
        for words in (["reload"], ["plan"], add("team9", "ens5")):
            done = daemon.run(*words, check=False)
            assert (done.rc, done.out) == (FAILED, ""), (text, words, done)
            assert re.fullmatch(f"iovteam: {path}:{where}\n", done.err), (text, words, done.err)
            said = daemon.run(*words, "--json", check=False).json()
            assert said["error"] == "org.iovteam.BadConfiguration"
            assert said["file"] == path
        assert state(lab, daemon) == before
    # Two files that are right alone.
    lab.write(path, "[Team]\nName=team0\n[Member]\nDevice=ens4\n")
    lab.write(f"{daemon.config}/b.conf", "[Team]\nName=team1\n[Member]\nDevice=ens4\n")
    done = daemon.run("reload", check=False)
    assert (done.rc, done.out) == (FAILED, "")
    assert done.err == f"iovteam: {daemon.config}/b.conf: ens4 is a member of team0 already\n"


# --- not root ---

def test_not_root(lab, team):  # noqa: F811
    nobody = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--"]
    command = team._command

    def as_nobody(*words):
        return lab.guest.run([*nobody, command, *words, "--socket", team.socket], check=False)

    changes = [["team", "set", "team0", "stable-time-ms=5"], ["team", "remove", "team0"],
               ["member", "remove", "team0", "ens5"], ["reload"],
               ["team", "switchover", "team0", "--to", "ens5"], add("team1", "ens4")]
    before = state(lab, team)
    # Without the group nobody may even connect.
    for words in [["team", "show"], *changes]:
        done = as_nobody(*words)
        assert (done.rc, done.out) == (FAILED, "")
        assert done.err == (f"iovteam: no permission to use the socket {team.socket}; "
                            "try again as root\n")
    # Who may connect may look, and only look: as a member of the group iovteam would.
    lab.guest.run(["chmod", "666", team.socket])
    assert "team0" in as_nobody("team", "show").out
    assert as_nobody("plan").rc == 0
    for words in changes:
        done = as_nobody(*words)
        assert (done.rc, done.out, done.err) == (
            FAILED, "", "iovteam: only root may change anything\n"), words
    assert state(lab, team) == before


# --- the socket ---

ASK = """
import json, socket, sys, time
path, what = sys.argv[1:3]
def connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)  # waits for its turn; with a time limit it would not
    s.settimeout(20)
    return s
def answers(s):
    got = b""
    try:
        while data := s.recv(65536):
            got += data
            if got.endswith(b"\\0") and not wait:
                break
    except ConnectionResetError:
        return got.decode() + "RESET"
    except BrokenPipeError:
        return got.decode() + "PIPE"
    return got.decode()
wait = False
if what == "send":
    for message in json.load(sys.stdin):
        s = connect()
        try:
            s.sendall(message.encode() + b"\\0")
        except (BrokenPipeError, ConnectionResetError):
            pass
        print(json.dumps(answers(s)))
elif what == "half":
    s = connect()
    s.sendall(b'{"method": "org.iovteam.')
    print("ready", flush=True)
    sys.stdin.readline()
    s.sendall(b'Show", "parameters": {}}\\0')
    print(json.dumps(answers(s)), flush=True)
elif what == "idle":
    held = [connect() for number in range(40)]
    print("ready", flush=True)
    sys.stdin.readline()
"""


def ask(lab, team, *messages):  # noqa: F811
    """What the daemon answers to each, on a connection of its own; None if it just closes."""
    out = lab.guest.run([*PYTHON, "-c", ASK, team.socket, "send"],
                        stdin=json.dumps(list(messages)), timeout=60).out
    texts = [json.loads(line).replace("RESET", "") for line in out.splitlines()]
    return [json.loads(text.rstrip("\0")) if text else None for text in texts]


def test_what_is_no_call(lab, team):  # noqa: F811
    before = state(lab, team)
    invalid = "org.varlink.service.InvalidParameter"
    replies = ask(lab, team, "hello", "", "{", "[]", "7", '{"method": 7}', "{}",
                  '{"method": "org.iovteam.Show", "parameters": []}',
                  '{"method": "org.iovteam.Show", "method": "org.iovteam.Plan"}',
                  '{"method": "' + "x" * 300_000 + '"}')
    assert [reply and reply["error"] for reply in replies[:-1]] == [invalid] * 9
    assert replies[-1] is None  # 300 kB: closed without an answer
    assert team.show()["name"] == "team0"
    assert state(lab, team) == before


def test_calls_that_are_wrong(lab, team):  # noqa: F811
    before = state(lab, team)

    def call(method, parameters):
        return json.dumps({"method": f"org.iovteam.{method}", "parameters": parameters})

    unknown, other = ask(lab, team, call("Explode", {}), '{"method": "com.example.Show"}')
    assert (unknown["error"], other["error"]) == ("org.varlink.service.MethodNotFound",) * 2
    assert unknown["parameters"] == {"method": "org.iovteam.Explode"}
    calls = [
        ("SetTeam", {"name": "team0", "settings": {"StableTimeMs": 7}}),
        ("SetTeam", {"name": "team0", "settings": {"StableTimeMs": None}}),
        ("SetTeam", {"name": 7, "settings": {}}), ("SetTeam", {}),
        ("AddTeam", {"team": "team1"}), ("AddTeam", {}),
        ("AddTeam", {"team": {"name": "team1", "members": "ens4", "settings": {}}}),
        ("AddTeam", {"team": {"name": "team1", "members": [7], "settings": {}}}),
        ("AddTeam", {"team": {"name": "team1", "members": [], "settings": {}}}),
        ("RemoveTeam", {"name": {}}), ("AddMember", {"name": "team0", "member": 7}),
        ("RemoveMember", {"name": "team0"}), ("Switchover", {"name": "team0", "member": 0}),
        ("Explain", {"name": "team0", "flow": "everything"}),
        ("Explain", {"name": "team0", "flow": {"source": 1}}),
    ]
    replies = ask(lab, team, *(call(*it) for it in calls))
    taken = [it for it, reply in zip(calls, replies) if not reply or "error" not in reply]
    assert not taken, f"not refused: {taken}"
    assert state(lab, team) == before
    assert team.well()


def test_parameters_that_are_wrong(lab, team):  # noqa: F811
    calls = [  # the parameter that is wrong, the method, parameters
        ("name", "Show", {"name": 7}), ("names", "Show", {"names": "team0"}),
        ("name", "SetTeam", {"settings": {}}),
        ("settings", "SetTeam", {"name": "team0", "settings": "StableTimeMs"}),
        ("settings", "SetTeam", {"name": "team0", "settings": ["StableTimeMs", "5"]}),
        ("team", "AddTeam", {"team": "team1"}), ("name", "RemoveTeam", {"name": None}),
        ("member", "AddMember", {"name": "team0", "member": True}),
        ("member", "Switchover", {"name": "team0"}), ("force", "Reload", {"force": True}),
        ("flow", "Explain", {"name": "team0", "flow": []}), ("x", "Plan", {"x": 1}),
    ]
    before = state(lab, team)
    replies = ask(lab, team, *(json.dumps({"method": f"org.iovteam.{method}", "parameters": given})
                               for _, method, given in calls))
    assert [(reply["error"], reply["parameters"]) for reply in replies] == [
        ("org.varlink.service.InvalidParameter", {"parameter": name}) for name, *_ in calls]
    assert state(lab, team) == before


def test_slow_and_idle_clients(lab, team):  # noqa: F811
    with lab.guest.spawn([*PYTHON, "-c", ASK, team.socket, "half"]) as half:
        half.expect("ready")
        for _ in range(3):  # others are served meanwhile
            assert team.show()["state"] == "up"
        half.write("\n")
        half.expect('team0')
    with lab.guest.spawn([*PYTHON, "-c", ASK, team.socket, "idle"]) as idle:
        idle.expect("ready")  # more than the daemon keeps: the longest silent ones make room
        for _ in range(3):
            assert team.show()["state"] == "up"
        team.run("team", "set", "team0", "stable-time-ms=900")
        idle.write("\n")
        assert idle.wait().rc == 0
    assert team.show()["settings"]["StableTimeMs"] == "900"

# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is logged in through what he changes is told so, and nobody else is; nothing is refused."""
import subprocess

import pytest

import fake

SSH = "203.0.113.9 50000 192.0.2.10 22"
SESSION = {"device": "ens4", "names": ["ens4", "52:54:00:12:34:56", "pci-0000:00:04.0", "team0"]}
ACTIONS = [{"team": "team1", "what": "join", "device": "ens7", "text": "take ens7 in"},
           {"team": "team1", "what": "wait", "device": "ens4", "text": "wait for ens4"}]
WARNING = ("iovteam: this session comes in through ens4, which is being changed; --confirm 60 "
           "takes a change back unless you confirm it\n")

CONCERNED = {
    "team add team1 --member ens5 --member ens4": True,
    "team add team1 --member PCI-0000:00:04.0": True,
    "team add team1 --member 52:54:00:12:34:56,weight=7": True,
    "team add team1 --member ens5": False,
    "team add team1 --member ens4 --confirm 5": False,
    "team remove team0": True,
    "team remove team1": False,
    "team switchover team0 --to ens5": True,
    "member remove team1 ens4": True,
    "switch add TeamDemoA --nic ens4": True,
    "switch add TeamDemoA --nic ens5": False,
    "team set team0 announce-count=1": False,
    "team set team0 mac-policy=team": True,
    "team set team1 mac-policy=team": False,
    "reload": False,
    "cancel": False,
    "team show team0": False,
}


def answers(actions=ACTIONS):
    def answer(method, parameters):
        if method == "org.iovteam.Session":
            assert parameters == {"peer": "203.0.113.9"}
            return fake.reply(**SESSION)
        if method == "org.iovteam.Show":
            return fake.reply(teams=[])
        return fake.reply(actions=actions)
    return answer


@pytest.mark.parametrize("words", CONCERNED)
def test_warning(words, daemon, iovteam):
    server = daemon(answers())
    done = iovteam(*words.split(), SSH_CONNECTION=SSH)
    assert done.returncode == 0
    assert done.stderr == (WARNING if CONCERNED[words] else "")
    asked = [call["method"].rpartition(".")[2] for call in server.calls]
    assert asked[-1] not in ("Session", "Plan")  # it is done all the same


def test_a_reload_is_judged_by_its_plan(daemon, iovteam):
    daemon(answers([{"team": "team0", "what": "leave", "device": "ens5", "text": "give it back"}]))
    assert iovteam("reload", SSH_CONNECTION=SSH).stderr == WARNING


def test_no_warning_without_a_session(daemon, iovteam):
    server = daemon(answers())
    assert iovteam("team", "remove", "team0").stderr == ""
    assert len(server.calls) == 1


def test_a_daemon_that_knows_no_sessions(daemon, iovteam):
    daemon(lambda method, _: fake.error("org.varlink.service.MethodNotFound")
           if method.endswith("Session") else fake.reply(actions=[]))
    done = iovteam("team", "remove", "team0", SSH_CONNECTION=SSH)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_session_is_found_behind_sudo(daemon, iovteam):
    """sudo clears the environment, and the shell it was called from has it still."""
    daemon(answers())
    clean = iovteam.environment(SSH_CONNECTION=SSH)
    script = f"env -u SSH_CONNECTION SUDO_USER=somebody {iovteam.binary} team remove team0; :"
    done = subprocess.run(["sh", "-c", script], env=clean, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)
    assert done.stderr == WARNING

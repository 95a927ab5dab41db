# SPDX-License-Identifier: GPL-2.0-or-later
"""One sentence for each thing that goes wrong, on stderr or as JSON, and the exit code (C4)."""
import json
import os
import socket

import pytest

import fake

REMOTE = {
    "Refused": ({"message": "ens4 is a port of the bridge br0"},
                "iovteam: ens4 is a port of the bridge br0\n"),
    "NotFound": ({"message": "there is no team team7"}, "iovteam: there is no team team7\n"),
    "PermissionDenied": ({"message": "only root may do that"}, "iovteam: only root may do that\n"),
    "Failed": ({"message": "the kernel refused"}, "iovteam: the kernel refused\n"),
    "BadConfiguration": (
        {"message": "unknown key Colour", "file": "/etc/iovteam/a.conf", "line": 3},
        "iovteam: /etc/iovteam/a.conf:3: unknown key Colour\n"),
}


@pytest.mark.parametrize("name", REMOTE)
def test_errors_of_the_daemon(name, daemon, iovteam):
    parameters, sentence = REMOTE[name]
    daemon(fake.error(f"org.iovteam.{name}", **parameters))
    for words in (["team", "show"], ["reload"]):
        done = iovteam(*words)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", sentence)
        assert iovteam.json(*words) == (1, {"error": f"org.iovteam.{name}"} | parameters)


def test_a_whole_file_that_is_wrong(daemon, iovteam):
    daemon(fake.error("org.iovteam.BadConfiguration", message="cannot be read",
                      file="/etc/iovteam/a.conf", line=0))
    assert iovteam("reload").stderr == "iovteam: /etc/iovteam/a.conf: cannot be read\n"


def test_a_message_that_names_the_file_itself(daemon, iovteam):
    daemon(fake.error("org.iovteam.BadConfiguration", message="/etc/iovteam/a.conf:3: no",
                      file="/etc/iovteam/a.conf", line=3))
    assert iovteam("reload").stderr == "iovteam: /etc/iovteam/a.conf:3: no\n"


def failure(iovteam, *words):
    """Name and sentence, which must be the same as text and as JSON."""
    done = iovteam(*words)
    assert (done.returncode, done.stdout) == (1, "")
    code, document = iovteam.json(*words)
    assert code == 1
    assert done.stderr == f"iovteam: {document['message']}\n"
    return document["error"], document["message"]


SERVICE = {
    "MethodNotFound": ({"method": "Plan"}, "does not know the method Plan"),
    "InvalidParameter": ({"parameter": "name"}, 'does not accept the parameter "name"'),
    "InterfaceNotFound": ({"interface": "org.iovteam"}, "InterfaceNotFound"),
}


@pytest.mark.parametrize("name", SERVICE)
def test_errors_of_varlink(name, daemon, iovteam):
    parameters, part = SERVICE[name]
    daemon(fake.error(f"org.varlink.service.{name}", **parameters))
    error, message = failure(iovteam, "plan")
    assert error == "org.iovteam.cli.Unsupported"
    assert part in message


GARBAGE = [b"hello\0", b"[]\0", b"\0", b"7\0", b'{"parameters": 3}\0', b'{"error": 3}\0',
           b'{"parameters": {"teams": [}}\0', b'\xff\xfe{}\0', b"[" * 100000 + b"\0",
           b'{"parameters": {}, "parameters": {}}\0', b"HTTP/1.1 400 Bad Request\r\n\r\n\0"]


@pytest.mark.parametrize("number", range(len(GARBAGE)))
def test_garbage(number, daemon, iovteam):
    daemon(GARBAGE[number])
    error, message = failure(iovteam, "team")
    assert error == "org.iovteam.cli.BadReply"
    assert "is not iovteamd" in message


def test_a_reply_without_parameters_is_an_empty_one(daemon, iovteam):
    daemon(b"{}\0")
    assert iovteam("reload").stdout == "Nothing to do: everything is as wanted.\n"


@pytest.mark.parametrize("data", [b"", b'{"parameters": {"teams"'])
def test_a_connection_that_ends_early(data, daemon, iovteam):
    daemon(data)
    assert failure(iovteam, "team") == ("org.iovteam.cli.Disconnected",
                                        "iovteamd closed the connection before it answered")


def test_a_reply_without_end(daemon, iovteam):
    daemon(b"x" * (17 << 20))
    assert failure(iovteam, "team") == ("org.iovteam.cli.BadReply",
                                        "iovteamd's answer is longer than 16 MiB")


def test_a_large_reply_is_read(daemon, iovteam):
    teams = [fake.healthy() | {"notes": ["x" * 1000] * 4000}]
    daemon(fake.reply(teams=teams))
    assert iovteam.json("team") == (0, {"teams": teams})


def test_a_daemon_that_never_answers(daemon, iovteam):
    daemon(lambda method, parameters: None)
    assert failure(iovteam, "--timeout", "0.2", "team") == (
        "org.iovteam.cli.Timeout", "iovteamd did not answer within 0.2 s")
    assert "the change may still come" in failure(iovteam, "--timeout", "0.2", "reload")[1]


def test_a_daemon_that_never_accepts(tmp_path, iovteam):
    """Its backlog is full, so that even connecting would wait."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(iovteam.path)
    listener.listen(0)
    first = socket.socket(socket.AF_UNIX)
    first.connect(iovteam.path)
    assert failure(iovteam, "--timeout", "0.2", "team")[0] == "org.iovteam.cli.Timeout"
    first.close()
    listener.close()


def test_no_daemon(iovteam):
    assert failure(iovteam, "team") == (
        "org.iovteam.cli.NotRunning",
        f"iovteamd is not running (no socket at {iovteam.path}); start it with: "
        "systemctl start iovteamd")


def test_a_socket_that_was_left_behind(iovteam):
    left = socket.socket(socket.AF_UNIX)
    left.bind(iovteam.path)
    left.close()
    error, message = failure(iovteam, "team")
    assert error == "org.iovteam.cli.NotRunning"
    assert "nobody listens at" in message


def test_a_file_that_is_no_socket(iovteam):
    open(iovteam.path, "w").close()
    assert failure(iovteam, "team")[0] == "org.iovteam.cli.NotRunning"


def test_a_path_that_is_too_long(iovteam):
    error, message = failure(iovteam, "--socket", "/" + "x" * 200, "team")
    assert error == "org.iovteam.cli.Io"
    assert "File name too long" in message


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_a_socket_that_is_closed_to_me(daemon, iovteam, tmp_path):
    import subprocess
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        server = fake.Fake(f"{folder}/socket", fake.always(fake.reply(teams=[])))
        with server:
            os.chmod(folder, 0o755)
            os.chmod(server.path, 0o600)
            binary = f"{folder}/iovteam"
            subprocess.run(["cp", iovteam.binary, binary], check=True)
            done = subprocess.run([binary, "--socket", server.path, "team"], user=65534,
                                  capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "no permission to use the socket" in done.stderr


def test_the_option_wins_over_the_environment(daemon, iovteam):
    daemon(fake.reply(teams=[]))
    elsewhere = {"IOVTEAM_SOCKET": "/nowhere"}
    import subprocess
    environment = iovteam.environment() | elsewhere
    done = subprocess.run([iovteam.binary, "--socket", iovteam.path, "team", "--json"],
                          env=environment, capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout) == {"teams": []}
    done = subprocess.run([iovteam.binary, "team"], env=environment, capture_output=True, text=True,
                          timeout=60)
    assert "no socket at /nowhere" in done.stderr

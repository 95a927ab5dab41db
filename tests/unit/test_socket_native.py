# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that mean no good, at the daemon as it runs on this machine: each is refused or dropped,
somebody else is served meanwhile, nothing is changed, and nothing is left in the daemon. With
IOVTEAM_BUILD=build/asan the daemon is one that tells of leaks when it ends.

tests/unit/test_varlink.c has the limits to the byte; who waits for whom is there, too.
"""
import json
import os
import resource
import shutil
import signal
import socket
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from test_refusals_native import PATIENCE, wait_until, world  # noqa: F401

INVALID = "org.varlink.service.InvalidParameter"
NOBODY = 65534
MIB = 1 << 20
# AddressSanitizer keeps what was freed for a while.
MEMORY_MAX = 64 * MIB if "asan" not in os.environ.get("IOVTEAM_BUILD", "") else 512 * MIB


class Client:
    """One connection. Bytes out, answers in."""

    def __init__(self, path, uid=0):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        os.seteuid(uid)  # whose a connection is, is decided by connect()
        try:
            self.socket.connect(str(path))
        finally:
            os.seteuid(0)
        self.read = b""

    def send(self, data):
        """False: the daemon has hung up."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def receive(self):
        """The next answer; None: the daemon has hung up."""
        while b"\0" not in self.read:
            try:
                data = self.socket.recv(MIB)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self.read += data
        answer, self.read = self.read.split(b"\0", 1)
        return json.loads(answer)

    def call(self, method, parameters=None):
        self.send(call(method, parameters))
        return self.receive()

    def close(self):
        self.socket.close()


def call(method, parameters=None):
    name = method if "." in method else f"org.iovteam.{method}"
    return json.dumps({"method": name, "parameters": parameters or {}}).encode() + b"\0"


class Daemon:
    def __init__(self, world, process, path):  # noqa: F811
        self.world, self.process, self.path = world, process, path
        self.clients = ExitStack()

    def connect(self, uid=0):
        client = Client(self.path, uid)
        self.clients.callback(client.close)
        return client

    def serves(self):
        assert self.connect().call("Show") == {"parameters": {"teams": []}}

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def memory(self):
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def state(world):  # noqa: F811
    """Addresses are left out: the kernel's own are tentative for a while."""
    return world.inside("ip", "-brief", "link").stdout, world.state()[1]


@contextmanager
def running(world):  # noqa: F811
    """A daemon whose socket others reach, too; afterwards it is as it was before, and ends well."""
    place = Path(tempfile.mkdtemp(prefix="iovteam-"))
    place.chmod(0o755)
    world.socket = place / "socket"
    before = state(world)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, limits[1]))
    try:
        with world.daemon() as process:
            world.socket.chmod(0o666)
            daemon = Daemon(world, process, world.socket)
            daemon.serves()
            daemon.clients.close()
            descriptors, memory = daemon.descriptors(), daemon.memory()
            yield daemon
            daemon.serves()
            daemon.clients.close()
            wait_until(lambda: daemon.descriptors() <= descriptors, "descriptors to be closed")
            assert daemon.memory() < memory + MEMORY_MAX
            assert state(world) == before
        assert process.returncode == 0, world.log.read_text()
        assert "Sanitizer" not in world.log.read_text()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        shutil.rmtree(place)


@pytest.fixture
def daemon(world):  # noqa: F811
    with running(world) as made:
        yield made


# --- too much ---

def test_a_message_of_10_mb(daemon):
    client = daemon.connect()
    message = call("Show", {"name": "x" * (10 * MIB)})
    assert not client.send(message)  # it has hung up long before the end
    assert client.receive() is None
    daemon.serves()


def test_a_message_that_never_ends(daemon):
    client = daemon.connect()
    sent = 0
    while client.send(b'{"method": "' + b"x" * 4096):
        sent += 4096
        assert sent < 4 * MIB
        if sent % (16 * 4096) == 0:
            daemon.serves()
    assert client.receive() is None


def test_many_requests_at_once(daemon):
    """A megabyte of them, and somebody else who asks between."""
    client, count = daemon.connect(), 20000
    with ExitStack() as stack:
        sender = os.fork()
        if sender == 0:
            os._exit(0 if client.send(call("Plan") * count) else 1)
        stack.callback(os.waitpid, sender, 0)
        for number in range(count):
            assert client.receive() == {"parameters": {"actions": []}}
            if number % 2000 == 0:
                daemon.serves()


def test_a_client_that_reads_nothing(daemon):
    client = daemon.connect()
    client.socket.settimeout(None)
    asked = 0
    # A description is 5 kB; what the daemon keeps for a client is 4 MiB.
    ask = call("org.varlink.service.GetInterfaceDescription", {"interface": "org.iovteam"}) * 10
    while client.send(ask):
        asked += 10
        assert asked < 100000
        if asked % 1000 == 0:
            daemon.serves()
    daemon.serves()
    assert daemon.memory() < 64 * MIB + MEMORY_MAX


def test_too_many_clients(daemon):
    """Root is served, however many others there are, and its waiting connection stays."""
    waiting = daemon.connect()
    others = [daemon.connect(NOBODY) for _ in range(200)]
    daemon.serves()
    assert waiting.call("Show") == {"parameters": {"teams": []}}
    assert others[-1].call("Show") == {"parameters": {"teams": []}}
    assert others[0].send(call("Show")) is False or others[0].receive() is None
    assert daemon.world.iovteam("team", "show").returncode == 0
    for _ in range(200):
        daemon.connect()
    daemon.serves()


def test_connections_that_come_and_go(daemon):
    for number in range(2000):
        client = Client(daemon.path)
        if number % 3 == 1:
            client.send(call("Show") * (number % 7))
        elif number % 3 == 2:
            client.send(call("Show")[:number % 40])
        client.close()
    daemon.serves()


def test_descriptors_are_many(daemon):
    """As many as the system lets it have, whatever it was started with."""
    with open(f"/proc/{daemon.process.pid}/limits") as file:
        soft, hard = next(line.split()[3:5] for line in file if line.startswith("Max open files"))
    assert soft == hard


# --- slow ---

def test_half_a_message(daemon):
    client = daemon.connect()
    client.send(call("Show")[:20])
    for _ in range(3):
        daemon.serves()
    client.send(call("Show")[20:])
    assert client.receive() == {"parameters": {"teams": []}}


def test_half_a_message_of_many(daemon):
    for number in range(100):
        daemon.connect(NOBODY if number % 2 else 0).send(b'{"method": ' + b" " * 100000)
    daemon.serves()


def test_who_goes_in_the_middle_of_an_answer(daemon):
    ask = call("org.varlink.service.GetInterfaceDescription", {"interface": "org.iovteam"})
    for number in range(200):
        client = Client(daemon.path)
        client.send(ask * 100)
        client.socket.recv(1 + number * 7)
        client.close()
    daemon.serves()


def test_a_client_that_is_stopped_while_it_reads(daemon):
    """Not the daemon's matter: it goes on, and the client has its answer when it goes on."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        client = Client(daemon.path)
        client.send(call("Show") * 100)
        client.receive()
        os.write(theirs, b"1")
        answers = [client.receive() for _ in range(99)]
        os.write(theirs, b"2" if all(answers) else b"0")
        os._exit(0)
    try:
        assert os.read(ours, 1) == b"1"
        os.kill(child, signal.SIGSTOP)
        for _ in range(3):
            daemon.serves()
        os.kill(child, signal.SIGCONT)
        assert os.read(ours, 1) == b"2"
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ours)
        os.close(theirs)


# --- nonsense ---

NESTED = [b"[" * 200000, b'{"a":' * 40000, b'{"method":"org.iovteam.Show","parameters":' + b"[" * 5000,
          b"[" * 1000 + b"]" * 1000, b'{"parameters":' * 3000 + b"1" + b"}" * 3000]


@pytest.mark.parametrize("data", [
    b"", b"\xff", b"\xff\xfe\0\x01", os.urandom(1000).replace(b"\0", b"\1"), b"{", b"}", b"7",
    b"null", b'"org.iovteam.Show"', b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02",
    b'{"method":"org.iovteam.Sh\xc3\x28ow"}', b'{"method":"org.iovteam.Show\\u0000"}',
    b'{"method":"\\udcff"}', b'{"method":["org.iovteam.Show"]}',
    b'{"method":"org.iovteam.Show","parameters":7}',
    b'{"method":"org.iovteam.Show","method":"org.iovteam.Plan"}',
    b'{"method":"org.iovteam.Show"} ' * 2, *NESTED,
], ids=lambda data: repr(data[:24]))
def test_what_is_no_call(daemon, data):
    client = daemon.connect()
    client.send(data + b"\0" + call("Show"))
    answer = client.receive()
    assert answer["error"] == INVALID
    assert client.receive() is None  # and what follows is not looked at
    daemon.serves()


def test_a_nul_in_the_middle_of_a_call(daemon):
    client = daemon.connect()
    client.send(call("Show")[:-1].replace(b"Show", b"Sh\0ow") + b"\0")
    assert client.receive()["error"] == INVALID


# Each method, and what its parameters are.
METHODS = {
    "Show": {"name": "team0"}, "Monitor": {"name": "team0"}, "Plan": {},
    "Explain": {"name": "team0", "flow": {}},
    "AddTeam": {"team": {}}, "SetTeam": {"name": "team0", "settings": {}},
    "RemoveTeam": {"name": "team0"}, "AddMember": {"name": "team0", "member": "veth0"},
    "SetMember": {"name": "team0", "member": "veth0", "settings": {}},
    "RemoveMember": {"name": "team0", "member": "veth0"},
    "Switchover": {"name": "team0", "member": "veth0"},
    "DrainMember": {"name": "team0", "member": "veth0"},
    "RestoreMember": {"name": "team0", "member": "veth0"}, "Reload": {},
    "Confirm": {}, "Cancel": {}, "Session": {"peer": "192.0.2.1"}, "Doctor": {},
    "ShowSwitches": {"name": "switch0"}, "ShowAdapters": {"vm": "web1", "adapter": "nicA"},
    "ShowVfs": {"switch": "switch0"},
    "AddSwitch": {"switch": {}}, "SetSwitch": {"name": "switch0", "settings": {}},
    "RemoveSwitch": {"name": "switch0"}, "ReallotVfs": {"switch": "switch0"},
    "AddAdapter": {"vm": "web1", "adapter": {}},
    "SetAdapter": {"vm": "web1", "settings": {}}, "RemoveAdapter": {"vm": "web1", "adapter": "nicA"},
}
ALL_OPTIONAL = ("Show", "Monitor", "ShowSwitches", "ShowAdapters", "ShowVfs")
VALUES = ["text", 7, 0.5, True, [], ["veth0"], {}, {"a": 1}, -1, 2**62]


def test_wrong_types(daemon):
    """Each parameter of each method with each type that is not its own; and unknown ones."""
    client = daemon.connect()
    for method, parameters in METHODS.items():
        for name, right in parameters.items():
            for value in VALUES:
                if type(value) is type(right):
                    continue
                answer = client.call(method, {**parameters, name: value})
                assert answer == {"error": INVALID, "parameters": {"parameter": name}}, (
                    method, name, value)
            if method not in ALL_OPTIONAL:
                missing = {key: kept for key, kept in parameters.items() if key != name}
                assert client.call(method, missing)["parameters"] == {"parameter": name}
                assert client.call(method, {**parameters, name: None})["error"] == INVALID
        answer = client.call(method, {**parameters, "colour": "red"})
        assert answer == {"error": INVALID, "parameters": {"parameter": "colour"}}, method


def test_methods_are_all_here(daemon):
    """The table above knows each method that the interface has."""
    text = daemon.connect().call("org.varlink.service.GetInterfaceDescription",
                                 {"interface": "org.iovteam"})["parameters"]["description"]
    assert {line.split("(")[0].split()[1] for line in text.splitlines()
            if line.startswith("method ")} == set(METHODS)


def test_what_is_inside_is_wrong(daemon):
    """Wrong types one level below the parameters, and texts of every kind: refused in a sentence."""
    client = daemon.connect()
    texts = ["", "x" * 300, "\n", "a b", "/", "..", "é" * 200, "\U0001f600", "%s%n", "a" * 100000]
    wrong = [*({"name": value} for value in VALUES), *({"name": text} for text in texts),
             *({"name": "team0", "members": value} for value in VALUES if value != ["veth0"]),
             *({"name": "team0", "members": [value]} for value in VALUES),
             *({"name": "team0", "members": [text]} for text in texts),
             {"name": "team0", "members": ["veth0"] * 2}, {"name": "team0", "members": ["veth0"] * 40},
             *({"name": "team0", "members": ["veth0"], "settings": value}
               for value in VALUES if value not in ({}, True)),
             *({"name": "team0", "members": ["veth0"], "settings": {"StableTimeMs": value}}
               for value in [*VALUES, *texts]),
             *({"name": "team0", "members": ["veth0"], "settings": {text: "1"}} for text in texts)]
    for team in wrong:
        answer = client.call("AddTeam", {"team": team})
        assert answer.get("error") in ("org.iovteam.Refused", "org.iovteam.Failed"), (team, answer)
        assert answer["parameters"]["message"], team
    for text in texts:
        for method in ("RemoveTeam", "Explain"):
            answer = client.call(method, {**METHODS[method], "name": text})
            assert answer["error"] == "org.iovteam.NotFound" and answer["parameters"]["message"]


def test_who_is_not_root(daemon):
    client = daemon.connect(NOBODY)
    reading = {"Show", "Monitor", "Plan", "Explain", "Session", "Doctor", "ShowSwitches",
               "ShowAdapters", "ShowVfs"}
    for method, parameters in METHODS.items():
        answer = client.call(method, parameters)
        denied = answer.get("error") == "org.iovteam.PermissionDenied"
        assert denied != (method in reading), (method, answer)
    # Nor by what else a reader may send.
    assert client.call("SetTeam", {"name": 7})["error"] == "org.iovteam.PermissionDenied"
    client.send(b'{"method": "org.iovteam.RemoveTeam", "oneway": true, "parameters": {"name": "a"}}\0')
    assert client.call("Show") == {"parameters": {"teams": []}}

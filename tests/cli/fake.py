# SPDX-License-Identifier: GPL-2.0-or-later
"""A stand-in for iovteamd: answers each call on its socket as a test says."""
import json
import socket
import threading
import time


class Fake:
    """answer: a function of (method, parameters) that returns the bytes to send.

    None means: send nothing, and keep the connection open until the end of the test.
    """

    def __init__(self, path, answer):
        self.path = str(path)
        self.answer = answer
        self.calls = []
        self.kept = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        for connection in self.kept:
            connection.close()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.handle(connection)

    def handle(self, connection):
        request = b""
        while not request.endswith(b"\0"):
            piece = connection.recv(65536)
            if not piece:
                connection.close()
                return
            request += piece
        call = json.loads(request[:-1])
        self.calls.append(call)
        reply = self.answer(call["method"], call["parameters"])
        if reply is None:
            self.kept.append(connection)
            return
        try:
            connection.sendall(reply)
        except OSError:
            pass  # the caller has had enough
        connection.close()


def message(**fields):
    return json.dumps(fields).encode() + b"\0"


def reply(**parameters):
    return message(parameters=parameters)


def error(name, **parameters):
    return message(error=name, parameters=parameters)


def always(data):
    return lambda method, parameters: data


def member(device, number, **changes):
    return {
        "device": device, "name": device, "mac": f"52:54:00:aa:00:0{number}", "state": "active",
        "reason": "none", "role": "active", "weight": 100, "path": "hardware",
        "drained": False, "returns_in_ms": 0, "primary": number == 4, "bus_id": f"0000:00:0{number}.0",
        "buckets": 512, "buckets_held": 512, "failures": 0,
        "tx_packets": 1204411, "tx_bytes": 1538220311, "rx_packets": 2204420,
        "rx_bytes": 3112204411, "drops": {"reflected": 0, "not_primary": 0, "foreign_member": 0},
    } | changes


SETTINGS = {
    "Adopt": "no", "Distribution": "transport-ports", "MacPolicy": "member", "Mixed": "standby",
    "StableTimeMs": "1000", "HoldDownMaxMs": "60000",
    "ReturnIdleMs": "200", "ReturnBoundMs": "10000", "AnnounceCount": "3",
    "AnnounceIntervalMs": "200",
}


def healthy():
    return {
        "name": "team0", "state": "up", "mac": "52:54:00:aa:00:04", "mtu": 1500,
        "addresses": ["192.0.2.10/24", "2001:db8::10/64"], "settings": SETTINGS,
        "members": [member("ens4", 4), member("ens5", 5, rx_packets=120, rx_bytes=9120)],
        "primary": "ens4", "failovers": [], "notes": [], "carrier_program": "attached",
    }


def adopted():
    return healthy() | {"name": "bond0", "settings": SETTINGS | {"Adopt": "yes"}}


def degraded():
    """ens4 lost its link a minute ago; before it, ens5 once had."""
    seen = time.monotonic_ns() // 1000 - 75_000_000
    first = {
        "cause": "not-present", "member": "ens5", "primary_before": "ens4",
        "primary_after": "ens4", "seen_us": seen - 5_000_000, "decided_us": seen - 4_999_990,
        "applied_us": seen - 4_999_000, "buckets_moved": 512,
    }
    last = {
        "cause": "media-disconnected", "member": "ens4", "primary_before": "ens4",
        "primary_after": "ens5", "seen_us": seen, "decided_us": seen + 41,
        "applied_us": seen + 1305, "buckets_moved": 512,
    }
    lost = member("ens4", 4, state="failed", reason="media-disconnected", primary=False,
                  buckets_held=0, failures=1)
    well = member("ens5", 5, primary=True, buckets_held=1024,
                  drops={"reflected": 2, "not_primary": 31, "foreign_member": 1})
    return healthy() | {
        "state": "degraded", "members": [lost, well], "primary": "ens5",
        "mac": "52:54:00:aa:00:05", "failovers": [first, last],
        "notes": ["The team has lost its spare: one more failure and it is down, because "
                  "no other member is usable now"],
    }


def planned():
    """A standby of less weight, and a member whose cable somebody is about to pull."""
    drained = member("ens4", 4, state="standby", reason="administrative-decision", drained=True,
                     primary=False, buckets=0, buckets_held=0)
    heavy = member("ens5", 5, weight=300, buckets=1024, buckets_held=1024, primary=True)
    spare = member("ens6", 6, state="standby", reason="administrative-decision", role="standby",
                   buckets=0, buckets_held=0)
    return healthy() | {"members": [drained, heavy, spare], "primary": "ens5"}


def two_paths():
    """A member whose VF has been unplugged, and one with both of its paths."""
    def path(name, what, carries=False, reason="none"):
        return {"name": name, "path": what, "bus_id": "", "carries": carries, "reason": reason}

    alone = member("ens4", 4, name="ens3", path="synthetic", bus_id="0000:00:03.0", paths=[
        path("", "hardware", reason="not-present"), path("ens3", "synthetic", carries=True)])
    both = member("ens5", 5, paths=[
        path("ens5", "hardware", carries=True), path("ens6", "synthetic")])
    return healthy() | {
        "members": [alone, both], "primary": "ens3",
        "notes": ["ens3 carries for the other path of its member, which is not-present"]}


def waiting():
    """A member by MAC that is not there, and one that waits."""
    gone = member("52:54:00:aa:00:06", 6, name="", mac="", bus_id="", state="failed",
                  reason="not-present", buckets=341, buckets_held=0)
    slow = member("pci-0000:00:05.0", 5, name="ens5", state="failed", buckets=341,
                  reason="waiting-for-stable-connectivity", returns_in_ms=3200, buckets_held=0,
                  failures=7)
    return healthy() | {"state": "degraded", "members": [member("ens4", 4), slow, gone]}

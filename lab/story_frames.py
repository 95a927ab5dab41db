# SPDX-License-Identifier: GPL-2.0-or-later
"""H5 with real frames on the synthetic path: the guest sends from MACs that are its own, its team
mate's and nobody's, and what came out of the switch is counted at the peer and by the host."""
from __future__ import annotations

from typing import Any

from . import Lab, Namespace, wait_until
from .demo_host import Host

FOREIGN = "02:00:00:00:00:99"
COUNT = 20  # frames of each kind
ETHERTYPE = 0x88B5  # of experiments
TIMEOUT = 30  # seconds

# (whose MAC, allow-teaming, mac-spoofing, whether it passes). Rows of the same settings stand
# together: a row is set up by what it changes.
ROWS = (("own", "off", "off", True), ("mate", "off", "off", False),
        ("foreign", "off", "off", False),
        ("own", "on", "off", True), ("mate", "on", "off", True), ("foreign", "on", "off", False),
        ("mate", "off", "on", True), ("foreign", "off", "on", True))

SEND = """
import socket, sys
device, frame, count = sys.argv[1], bytes.fromhex(sys.argv[2]), int(sys.argv[3])
to = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
to.bind((device, 0))
for _ in range(count):
    to.send(frame)
"""
LISTEN = f"""
import socket
at = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons({ETHERTYPE}))
at.bind(("eth0", {ETHERTYPE}))
print("ready", flush=True)
while True:
    print(at.recv(2048)[14:].rstrip(bytes(1)).decode(), flush=True)
"""
PYTHON = ["/usr/bin/python3", "-IS", "-c"]


def send(guest: Namespace, device: str, source: str, label: str) -> None:
    """Broadcasts that carry their row's name."""
    head = bytes.fromhex(f"ff:ff:ff:ff:ff:ff:{source}".replace(":", ""))
    frame = head + ETHERTYPE.to_bytes(2, "big") + label.encode().ljust(46, b"\0")
    guest.run([*PYTHON, SEND, device, frame.hex(), str(COUNT)])


def play_frames(lab: Lab, host: Host) -> list[dict[str, Any]]:
    """What the guest sends by nicA, and what became of it; the settings are off afterwards."""
    macs = {"own": host.adapter("nicA")["mac"], "mate": host.adapter("nicB")["mac"],
            "foreign": FOREIGN}
    # Nothing of the kernel's own is to be counted among them.
    quiet = "/proc/sys/net/ipv6/conf/nicA/disable_ipv6"
    lab.guest.sh(f"echo 1 >{quiet}; ip link set nicA up")
    wait_until(lambda: lab.carrier("nicA", lab.guest), TIMEOUT, "the guest's carrier")
    results, now = [], ("", "")
    with lab.peer.spawn([*PYTHON, LISTEN]) as listener:
        listener.expect("ready")
        for whose, teaming, spoofing, passes in ROWS:
            if (teaming, spoofing) != now:
                host.set_vm(f"allow-teaming={teaming}", f"mac-spoofing={spoofing}")
                now = teaming, spoofing
            label = f"{whose} {teaming} {spoofing}"
            counted = counts_of(host, lambda: send(lab.guest, "nicA", macs[whose], label))
            wanted = counted["passed"]
            if wanted:
                wait_until(lambda: listener.stdout().count(label) >= wanted, TIMEOUT,
                           "the frames to come out")
            results.append({"source_mac": whose, "allow_teaming": teaming == "on",
                            "mac_spoofing": spoofing == "on", "sent": COUNT, **counted,
                            "seen_outside": listener.stdout().count(label),
                            "as_wanted": counted == expected(whose, teaming, passes)})
    host.set_vm("allow-teaming=off", "mac-spoofing=off")
    lab.guest.sh(f"ip link set nicA down; echo 0 >{quiet}")
    return results


def expected(whose: str, teaming: str, passes: bool) -> dict[str, int]:
    mates = COUNT if (whose, teaming) == ("mate", "on") else 0
    return {"passed": COUNT if passes else 0, "passed_mate": mates,
            "refused": 0 if passes else COUNT}


def counts_of(host: Host, action: Any) -> dict[str, int]:
    """By how much the adapter's counters have grown when they have all of the frames."""
    before = host.adapter("nicA")["frames"]
    action()

    def grown() -> dict[str, int]:
        after = host.adapter("nicA")["frames"]
        return {key: after[key] - before[key] for key in ("passed", "passed_mate", "refused")}
    return wait_until(lambda: (g := grown()) and g["passed"] + g["refused"] >= COUNT and g,
                      TIMEOUT, "the frames to be counted")

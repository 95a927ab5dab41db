# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel and the peer have of a team, without asking its daemon."""
import json
from contextlib import contextmanager

from team import PYTHON


def link(where, name):
    found = where.run(["ip", "-d", "-j", "link", "show", name], check=False)
    return found.json()[0] if found.rc == 0 else None


def active_slave(team):
    return link(team.where, team.name)["linkinfo"]["info_data"].get("active_slave")


def attached(lab, team):
    """Where our programs are: place -> (BPF link id or None for clsact, program id)."""
    pins = lab.guest.sh(f"""
        for pin in {team.bpffs}/{team.name}/team {team.bpffs}/{team.name}/member*; do
            [ -e $pin ] && bpftool -j link show pinned $pin && echo " $pin" || true
        done""").out
    found = {}
    for line in pins.splitlines():
        if line.startswith("{"):
            shown = json.loads(line)
        elif line.strip():
            found[line.strip().rpartition("/")[2]] = (shown["id"], shown["prog_id"])
    if found:
        return found
    for device in (team.name, *team.macs):
        for way in ("ingress", "egress"):
            for rule in team.where.run(["tc", "-j", "filter", "show", "dev", device, way]).json():
                if "prog" in rule.get("options", {}):
                    found[f"{device} {way}"] = (None, rule["options"]["prog"]["id"])
    return found


LISTEN = """
import socket, sys
listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
listener.bind(("eth0", 0))
print("ready", flush=True)
def mac(data): return ":".join("%02x" % byte for byte in data)
while True:
    frame, address = listener.recvfrom(2048)
    if address[2] == 4:  # our own
        continue
    to, by, kind = mac(frame[:6]), mac(frame[6:12]), frame[12:14]
    if kind == b"\\x08\\x06" and frame[28:32] == frame[38:42]:
        print("arp", socket.inet_ntoa(frame[28:32]), mac(frame[22:28]), by, to, flush=True)
    elif kind == b"\\x86\\xdd" and frame[20] == 58 and frame[54] == 136:
        print("na", socket.inet_ntop(socket.AF_INET6, frame[62:78]), mac(frame[80:86]), by, to,
              flush=True)
"""


@contextmanager
def announcements(lab):
    """Gratuitous ARP and neighbour advertisements as the peer receives them:
    (kind, address, announced MAC, source MAC, destination MAC)."""
    with lab.peer.spawn([*PYTHON, "-c", LISTEN]) as process:
        process.expect("ready")
        yield lambda: [tuple(line.split()) for line in process.stdout().splitlines()[1:]]


@contextmanager
def deaf_peer(lab):
    """The switch floods neither broadcast nor multicast to the peer."""
    def flood(what):
        lab.peer.run(["ip", "netns", "exec", lab.outside.phys, "bridge", "link", "set", "dev",
                      "peer", "bcast_flood", what, "mcast_flood", what])

    flood("off")
    try:
        yield
    finally:
        flood("on")

# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything that a change must make as wanted, or leave as it was: one flat dictionary, so that
two of them are compared, and their difference printed, line by line."""
from __future__ import annotations

import json
import os
import re
import socket
from collections import Counter
from pathlib import Path

import kernel

# Of a device: what is given back (T1), and what makes it a member.
_FLAGS = 0x1 | 0x100 | 0x200 | 0x400 | 0x800  # up, promisc, allmulti, master, slave
_BOND = ("mode", "fail_over_mac", "all_slaves_active", "num_grat_arp", "peer_notif_delay",
         "resend_igmp", "miimon", "active_slave", "slaves", "queue_id")
_BRIDGE = ("vlan_filtering", "stp_state")
_MEMBER = ("device", "name", "state", "reason", "primary", "buckets")

JOURNAL = ".pending"  # of a change that waits to be confirmed

State = dict[str, object]


def _read(path: str) -> str:
    """A file of sysfs. Read some fifty times a state, so without what pathlib and io add."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        return os.read(fd, 4096).decode().strip()
    except OSError:
        return ""
    finally:
        os.close(fd)


def devices(sysfs: Path) -> State:
    """The namespace's devices, and what hangs on them."""
    found: State = {}
    names = {}
    for name in sorted(os.listdir(sysfs / "class/net")):
        place = f"{sysfs}/class/net/{name}"
        if name in ("lo", "bonding_masters") or not os.path.exists(f"{place}/ifindex"):
            continue
        has = set(os.listdir(place))
        ifindex = int(_read(f"{place}/ifindex") or 0)
        names[ifindex] = name
        mark = _read(f"{place}/ifalias")
        if mark:
            found[f"{name} alias"] = mark
        else:  # a bridge and a port of ours have a MAC by chance
            found[f"{name} mac"] = _read(f"{place}/address")
        found[f"{name} mtu"] = _read(f"{place}/mtu")
        found[f"{name} flags"] = hex(int(_read(f"{place}/flags") or "0", 16) & _FLAGS)
        found[f"{name} master"] = (os.readlink(f"{place}/master").split("/")[-1]
                                   if "master" in has else "")
        for key in _BOND if "bonding" in has else ():
            found[f"{name} {key}"] = " ".join(sorted(_read(f"{place}/bonding/{key}").split()))
        for key in _BRIDGE if "bridge" in has else ():
            found[f"{name} {key}"] = _read(f"{place}/bridge/{key}")
        rules = kernel.constants(ifindex) if mark else ""
        if rules:
            found[f"{name} filter"] = rules
        for way, count in kernel.tcx(ifindex).items():
            found[f"{name} tcx {way}"] = count
    for ifindex, address in kernel.addresses():
        found[f"{names.get(ifindex, ifindex)} address {address}"] = True
    for name, route in kernel.routes():
        found[f"{name} route {route}"] = True
    for ifindex, vlans in kernel.vlans().items():
        found[f"{names.get(ifindex, ifindex)} vlans"] = vlans
    for ifindex, kind in kernel.qdiscs():
        found[f"{names.get(ifindex, ifindex)} qdisc {kind}"] = True
    return found


def files(directory: Path, what: str, contents: bool) -> State:
    """Files below a directory. Of pins the names only, and of the journal, which has the time."""
    found: State = {}
    for place, _, names in os.walk(directory):
        found[f"{what} {place}"] = "directory"
        for name in names:
            path = Path(place) / name
            found[f"{what} {path}"] = (path.read_text() if contents and name != JOURNAL
                                          else "there")
    return found


def descriptors(pid: int) -> State:
    """How many of each kind a process holds. (Not of BTF: if the kernel refuses it once, libbpf
    does without for ever.)"""
    kinds: Counter[str] = Counter()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            kinds[re.sub(r"\d+", "", os.readlink(f"/proc/{pid}/fd/{name}"))] += 1
        except OSError:
            pass  # closed meanwhile
    return {f"descriptors {kind}": count for kind, count in kinds.items()
            if kind != "anon_inode:btf"}


def call(path: Path, method: str, **parameters: object) -> dict[str, object]:
    """One call to the daemon: its whole answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(20)
        client.connect(str(path))
        client.sendall(json.dumps({"method": f"org.iovteam.{method}",
                                   "parameters": parameters}).encode() + b"\0")
        answer = b""
        while not answer.endswith(b"\0"):
            more = client.recv(1 << 16)
            if not more:
                raise ConnectionError("the daemon has closed the connection")
            answer += more
    return json.loads(answer[:-1])


def ask(path: Path, method: str) -> dict[str, object]:
    """What it answers to a call without parameters."""
    return call(path, method)["parameters"]


def shown(path: Path) -> State:
    """What the daemon says of its teams."""
    answer = ask(path, "Show")
    found: State = {"show pending": answer.get("pending", {}).get("what", "")}
    for team in answer["teams"]:
        name = f"show {team['name']}"
        found.update({f"{name} {key}": team[key] for key in ("state", "primary", "mac", "mtu")})
        found.update({f"{name} {key}": value for key, value in team["settings"].items()})
        found[f"{name} notes"] = "; ".join(note for note in team["notes"] if "Windows" not in note)
        for number, member in enumerate(team["members"]):
            found[f"{name} member {number}"] = " ".join(str(member[key]) for key in _MEMBER)
    return found


def difference(now: State, then: State) -> list[str]:
    return [f"{key}: {now.get(key, 'nothing')!r} instead of {then.get(key, 'nothing')!r}"
            for key in sorted({*now, *then}) if now.get(key) != then.get(key)]

# SPDX-License-Identifier: GPL-2.0-or-later
"""What a test left behind: snapshots of the VM and the peer, their difference, a clean-up.

A snapshot does not hold what reset() puts right by itself: the guest's VFs are down and
without addresses at the start of each test, the peer's neighbour cache is empty, every
cable is plugged. Filters of tc need no place of their own: they live in qdiscs, and their
programs are listed.

Of what the kernel complains of, igbvf's warning that it is closed while its reset worker still runs
is left out: the worker waits for a PF that is down, and a VF that is set down meanwhile makes it.
"""
from __future__ import annotations

import json
import time

from .lab import Lab

_SNAPSHOT = """
self=$$
for ns in "" $(ip netns list | cut -d' ' -f1); do
	echo "@ link $ns"
	ip ${ns:+-n $ns} -d -j link show
	echo "@ qdisc $ns"
	tc ${ns:+-n $ns} -j qdisc show
done
echo "@ namespace"; ls /run/netns
echo "@ program"; bpftool -j prog show
echo "@ bpf-link"; bpftool -j link show
echo "@ pin"; find /sys/fs/bpf -mindepth 1
echo "@ complaint"; dmesg | grep -E 'BUG:|WARNING: CPU|Oops|general protection' |
	grep -v ' igbvf_close+' || true
echo "@ process"; ps -eo pid=,ppid=,args= | awk -v self=$self '
	$1 > 2 && $2 != 2 && $1 != self && $2 != self && $3 != "[modprobe]"' | grep -v lab/agent.py || true
"""


class Snapshot:
    """The state, as one line of text for each thing; the lines of two states are compared."""

    def __init__(self, lab: Lab) -> None:
        self.lines: set[str] = set()
        self.pids: dict[str, int] = {}
        section, body = "", ""
        for line in [*lab.host.sh(_SNAPSHOT).out.splitlines(), "@ end"]:
            if line.startswith("@ "):
                self._section(section, body)
                section, body = line[2:].strip(), ""
            else:
                body += line + "\n"
        self._section("link of the peer", lab.peer.run(["ip", "-d", "-j", "address"]).out)

    def _section(self, name: str, body: str) -> None:
        kind, _, where = name.partition(" ")
        reader = getattr(self, "_read_" + kind.replace("-", "_"), self._read_lines)
        self.lines.update(f"{name}: {text}" for text in reader(body))

    @staticmethod
    def _read_lines(body: str) -> list[str]:
        return body.splitlines()

    @staticmethod
    def _read_link(body: str) -> list[str]:
        keys = ("address", "mtu", "master", "promiscuity", "allmulti", "vfinfo_list")
        return [" ".join([link["ifname"], link.get("linkinfo", {}).get("info_kind", ""),
                          *(f"{key}={link[key]}" for key in keys if link.get(key)),
                          *(f"{ip['local']}/{ip['prefixlen']}"
                            for ip in link.get("addr_info", ()))])
                for link in json.loads(body)]

    @staticmethod
    def _read_qdisc(body: str) -> list[str]:
        # Those that the kernel attaches by itself when a device comes up have no handle.
        return [f"{q['dev']} {q['kind']} {q['handle']}"
                for q in json.loads(body) if q["handle"] != "0:"]

    @staticmethod
    def _read_program(body: str) -> list[str]:
        return [f"{p['id']} {p['type']} {p.get('name', '')}" for p in json.loads(body)]

    @staticmethod
    def _read_bpf_link(body: str) -> list[str]:
        return [f"{li['id']} {li['type']} {li.get('devname', '')}" for li in json.loads(body)]

    def _read_process(self, body: str) -> list[str]:
        result = []
        for line in body.splitlines():
            pid, _, command = line.split(None, 2)
            result.append(f"{pid} {command}")
            self.pids[f"process: {pid} {command}"] = int(pid)
        return result


def reset(lab: Lab) -> None:
    """Puts right what every test may change: see above."""
    lab.plug_all()
    lab.guest.sh("".join(f"ip address flush dev {vf}; ip link set {vf} down;" for vf in lab.vfs),
                 check=False)
    lab.peer.run(["ip", "neighbour", "flush", "dev", "eth0"], check=False)


def compare(before: Snapshot, after: Snapshot) -> list[str]:
    return ([f"left behind: {line}" for line in sorted(after.lines - before.lines)]
            + [f"gone: {line}" for line in sorted(before.lines - after.lines)
               # The kernel's ring of messages forgets its oldest.
               if not line.startswith("complaint: ")])


def settle(lab: Lab, before: Snapshot, timeout: float = 5) -> tuple[list[str], Snapshot]:
    """The differences that stay. The kernel frees programs, links and namespaces a moment
    after their last user, so what is found is looked at again."""
    end = time.monotonic() + timeout
    while True:
        after = Snapshot(lab)
        difference = compare(before, after)
        if not difference or time.monotonic() > end:
            return difference, after


def clean(lab: Lab, before: Snapshot, after: Snapshot) -> None:
    """Takes away what one test left, as well as can be, so that others are not blamed."""
    commands: list[str] = []
    for line in after.lines - before.lines:
        section, _, text = line.partition(": ")
        kind, _, ns = section.partition(" ")
        name, what, *_ = [*text.split(), "", ""]
        enter = f"-n {ns} " if ns else ""
        if kind == "process":
            commands.append(f"kill -9 {after.pids[line]}")
        elif kind == "pin":
            commands.append(f"rm -rf {text}")
        elif kind == "qdisc":
            where = what if what in ("clsact", "ingress") else "root"
            commands.append(f"tc {enter}qdisc delete dev {name} {where}")
        elif kind == "namespace":
            commands.append(f"ip netns delete {name}")
        elif kind == "link" and not ns.startswith("of ") and not any(
                other.startswith(f"{section}: {name} ") for other in before.lines):
            commands.append(f"ip {enter}link delete {name}")
    # Processes first: a daemon would put back what it misses.
    commands.sort(key=lambda command: not command.startswith("kill"))
    lab.host.run(["sh", "-c", "\n".join(commands)], check=False)



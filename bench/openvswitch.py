# SPDX-License-Identifier: GPL-2.0-or-later
"""Open vSwitch in a namespace of the lab's VM: database, switch, and a bond as its manual has it.

Debian's programs, the kernel's datapath. The switch is an ordinary one that learns (no controller);
the namespace's own address is at the switch's internal port. The slave of a balance-slb bond is
chosen by source MAC and VLAN, so one host's traffic takes one of them.
"""
from __future__ import annotations

import signal
import time
from collections.abc import Iterable

from lab import Namespace, Process, wait_until

START = 30  # seconds
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


class OpenVswitch:
    def __init__(self, where: Namespace, directory: str) -> None:
        self.where, self.directory = where, directory
        self.database = f"unix:{directory}/db.sock"
        where.sh(f"modprobe openvswitch; mkdir -p {directory}\n"
                 f"ovsdb-tool create {directory}/conf.db {SCHEMA}")
        self._processes: list[Process] = []
        self._spawn("ovsdb-server", f"{directory}/conf.db", f"--remote=p{self.database}")
        wait_until(lambda: where.run(["ovs-vsctl", f"--db={self.database}", "--no-wait", "init"],
                                     check=False).rc == 0, START, "ovsdb-server to answer")
        self._spawn("ovs-vswitchd", self.database)

    def _spawn(self, program: str, *words: str) -> None:
        self._processes.append(self.where.spawn(
            [program, *words, f"--unixctl={self.directory}/{program}.ctl", "-vconsole:off"],
            env={"OVS_RUNDIR": self.directory, "OVS_DBDIR": self.directory,
                 "OVS_LOGDIR": self.directory}))

    def bond(self, bridge: str, members: Iterable[str], mode: str) -> None:
        """A switch with the bond as its uplink; @bridge is also the device of its internal port."""
        members = list(members)
        self._last = members[-1]
        self.where.run(["ovs-vsctl", f"--db={self.database}", f"--timeout={START}",
                        "add-br", bridge, "--", "add-bond", bridge, "uplink", *members,
                        f"bond_mode={mode}"], timeout=2 * START)
        self.where.sh("\n".join(f"ip link set {member} up" for member in members))
        self._wait_whole()

    def _wait_whole(self) -> None:
        self.where.wait_for(["ovs-appctl", "-t", f"{self.directory}/ovs-vswitchd.ctl",
                             "bond/show", "uplink"], f"{self._last}: enabled", START)

    def restart(self, how: signal.Signals, without_s: float) -> None:
        """Of ovs-vswitchd; the database stays."""
        switch = self._processes.pop()
        switch.kill(how)
        switch.wait(START)
        time.sleep(without_s)
        self._spawn("ovs-vswitchd", self.database)
        self._wait_whole()

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.stop()

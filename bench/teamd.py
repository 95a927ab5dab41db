# SPDX-License-Identifier: GPL-2.0-or-later
"""The team driver with teamd, as its manual has it, in a namespace of the lab's VM.

teamd is told to leave the device where it is when it ends, and to take over one that is there:
else a restart would take the device away.
"""
from __future__ import annotations

import json
import signal
import time
from typing import Any

from lab import Namespace, Process, wait_until

START = 30  # seconds
CARRIER = {"name": "ethtool"}
LOADBALANCE = {"name": "loadbalance", "tx_hash": ["eth", "ipv4", "ipv6", "tcp", "udp"]}


class Teamd:
    """@device must be a name of its own in the VM: teamd's files in /run are named after it."""

    def __init__(self, where: Namespace, device: str, ports: dict[str, dict[str, Any]],
                 runner: dict[str, Any], watch: dict[str, Any] = CARRIER) -> None:
        self.where, self.device = where, device
        self._config = {"device": device, "ports": ports, "runner": runner,
                        "link_watch": watch}
        self._start()

    def _start(self) -> None:
        self._process: Process = self.where.spawn(
            ["teamd", "--no-quit-destroy", "--take-over", "-c", json.dumps(self._config)])
        wait_until(self._is_whole, START, f"teamd to have the ports of {self.device}")

    def _is_whole(self) -> bool:
        """Enslaved, which sets them up, and their links seen."""
        asked = self.where.run(["teamdctl", self.device, "state", "dump"], check=False)
        ports = asked.json().get("ports", {}) if asked.rc == 0 else {}
        return (set(ports) == set(self._config["ports"])
                and all(port.get("link", {}).get("up") for port in ports.values()))

    def restart(self, how: signal.Signals, without_s: float) -> None:
        self._process.kill(how)
        self._process.wait(START)
        time.sleep(without_s)
        self._start()

    def ask(self, item: str) -> str:
        """One item of its state, "" while there is none."""
        return self.where.run(["teamdctl", self.device, "state", "item", "get", item],
                              check=False).out.strip()

    def stop(self) -> None:
        """The device stays."""
        self._process.stop()

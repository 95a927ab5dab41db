# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest of this machine that systemd boots: Debian, with the managers of interfaces in it."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

from .command import Namespace, Result
from .lab import Lab, wait_until
from .vm import Kernel, Vm

BOOT_SECONDS = 180


class System(Lab):
    """Debian as systemd boots it, on virtio NICs, with the peer outside.

    host   the guest's own namespace: nics are virtio0, virtio1, ... on the peer's network

        with System(nics=2, files={"/etc/iovteam/team0.conf": "..."}) as system:
            system.systemctl("is-active", "iovteamd")

    files  added to the root before systemd starts; see also `seed`
    seed   a directory: put there before the start what shall be added to the root (an install)
    Everything is forgotten at the end. NetworkManager, networkd and networking are not started
    unless a file says so: tests start the one that they are about.
    """

    MANAGERS = ("NetworkManager", "NetworkManager-wait-online", "networking", "systemd-networkd",
                "systemd-networkd-wait-online")

    def __init__(self, kernel: str = "6.12", *, nics: int = 2,
                 files: Mapping[str, str] | None = None, **options: Any) -> None:
        super().__init__(kernel, pfs=0, vfs=0, virtio=nics, **options)
        self.seed = self.outside.directory / "seed"
        self.seed.mkdir()
        self._machine.seed = self.seed
        self._name_nics()
        self._start_no_manager()
        for path, text in (files or {}).items():
            self.add_file(path, text)

    def add_file(self, path: str, text: str) -> Path:
        place = self.seed / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(0o600 if "system-connections" in path or "netplan" in path else 0o644)
        return place

    def _name_nics(self) -> None:
        for nic in self.virtio:
            self.add_file(f"/etc/systemd/network/00-{nic.name}.link",
                          f"[Match]\nMACAddress={nic.mac}\n[Link]\nName={nic.name}\n")

    def _start_no_manager(self) -> None:
        """A preset says it for the first boot only; these are enabled by their packages."""
        for unit in (*self.MANAGERS, "networking"):
            self.add_file(f"/etc/systemd/system/{unit}.service.d/lab.conf",
                          "[Unit]\nConditionPathExists=/run/lab-manager\n")

    def _start(self) -> None:
        self.outside.build([nic.tap for nic in self._machine.nics])
        version = Kernel(self._machine.kernel).version
        with self._step(f"booting Debian on Linux {version} under emulation"):
            self.vm = Vm(self._machine, self.outside.phys, self.console)
            self.vm.agent.answer(0, timeout=BOOT_SECONDS)
            self.host = self.guest = Namespace(self.vm.agent, "host", None)
        with self._step("waiting for systemd"):
            wait_until(lambda: self.systemctl("is-system-running", check=False).out.strip()
                       in ("running", "degraded"), BOOT_SECONDS, "systemd to be up")

    def systemctl(self, *words: str, check: bool = True, timeout: float = 90) -> Result:
        return self.host.run(["systemctl", *words], check=check, timeout=timeout)

# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest of this machine that systemd boots: Debian, with the managers of interfaces in it."""
from __future__ import annotations

from typing import Any, Mapping, Sequence

from .command import Namespace, Result
from .lab import Lab, LabError, wait_until
from .vm import Kernel, Vm

BOOT_SECONDS = 180


class System(Lab):
    """Debian as systemd boots it, on virtio NICs, with the peer outside.

    host   the guest's own namespace: nics are virtio0, virtio1, ... on the peer's network

        with System(nics=2, files={"/etc/iovteam/team0.conf": "..."}) as system:
            system.systemctl("is-active", "iovteamd")

    managers  those of MANAGERS that start at boot; others when a test says start("networking")
    files     added to the root before systemd starts, by path
    seed      a directory: what is put there before the start is added to the root (an install)

    What the guest writes is forgotten at its end.
    """

    MANAGERS = ("NetworkManager", "NetworkManager-wait-online", "networking", "systemd-networkd",
                "systemd-networkd-wait-online")
    # Each costs a second under emulation, for nothing.
    IDLE = ("getty.target", "e2scrub_reap.service", "systemd-binfmt.service",
            "modprobe@drm.service", "modprobe@dm_mod.service", "modprobe@loop.service",
            "modprobe@efi_pstore.service", "systemd-random-seed.service",
            "systemd-update-utmp.service", "apt-daily.timer", "apt-daily-upgrade.timer",
            "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer")

    def __init__(self, kernel: str = "6.12", *, nics: int = 2, managers: Sequence[str] = (),
                 files: Mapping[str, str] | None = None, **options: Any) -> None:
        super().__init__(kernel, pfs=0, vfs=0, virtio=nics, **options)
        self.seed = self.outside.directory / "seed"
        self.seed.mkdir()
        self._machine.seed = self.seed
        self._machine.kernel_args = [f"systemd.mask={unit}" for unit in self.IDLE]
        for nic in self.virtio:
            self.add_file(f"/etc/systemd/network/00-{nic.name}.link",
                          f"[Match]\nMACAddress={nic.mac}\n[Link]\nName={nic.name}\n")
        for unit in self.MANAGERS:
            self.enable(unit, unit in managers)
        for path, text in (files or {}).items():
            self.add_file(path, text)

    def add_file(self, path: str, text: str) -> None:
        """For the root, before the start."""
        place = self.seed / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(0o644)

    def enable(self, unit: str, start: bool = True) -> None:
        """Whether a service starts at boot, whatever its package says."""
        wants = self.seed / "etc/systemd/system/multi-user.target.wants"
        if not start:
            self.add_file(f"/etc/systemd/system/{unit}.service.d/lab.conf",
                          f"[Unit]\nConditionPathExists=/run/lab/{unit}\n")
            return
        wants.mkdir(parents=True, exist_ok=True)
        (wants / f"{unit}.service").symlink_to(f"/lib/systemd/system/{unit}.service")

    def _start(self) -> None:
        self.outside.build([nic.tap for nic in self._machine.nics])
        version = Kernel(self._machine.kernel).version
        with self._step(f"booting Debian on Linux {version} under emulation"):
            self.vm = Vm(self._machine, self.outside.phys, self.console)
            self.vm.agent.answer(0, timeout=BOOT_SECONDS)
            self.host = self.guest = Namespace(self.vm.agent, "host", None)
        with self._step("waiting for systemd"):
            try:
                wait_until(self._is_up, BOOT_SECONDS, "systemd to be up")
            except LabError as error:
                raise LabError(f"{error}\n{self._what_holds_it_up()}") from None

    def _is_up(self) -> bool:
        state = self.systemctl("is-system-running", check=False).out.strip()
        links = self.host.run(["ls", "/sys/class/net"]).out.split()
        return (state in ("running", "degraded")
                and all(nic.name in links for nic in self.virtio))

    def _what_holds_it_up(self) -> str:
        return self.host.sh("ip -br link; systemctl --no-pager list-jobs; systemctl --no-pager "
                            "--failed; journalctl --no-pager -o cat -n 40", check=False).out

    # --- what tests use ---

    def start(self, unit: str) -> None:
        """A manager that was not to start at boot."""
        self.host.sh(f"mkdir -p /run/lab; touch /run/lab/{unit}")
        self.systemctl("start", unit)

    def systemctl(self, *words: str, check: bool = True, timeout: float = 90) -> Result:
        return self.host.run(["systemctl", *words], check=check, timeout=timeout)

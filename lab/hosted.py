# SPDX-License-Identifier: GPL-2.0-or-later
"""The second lab: this machine's own kernel is the host, the VM is its guest on virtio cards."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

from .command import Namespace
from .lab import Lab
from .vm import Kernel, Vm

BOOT_SECONDS = 180


class Hosted(Lab):
    """A guest of this machine, whose cards are what somebody makes on the host before it starts.

    host   a namespace of this machine with the NICs of NICS: veths to the physical network, where
           their other ends, the `cables`, can be set down. QEMU runs in it
    guest  the VM's own namespace
    peer   as ever

        def cards(hosted):      # the host is there, the VM is not: make switches and taps
            return {"nicA": "52:54:00:…", "nicB": "…"}, ["-netdev", …, "-device", …]

        with Hosted(cards) as hosted: …

    cards    what to call the guest's cards, by MAC, and the words QEMU is to be given for them
    qmp      the path of a control socket that QEMU has for the host
    """

    NICS = {"nic0": "up0", "nic1": "up1"}  # NIC -> its cable, in `phys`

    def __init__(self, cards: Callable[[Hosted], tuple[Mapping[str, str], Sequence[str]]],
                 kernel: str = "6.12", **options: Any) -> None:
        super().__init__(kernel, pfs=0, vfs=0, **options)
        self._cards = cards
        self.directory: Path = self.outside.directory
        self.qmp = self.directory / "qmp"
        self.phys = Namespace(self.outside, "phys", self.outside.phys)

    def _start(self) -> None:
        self.outside.build([])
        self.host = Namespace(self.outside, "host", self.outside.add_host(self.NICS))
        names, words = self._cards(self)
        self._machine.qemu_args = [*words, "-qmp", f"unix:{self.qmp},server=on,wait=off"]
        version = Kernel(self._machine.kernel).version
        with self._step(f"booting Linux {version} under emulation"):
            self.vm = Vm(self._machine, self.host.netns, self.console)
            self.vm.agent.answer(0, timeout=BOOT_SECONDS)
        self.guest = Namespace(self.vm.agent, "guest", None)
        self.guest.sh("\n".join(
            ["modprobe -a virtio_net bonding", "cd /sys/class/net", "ip link set lo up",
             *(f"for d in */address; do read mac <$d; if [ $mac = {mac} ];"
               f" then ip link set ${{d%/*}} name {name}; fi; done"
               for name, mac in names.items())]), timeout=60)

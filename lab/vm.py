# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU: the command line, the process, its two sockets."""
from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from .channel import AgentClient, ChannelClosed, Qmp
from .outside import dying_with_us

HERE = Path(__file__).resolve().parent
CLONE = HERE.parent
CACHE = Path(os.environ.get("IOVTEAM_LAB_CACHE", "/var/cache/iovteam-lab"))


@dataclass
class Nic:
    """A network card of the VM: its tap outside, its QEMU netdev id, its address."""

    model: str  # "igb" or "virtio-net-pci"
    index: int
    name: str  # what it is called inside

    @property
    def tap(self) -> str:
        return f"{'pf' if self.model == 'igb' else 'virtio'}{self.index}"

    @property
    def mac(self) -> str:
        return f"52:54:00:{10 if self.model == 'igb' else 20}:00:{self.index:02x}"


@dataclass
class Machine:
    """What kind of VM to start."""

    kernel: str
    nics: Sequence[Nic]
    memory: int = 2048
    cpus: int = 2
    icount: bool = False  # count instructions instead of time (needs cpus=1)
    kernel_args: Sequence[str] = ()
    qemu_args: Sequence[str] = ()
    seed: Path | None = None  # boot the Debian system with these files added, not the lab's root


class Kernel:
    """A kernel that lab/setup has unpacked into the cache."""

    def __init__(self, series: str) -> None:
        self.directory = CACHE / series
        init = hashlib.sha256((HERE / "init").read_bytes()).hexdigest()[:12]
        self.initramfs = self.directory / f"initramfs-{init}"
        self.image = self.directory / "vmlinuz"
        if not self.initramfs.exists():
            raise FileNotFoundError(f"no kernel {series} in {CACHE}; run lab/setup")
        # The version as users know it, 6.12.95, is part of the package's name or its version.
        self.version = self.directory.resolve().name.split("-")[-2]
        self.modules = (self.directory / "root/lib/modules").resolve()

    def arguments(self) -> list[str]:
        """Its command line, by which it boots into the machine's own root (lab/init)."""
        return ["console=ttyS0", "quiet", "panic=-1", "mitigations=off", "nokaslr", "audit=0",
                "no_timer_check", "tsc=reliable", "random.trust_cpu=on", f"lab.clone={CLONE}",
                f"lab.modules={self.modules}"]


class Vm:
    """One running QEMU. It dies with the thread that started it, however that ends."""

    def __init__(self, machine: Machine, netns: str, console: Path) -> None:
        self.console = console
        agent, agent_end = socket.socketpair()
        qmp, qmp_end = socket.socketpair()
        control, control_end = socket.socketpair()
        ends = (agent_end, qmp_end, control_end)
        command = self._command(machine, *(end.fileno() for end in ends))
        # What QEMU says goes to a file, so that a full pipe can never stop it.
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            dying_with_us(netns, command), stdin=subprocess.DEVNULL, stdout=self._errors,
            stderr=self._errors, pass_fds=[end.fileno() for end in ends],
            start_new_session=True)
        for end in ends:
            end.close()
        self.control = control
        try:
            self.qmp = Qmp(qmp)
        except (ValueError, OSError):
            raise ChannelClosed(f"QEMU did not start: {self.errors()}") from None
        self.agent = AgentClient(agent)

    def errors(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")

    def _command(self, machine: Machine, agent: int, qmp: int, control: int) -> list[str]:
        kernel = Kernel(machine.kernel)
        clock = (["-icount", "shift=0,sleep=off", "-accel", "tcg,thread=single"]
                 if machine.icount else ["-accel", "tcg,thread=multi"])
        append = [*kernel.arguments(), *machine.kernel_args]
        if machine.seed:
            append.append("lab.systemd")
        return [
            "qemu-system-x86_64", "-nodefaults", "-display", "none", "-no-reboot",
            "-machine", "q35", "-cpu", "max", *clock,
            "-smp", str(machine.cpus), "-m", str(machine.memory),
            "-kernel", str(kernel.image), "-initrd", str(kernel.initramfs),
            "-append", " ".join(append),
            "-serial", f"file:{self.console}",
            *self._share("root", "/"), *self._share("clone", str(CLONE)),
            "-chardev", f"socket,id=qmp,fd={qmp}", "-mon", "chardev=qmp,mode=control",
            "-device", "virtio-serial-pci",
            "-chardev", f"socket,id=agent,fd={agent}",
            "-device", "virtserialport,chardev=agent,name=lab.agent",
            "-chardev", f"socket,id=control,fd={control}",
            "-device", "virtserialport,chardev=control,name=lab.control",
            *(self._system(machine.seed) if machine.seed else ()),
            *(word for nic in machine.nics for word in self._nic(nic)),
            *machine.qemu_args]

    @staticmethod
    def _share(tag: str, path: str) -> list[str]:
        return ["-virtfs", f"local,path={path},mount_tag={tag},security_model=none,"
                           "readonly=on,multidevs=remap"]

    def _system(self, seed: Path) -> list[str]:
        """The image is shared by all labs; what the VM writes goes to a file of its own."""
        image = (CACHE / "system").resolve()
        if not image.exists():
            raise FileNotFoundError(f"no Debian system in {CACHE}; run lab/setup")
        return ["-drive", f"file={image},format=raw,if=none,id=system,snapshot=on",
                "-device", "virtio-blk-pci,drive=system", *self._share("seed", str(seed))]

    @staticmethod
    def _nic(nic: Nic) -> list[str]:
        """Each card has its own root port, as VFs of different cards would have in a server."""
        device = f"{nic.model},bus=port-{nic.tap},netdev={nic.tap},mac={nic.mac},romfile="
        chassis = nic.index + (1 if nic.model == "igb" else 17)
        return ["-netdev", f"tap,id={nic.tap},ifname={nic.tap},script=no,downscript=no",
                "-device", f"pcie-root-port,id=port-{nic.tap},chassis={chassis}",
                "-device", device]

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """There is nothing in it worth an orderly shutdown."""
        self._process.kill()
        self._process.wait()

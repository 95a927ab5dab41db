# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab as a whole: builds it, prepares SR-IOV in it, takes it down."""
from __future__ import annotations

import signal
import sys
import threading
import time
from contextlib import contextmanager
from typing import Any, Callable, Iterator

from .channel import ChannelClosed
from .command import Namespace
from .outside import Outside
from .vm import Kernel, Machine, Nic, Vm


class LabError(Exception):
    """The lab itself failed."""


def wait_until(condition: Callable[[], Any], timeout: float, what: str) -> Any:
    """Calls condition until it returns something true, and returns that."""
    end = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > end:
            raise LabError(f"waited {timeout:g} s in vain: {what}")
        time.sleep(0.02)
    return value


def say(text: str) -> None:
    print(f"lab: {text}", file=sys.stderr, flush=True)


class Lab:
    """An SR-IOV hypervisor host in QEMU, a guest in it, a peer outside.

    host   the VM's own namespace: igb PFs ens1f0 and ens1f1 (QEMU's 82576)
    guest  a namespace in the VM with one VF of each: ens4 and ens5
    peer   another host on the same physical network; runs on this machine, outside the VM

        with Lab() as lab:
            lab.guest.run(["ip", "link", "set", "ens4", "up"])
            lab.cable(0, up=False)

    kernel      the series: "6.12" or "6.1"
    vfs         VFs per PF; the first of each is the guest's, others stay with the host
                (ens1f0v1, ...)
    virtio      virtio NICs (virtio0, ...) in the host namespace, on the same network, for
                tests in which the VM as a whole is the guest of this machine
    cpus, memory, icount, kernel_args, qemu_args: see vm.Machine
    progress    called with a line of text for what takes long
    """

    wait_until = staticmethod(wait_until)

    def __init__(self, kernel: str = "6.12", *, pfs: int = 2, vfs: int = 1, virtio: int = 0,
                 progress: Callable[[str], None] = say, **machine: Any) -> None:
        self.pfs = [Nic("igb", i, f"ens1f{i}") for i in range(pfs)]
        self.vfs = [f"ens{4 + i}" for i in range(pfs)]
        self.virtio = [Nic("virtio-net-pci", i, f"virtio{i}") for i in range(virtio)]
        self._vfs_per_pf = vfs
        self._machine = Machine(kernel, [*self.pfs, *self.virtio], **machine)
        self._progress = progress
        self.outside = Outside()
        self.console = self.outside.directory / "console.log"
        self.vm: Vm | None = None
        self._pulled: set[str] = set()
        self.peer = Namespace(self.outside, "peer", self.outside.peer)

    # --- life ---

    def __enter__(self) -> Lab:
        self._restore_sigterm = self._sigterm_is_an_exit()
        try:
            self._start()
        except BaseException as error:
            console = self.console_text()[-3000:]
            self.close()
            if isinstance(error, ChannelClosed):
                raise LabError(f"{error}\nconsole:\n{console}") from error
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        if self.vm:
            self.vm.stop()
        self.outside.remove()
        self._restore_sigterm()

    @staticmethod
    def _sigterm_is_an_exit() -> Callable[[], Any]:
        """By default SIGTERM would end Python without taking the lab down."""
        if (threading.current_thread() is not threading.main_thread()
                or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL):
            return lambda: None
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        return lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL)

    @contextmanager
    def _step(self, what: str) -> Iterator[None]:
        self._progress(f"{what}…")
        start = time.monotonic()
        yield
        self._progress(f"{what}… {time.monotonic() - start:.1f} s")

    def _start(self) -> None:
        self.outside.build([nic.tap for nic in self._machine.nics])
        version = Kernel(self._machine.kernel).version
        with self._step(f"booting Linux {version} under emulation"):
            self.vm = Vm(self._machine, self.outside.phys, self.console)
            self.vm.agent.answer(0, timeout=180)
        self.host = Namespace(self.vm.agent, "host", None)
        with self._step("preparing SR-IOV"):
            self.guest = self.namespace("guest")
            self._prepare_host()

    def console_text(self) -> str:
        return self.console.read_text(errors="replace") if self.console.exists() else ""

    # --- SR-IOV ---

    def _prepare_host(self) -> None:
        """Names the cards, brings the PFs up, makes their VFs, gives the first of each to
        the guest."""
        script = ["modprobe -a igb igbvf virtio_net bonding 8021q", "cd /sys/class/net"]
        for nic in self._machine.nics:
            script.append(f"for d in */address; do read mac <$d; if [ $mac = {nic.mac} ];"
                          f" then ip link set ${{d%/*}} name {nic.name}; fi; done")
        self.host.sh("\n".join(script), timeout=60)
        self._make_vfs()

    def _make_vfs(self) -> None:
        script = ["cd /sys/class/net"]
        for index in range(len(self.pfs)):
            script += self._prepare_pf(index)
        self.host.sh("\n".join(script), timeout=60)
        for nic in self.pfs:  # making VFs resets the card: its link comes a second time
            wait_until(lambda: self.carrier(nic.name), 20, f"carrier of {nic.name}")

    def _prepare_pf(self, index: int) -> list[str]:
        """Shell commands. The VFs get their addresses before a driver is bound, so that it
        finds them; until then the kernel is told not to look for drivers."""
        pf = self.pfs[index].name
        lines = [f"ip link set {pf} up"]
        if not self._vfs_per_pf:
            return lines
        lines += [f"echo 0 > {pf}/device/sriov_drivers_autoprobe",
                  f"echo {self._vfs_per_pf} > {pf}/device/sriov_numvfs",
                  f"echo 1 > {pf}/device/sriov_drivers_autoprobe"]
        for vf in range(self._vfs_per_pf):
            lines += [f"ip link set {pf} vf {vf} mac {self.vf_mac(index, vf)}",
                      f"ip link set {pf} vf {vf} spoofchk on",
                      f"ip link set {pf} vf {vf} trust off",
                      f"vf=$(readlink -f {pf}/device/virtfn{vf})",
                      "echo ${vf##*/} > /sys/bus/pci/drivers/igbvf/bind"]
            target = f"netns guest name {self.vfs[index]}" if vf == 0 else f"name {pf}v{vf}"
            lines.append(f"ip link set $(ls $vf/net) {target}")
        return lines

    @staticmethod
    def vf_mac(pf: int, vf: int = 0) -> str:
        return f"52:54:00:1{pf + 1}:00:{vf:02x}"

    # --- what tests use ---

    def renew_vfs(self) -> None:
        """Takes the VFs away and makes them anew: all that their PFs remember of them is gone."""
        self.host.sh("".join(f"echo 0 > /sys/class/net/{pf.name}/device/sriov_numvfs;"
                             for pf in self.pfs), timeout=60)
        self._make_vfs()

    def namespace(self, name: str) -> Namespace:
        """Makes one more network namespace in the VM; `ip netns delete` takes it away."""
        self.host.sh(f"ip netns add {name}; ip -n {name} link set lo up")
        return Namespace(self.vm.agent, name, name)

    def cable(self, nic: int | Nic, up: bool) -> None:
        """Plugs or pulls the cable of a PF (by index) or of any card of the VM."""
        nic = self.pfs[nic] if isinstance(nic, int) else nic
        self.vm.qmp.command("set_link", name=nic.tap, up=up)
        (self._pulled.discard if up else self._pulled.add)(nic.tap)

    def plug_all(self) -> None:
        """Plugs every pulled cable and waits for the PFs' carriers."""
        pulled = [nic for nic in self._machine.nics if nic.tap in self._pulled]
        for nic in pulled:
            self.cable(nic, up=True)
        for nic in pulled:
            if nic in self.pfs:
                wait_until(lambda: self.carrier(nic.name), 20, f"carrier of {nic.name}")

    def carrier(self, device: str, where: Namespace | None = None) -> bool:
        """Whether a device (of the host, unless told) has a carrier now."""
        link = (where or self.host).run(["ip", "-j", "link", "show", device]).json()[0]
        return "LOWER_UP" in link["flags"]

    def read(self, path: str) -> bytes:
        """A file of the VM."""
        return self.vm.agent.call("get", path=path)["data"].encode("latin-1")

    def write(self, path: str, data: bytes | str, mode: int = 0o644) -> None:
        data = data.encode() if isinstance(data, str) else data
        self.vm.agent.call("put", path=path, data=data.decode("latin-1"), mode=mode)

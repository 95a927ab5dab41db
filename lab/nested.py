# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest of the lab's VM: a QEMU in QEMU, on the taps and the VFs that the VM gives it.

Emulated twice, a kernel boots for ten minutes and more. So the guest boots on this machine, with
its root in memory, and is saved; QEMU in the VM goes on with it, beside devices that it has not
had, and the guest looks for those.
"""
from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Mapping, Sequence

from .channel import AgentClient, ChannelClosed, Qmp
from .command import Namespace
from .lab import Lab, LabError, wait_until
from .outside import PREFIX, dying_with_us, machine
from .vm import HERE, Kernel

PYTHON = Path("/usr/bin/python3")
PROGRAMS = (PYTHON, *map(Path, ("/bin/sh", "/bin/busybox", "/sbin/ip", "/bin/ping",
                                "/sbin/modprobe")))
APPLETS = ("cat", "dmesg", "ls", "mkdir", "mount")  # of busybox
LIBRARY = ("*.py", "collections", "ctypes", "encodings", "importlib", "json", "lib-dynload", "re")
MODULES = ("virtio_pci", "virtio_console", "virtio_net", "igbvf", "bonding", "sch_ingress",
           "cls_bpf", "act_bpf")
MEMORY = 384  # MB
KERNEL_ARGUMENTS = ("console=ttyS0", "quiet", "panic=-1", "mitigations=off", "nokaslr", "audit=0",
                    "nowatchdog", "no_timer_check", "tsc=reliable", "random.trust_cpu=on")
# Of some three million instructions a second the timer's interrupts would leave little: a tick of
# the guest comes after so many of them, not after so many milliseconds, unless it is idle.
CLOCK = "shift=5,sleep=on"
START_SECONDS = 600

INIT = f"""#!/bin/sh
mkdir -p /proc /sys /dev /run /tmp /etc
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /run
mount -t bpf bpf /sys/fs/bpf
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LANG=C.UTF-8 TERM=linux
ip link set lo up
modprobe -a {' '.join(MODULES)}
exec {PYTHON} -IS /agent.py
"""

# Shell without programs: each costs seconds. A VF and its virtio card have one MAC.
NAME_DEVICES = """cd /sys/class/net
for device in *; do
	[ -e $device/device/driver ] || continue
	driver=$(cd -P $device/device/driver && pwd)
	read mac <$device/address
	case "${driver##*/} $mac" in
%s	esac
done
"""


# --- the guest's root ---

def make_root(root: Path, kernel: Kernel, programs: Sequence[Path]) -> None:
    """The agent, programs with their libraries, drivers."""
    library = Path(machine(str(PYTHON), "-c", "import os; print(os.path.dirname(os.__file__))"
                           ).strip())
    files = {path for part in LIBRARY for path in library.glob(part)} | set(PROGRAMS)
    for program in (*PROGRAMS, *programs, *library.glob("lib-dynload/_ctypes.*")):
        files |= libraries(program)
    for path in files | drivers(kernel):
        base = kernel.modules.parents[1] if kernel.modules in path.parents else "/"
        copy(path, root / path.relative_to(base))
    for path in programs:
        copy(path, root / "usr/bin" / path.name)
    copy(HERE / "agent.py", root / "agent.py")
    for name in APPLETS:
        (root / "bin" / name).symlink_to("busybox")
    (root / "init").write_text(INIT)
    (root / "init").chmod(0o755)


def copy(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, to)
    else:
        shutil.copy(path, to)


def libraries(program: Path) -> set[Path]:
    """None, of a program that is linked statically."""
    done = subprocess.run(["ldd", program], capture_output=True, text=True)
    return {Path(word) for word in done.stdout.split() if word.startswith("/")}


def drivers(kernel: Kernel) -> set[Path]:
    release = next(kernel.modules.iterdir())
    shown = machine("modprobe", "-d", str(kernel.modules.parents[1]), "-S", release.name,
                    "--show-depends", "-a", *MODULES)
    return {Path(line.split()[1]) for line in shown.splitlines() if line.startswith("insmod")
            } | set(release.glob("modules.*"))


# --- booting it here ---

def is_saved(qmp: Qmp) -> bool:
    migration = qmp.command("query-migrate")
    if migration["status"] == "failed":
        raise LabError(f"the guest cannot be saved: {migration}")
    return migration["status"] == "completed"


class SavedGuest:
    """A guest that has booted on this machine and was saved, its agent at work and @programs in it.

        with SavedGuest("6.12", [build / "iovteamd"]) as saved: ...
    """

    def __init__(self, kernel: str, programs: Sequence[Path]) -> None:
        self._kernel, self._programs = Kernel(kernel), programs

    def __enter__(self) -> SavedGuest:
        self._directory = tempfile.TemporaryDirectory(prefix=f"{PREFIX}-{os.getpid()}-")
        base = Path(self._directory.name)
        self._initramfs, self.state = base / "initramfs", base / "state"
        try:
            make_root(base / "root", self._kernel, self._programs)
            machine("sh", "-c", f"cd {base}/root && find . | cpio -o -H newc --quiet >../initramfs")
            self._save(base / "console")
        except BaseException:
            self._directory.cleanup()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._directory.cleanup()

    def command(self, console: str, agent: str) -> list[str]:
        """QEMU's, but for the guest's network: what goes on must be what was saved."""
        return ["qemu-system-x86_64", "-nodefaults", "-display", "none", "-no-reboot",
                "-machine", "q35", "-cpu", "max,la57=off", "-accel", "tcg,thread=single",
                "-icount", CLOCK, "-smp", "1", "-m", str(MEMORY),
                "-kernel", str(self._kernel.image), "-initrd", str(self._initramfs),
                "-append", " ".join(KERNEL_ARGUMENTS), "-serial", f"file:{console}",
                "-chardev", f"{agent},id=agent", "-device", "virtio-serial-pci",
                "-device", "virtserialport,chardev=agent,name=lab.agent"]

    def _save(self, console: Path) -> None:
        agent, agent_end = socket.socketpair()
        control, control_end = socket.socketpair()
        ends = (agent_end.fileno(), control_end.fileno())
        command = [*self.command(str(console), f"socket,fd={ends[0]}"),
                   "-chardev", f"socket,id=qmp,fd={ends[1]}", "-mon", "chardev=qmp,mode=control"]
        with subprocess.Popen(dying_with_us(None, command), stdin=subprocess.DEVNULL,
                              pass_fds=ends) as process:
            agent_end.close()
            control_end.close()
            try:
                self._save_running(Qmp(control), AgentClient(agent))
            except (ChannelClosed, ValueError) as error:
                text = console.read_text(errors="replace") if console.exists() else ""
                raise LabError(f"the guest does not boot: {error}\n{text[-3000:]}") from error
            finally:
                process.kill()

    def _save_running(self, qmp: Qmp, agent: AgentClient) -> None:
        agent.answer(0, timeout=START_SECONDS)
        qmp.command("migrate", uri=f"file:{self.state}")
        wait_until(lambda: is_saved(qmp), START_SECONDS, "the guest to be saved")


# --- going on with it in the VM ---

class Nested:
    """A saved guest at work in the VM, with these arguments of QEMU for its network.

        with Nested(lab, saved, ["-device", "vfio-pci,host=0000:01:10.0"]) as nested:
            nested.guest.run(["ip", "link"])
    """

    CONSOLE = "/tmp/nested-console"

    def __init__(self, lab: Lab, saved: SavedGuest, arguments: Sequence[str]) -> None:
        self.lab = lab
        self._process = lab.host.spawn([*saved.command(self.CONSOLE, "stdio,signal=off"),
                                        *arguments, "-incoming", f"file:{saved.state}"])
        ours, self._relay = socket.socketpair()
        self._process.reader = self._relay.sendall
        threading.Thread(target=self._to_guest, daemon=True).start()
        self.guest = Namespace(AgentClient(ours, START_SECONDS), "guest", None)

    def _to_guest(self) -> None:
        while data := self._relay.recv(1 << 16):
            self._process.write(data)

    def __enter__(self) -> Nested:
        try:
            self.guest.run(["cat", "/dev/null"], timeout=START_SECONDS)
        except BaseException as error:
            self.close()
            if isinstance(error, ChannelClosed):
                raise LabError(f"the guest does not go on: {self._process.stderr()}") from error
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        self._process.stop()
        self._relay.shutdown(socket.SHUT_RDWR)

    def find_devices(self, names: Mapping[tuple[str, str], str]) -> None:
        """The guest looks for what it has been given; (driver, MAC) -> name."""
        cases = "".join(f'\t"{driver} {mac}") ip link set $device name {name} ;;\n'
                        for (driver, mac), name in names.items())
        self.guest.sh("echo 1 > /sys/bus/pci/rescan", timeout=START_SECONDS)
        self.guest.sh(NAME_DEVICES % cases, timeout=START_SECONDS)
        found = self.guest.run(["ls", "/sys/class/net"], timeout=START_SECONDS).out.split()
        if not set(names.values()) <= set(found):
            raise LabError(f"the guest has {', '.join(found)}\n" + self.guest.sh(
                "ip -br link; dmesg", timeout=START_SECONDS).out[-3000:])

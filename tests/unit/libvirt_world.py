# SPDX-License-Identifier: GPL-2.0-or-later
"""A libvirtd of a test's own, beside whatever the machine has: in the host's network namespace, with
a mount namespace in which all of libvirt's directories are the test's. Domains are emulated.
"""
import os
import signal
import subprocess
from contextlib import contextmanager

from host_world import run, wait_until

PLACES = {"/etc/libvirt": "etc", "/var/lib/libvirt": "var", "/run/libvirt": "run",
          "/var/log/libvirt": "log"}
CACHE = "/var/cache/libvirt"
# libvirtd looks for this user before it reads who QEMU shall be run as.
USER, GROUPS = "libvirt-qemu", ("libvirt-qemu", "kvm")

DAEMON = """unix_sock_dir = "{sockets}"
auth_unix_rw = "none"
auth_unix_ro = "none"
log_outputs = "3:file:{directory}/libvirtd.log"
"""
QEMU = """security_driver = "none"
user = "root"
group = "root"
stdio_handler = "file"
cgroup_controllers = []
namespaces = []
remember_owner = 0
"""
START = """
mount --make-rprivate /
while [ "$1" != -- ]; do mkdir -p "$1"; mount --bind "$2" "$1"; shift 2; done
shift
mount --bind {directory}/passwd /etc/passwd
mount --bind {directory}/group /etc/group
exec "$@"
"""
# It never runs: it is started paused, or to be asked how it would be.
DOMAIN = """<domain type='qemu'><name>{name}</name><memory unit='MiB'>32</memory>
<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
<devices><controller type='usb' model='none'/><memballoon model='none'/>{devices}</devices>
</domain>"""


class Libvirt:
    """Started anew as often as wanted; domains live on meanwhile, as QEMU does."""

    def __init__(self, directory, netns):
        self.directory, self.netns = directory, netns
        self.sockets = directory / "sockets"
        for place in ["sockets", *PLACES.values()]:
            (directory / place).mkdir()
        # What QEMU can do is found out once for all tests.
        self.places = {place: directory / own for place, own in PLACES.items()}
        self.places[CACHE] = directory.parent.parent / "libvirt-cache"
        self.places[CACHE].mkdir(exist_ok=True)
        (directory / "libvirtd.conf").write_text(
            DAEMON.format(sockets=self.sockets, directory=directory))
        (directory / "etc/qemu.conf").write_text(QEMU)
        self._write_users()
        self.process = None
        self.uri = f"qemu+unix:///system?socket={self.sockets}/libvirt-sock"

    def _write_users(self):
        with open("/etc/passwd", encoding="utf-8") as there:
            users = [line for line in there if not line.startswith(USER + ":")]
        with open("/etc/group", encoding="utf-8") as there:
            groups = [line for line in there if line.split(":")[0] not in GROUPS]
        users.append(f"{USER}:x:64055:64055::/nonexistent:/usr/sbin/nologin\n")
        groups += [f"{name}:x:{64055 + number}:\n" for number, name in enumerate(GROUPS)]
        (self.directory / "passwd").write_text("".join(users))
        (self.directory / "group").write_text("".join(groups))

    def start(self):
        places = [str(word) for pair in self.places.items() for word in pair]
        with open(self.directory / "out", "ab") as out:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", "nsenter",
                 f"--net=/run/netns/{self.netns}", "--", "unshare", "--mount", "bash", "-ec",
                 START.format(directory=self.directory), "libvirtd", *places, "--",
                 "/usr/sbin/libvirtd", "--config", str(self.directory / "libvirtd.conf"),
                 "--pid-file", str(self.directory / "pid")],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        wait_until(lambda: self.process.poll() is not None
                   or self.virsh("list", check=False).returncode == 0, "libvirtd to answer", 60)
        assert self.process.poll() is None, (self.directory / "libvirtd.log").read_text()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait(60)
        self.process = None

    @contextmanager
    def hung(self):
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def virsh(self, *words, check=True):
        done = run("virsh", "--quiet", "--connect", self.uri, *words)
        assert not check or done.returncode == 0, (words, done.stderr)
        return done

    def define(self, name, devices="", xml=None):
        path = self.directory / f"{name}.xml"
        path.write_text(xml or DOMAIN.format(name=name, devices=devices))
        self.virsh("define", str(path))

    def xml(self, name, live=False):
        return self.virsh("dumpxml", name, *([] if live else ["--inactive"])).stdout

    def link(self, name, mac):
        """As libvirt has told QEMU; None if there is no such interface."""
        done = self.virsh("domif-getlink", name, mac, check=False)
        return done.stdout.split()[-1] if done.returncode == 0 else None

    def end_domains(self):
        for name in self.virsh("list", "--name").stdout.split():
            self.virsh("destroy", name)


@contextmanager
def libvirt_of(world):
    """A running libvirtd, of which nothing is left at the end; LIBVIRT_DEFAULT_URI leads to it."""
    directory = world.directory / "libvirt"
    directory.mkdir()
    libvirt = Libvirt(directory, world.name)
    os.environ["LIBVIRT_DEFAULT_URI"] = libvirt.uri
    try:
        libvirt.start()
        yield libvirt
    finally:
        del os.environ["LIBVIRT_DEFAULT_URI"]
        if not libvirt.process or libvirt.process.poll() is not None:
            libvirt.start()
        libvirt.end_domains()
        libvirt.stop()

# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the sweep happens: two namespaces of the VM, the daemon with the library in it, and the
command.

    swguest: m0 m1 m2 x0 (team0)  o0 o1 (other)   ---   swpeer: bridges st, so

What makes it a host: host.py.
"""
from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import kernel
import state
from fault import Fault
from host import VM, Host, shown
from traffic import Traffic

GUEST, PEER = "swguest", "swpeer"
TEAM, OTHER = "team0", "other"
MEMBERS, OTHERS = ("m0", "m1", "m2"), ("o0", "o1")
# A macvlan: its driver refuses the MAC that the device below has.
REFUSING, LOWER = "x0", "x"
HARMLESS = "02:00:00:00:00:01"
OTHER_GUEST, OTHER_PEER = "198.51.100.2", "198.51.100.1"
SLOW_S = 30
# The daemon tries again after 1, 2, 4 s; whatever one failure leaves is mended by then.
SETTLE_S = 12
_PLACE = Path("/tmp/iovteam-sweep")
_CONF = "[Team]\nName={}\n{}\n{}"


def configuration(team: str, members: tuple[str, ...], *settings: str) -> str:
    return _CONF.format(team, "\n".join(settings),
                        "".join(f"\n[Member]\nDevice={member}\n" for member in members))


class Broken(Exception):
    """The sweep itself cannot go on."""


class Bench:
    def __init__(self, build: Path, library: Path, teams: bool = True) -> None:
        """Without @teams: for kernels that have no bonding. Then nobody else's traffic is watched,
        and nothing of the machine's that is not ours."""
        self._teams = teams
        self.config, self.pins = _PLACE / "config", Path("/sys/fs/bpf/iovteam-sweep")
        self.socket = _PLACE / "socket"
        self._log = _PLACE / "log"
        self._sysfs = _PLACE / "sys"
        self.process: subprocess.Popen | None = None
        self.traffic: Traffic | None = None
        self.pulled: set[str] = set()
        shutil.rmtree(_PLACE, ignore_errors=True)
        self._arguments = (build, library, teams)
        self.config.mkdir(parents=True)
        self._programs = _PLACE / "programs"
        self._programs.mkdir()
        # Ours: a build meanwhile changes nothing, and where the VM keeps its files it starts sooner.
        for program in (build / "iovteamd", build / "iovteam", library):
            shutil.copy(program, self._programs)
        self.fault = Fault(_PLACE / "fault", self._programs / library.name)
        kernel.fixed_addresses()
        self._make_network()
        kernel.enter(GUEST)
        kernel.mount_sysfs(self._sysfs)
        kernel.hide_types()
        self.host = Host(self, GUEST, PEER, _PLACE)
        if teams:
            self.write(OTHER, configuration(OTHER, OTHERS))
        self.start()
        if teams:
            self.wait(lambda: self.shows(OTHER, "up"), "the other team")
            self._make_other()
            self.traffic = Traffic(GUEST, (GUEST, OTHER_GUEST), (PEER, OTHER_PEER))

    def anew(self) -> Bench:
        """Another one in its place: nothing is known to be as it should."""
        self.destroy()
        return Bench(*self._arguments)

    # --- what there is ---

    @staticmethod
    def run(*words: str, stdin: str | None = None) -> str:
        done = subprocess.run(words, capture_output=True, text=True, input=stdin, check=False)
        if done.returncode:
            raise Broken(f"{' '.join(words)}: {done.stderr or done.stdout}")
        return done.stdout

    def _make_network(self) -> None:
        lines = ["link set lo up"]
        for bridge in ("st", "so"):
            lines += [f"link add {bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
                      f"link set {bridge} up"]
        for members, bridge in (((*MEMBERS, LOWER), "st"), (OTHERS, "so")):
            for member in members:
                lines += [f"link add p{member} type veth peer name {member} netns {GUEST}",
                          f"link set p{member} master {bridge} up"]
        for name in (GUEST, PEER):
            # One that was killed has left it.
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
            self.run("ip", "netns", "add", name)
            # No router solicitations or reports of groups: nothing happens but what we do.
            self.run("ip", "netns", "exec", name, "sh", "-c",
                     "for what in all default; do"
                     " echo 1 >/proc/sys/net/ipv6/conf/$what/disable_ipv6; done")
        self.run("ip", "-n", PEER, "-batch", "-", stdin="\n".join(lines) + "\n")
        # As somebody has left them: up, with an MTU and a MAC of their own.
        self.run("ip", "-n", GUEST, "-batch", "-", stdin="".join(
            f"link set {member} up\n" for member in (*MEMBERS[1:], *OTHERS))
            + "link set m1 mtu 1400\n")
        self.run("ip", "-n", GUEST, "-batch", "-", stdin=(
            f"link set {LOWER} up\n"
            f"link add link {LOWER} name {REFUSING} type macvlan mode private\n"))

    def _make_other(self) -> None:
        """Neighbours are known for ever, so that a lost datagram is a lost datagram."""
        for where, device, address, other, at in (
                (GUEST, OTHER, OTHER_GUEST, OTHER_PEER, (PEER, "so")),
                (PEER, "so", OTHER_PEER, OTHER_GUEST, (GUEST, OTHER))):
            mac = self.mac(*at)
            self.run("ip", "-n", where, "address", "add", f"{address}/24", "dev", device)
            self.run("ip", "-n", where, "neighbour", "replace", other, "dev", device,
                     "lladdr", mac, "nud", "permanent")

    def write(self, name: str, text: str | None) -> None:
        """The file of a team, a switch or a VM by hand; None: none."""
        path = self.config / f"{name}.conf"
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(text)

    def carrier(self, member: str, up: bool) -> None:
        (self.pulled.discard if up else self.pulled.add)(member)
        self.run("ip", "-n", PEER, "link", "set", f"p{member}", "up" if up else "down")

    def mac(self, where: str, device: str) -> str:
        return self.run("ip", "-n", where, "-br", "link", "show", device).split()[2]

    def refuse(self, mac: str) -> None:
        """What the driver of REFUSING refuses from now on."""
        self.run("ip", "-n", GUEST, "link", "set", LOWER, "address", mac)

    def give_addresses(self, device: str) -> None:
        """An address and a route through it, which only this device has afterwards."""
        self.take_addresses()
        self.run("ip", "-n", GUEST, "-batch", "-", stdin=(
            f"address add 203.0.113.2/24 dev {device}\n"
            f"route add 192.0.2.0/24 via 203.0.113.1 dev {device} metric 7\n"))

    def take_addresses(self) -> None:
        """As far as devices are there; their routes go with them. The other team keeps its own."""
        if all(OTHER_GUEST in address for _, address in kernel.addresses()):
            return
        subprocess.run(["ip", "-n", GUEST, "-force", "-batch", "-"], text=True, check=False,
                       capture_output=True, input="".join(
                           f"address flush dev {device}\n" for device in (*MEMBERS, TEAM)))

    # --- the daemon ---

    def begin(self, *options: str) -> None:
        """Starts it; whether it will serve is not known yet."""
        words = [str(self._programs / "iovteamd"), *(options or (
            "--config", str(self.config), "--socket", str(self.socket), "--bpffs",
            str(self.pins)))]
        with open(self._log, "wb") as log:
            # With JOURNAL_STREAM a line begins with its level.
            self.process = subprocess.Popen(
                words, stderr=log, stdout=log, stdin=subprocess.DEVNULL,
                env={**os.environ, **self.fault.environment, "JOURNAL_STREAM": "1:1"})

    def log(self) -> list[str]:
        return self._log.read_text(errors="replace").splitlines()

    def ready(self) -> bool:
        return any("ready: " in line for line in self.log())

    def start(self) -> None:
        self.begin()
        self.wait(lambda: self.ready() or not self.alive, "the daemon")
        if not self.alive:
            raise Broken(f"the daemon has ended: {self.log()}")

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(SLOW_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    # --- the command ---

    def command(self, *words: str) -> tuple[int, str]:
        """iovteam WORDS, while the other team works; its exit code, and what it complains of."""
        with subprocess.Popen([str(self._programs / "iovteam"), *words, "--socket", str(self.socket)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True) as process:
            while process.poll() is None:
                self.pause()
            return process.returncode, process.stderr.read().strip()

    def ask(self, method: str, **parameters: object) -> str:
        """Of the daemon itself, which takes a third of what the command takes; an error's name."""
        return state.call(self.socket, method, **parameters).get("error", "")

    def reload(self) -> None:
        error = self.ask("Reload")
        if error:
            raise Broken(f"reload: {error}")

    def must(self, *words: str) -> None:
        code, sentence = self.command(*words)
        if code:
            raise Broken(f"iovteam {' '.join(words)}: {sentence}")

    # --- states ---

    def pause(self) -> None:
        if self.traffic:
            self.traffic.step()
        else:
            time.sleep(0.01)

    def wait(self, condition, what: str, seconds: float = SLOW_S) -> None:
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise Broken(f"{what}: not within {seconds} s")
            self.pause()

    @property
    def waits(self) -> bool:
        """Does a change wait to be confirmed?"""
        return bool(state.shown(self.socket)["show pending"])

    def shows(self, team: str, wanted: str) -> bool:
        return state.shown(self.socket).get(f"show {team} state") == wanted

    def as_wanted(self) -> bool:
        """Has the daemon nothing left to do?"""
        return not state.ask(self.socket, "Plan")["actions"]

    def state(self) -> state.State:
        found = {**state.devices(self._sysfs), **self.host.state(),
                 **state.files(self.config, "file", True), **state.files(self.pins, "pin", False),
                 **state.files(Path(f"{self.pins}-guard"), "pin", False)}
        if self._teams:
            found.update(kernel.bpf_counts())
        if self.alive:
            found.update(state.descriptors(self.process.pid))
            found.update(state.shown(self.socket))
            found.update(shown(self.socket))
        return found

    def settle(self, *wanted: state.State, blur=None) -> list[str]:
        """Waits for one of these states, as @blur sees them; what is amiss with the first if none
        comes."""
        end = time.monotonic() + SETTLE_S
        while True:
            found = blur(self.state()) if blur else self.state()
            if any(found == state_ for state_ in wanted):
                return []
            if time.monotonic() > end or (self.process and not self.alive):
                return state.difference(found, wanted[0])
            self.pause()

    def steady(self) -> state.State:
        """The state, once it does not change any more."""
        found = self.state()
        end = time.monotonic() + SLOW_S
        while time.monotonic() < end:
            for _ in range(20):
                self.pause()
            before, found = found, self.state()
            if found == before:
                return found
        raise Broken(f"no state that stays: {state.difference(found, before)}")

    # --- the end ---

    def destroy(self) -> None:
        """Without the daemon's help, whatever has become of it."""
        if self.process:
            self.process.kill()
            self.process.wait()
        # The namespaces' names; they themselves go with our sockets.
        for command in (*(f"ip netns delete {name}" for name in (GUEST, PEER, VM)),
                        f"umount {self._sysfs}", f"rm -rf {self.pins} {self.pins}-guard"):
            subprocess.run(command.split(), check=False, capture_output=True)
        shutil.rmtree(_PLACE, ignore_errors=True)

    def close(self) -> None:
        self.fault.disarm()
        self.traffic = None
        try:
            if not self.alive:
                self.start()
            self.command("cancel")  # what a scene has begun; mostly nothing
            for name in (TEAM, OTHER, *self.host.files):
                self.write(name, None)
            self.command("reload")
        finally:
            self.stop()
            for name in (GUEST, PEER, VM):
                subprocess.run(["ip", "netns", "delete", name], check=False)
            subprocess.run(["umount", str(self._sysfs)], check=False)
            shutil.rmtree(_PLACE, ignore_errors=True)

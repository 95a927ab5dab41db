# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenes of the host's side: switches, adapters, uplinks that are lost. Guests are a namespace and
one that only looks like QEMU."""
from __future__ import annotations

from bench import Bench
from host import NICS, QEMU_MAC, adapter, guest, qemu, switch
from scenes import Outcome, Scene, Start

SW0, SW1 = {"sw0": switch("sw0")}, {"sw1": switch("sw1")}
NIC_A, NIC_B = adapter("nicA", "sw0"), adapter("nicB", "sw1")
TEAMING = "AllowTeaming=on"
ONE = {**SW0, "web1.vm": guest(NIC_A)}
TWO = {**SW0, **SW1, "web1.vm": guest(NIC_A, NIC_B)}
TEAMED = {**SW0, **SW1, "web1.vm": guest(adapter("nicA", "sw0", TEAMING),
                                         adapter("nicB", "sw1", TEAMING))}


class HostScene(Scene):
    """Base: switches and adapters are as @files say; no team but the one that nobody touches."""

    text = None
    files: dict[str, str] = ONE
    # Of adapters whose guest has set them up.
    up: tuple[str, ...] = ()

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.files = self.files_of(bench)

    def files_of(self, bench: Bench) -> dict[str, str]:
        return self.files

    def back(self) -> None:
        self._lay(self.files)
        Scene.back(self)
        self.bench.wait(self.bench.as_wanted, "switches and adapters as wanted")
        self.bench.host.guest_up(*self.up)

    def _lay(self, files: dict[str, str]) -> None:
        for name in self.bench.host.files:
            self.bench.write(name, files.get(name))

    def leave(self) -> None:
        self._lay({})


class HostCommand(HostScene):
    words: tuple[str, ...] = ()

    def act(self) -> Outcome:
        return self.bench.command(*self.words)


class SwitchAdd(HostCommand):
    name = "switch add"
    words = ("switch", "add", "sw1", "--nic", NICS[1], "--iov", "off")


class SwitchRemove(HostCommand):
    name, files = "switch remove", {**ONE, **SW1}
    words = ("switch", "remove", "sw1")


class AdapterAdd(HostCommand):
    name, files = "adapter add", {**ONE, **SW1}

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.words = ("adapter", "add", "web1", "nicB", "--switch", "sw1",
                      f"vlan={bench.host.vlan(7)}")


class AdapterSet(HostCommand):
    name = "adapter set"

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.words = ("adapter", "set", "web1", "nicA", f"vlan={bench.host.vlan(9)}",
                      "mac-spoofing=on")


class AdapterRemove(HostCommand):
    name, files = "adapter remove", TWO
    words = ("adapter", "remove", "web1", "nicB")


class TeamingOn(HostCommand):
    name, files = "teaming on", TWO
    words = ("adapter", "set", "web1", "allow-teaming=on")


class TeamingOff(HostCommand):
    name, files = "teaming off", TEAMED
    words = ("adapter", "set", "web1", "allow-teaming=off")


class TapAdd(HostCommand):
    """A guest of QEMU, whose control socket is connected to."""

    name = "tap add"

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.words = ("adapter", "add", "web2", "nicA", "--switch", "sw0", "--qmp",
                      str(bench.host.qmp), f"mac={QEMU_MAC}", "allow-teaming=on")


class UplinkLost(HostScene):
    """Guests that team are told: the namespace by its carrier, QEMU by its control socket."""

    name, up = "uplink lost", ("nicA", "nicB")

    def files_of(self, bench: Bench) -> dict[str, str]:
        card = adapter("nicA", "sw0", TEAMING, f"Mac={QEMU_MAC}")
        return {**TEAMED, "web2.vm": qemu(bench.host.qmp, card)}

    def back(self) -> None:
        super().back()
        self.bench.wait(lambda: self.bench.host.qemu.link, "QEMU, to be told that all is well")

    def act(self) -> Outcome:
        self.bench.carrier(NICS[0], up=False)
        return None


class UplinkBack(UplinkLost):
    name = "uplink back"

    def back(self) -> None:
        super().back()
        self.bench.carrier(NICS[0], up=False)
        self.bench.wait(lambda: not self.bench.host.qemu.link, "QEMU, to be told of the loss")

    def act(self) -> Outcome:
        self.bench.carrier(NICS[0], up=True)
        return None


class HostReload(HostCommand):
    """Changed files: one adapter goes, one changes, four come, and a switch. The files are the
    operator's, so they stay whatever becomes of them."""

    name, words = "reload, host", ("reload",)
    files = {**SW0, "web1.vm": guest(NIC_A, adapter("nicF", "sw0"))}

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self._new = {**SW0, **SW1, "web1.vm": guest(
            adapter("nicA", "sw0", TEAMING),
            adapter("nicB", "sw1", TEAMING, f"Vlan={bench.host.vlan(5)}"),
            *(adapter(f"nic{letter}", "sw1") for letter in "CDE"))}

    def back(self) -> None:
        super().back()
        self._lay(self._new)


class HostClear(HostCommand):
    """No file is there any more."""

    name, files, words = "reload, none", TEAMED, ("reload",)

    def back(self) -> None:
        super().back()
        self._lay({})


class HostStart(HostScene, Start):
    """The daemon starts, and makes what is configured."""

    name, files = "start, switches", TEAMED
    made = False

    def back(self) -> None:
        if self.made:
            HostScene.back(self)
        else:
            self.leave()
            Scene.back(self)
        self.bench.stop()
        self._lay(self.files)

    def act(self) -> Outcome:
        return Start.act(self)


class HostStartKeeps(HostStart):
    """It takes over what an earlier run has left."""

    name, made = "start, keep", True


HOST_SCENES = (HostStart, HostStartKeeps, SwitchAdd, SwitchRemove, AdapterAdd, AdapterSet,
               AdapterRemove, TeamingOn, TeamingOff, TapAdd, UplinkLost, UplinkBack, HostReload,
               HostClear)
